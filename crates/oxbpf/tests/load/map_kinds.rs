//! Maps of every kind that objects define, as the kernel has them.

use std::collections::BTreeSet;

use oxbpf::{MapFlags, MapType, Object};
use oxbpf_testing::{Need, Suite, TestResult, objects};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("map_kinds::other", &[Need::Bpf, Need::NetAdmin, Need::Kernel(5, 16)], other);
    suite.test("map_kinds::all_are_in_some_object", &[], all);
}

fn other() -> TestResult {
    let object: Object = crate::load("tests/other_maps.bpf.o")?;
    // The kernel sets it by itself.
    let read_only = MapFlags::RDONLY_PROG;
    let none = MapFlags::empty();
    let rows = [
        ("cgroups", MapType::CGROUP_ARRAY, 4, 2, 0, none),
        ("devices", MapType::DEVMAP, 4, 3, 0, read_only),
        ("devices_by_key", MapType::DEVMAP_HASH, 4, 4, 0, read_only),
        ("cpus", MapType::CPUMAP, 4, 2, 0, none),
        ("xsks", MapType::XSKMAP, 4, 5, 0, none),
        ("sockets", MapType::SOCKMAP, 4, 6, 0, none),
        ("sockets_by_key", MapType::SOCKHASH, 4, 7, 0, none),
        ("reuseport", MapType::REUSEPORT_SOCKARRAY, 8, 8, 0, none),
        ("bloom", MapType::BLOOM_FILTER, 4, 100, 3, none),
    ];
    for (name, map_type, value, entries, extra, flags) in rows {
        let info = object.map(name)?.info()?;
        let key = if map_type == MapType::BLOOM_FILTER { 0 } else { 4 };
        let found =
            (info.map_type, info.key_size, info.value_size, info.max_entries, info.map_extra, info.flags);
        assert_eq!(found, (map_type, key, value, entries, extra, flags), "{name}");
    }
    assert_eq!(object.maps().len(), rows.len());
    Ok(())
}

/// No kind is forgotten, but those that compilers make (jump tables) and that no kernel here has.
fn all() -> TestResult {
    let mut seen = BTreeSet::new();
    for path in objects("tests") {
        seen.extend(oxbpf::open(&path)?.maps.iter().map(|map| map.map_type));
    }
    let left: Vec<MapType> = MapType::ALL.iter().copied().filter(|kind| !seen.contains(kind)).collect();
    assert_eq!(left, [MapType::UNSPEC, MapType::INSN_ARRAY, MapType::RHASH]);
    Ok(())
}
