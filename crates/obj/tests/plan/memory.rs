//! How much memory maps take.

use oxbpf_obj::{MapFlags, MapType, Memory, ObjectSpec};

use crate::common::spec;

/// The estimate for the first map of an object, changed.
fn of(change: impl FnOnce(&mut oxbpf_obj::MapSpec)) -> Option<Memory> {
    let mut spec: ObjectSpec = spec("tests/maps.bpf.o");
    let map = &mut spec.maps[0];
    (map.map_type, map.key_size, map.value_size, map.max_entries) = (MapType::HASH, 4, 8, 1000);
    (map.flags, map.inner) = (MapFlags::empty(), None);
    change(map);
    spec.plan(&[]).maps[0].memory
}

fn near(estimate: u64, bytes: u64) -> bool {
    estimate >= bytes && estimate <= bytes + bytes / 4 + 1024
}

#[test]
fn kinds() {
    let hash = of(|_| {}).unwrap();
    // 1000 elements and 1024 buckets.
    assert!(near(hash.full, 1000 * 64 + 1024 * 16) && hash.created == hash.full, "{hash:?}");
    let lazy = of(|map| map.flags = MapFlags::NO_PREALLOC).unwrap();
    assert!(lazy.created < lazy.full && lazy.full == hash.full);
    let array = of(|map| (map.map_type, map.value_size) = (MapType::ARRAY, 5)).unwrap();
    assert!(near(array.full, 8000), "{array:?}");
    let each = of(|map| map.map_type = MapType::PERCPU_ARRAY).unwrap();
    assert_eq!(each.per_cpu, 8000);
    let ring = of(|map| (map.map_type, map.max_entries) = (MapType::RINGBUF, 1 << 20)).unwrap();
    assert!(near(ring.full, 1 << 20));
    assert_eq!(of(|map| map.map_type = MapType::TASK_STORAGE), None);
    assert_eq!(of(|map| map.map_type = MapType(4000)), None);
}

/// Numbers of a file are not trusted.
#[test]
fn huge() {
    for &kind in MapType::ALL {
        let huge = of(|map| {
            (map.map_type, map.key_size, map.value_size) = (kind, u32::MAX, u32::MAX);
            (map.max_entries, map.map_extra) = (u32::MAX, u64::MAX);
        });
        assert!(huge.is_none_or(|memory| memory.full >= memory.created), "{kind}");
    }
}
