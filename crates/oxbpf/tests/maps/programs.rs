//! Maps that a program has to fill: stack traces, struct_ops.

use std::os::fd::AsFd;

use oxbpf::typed::{StackTrace, StructOpsState};
use oxbpf::{Errno, Kernel, Map, MapCreate, MapType, StackTraceMap, StructOps};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

use super::{kinds, make, refused, run, shape};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("programs::stack_traces", &[Need::Bpf, Need::Kernel(5, 10)], stack_traces);
    suite.test("programs::struct_ops", &[Need::Bpf, Need::KernelBtf, Need::Kernel(5, 6)], struct_ops);
}

fn stack_traces() -> TestResult {
    let object = kinds(&["stacks"], &["trace"])?;
    let map = object.map("stacks")?;
    let stacks = StackTraceMap::new(map)?;
    assert_eq!(stacks.iter().count(), 0);
    run(object.program("trace")?)?;
    let id = object.global("stack_id")?.get::<i32>()?;
    let id = u32::try_from(id).map_err(|_| format!("bpf_get_stackid: {id}"))?;
    let Some(StackTrace::Addresses(frames)) = stacks.get(id)? else { return Err("no addresses".into()) };
    assert!(!frames.is_empty() && frames.len() <= 32 && frames.iter().all(|ip| *ip != 0), "{frames:?}");
    let all = stacks.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(all, [(id, StackTrace::Addresses(frames))]);
    refused(
        map.update(&id.to_ne_bytes(), &vec![0; map.value_len()], Default::default()),
        Errno::EINVAL,
        "map stacks: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not take",
    );
    assert!(stacks.remove(id)? && !stacks.remove(id)?);
    assert_eq!((stacks.get(id)?, stacks.get(1 << 20)?), (None, None));
    Ok(())
}

/// A table that nobody registers, as loading its programs takes trampolines.
fn struct_ops() -> TestResult {
    let kernel = Kernel::host();
    let btf = kernel.btf()?;
    let Some(value) = btf.find("bpf_struct_ops_tcp_congestion_ops", oxbpf::btf::Kind::Struct) else {
        return Err(Skip::because("needs struct_ops for TCP congestion control").into());
    };
    let size = u32::try_from(btf.size_of(value)?)?;
    // The kernel wants to see types of the object that it comes from, though it uses none.
    let (types, ..) = super::int_and_long()?;
    let create = MapCreate {
        btf_vmlinux_value_type_id: value.0,
        btf_fd: Some(types.as_fd()),
        ..shape(MapType::STRUCT_OPS, 4, size, 1)
    };
    let map = match Map::create(&kernel, &create) {
        Err(error) if matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)) => {
            return Err(Skip::because(format!("needs struct_ops: {error}")).into());
        }
        map => map?,
    };
    let table = StructOps::new(&map)?;
    assert_eq!(table.state()?, StructOpsState::Init);
    assert_eq!(table.value()?, vec![0; map.value_len()]);
    // All functions missing, no name.
    let error = table.register(&vec![0; map.value_len()]).expect_err("not even a name");
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
    assert_eq!(table.state()?, StructOpsState::Init);
    let wrong = MapCreate { value_size: size + 8, ..create };
    let error = Map::create(&kernel, &wrong).expect_err("another size");
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
    let error = StructOps::new(&make(MapType::HASH, 4, 4, 1)?).expect_err("a hash").to_string();
    assert_eq!(error, "map m is not a struct_ops map: its type is hash");
    Ok(())
}
