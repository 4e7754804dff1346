//! Many elements at once.

use std::os::fd::AsFd;

use oxbpf_sys::uapi::{ElemFlags, OpenFlags};
use oxbpf_sys::{BatchCursor, Errno, Kernel, MapCreate, MapFd, MapType, ObjectKind, SysError};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{kernel, refused, refused_as};

const ANY: ElemFlags = ElemFlags::empty();

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf, Need::Kernel(5, 6)];
    suite.test("batches::no_room_for_a_bucket", bpf, no_room_for_a_bucket);
    suite.test("batches::writes_stop_at_the_first_refusal", bpf, writes_stop_at_the_first_refusal);
    suite.test("batches::what_is_refused", bpf, what_is_refused);
    let admin = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 6)];
    suite.test("batches::descriptors_for_one_way_only", admin, descriptors_for_one_way_only);
    suite.test("batches::of_all_cpus", bpf, of_all_cpus);
    suite.test("batches::of_an_empty_map", bpf, of_an_empty_map);
}

fn map(k: &Kernel, map_type: MapType, max_entries: u32) -> Result<MapFd, SysError> {
    k.map_create(&MapCreate { map_type, key_size: 4, value_size: 4, max_entries, ..Default::default() })
}

fn keys(range: std::ops::Range<u32>) -> Vec<u8> {
    range.flat_map(u32::to_ne_bytes).collect()
}

fn no_room_for_a_bucket() -> TestResult {
    const N: u32 = 4096;
    let k = kernel();
    let m = map(&k, MapType::HASH, N)?;
    assert_eq!(k.map_update_batch(&m, &keys(0..N), &keys(0..N), ANY).map_err(|e| e.1)?, N);
    // One element at a time, until a bucket with more comes: it does, with as many elements as buckets.
    let (mut cursor, mut seen, mut key, mut value) = (BatchCursor::new(), 0, [0; 4], [0; 4]);
    let error = loop {
        match k.map_lookup_batch(&m, &mut cursor, &mut key, &mut value, ANY) {
            Ok((n, more)) => {
                seen += n;
                assert!(more, "{seen} elements and no bucket of two");
            }
            Err(e) => break e,
        }
    };
    refused_as(
        Err::<(), _>(error),
        "BPF_MAP_LOOKUP_BATCH failed: ENOSPC (No space left on device): no room for all elements of one bucket: ask \
         with larger buffers",
    );
    let (mut some_keys, mut some_values) = (vec![0; 4 * 64], vec![0; 4 * 64]);
    loop {
        let (n, more) = k.map_lookup_batch(&m, &mut cursor, &mut some_keys, &mut some_values, ANY)?;
        seen += n;
        if !more {
            break;
        }
    }
    assert_eq!(seen, N, "the cursor stayed where it was");
    Ok(())
}

fn writes_stop_at_the_first_refusal() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::HASH, 4)?;
    let values = keys(0..6);
    let (done, e) = k.map_update_batch(&m, &keys(0..6), &values, ANY).expect_err("two too many");
    assert_eq!(done, 4);
    refused_as(
        Err::<(), _>(e),
        "BPF_MAP_UPDATE_BATCH failed: E2BIG (Argument list too long): the map is full",
    );
    // Batches know no EXIST and no NOEXIST.
    for flags in [ElemFlags::NOEXIST, ElemFlags::EXIST] {
        let (done, e) = k.map_update_batch(&m, &keys(0..2), &values[..8], flags).expect_err("a flag");
        assert_eq!(done, 0);
        refused_as(
            Err::<(), _>(e),
            "BPF_MAP_UPDATE_BATCH failed: EINVAL (Invalid argument): batches take no flag but LOCK, for values with a \
             spin lock",
        );
    }
    let (done, e) = k.map_delete_batch(&m, &keys(2..6), ANY).expect_err("4 is not there");
    assert_eq!(done, 2);
    refused_as(
        Err::<(), _>(e),
        "BPF_MAP_DELETE_BATCH failed: ENOENT (No such file or directory): no such key",
    );
    Ok(())
}

