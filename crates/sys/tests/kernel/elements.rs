//! Elements, one at a time: what each command is refused, and with which words.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use oxbpf_btf::{BtfBuilder, Field, IntEncoding};
use oxbpf_sys::uapi::{ElemFlags, OpenFlags};
use oxbpf_sys::{BtfLoad, Errno, Kernel, MapCreate, MapFd, MapType, ObjectKind, SysError};
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
    let admin = &[Need::Bpf, Need::SysAdmin, Need::Kernel(4, 15)];
    suite.test("elements::descriptors_for_one_way_only", admin, descriptors_for_one_way_only);
    suite.test("elements::frozen", &[Need::Bpf, Need::Kernel(5, 14)], frozen);
    suite.test("elements::under_a_spin_lock", &[Need::Bpf, Need::Kernel(5, 14)], under_a_spin_lock);
    suite.test("elements::of_one_cpu", bpf, of_one_cpu);
    suite.test(
        "elements::queues_drop_their_oldest",
        &[Need::Bpf, Need::Kernel(4, 20)],
        queues_drop_their_oldest,
    );
    suite.test("elements::bloom_filters_answer", &[Need::Bpf, Need::Kernel(5, 16)], bloom_filters_answer);
}

fn map(k: &Kernel, map_type: MapType, max_entries: u32) -> Result<MapFd, SysError> {
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

fn opened(k: &Kernel, m: &MapFd, flags: OpenFlags) -> Result<MapFd, SysError> {
    let id = k.map_info(m.as_fd())?.id;
    k.map_from_fd(k.fd_by_id(ObjectKind::Map, id, flags)?)
}

fn descriptors_for_one_way_only() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::HASH, 4)?;
    k.map_update_elem(&m, &[0; 4], &[0; 4], ANY)?;
    let read = opened(&k, &m, OpenFlags::RDONLY)?;
    refused_as(
        k.map_update_elem(&read, &[0; 4], &[0; 4], ANY),
        "BPF_MAP_UPDATE_ELEM failed: EPERM (Operation not permitted): the map is frozen, or the descriptor for reading \
         only",
    );
    refused_as(
        k.map_delete_elem(&read, &[0; 4], ANY),
        "BPF_MAP_DELETE_ELEM failed: EPERM (Operation not permitted): the map is frozen, or the descriptor for reading \
         only",
    );
    let write = opened(&k, &m, OpenFlags::WRONLY)?;
    refused_as(
        k.map_lookup_elem(&write, &[0; 4], &mut [0; 4], ANY),
        "BPF_MAP_LOOKUP_ELEM failed: EPERM (Operation not permitted): the descriptor is for writing only",
    );
    refused_as(
        k.map_get_next_key(&write, None, &mut [0; 4]),
        "BPF_MAP_GET_NEXT_KEY failed: EPERM (Operation not permitted): the descriptor is for writing only",
    );
    for one_way in [read, write] {
        let e = k.map_lookup_and_delete_elem(&one_way, &[0; 4], &mut [0; 4], ANY).expect_err("it wants both");
        // Before 5.14 hash tables have no such thing.
        assert!(matches!(e.errno, Errno::EPERM | Errno::ENOTSUPP), "{e}");
    }
    Ok(())
}

fn frozen() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::HASH, 4)?;
    k.map_update_elem(&m, &[0; 4], b"kept", ANY)?;
    k.map_freeze(m.as_fd())?;
    let words = "failed: EPERM (Operation not permitted): the map is frozen";
    for e in [
        refused(k.map_update_elem(&m, &[0; 4], b"lost", ANY), Errno::EPERM),
        refused(k.map_delete_elem(&m, &[0; 4], ANY), Errno::EPERM),
        refused(k.map_lookup_and_delete_elem(&m, &[0; 4], &mut [0; 4], ANY), Errno::EPERM),
        refused(k.map_update_batch(&m, &[0; 4], b"lost", ANY).map_err(|e| e.1), Errno::EPERM),
        refused(k.map_delete_batch(&m, &[0; 4], ANY).map_err(|e| e.1), Errno::EPERM),
    ] {
        assert!(e.to_string().contains(words), "{e}");
    }
    let mut value = [0; 4];
    k.map_lookup_elem(&m, &[0; 4], &mut value, ANY)?;
    assert_eq!(&value, b"kept");
    Ok(())
}

/// BTF of `struct value { struct bpf_spin_lock lock; int data; }`, and the number of `int` and of that.
fn locked_types(k: &Kernel) -> Result<(OwnedFd, u32, u32), Box<dyn std::error::Error + Send + Sync>> {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    let lock = b.add_struct("bpf_spin_lock", 4, [Field::new("val", int, 0)])?;
    let value = b.add_struct("value", 8, [Field::new("lock", lock, 0), Field::new("data", int, 32)])?;
    let types = b.build()?;
    let btf = k.btf_load(&BtfLoad { btf: types.as_bytes(), ..Default::default() }, None)?;
    Ok((btf, int.0, value.0))
}

