//! Making maps without an object.

use std::os::fd::AsFd;

use oxbpf::{Errno, Kernel, Map, MapCreate, MapFlags, MapType};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{make, refused, shape};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("create::what_was_asked_for_is_what_the_kernel_has", &[Need::Bpf], as_asked);
    suite.test("create::what_the_machine_asks_for_is_filled_in", &[Need::Bpf, Need::Kernel(5, 8)], filled_in);
    suite.test("create::refusals", &[Need::Bpf, Need::Kernel(5, 8)], refusals);
    suite.test("create::hints_name_the_kernel_that_has_it", &[Need::Bpf, Need::Kernel(5, 8)], hints);
    suite.test("create::types_of_a_btf", &[Need::Bpf, Need::Kernel(5, 8)], typed);
}

fn as_asked() -> TestResult {
    let kernel = Kernel::host();
    let create = MapCreate {
        flags: MapFlags::NO_PREALLOC | MapFlags::RDONLY_PROG,
        numa_node: Some(0),
        name: "a_longer_name_than_15",
        ..shape(MapType::HASH, 4, 12, 100)
    };
    let map = Map::create(&kernel, &create)?;
    let info = map.info()?;
    assert_eq!((info.map_type, info.key_size, info.value_size), (MapType::HASH, 4, 12));
    assert_eq!((info.max_entries, info.name.as_str()), (100, "a_longer_name_t"));
    assert_eq!(info.flags, MapFlags::NO_PREALLOC | MapFlags::RDONLY_PROG | MapFlags::NUMA_NODE);
    assert_eq!((map.flags(), map.name()), (info.flags, "a_longer_name_than_15"));
    let again = Map::from_id(&kernel, info.id)?;
    assert_eq!((again.info()?, again.flags(), again.name()), (info.clone(), info.flags, info.name.as_str()));
    Ok(())
}

fn filled_in() -> TestResult {
    let kernel = Kernel::host();
    let ring = make(MapType::RINGBUF, 0, 0, 5000)?;
    assert_eq!((ring.max_entries(), ring.info()?.max_entries), (8192, 8192));
    let events = make(MapType::PERF_EVENT_ARRAY, 4, 4, 0)?;
    assert_eq!(events.max_entries(), kernel.possible_cpus()?);
    let inner = make(MapType::ARRAY, 4, 8, 2)?;
    let outer = MapCreate { inner_map_fd: Some(inner.as_fd()), ..shape(MapType::ARRAY_OF_MAPS, 4, 4, 3) };
    assert_eq!(Map::create(&kernel, &outer)?.info()?.max_entries, 3);
    Ok(())
}

fn refusals() -> TestResult {
    let failed = |what: &str| {
        format!(
            "map m ({what}): BPF_MAP_CREATE failed: EINVAL (Invalid argument): this kernel makes no map of this kind, these sizes and these flags"
        )
    };
    refused(make(MapType::HASH, 0, 4, 1), Errno::EINVAL, &failed("hash"));
    refused(make(MapType::ARRAY, 8, 4, 1), Errno::EINVAL, &failed("array"));
    refused(make(MapType::HASH, 4, 4, 0), Errno::EINVAL, &failed("hash"));
    refused(
        make(MapType::ARRAY, 4, 1 << 31, 1),
        Errno::E2BIG,
        "map m (array): BPF_MAP_CREATE failed: E2BIG (Argument list too long): larger than maps of this kind can be, or with a field that this kernel does not know",
    );
    Ok(())
}

fn hints() -> TestResult {
    let kernel = Kernel::host();
    let running = kernel.kernel_version()?;
    match Map::create(&kernel, &MapCreate { flags: MapFlags::NO_PREALLOC, ..shape(MapType::RHASH, 4, 8, 10) })
    {
        Ok(map) => assert_eq!(map.info()?.map_type, MapType::RHASH),
        Err(error) => {
            let text = error.to_string();
            assert_eq!(error.errno(), Some(Errno::EINVAL), "{text}");
            let advice = format!("; needs kernel >= 7.2 (maps of type rhash), this is {running}");
            assert!(text.ends_with(&advice), "{text}");
        }
    }
    Ok(())
}

/// The key and the value have types of the kernel's own BTF's kind: loaded by this process.
fn typed() -> TestResult {
    let kernel = Kernel::host();
    let (fd, int, long) = super::int_and_long()?;
    let create = MapCreate {
        btf_fd: Some(fd.as_fd()),
        btf_key_type_id: int.0,
        btf_value_type_id: long.0,
        ..shape(MapType::HASH, 4, 8, 1)
    };
    let map = Map::create(&kernel, &create)?;
    let info = map.info()?;
    assert_eq!((info.btf_key_type_id, info.btf_value_type_id), (int.0, long.0));
    assert_eq!((map.key_type(), map.value_type()), (int, long));
    assert_ne!(info.btf_id, 0);
    let wrong = MapCreate { btf_value_type_id: int.0, ..create };
    refused(
        Map::create(&kernel, &wrong),
        Errno::EINVAL,
        "map m (hash): BPF_MAP_CREATE failed: EINVAL (Invalid argument): this kernel makes no map of this kind, these sizes and these flags",
    );
    Ok(())
}
