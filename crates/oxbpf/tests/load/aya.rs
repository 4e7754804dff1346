//! Objects as aya's eBPF crates build them: C libbpf refuses them.

use oxbpf::sys::uapi::ElemFlags;
use oxbpf::{AttachType, MapFlags, MapType, Object, ProgramType};
use oxbpf_testing::{Need, Suite, TestResult, testdata};

use super::maps::PinRoot;
use super::programs::run;

// A program of perf events uses a hash map that is not preallocated.
const NEEDS: &[Need] = &[Need::Bpf, Need::NetAdmin, Need::Kernel(6, 1)];

pub(crate) fn tests(suite: &mut Suite) {
    for name in ["aya", "aya_btf"] {
        suite.test(format!("aya::loads::{name}"), NEEDS, move || loads(name));
    }
    suite.test("aya::programs_of_every_kind", &[], kinds);
}

fn loads(name: &str) -> TestResult {
    let root = PinRoot::new(name)?;
    let spec = oxbpf::open(testdata(format!("tests/{name}.bpf.o")))?;
    assert_eq!(spec.btf.is_some(), name == "aya_btf");
    let object = Object::load(&spec, &root.options())?;
    let counts = object.map("COUNTS")?;
    let info = counts.info()?;
    assert_eq!((info.map_type, info.key_size, info.value_size), (MapType::HASH, 4, 8));
    assert_eq!((info.max_entries, info.flags), (16, MapFlags::NO_PREALLOC));
    let events = object.map("EVENTS")?.info()?;
    let cpus = object.kernel().possible_cpus()?;
    assert_eq!((events.map_type, events.max_entries), (MapType::PERF_EVENT_ARRAY, cpus));
    assert!(root.path().join("OXBPF_AYA_SHARED").exists(), "pinned by its name");

    assert_eq!((run(&object, "xdp_count")?, run(&object, "xdp_count")?), (2, 2));
    assert_eq!(run(&object, "tc_count")?, 3);
    let at = |key: u32| counts.lookup(&key.to_ne_bytes());
    assert_eq!(at(2)?, Some(2_u64.to_ne_bytes().to_vec()));
    assert_eq!(at(3)?, Some(1_u64.to_ne_bytes().to_vec()));
    let zero = 0_u32.to_ne_bytes();
    assert_eq!(object.map("OXBPF_AYA_SHARED")?.lookup(&zero)?, Some(2_u64.to_ne_bytes().to_vec()));

    // A program of the same object in an array of programs, as aya's users put it there.
    let jumps = object.map("JUMPS")?;
    assert_eq!((jumps.map_type(), jumps.max_entries()), (MapType::PROG_ARRAY, 2));
    let fd = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(object.program("xdp_count")?));
    jumps.update(&1_u32.to_ne_bytes(), &fd.to_ne_bytes(), ElemFlags::empty())?;
    assert_eq!(run(&object, "xdp_count")?, 2);
    // The kernel calls it as often as it lets a chain be long, 33 times.
    let shared = object.map("OXBPF_AYA_SHARED")?.lookup(&zero)?;
    assert_eq!(shared, Some(36_u64.to_ne_bytes().to_vec()));
    Ok(())
}

/// Sections that say what kind of program stands in them, and not where it belongs.
fn kinds() -> TestResult {
    let spec = oxbpf::open(testdata("tests/aya.bpf.o"))?;
    let kinds: Vec<_> = spec
        .programs
        .iter()
        .map(|p| (p.name.as_str(), p.prog_type, p.attach_type, p.attach_to.as_deref().map(str::to_owned)))
        .collect();
    let expected = [
        ("xdp_count", ProgramType::XDP, Some(AttachType::XDP), None),
        ("tc_count", ProgramType::SCHED_CLS, None, None),
        ("kprobe_count", ProgramType::KPROBE, None, None),
        ("uprobe_count", ProgramType::KPROBE, None, None),
        ("tracepoint_count", ProgramType::TRACEPOINT, None, None),
        ("raw_tracepoint_count", ProgramType::RAW_TRACEPOINT, None, None),
        ("egress", ProgramType::CGROUP_SKB, Some(AttachType::CGROUP_INET_EGRESS), None),
        ("cgroup_skb", ProgramType::CGROUP_SKB, None, None),
        ("socket_filter", ProgramType::SOCKET_FILTER, None, None),
        ("sock_ops", ProgramType::SOCK_OPS, Some(AttachType::CGROUP_SOCK_OPS), None),
        ("stream_parser", ProgramType::SK_SKB, Some(AttachType::SK_SKB_STREAM_PARSER), None),
        ("sk_msg_all", ProgramType::SK_MSG, Some(AttachType::SK_MSG_VERDICT), None),
        ("on_sample", ProgramType::PERF_EVENT, None, None),
    ];
    assert_eq!(kinds, expected);
    Ok(())
}