fn what_is_refused() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::HASH, 4)?;
    let (mut four, mut eight) = ([0; 4], [0; 8]);
    refused_as(
        k.map_lookup_batch(&m, &mut BatchCursor::new(), &mut four, &mut eight, ANY),
        "BPF_MAP_LOOKUP_BATCH failed: EINVAL (Invalid argument): 4 bytes of keys and 8 of values where the map's have \
         4 and 4",
    );
    for flags in [ElemFlags::EXIST, ElemFlags::LOCK] {
        refused(
            k.map_lookup_batch(&m, &mut BatchCursor::new(), &mut four, &mut [0; 4], flags),
            Errno::EINVAL,
        );
    }
    refused(k.map_delete_batch(&m, &[0; 4], ElemFlags::EXIST).map_err(|e| e.1), Errno::EINVAL);
    let programs = map(&k, MapType::PROG_ARRAY, 4)?;
    refused_as(
        k.map_lookup_batch(&programs, &mut BatchCursor::new(), &mut four, &mut [0; 4], ANY),
        "BPF_MAP_LOOKUP_BATCH failed: ENOTSUPP (Operation not supported by the kernel object): maps of this kind have \
         no batches, or not in this kernel",
    );
    let array = map(&k, MapType::ARRAY, 4)?;
    refused(k.map_delete_batch(&array, &[0; 4], ANY).map_err(|e| e.1), Errno::ENOTSUPP);
    refused(
        k.map_lookup_and_delete_batch(&array, &mut BatchCursor::new(), &mut four, &mut [0; 4], ANY),
        Errno::ENOTSUPP,
    );
    // A cursor of a map with longer keys.
    let mut cursor = BatchCursor::new();
    let long = k.map_create(&MapCreate {
        map_type: MapType::HASH,
        key_size: 16,
        value_size: 4,
        max_entries: 4,
        ..Default::default()
    })?;
    k.map_update_elem(&long, &[0; 16], &[0; 4], ANY)?;
    k.map_lookup_batch(&long, &mut cursor, &mut [0; 16], &mut [0; 4], ANY)?;
    refused_as(
        k.map_lookup_batch(&m, &mut cursor, &mut four, &mut [0; 4], ANY),
        "BPF_MAP_LOOKUP_BATCH failed: EINVAL (Invalid argument): a cursor of another map",
    );
    Ok(())
}

fn descriptors_for_one_way_only() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::HASH, 4)?;
    let id = k.map_info(m.as_fd())?.id;
    let read = k.map_from_fd(k.fd_by_id(ObjectKind::Map, id, OpenFlags::RDONLY)?)?;
    let write = k.map_from_fd(k.fd_by_id(ObjectKind::Map, id, OpenFlags::WRONLY)?)?;
    let mut room = ([0; 4], [0; 4]);
    let mut cursor = BatchCursor::new();
    refused(k.map_lookup_batch(&write, &mut cursor, &mut room.0, &mut room.1, ANY), Errno::EPERM);
    for one_way in [&read, &write] {
        refused(
            k.map_lookup_and_delete_batch(one_way, &mut cursor, &mut room.0, &mut room.1, ANY),
            Errno::EPERM,
        );
    }
    let (done, e) = k.map_update_batch(&read, &[0; 4], &[0; 4], ANY).expect_err("it is for reading");
    assert_eq!((done, e.errno), (0, Errno::EPERM));
    let (done, e) = k.map_delete_batch(&read, &[0; 4], ANY).expect_err("it is for reading");
    assert_eq!((done, e.errno), (0, Errno::EPERM));
    Ok(())
}

fn of_all_cpus() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::PERCPU_HASH, 8)?;
    let values: Vec<u8> = (0..8u8).flat_map(|n| vec![n; m.value_len()]).collect();
    assert_eq!(k.map_update_batch(&m, &keys(0..8), &values, ANY).map_err(|e| e.1)?, 8);
    let (mut all, mut out) = (vec![0; 32], vec![0xee; 8 * m.value_len()]);
    let (n, more) = k.map_lookup_and_delete_batch(&m, &mut BatchCursor::new(), &mut all, &mut out, ANY)?;
    assert_eq!((n, more), (8, false));
    for (key, value) in all.chunks(4).zip(out.chunks(m.value_len())) {
        // Of 8 bytes for each CPU 4 are the value.
        assert!(value.chunks(8).all(|cpu| cpu[..4] == [key[0]; 4]), "{key:?}: {value:?}");
    }
    assert!(!k.map_get_next_key(&m, None, &mut [0; 4])?);
    Ok(())
}

fn of_an_empty_map() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::HASH, 4)?;
    let mut room = ([0; 8], [0; 8]);
    let outcome = k.map_lookup_batch(&m, &mut BatchCursor::new(), &mut room.0, &mut room.1, ANY)?;
    assert_eq!(outcome, (0, false));
    // No elements are no trouble either.
    assert_eq!(k.map_update_batch(&m, &[], &[], ANY).map_err(|e| e.1)?, 0);
    assert_eq!(k.map_delete_batch(&m, &[], ANY).map_err(|e| e.1)?, 0);
    Ok(())
}
