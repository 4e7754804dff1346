//! Maps and their elements.

use std::os::fd::{AsFd, AsRawFd};

use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{BatchCursor, Errno, MapCreate, MapFlags, MapType, Prot};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{kernel, refused};

const ANY: ElemFlags = ElemFlags::empty();

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf];
    suite.test("maps::elements_come_and_go", bpf, elements_come_and_go);
    suite.test("maps::refusals_have_their_errno", bpf, refusals_have_their_errno);
    suite.test("maps::no_more_than_the_value_is_written", bpf, no_more_than_the_value_is_written);
    suite.test("maps::walking_sees_every_key", bpf, walking_sees_every_key);
    suite.test(
        "maps::queues_give_back_in_order",
        &[Need::Bpf, Need::Kernel(4, 20)],
        queues_give_back_in_order,
    );
    suite.test("maps::frozen", &[Need::Bpf, Need::Kernel(5, 2)], frozen);
    suite.test("maps::arrays_in_memory", &[Need::Bpf, Need::Kernel(5, 5)], arrays_in_memory);
    suite.test("maps::ring_buffers_in_memory", &[Need::Bpf, Need::Kernel(5, 8)], ring_buffers_in_memory);
    suite.test("maps::batches_of_a_hash_table", &[Need::Bpf, Need::Kernel(5, 6)], batches_of_a_hash_table);
    suite.test("maps::batches_of_an_array", &[Need::Bpf, Need::Kernel(5, 6)], batches_of_an_array);
    suite.test("maps::maps_in_maps", bpf, maps_in_maps);
}

fn hash(max_entries: u32) -> MapCreate<'static> {
    MapCreate {
        map_type: MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries,
        name: "a_hash",
        ..Default::default()
    }
}

fn elements_come_and_go() -> TestResult {
    let k = kernel();
    let map = k.map_create(&hash(4))?;
    let (key, mut value) = (7u32.to_ne_bytes(), [0; 8]);
    k.map_update_elem(&map, &key, &1u64.to_ne_bytes(), ElemFlags::NOEXIST)?;
    k.map_update_elem(&map, &key, &2u64.to_ne_bytes(), ElemFlags::EXIST)?;
    k.map_lookup_elem(&map, &key, &mut value, ANY)?;
    assert_eq!(u64::from_ne_bytes(value), 2);
    k.map_delete_elem(&map, &key, ANY)?;
    refused(k.map_lookup_elem(&map, &key, &mut value, ANY), Errno::ENOENT);
    let copy = map.try_clone()?;
    k.map_update_elem(&copy, &key, &3u64.to_ne_bytes(), ANY)?;
    k.map_lookup_elem(&map, &key, &mut value, ANY)?;
    assert_eq!(u64::from_ne_bytes(value), 3);
    Ok(())
}

fn refusals_have_their_errno() -> TestResult {
    let k = kernel();
    let map = k.map_create(&hash(1))?;
    let (one, two, value) = (1u32.to_ne_bytes(), 2u32.to_ne_bytes(), [0; 8]);
    refused(k.map_update_elem(&map, &one, &value, ElemFlags::EXIST), Errno::ENOENT);
    refused(k.map_delete_elem(&map, &one, ANY), Errno::ENOENT);
    k.map_update_elem(&map, &one, &value, ANY)?;
    refused(k.map_update_elem(&map, &one, &value, ElemFlags::NOEXIST), Errno::EEXIST);
    refused(k.map_update_elem(&map, &two, &value, ANY), Errno::E2BIG);
    let array = MapCreate { map_type: MapType::ARRAY, ..hash(1) };
    let array = k.map_create(&array)?;
    refused(k.map_update_elem(&array, &two, &value, ANY), Errno::E2BIG);
    refused(k.map_delete_elem(&array, &[0; 4], ANY), Errno::EINVAL);
    refused(k.map_lookup_elem(&array, &two, &mut [0; 8], ANY), Errno::ENOENT);
    let e = refused(k.map_create(&MapCreate { map_type: MapType(9999), ..hash(1) }), Errno::EINVAL);
    assert_eq!(
        e.to_string(),
        "BPF_MAP_CREATE of map \"a_hash\" failed: EINVAL (Invalid argument): this kernel makes no map of this kind, these sizes and these flags"
    );
    refused(k.map_create(&MapCreate { key_size: 0, ..hash(1) }), Errno::EINVAL);
    // A type of no BTF is a bad descriptor.
    let typed = MapCreate { btf_value_type_id: 1, btf_key_type_id: 1, ..hash(1) };
    assert!(k.map_create(&typed).is_err());
    let not_a_map = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)?;
    refused(k.map_freeze(not_a_map.as_fd()), Errno::EINVAL);
    Ok(())
}

