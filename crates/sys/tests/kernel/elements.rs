//! Elements, one at a time: what each command is refused, and with which words.

use std::os::fd::AsRawFd;

use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{Errno, Kernel, MapCreate, MapFd, MapType, SysError};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{kernel, refused, refused_as};

const ANY: ElemFlags = ElemFlags::empty();

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf];
    suite.test("elements::update_is_refused", bpf, update_is_refused);
    suite.test("elements::lookup_is_refused", bpf, lookup_is_refused);
    suite.test("elements::lookup_and_delete", &[Need::Bpf, Need::Kernel(5, 14)], lookup_and_delete);
    suite.test("elements::delete_is_refused", bpf, delete_is_refused);
    suite.test("elements::next_key_is_refused", &[Need::Bpf, Need::Kernel(5, 8)], next_key_is_refused);
    suite.test("elements::walking_starts_over", bpf, walking_starts_over);
}

/// A map of a kind, with values of 4 bytes.
pub(crate) fn map(k: &Kernel, map_type: MapType, max_entries: u32) -> Result<MapFd, SysError> {
    let keyless =
        matches!(map_type, MapType::QUEUE | MapType::STACK | MapType::RINGBUF | MapType::BLOOM_FILTER);
    k.map_create(&MapCreate {
        map_type,
        key_size: if keyless { 0 } else { 4 },
        value_size: if map_type == MapType::RINGBUF { 0 } else { 4 },
        max_entries,
        ..Default::default()
    })
}

fn update_is_refused() -> TestResult {
    let k = kernel();
    let hash = map(&k, MapType::HASH, 1)?;
    let update = |m: &MapFd, key: u32, flags| k.map_update_elem(m, &key.to_ne_bytes(), &[0; 4], flags);
    refused_as(
        update(&hash, 1, ElemFlags::EXIST),
        "BPF_MAP_UPDATE_ELEM failed: ENOENT (No such file or directory): the key is not there, and EXIST asks that it \
         is",
    );
    update(&hash, 1, ANY)?;
    refused_as(
        update(&hash, 1, ElemFlags::NOEXIST),
        "BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): the key is there already, and NOEXIST asks that it is not",
    );
    refused_as(
        update(&hash, 2, ANY),
        "BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the map is full",
    );
    refused_as(
        update(&hash, 1, ElemFlags::NOEXIST | ElemFlags::EXIST),
        "BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a flag, key or value that a map of this kind does not \
         take",
    );
    refused(update(&hash, 1, ElemFlags::from_bits_retain(1 << 20)), Errno::EINVAL);
    // One that throws out what it has.
    let lru = map(&k, MapType::LRU_HASH, 1)?;
    for key in 0..100 {
        update(&lru, key, ANY)?;
    }
    let array = map(&k, MapType::ARRAY, 1)?;
    refused_as(
        update(&array, 1, ANY),
        "BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the index is beyond the map's last",
    );
    refused_as(
        update(&array, 0, ElemFlags::NOEXIST),
        "BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): an array's elements are always there, NOEXIST adds none",
    );
    refused_as(
        k.map_update_elem(&array, &[0; 3], &[0; 4], ANY),
        "BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): a key of 3 bytes where the map's has 4",
    );
    let programs = map(&k, MapType::PROG_ARRAY, 1)?;
    refused_as(
        k.map_update_elem(&programs, &[0; 4], &1_000_000u32.to_ne_bytes(), ANY),
        "BPF_MAP_UPDATE_ELEM failed: EBADF (Bad file descriptor): the value is no descriptor of what the map holds",
    );
    refused(k.map_update_elem(&programs, &[0; 4], &hash.as_raw_fd().to_ne_bytes(), ANY), Errno::EINVAL);
    let ringbuf = map(&k, MapType::RINGBUF, 4096)?;
    refused_as(
        k.map_update_elem(&ringbuf, &[], &[], ANY),
        "BPF_MAP_UPDATE_ELEM failed: ENOTSUPP (Operation not supported by the kernel object): elements of such a map \
         are not set from user space",
    );
    Ok(())
}

