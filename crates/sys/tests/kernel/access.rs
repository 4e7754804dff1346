//! Elements through descriptors of one way, of frozen maps, under locks, of one CPU, without keys.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_btf::{BtfBuilder, Field, IntEncoding};
use oxbpf_sys::uapi::{ElemFlags, OpenFlags};
use oxbpf_sys::{BatchCursor, BtfLoad, Errno, Kernel, MapCreate, MapFd, MapType, ObjectKind, SysError};
use oxbpf_testing::{Need, Suite, TestResult};

use super::elements::map;
use super::{kernel, refused, refused_as};

const ANY: ElemFlags = ElemFlags::empty();

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf];
    let admin = &[Need::Bpf, Need::SysAdmin, Need::Kernel(4, 15)];
    suite.test("access::descriptors_for_one_way_only", admin, descriptors_for_one_way_only);
    suite.test("access::frozen", &[Need::Bpf, Need::Kernel(5, 14)], frozen);
    suite.test("access::under_a_spin_lock", &[Need::Bpf, Need::Kernel(5, 14)], under_a_spin_lock);
    suite.test("access::of_one_cpu", bpf, of_one_cpu);
    suite.test(
        "access::queues_drop_their_oldest",
        &[Need::Bpf, Need::Kernel(4, 20)],
        queues_drop_their_oldest,
    );
    suite.test("access::bloom_filters_answer", &[Need::Bpf, Need::Kernel(5, 16)], bloom_filters_answer);
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
    let mut cursor = BatchCursor::new();
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