/// The kernel copies as much as the map says: what this crate takes that for must be right for every kind.
fn no_more_than_the_value_is_written() -> TestResult {
    const CANARY: u8 = 0xa5;
    let k = kernel();
    let cpus = k.possible_cpus()? as usize;
    for (map_type, value_size, expected) in [
        (MapType::HASH, 3, 3),
        (MapType::LRU_HASH, 12, 12),
        (MapType::ARRAY, 3, 3),
        (MapType::PERCPU_HASH, 3, 8 * cpus),
        (MapType::PERCPU_ARRAY, 12, 16 * cpus),
        (MapType::LRU_PERCPU_HASH, 8, 8 * cpus),
    ] {
        let map = k.map_create(&MapCreate { map_type, value_size, ..hash(4) })?;
        assert_eq!(map.value_len(), expected, "{map_type}");
        let key = 0u32.to_ne_bytes();
        k.map_update_elem(&map, &key, &vec![1; expected], ANY)?;
        let mut room = vec![CANARY; expected + 64];
        k.map_lookup_elem(&map, &key, &mut room[..expected], ANY)?;
        assert!(room[expected..].iter().all(|b| *b == CANARY), "{map_type}: written beyond the value");
        // A per-CPU array makes up the rest to 8 bytes by itself; all else comes back.
        assert!(room[..value_size as usize].iter().all(|b| *b == 1), "{map_type}");
        assert_ne!(room[expected - 1], CANARY, "{map_type}: less than expected");
    }
    Ok(())
}