fn under_a_spin_lock() -> TestResult {
    let k = kernel();
    let (btf, int, value) = locked_types(&k)?;
    let m = k.map_create(&MapCreate {
        map_type: MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries: 4,
        btf_fd: Some(btf.as_fd()),
        btf_key_type_id: int,
        btf_value_type_id: value,
        ..Default::default()
    })?;
    let lock = ElemFlags::LOCK;
    // To lock there must be an element.
    k.map_update_elem(&m, &[1; 4], &[0xff; 8], ElemFlags::NOEXIST)?;
    k.map_update_elem(&m, &[1; 4], &[7; 8], lock | ElemFlags::EXIST)?;
    let mut out = [0xaa; 8];
    k.map_lookup_elem(&m, &[1; 4], &mut out, lock)?;
    assert_eq!(out, [0, 0, 0, 0, 7, 7, 7, 7], "the lock itself is not shown");
    let (mut keys, mut values) = ([0; 4], [0; 8]);
    let mut cursor = oxbpf_sys::BatchCursor::new();
    assert_eq!(k.map_lookup_batch(&m, &mut cursor, &mut keys, &mut values, lock)?.0, 1);
    assert_eq!(values, out);
    k.map_lookup_and_delete_elem(&m, &[1; 4], &mut out, lock)?;
    assert_eq!(out[4..], [7; 4]);
    refused(k.map_lookup_elem(&m, &[1; 4], &mut out, lock), Errno::ENOENT);
    Ok(())
}

fn of_one_cpu() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::PERCPU_ARRAY, 1)?;
    assert_eq!(m.value_len_with(ElemFlags::on_cpu(0)), 4);
    let (key, mut value) = ([0; 4], [0; 4]);
    if k.kernel_version()?.at_least(7, 0) {
        k.map_update_elem(&m, &key, b"all!", ElemFlags::ALL_CPUS)?;
        k.map_update_elem(&m, &key, b"zero", ElemFlags::on_cpu(0))?;
        k.map_lookup_elem(&m, &key, &mut value, ElemFlags::on_cpu(0))?;
        assert_eq!(&value, b"zero");
        refused(k.map_lookup_elem(&m, &key, &mut value, ElemFlags::on_cpu(1 << 20)), Errno::ERANGE);
        return Ok(());
    }
    for e in [
        refused(k.map_lookup_elem(&m, &key, &mut value, ElemFlags::on_cpu(0)), Errno::EINVAL),
        refused(k.map_update_elem(&m, &key, &value, ElemFlags::on_cpu(0)), Errno::EINVAL),
        refused(k.map_update_elem(&m, &key, &value, ElemFlags::ALL_CPUS), Errno::EINVAL),
    ] {
        assert!(
            e.to_string().contains("; needs kernel >= 7.0 (the value of one CPU, or one for all)"),
            "{e}"
        );
    }
    Ok(())
}

fn queues_drop_their_oldest() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::QUEUE, 2)?;
    for value in [b"one_", b"two_"] {
        k.map_update_elem(&m, &[], value, ANY)?;
    }
    refused_as(
        k.map_update_elem(&m, &[], b"more", ANY),
        "BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the map is full",
    );
    refused(k.map_update_elem(&m, &[], b"more", ElemFlags::NOEXIST), Errno::EINVAL);
    k.map_update_elem(&m, &[], b"more", ElemFlags::EXIST)?;
    let mut value = [0; 4];
    k.map_lookup_elem(&m, &[], &mut value, ANY)?;
    assert_eq!(&value, b"two_", "shown, not taken");
    for expected in [b"two_", b"more"] {
        k.map_lookup_and_delete_elem(&m, &[], &mut value, ANY)?;
        assert_eq!(&value, expected);
    }
    Ok(())
}

fn bloom_filters_answer() -> TestResult {
    let k = kernel();
    let m = map(&k, MapType::BLOOM_FILTER, 1000)?;
    k.map_update_elem(&m, &[], b"seen", ANY)?;
    let mut value = *b"seen";
    k.map_lookup_elem(&m, &[], &mut value, ANY)?;
    let mut other = *b"nope";
    refused_as(
        k.map_lookup_elem(&m, &[], &mut other, ANY),
        "BPF_MAP_LOOKUP_ELEM failed: ENOENT (No such file or directory): the value was never added",
    );
    Ok(())
}