fn lookup_is_refused() -> TestResult {
    let k = kernel();
    let lookup = |m: &MapFd, key: &[u8], flags| k.map_lookup_elem(m, key, &mut vec![0; m.value_len()], flags);
    let hash = map(&k, MapType::HASH, 1)?;
    refused_as(
        lookup(&hash, &[0; 4], ANY),
        "BPF_MAP_LOOKUP_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    let array = map(&k, MapType::ARRAY, 1)?;
    refused_as(
        lookup(&array, &[1; 4], ANY),
        "BPF_MAP_LOOKUP_ELEM failed: ENOENT (No such file or directory): the index is beyond the map's last",
    );
    let queue = map(&k, MapType::QUEUE, 1)?;
    refused_as(
        lookup(&queue, &[], ANY),
        "BPF_MAP_LOOKUP_ELEM failed: ENOENT (No such file or directory): it is empty",
    );
    for kind in [MapType::RINGBUF, MapType::PERF_EVENT_ARRAY] {
        let m = map(&k, kind, 4096)?;
        refused_as(
            lookup(&m, &vec![0; m.key_size()], ANY),
            "BPF_MAP_LOOKUP_ELEM failed: ENOTSUPP (Operation not supported by the kernel object): elements of such a \
             map are not read from user space",
        );
    }
    refused_as(
        lookup(&array, &[0; 4], ElemFlags::LOCK),
        "BPF_MAP_LOOKUP_ELEM failed: EINVAL (Invalid argument): the map's values have no spin lock to hold",
    );
    refused(lookup(&array, &[0; 4], ElemFlags::EXIST), Errno::EINVAL);
    refused_as(
        k.map_lookup_elem(&array, &[0; 4], &mut [0; 5], ANY),
        "BPF_MAP_LOOKUP_ELEM failed: EINVAL (Invalid argument): a value of 5 bytes where the map's has 4",
    );
    if let Ok(sockets) = map(&k, MapType::SOCKMAP, 1) {
        refused_as(
            lookup(&sockets, &[0; 4], ANY),
            "BPF_MAP_LOOKUP_ELEM failed: ENOSPC (No space left on device): only a map with values of 8 bytes tells of \
             its sockets",
        );
    }
    Ok(())
}

fn lookup_and_delete() -> TestResult {
    let k = kernel();
    let mut value = [0; 4];
    let hash = map(&k, MapType::HASH, 4)?;
    k.map_update_elem(&hash, &[1; 4], b"once", ANY)?;
    k.map_lookup_and_delete_elem(&hash, &[1; 4], &mut value, ANY)?;
    assert_eq!(&value, b"once");
    refused_as(
        k.map_lookup_and_delete_elem(&hash, &[1; 4], &mut value, ANY),
        "BPF_MAP_LOOKUP_AND_DELETE_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    refused(k.map_lookup_and_delete_elem(&hash, &[1; 4], &mut value, ElemFlags::LOCK), Errno::EINVAL);
    refused(k.map_lookup_and_delete_elem(&hash, &[1; 4], &mut value, ElemFlags::EXIST), Errno::EINVAL);
    refused(k.map_lookup_and_delete_elem(&hash, &[1; 4], &mut [0; 3], ANY), Errno::EINVAL);
    let array = map(&k, MapType::ARRAY, 4)?;
    let e = k.map_lookup_and_delete_elem(&array, &[0; 4], &mut value, ANY).expect_err("they stay");
    assert!(matches!(e.errno, Errno::ENOTSUPP | Errno::EOPNOTSUPP), "{e}");
    assert!(e.to_string().contains("elements of such a map are not taken out"), "{e}");
    // All CPUs' values of a per-CPU table come and go at once.
    let cpus = map(&k, MapType::PERCPU_HASH, 4)?;
    let all = vec![3; cpus.value_len()];
    k.map_update_elem(&cpus, &[1; 4], &all, ANY)?;
    let mut out = vec![0; cpus.value_len()];
    k.map_lookup_and_delete_elem(&cpus, &[1; 4], &mut out, ANY)?;
    assert!(out.chunks(8).all(|v| v[..4] == [3; 4]), "{out:?}");
    refused(k.map_lookup_elem(&cpus, &[1; 4], &mut out, ANY), Errno::ENOENT);
    Ok(())
}

fn delete_is_refused() -> TestResult {
    let k = kernel();
    let hash = map(&k, MapType::HASH, 1)?;
    refused_as(
        k.map_delete_elem(&hash, &[0; 4], ANY),
        "BPF_MAP_DELETE_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    k.map_update_elem(&hash, &[0; 4], &[0; 4], ANY)?;
    refused_as(
        k.map_delete_elem(&hash, &[0; 4], ElemFlags::LOCK),
        "BPF_MAP_DELETE_ELEM failed: EINVAL (Invalid argument): no kernel so far takes flags for this",
    );
    refused(k.map_delete_elem(&hash, &[0; 5], ANY), Errno::EINVAL);
    k.map_delete_elem(&hash, &[0; 4], ANY)?;
    let array = map(&k, MapType::ARRAY, 1)?;
    refused_as(
        k.map_delete_elem(&array, &[0; 4], ANY),
        "BPF_MAP_DELETE_ELEM failed: EINVAL (Invalid argument): an array's elements are always there, they cannot be \
         deleted",
    );
    let queue = map(&k, MapType::QUEUE, 1)?;
    refused_as(
        k.map_delete_elem(&queue, &[], ANY),
        "BPF_MAP_DELETE_ELEM failed: EINVAL (Invalid argument): elements of a queue or stack have no key: take them out",
    );
    let ringbuf = map(&k, MapType::RINGBUF, 4096)?;
    refused_as(
        k.map_delete_elem(&ringbuf, &[], ANY),
        "BPF_MAP_DELETE_ELEM failed: ENOTSUPP (Operation not supported by the kernel object): elements of such a map \
         are not deleted",
    );
    Ok(())
}

fn next_key_is_refused() -> TestResult {
    let k = kernel();
    for kind in [MapType::QUEUE, MapType::RINGBUF] {
        let m = map(&k, kind, 4096)?;
        let e = k.map_get_next_key(&m, None, &mut []).expect_err("there are no keys");
        assert!(matches!(e.errno, Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP), "{e}");
        assert!(e.to_string().ends_with("): maps of this kind have no keys to walk"), "{e}");
    }
    let hash = map(&k, MapType::HASH, 1)?;
    refused_as(
        k.map_get_next_key(&hash, Some(&[0; 4]), &mut [0; 8]),
        "BPF_MAP_GET_NEXT_KEY failed: EINVAL (Invalid argument): a next key of 8 bytes where the map's has 4",
    );
    refused(k.map_get_next_key(&hash, Some(&[]), &mut [0; 4]), Errno::EINVAL);
    Ok(())
}

fn walking_starts_over() -> TestResult {
    let k = kernel();
    let hash = map(&k, MapType::HASH, 8)?;
    let mut next = [0; 4];
    assert!(!k.map_get_next_key(&hash, None, &mut next)?, "nothing is there");
    for key in 0..8u32 {
        k.map_update_elem(&hash, &key.to_ne_bytes(), &[0; 4], ANY)?;
    }
    let mut first = [0; 4];
    assert!(k.map_get_next_key(&hash, None, &mut first)?);
    assert!(k.map_get_next_key(&hash, Some(&[0xff; 4]), &mut next)?);
    assert_eq!(next, first, "of a key that is not there the first follows");
    let array = map(&k, MapType::ARRAY, 2)?;
    assert!(k.map_get_next_key(&array, Some(&9u32.to_ne_bytes()), &mut next)?);
    assert_eq!(next, [0; 4], "an index beyond the end starts over");
    assert!(!k.map_get_next_key(&array, Some(&1u32.to_ne_bytes()), &mut next)?);
    Ok(())
}