fn walking_sees_every_key() -> TestResult {
    let k = kernel();
    let map = k.map_create(&hash(100))?;
    for i in 0..100u32 {
        k.map_update_elem(&map, &i.to_ne_bytes(), &[0; 8], ANY)?;
    }
    let (mut key, mut next, mut seen) = (None, [0; 4], Vec::new());
    while k.map_get_next_key(&map, key.as_ref().map(|k: &[u8; 4]| &k[..]), &mut next)? {
        seen.push(u32::from_ne_bytes(next));
        key = Some(next);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    Ok(())
}

fn queues_give_back_in_order() -> TestResult {
    let k = kernel();
    for (map_type, expected) in [(MapType::QUEUE, [1u64, 2]), (MapType::STACK, [2, 1])] {
        let map = k.map_create(&MapCreate { map_type, key_size: 0, ..hash(2) })?;
        for v in [1u64, 2] {
            k.map_update_elem(&map, &[], &v.to_ne_bytes(), ANY)?;
        }
        refused(k.map_update_elem(&map, &[], &[0; 8], ANY), Errno::E2BIG);
        for v in expected {
            let mut value = [0; 8];
            k.map_lookup_and_delete_elem(&map, &[], &mut value, ANY)?;
            assert_eq!(u64::from_ne_bytes(value), v, "{map_type}");
        }
        refused(k.map_lookup_and_delete_elem(&map, &[], &mut [0; 8], ANY), Errno::ENOENT);
    }
    Ok(())
}

fn frozen() -> TestResult {
    let k = kernel();
    let map = k.map_create(&hash(4))?;
    k.map_update_elem(&map, &[1; 4], &[1; 8], ANY)?;
    k.map_freeze(map.as_fd())?;
    refused(k.map_update_elem(&map, &[1; 4], &[2; 8], ANY), Errno::EPERM);
    refused(k.map_delete_elem(&map, &[1; 4], ANY), Errno::EPERM);
    let again = k.map_freeze(map.as_fd()).expect_err("it is frozen");
    assert!(matches!(again.errno, Errno::EBUSY | Errno::EPERM), "{again}");
    k.map_lookup_elem(&map, &[1; 4], &mut [0; 8], ANY)?;
    Ok(())
}

fn arrays_in_memory() -> TestResult {
    let k = kernel();
    let array = MapCreate { map_type: MapType::ARRAY, flags: MapFlags::MMAPABLE, ..hash(4) };
    let map = k.map_create(&array)?;
    k.map_update_elem(&map, &1u32.to_ne_bytes(), &0x1234u64.to_ne_bytes(), ANY)?;
    let mapping = k.mmap(map.as_fd(), 32, 0, Prot::ReadWrite)?;
    assert_eq!(mapping.load_u64(8), Some(0x1234));
    assert!(mapping.store_u64(16, 0x5678));
    let mut value = [0; 8];
    k.map_lookup_elem(&map, &2u32.to_ne_bytes(), &mut value, ANY)?;
    assert_eq!(u64::from_ne_bytes(value), 0x5678);
    refused(k.map_freeze(map.as_fd()), Errno::EBUSY);
    drop(mapping);
    k.map_freeze(map.as_fd())?;
    refused(k.mmap(map.as_fd(), 32, 0, Prot::ReadWrite), Errno::EPERM);
    let read_only = k.mmap(map.as_fd(), 32, 0, Prot::Read)?;
    assert_eq!(read_only.load_u64(8), Some(0x1234));
    assert!(!read_only.store_u64(8, 0));
    let plain = k.map_create(&MapCreate { flags: MapFlags::empty(), ..array })?;
    assert!(k.mmap(plain.as_fd(), 32, 0, Prot::Read).is_err());
    Ok(())
}

fn ring_buffers_in_memory() -> TestResult {
    let k = kernel();
    let page = rustix::param::page_size();
    let size = 4 * page;
    let map = k.map_create(&MapCreate {
        map_type: MapType::RINGBUF,
        max_entries: size as u32,
        ..Default::default()
    })?;
    let consumer = k.mmap(map.as_fd(), page, 0, Prot::ReadWrite)?;
    let producer = k.mmap(map.as_fd(), page + 2 * size, page as u64, Prot::Read)?;
    assert_eq!((consumer.load_u64(0), producer.load_u64(0)), (Some(0), Some(0)));
    assert!(consumer.store_u64(0, 0));
    refused(k.mmap(map.as_fd(), page, page as u64, Prot::ReadWrite), Errno::EPERM);
    Ok(())
}

fn batches_of_a_hash_table() -> TestResult {
    const N: u32 = 1000;
    let k = kernel();
    let map = k.map_create(&hash(N))?;
    let keys: Vec<u8> = (0..N).flat_map(u32::to_ne_bytes).collect();
    let values: Vec<u8> = (0..u64::from(N)).flat_map(u64::to_ne_bytes).collect();
    assert_eq!(k.map_update_batch(&map, &keys, &values, ANY).map_err(|e| e.1)?, N);
    let (mut some_keys, mut some_values) = (vec![0; 4 * 256], vec![0; 8 * 256]);
    let mut seen = Vec::new();
    let mut cursor = BatchCursor::new();
    loop {
        let (n, more) = k.map_lookup_batch(&map, &mut cursor, &mut some_keys, &mut some_values, ANY)?;
        for (key, value) in some_keys.chunks(4).zip(some_values.chunks(8)).take(n as usize) {
            let key = u32::from_ne_bytes(key.try_into()?);
            assert_eq!(u64::from(key), u64::from_ne_bytes(value.try_into()?));
            seen.push(key);
        }
        if !more {
            break;
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..N).collect::<Vec<_>>());
    // No room for a bucket is told, and nothing is lost.
    let e = k.map_lookup_batch(&map, &mut BatchCursor::new(), &mut [0; 4], &mut [0; 8], ANY);
    assert!(e.is_ok() || e.is_err_and(|e| e.errno == Errno::ENOSPC));
    assert_eq!(k.map_delete_batch(&map, &keys[..40], ANY).map_err(|e| e.1)?, 10);
    // Keys 5 to 9 are gone already.
    let (done, error) = k.map_delete_batch(&map, &keys[20..], ANY).expect_err("the first is gone");
    assert_eq!((done, error.errno), (0, Errno::ENOENT));
    let (done, error) =
        k.map_delete_batch(&map, &[&keys[40..60], &keys[..4]].concat(), ANY).expect_err("the last is");
    assert_eq!((done, error.errno), (5, Errno::ENOENT));
    let mut all = (vec![0; 4 * N as usize], vec![0; 8 * N as usize]);
    let (n, more) =
        k.map_lookup_and_delete_batch(&map, &mut BatchCursor::new(), &mut all.0, &mut all.1, ANY)?;
    assert_eq!((n, more), (N - 15, false));
    assert!(!k.map_get_next_key(&map, None, &mut [0; 4])?, "nothing is left");
    Ok(())
}

fn batches_of_an_array() -> TestResult {
    let k = kernel();
    let map = k.map_create(&MapCreate { map_type: MapType::ARRAY, ..hash(10) })?;
    let keys: Vec<u8> = (0..10u32).flat_map(u32::to_ne_bytes).collect();
    let values: Vec<u8> = (0..10u64).flat_map(u64::to_ne_bytes).collect();
    assert_eq!(k.map_update_batch(&map, &keys, &values, ANY).map_err(|e| e.1)?, 10);
    let (mut k4, mut v4, mut cursor, mut sum) = (vec![0; 16], vec![0; 32], BatchCursor::new(), 0);
    loop {
        let (n, more) = k.map_lookup_batch(&map, &mut cursor, &mut k4, &mut v4, ANY)?;
        for value in v4.chunks(8).take(n as usize) {
            sum += u64::from_ne_bytes(value.try_into()?);
        }
        if !more {
            break;
        }
    }
    assert_eq!(sum, 45);
    let (done, error) = k
        .map_update_batch(&map, &[&keys[..8], &[0xff; 4]].concat(), &values[..24], ANY)
        .expect_err("beyond the end");
    assert_eq!((done, error.errno), (2, Errno::E2BIG));
    Ok(())
}

fn maps_in_maps() -> TestResult {
    let k = kernel();
    let inner = k.map_create(&hash(4))?;
    let outer = k.map_create(&MapCreate {
        map_type: MapType::HASH_OF_MAPS,
        key_size: 4,
        value_size: 4,
        max_entries: 2,
        inner_map_fd: Some(inner.as_fd()),
        ..Default::default()
    })?;
    let key = [1; 4];
    k.map_update_elem(&outer, &key, &inner.as_raw_fd().to_ne_bytes(), ANY)?;
    let mut id = [0; 4];
    k.map_lookup_elem(&outer, &key, &mut id, ANY)?;
    assert_eq!(u32::from_ne_bytes(id), k.map_info(inner.as_fd())?.id);
    let other_shape = k.map_create(&MapCreate { key_size: 8, ..hash(4) })?;
    refused(k.map_update_elem(&outer, &key, &other_shape.as_raw_fd().to_ne_bytes(), ANY), Errno::EINVAL);
    Ok(())
}
