//! Making and freezing maps, and what is refused.

use std::os::fd::AsFd;

use oxbpf_btf::{Btf, BtfBuilder, Field, IntEncoding};
use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{BtfLoad, Errno, LogBuf, MapCreate, MapFlags, MapType, Prot};
use oxbpf_testing::{Need, Suite, TestResult, without_capabilities};

use super::{kernel, nowhere, refused, refused_as};

pub(crate) fn add(suite: &mut Suite) {
    let bpf = &[Need::Bpf];
    suite.test("create::refusals_say_why", bpf, refusals_say_why);
    suite.test("create::too_large", bpf, too_large);
    let unprivileged = Need::That("needs kernel.unprivileged_bpf_disabled", unprivileged_is_off);
    suite.test("create::needs_privileges", &[Need::Bpf, unprivileged], needs_privileges);
    suite.test("create::options_are_passed_on", &[Need::Bpf, Need::Kernel(4, 18)], options_are_passed_on);
    suite.test("create::for_one_program_only", &[Need::Bpf, Need::Kernel(6, 18)], for_one_program_only);
    suite.test("create::with_a_log", bpf, with_a_log);
    suite.test("create::freezing", &[Need::Bpf, Need::Kernel(5, 5)], freezing);
    suite.test(
        "create::freezing_what_has_timers",
        &[Need::Bpf, Need::Kernel(5, 15)],
        freezing_what_has_timers,
    );
}

/// Whether those without privileges may make no map at all.
pub(crate) fn unprivileged_is_off() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled").is_ok_and(|s| s.trim() != "0")
}

fn array() -> MapCreate<'static> {
    MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() }
}

fn refusals_say_why() -> TestResult {
    let k = kernel();
    for wrong in [
        MapCreate { map_type: MapType::UNSPEC, ..array() },
        MapCreate { key_size: 8, ..array() },
        MapCreate { value_size: 0, ..array() },
        MapCreate { max_entries: 0, ..array() },
        MapCreate { flags: MapFlags::NO_PREALLOC, ..array() },
        MapCreate { map_type: MapType::RINGBUF, key_size: 0, value_size: 0, max_entries: 4097, ..array() },
        MapCreate { map_type: MapType::QUEUE, ..array() },
        // A map of maps without one to be like.
        MapCreate { map_type: MapType::ARRAY_OF_MAPS, ..array() },
    ] {
        let named = MapCreate { name: "wrong", ..wrong };
        refused_as(
            k.map_create(&named),
            "BPF_MAP_CREATE of map \"wrong\" failed: EINVAL (Invalid argument): this kernel makes no map of this kind, \
             these sizes and these flags",
        );
    }
    let inner = MapCreate { map_type: MapType::ARRAY_OF_MAPS, inner_map_fd: Some(nowhere()), ..array() };
    refused_as(
        k.map_create(&inner),
        "BPF_MAP_CREATE failed: EBADF (Bad file descriptor): one of the descriptors (inner map, BTF, token) is none",
    );
    let file = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)?;
    refused(k.map_create(&MapCreate { inner_map_fd: Some(file.as_fd()), ..inner }), Errno::EINVAL);
    Ok(())
}

fn too_large() -> TestResult {
    let k = kernel();
    let e = refused(k.map_create(&MapCreate { value_size: 1 << 31, ..array() }), Errno::E2BIG);
    assert_eq!(
        e.to_string(),
        "BPF_MAP_CREATE failed: E2BIG (Argument list too long): larger than maps of this kind can be, or with a field \
         that this kernel does not know"
    );
    let hash = MapCreate { map_type: MapType::HASH, value_size: 1 << 28, ..array() };
    refused(k.map_create(&hash), Errno::E2BIG);
    // 2^63 bytes; the numbers of kernels differ.
    let huge = MapCreate { value_size: 1 << 30, max_entries: u32::MAX, ..array() };
    let e = k.map_create(&huge).expect_err("so much memory is nowhere");
    assert!(matches!(e.errno, Errno::E2BIG | Errno::ENOMEM), "{e}");
    assert!(e.meaning().is_some(), "{e}");
    Ok(())
}

fn needs_privileges() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    let value = [0; 4];
    let nothing = ElemFlags::empty();
    let (create, update, freeze) = without_capabilities(|| {
        (
            k.map_create(&array()).map(drop),
            k.map_update_elem(&map, &[0; 4], &value, nothing),
            k.map_freeze(map.as_fd()),
        )
    })?;
    refused_as(create, "BPF_MAP_CREATE failed: EPERM (Operation not permitted)");
    // What is there may be used by those who have its descriptor.
    if k.kernel_version()?.at_least(5, 19) {
        update?;
    } else {
        refused(update, Errno::EPERM);
    }
    if k.kernel_version()?.at_least(6, 5) {
        freeze?;
    } else {
        refused(freeze, Errno::EPERM);
    }
    Ok(())
}

fn types() -> Result<Btf, oxbpf_btf::Error> {
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    b.build()
}

fn options_are_passed_on() -> TestResult {
    let k = kernel();
    let btf = k.btf_load(&BtfLoad { btf: types()?.as_bytes(), ..Default::default() }, None)?;
    let typed = MapCreate {
        flags: MapFlags::RDONLY,
        name: "typed",
        numa_node: Some(0),
        btf_fd: Some(btf.as_fd()),
        btf_key_type_id: 1,
        btf_value_type_id: 1,
        ..array()
    };
    let map = k.map_create(&typed)?;
    let info = k.map_info(map.as_fd())?;
    assert_eq!((info.btf_id, info.btf_key_type_id), (k.btf_info(btf.as_fd())?.id, 1));
    assert_eq!((info.btf_value_type_id, info.name.as_str()), (1, "typed"));
    // To be for reading only is the descriptor's own.
    assert!(info.flags.contains(MapFlags::NUMA_NODE));
    refused(k.map_update_elem(&map, &[0; 4], &[0; 4], ElemFlags::empty()), Errno::EPERM);
    // Types that are not as long as the elements.
    refused(k.map_create(&MapCreate { value_size: 8, ..typed.clone() }), Errno::EINVAL);
    refused(k.map_create(&MapCreate { btf_value_type_id: 2, ..typed.clone() }), Errno::EINVAL);
    refused(k.map_create(&MapCreate { numa_node: Some(4096), ..typed }), Errno::EINVAL);
    Ok(())
}

fn for_one_program_only() -> TestResult {
    let k = kernel();
    k.map_create(&MapCreate { excl_prog_hash: &[7; 32], ..array() })?;
    refused(k.map_create(&MapCreate { excl_prog_hash: &[7; 31], ..array() }), Errno::EINVAL);
    Ok(())
}

fn with_a_log() -> TestResult {
    let k = kernel();
    let mut log = LogBuf::new(LogBuf::ERRORS, 4096);
    k.map_create_logged(&array(), &mut log)?;
    let e = refused(
        k.map_create_logged(&MapCreate { map_type: MapType(9999), ..array() }, &mut log),
        Errno::EINVAL,
    );
    if k.kernel_version()?.at_least(7, 2) {
        assert!(!log.text().is_empty() && log.true_size().is_some());
    } else {
        // Of a map that no kernel makes it is not the log that is missing.
        assert_eq!((log.text().as_ref(), log.true_size()), ("", None));
        assert_eq!(e.unsupported, None, "{e}");
    }
    Ok(())
}

fn freezing() -> TestResult {
    let k = kernel();
    let map = k.map_create(&MapCreate { flags: MapFlags::MMAPABLE, ..array() })?;
    let mapping = k.mmap(map.as_fd(), 4, 0, Prot::ReadWrite)?;
    refused_as(
        k.map_freeze(map.as_fd()),
        "BPF_MAP_FREEZE failed: EBUSY (Device or resource busy): it is mapped for writing, being written to, or \
         frozen already",
    );
    drop(mapping);
    k.map_freeze(map.as_fd())?;
    let e = k.map_freeze(map.as_fd()).expect_err("it is frozen already");
    assert!(matches!(e.errno, Errno::EBUSY | Errno::EPERM), "{e}");
    assert!(e.to_string().contains("frozen already"), "{e}");
    let closed = k.map_create(&MapCreate { flags: MapFlags::RDONLY, ..array() })?;
    if k.kernel_version()?.at_least(6, 5) {
        refused_as(
            k.map_freeze(closed.as_fd()),
            "BPF_MAP_FREEZE failed: EPERM (Operation not permitted): the descriptor is for reading only, or the map \
             frozen already",
        );
    } else {
        k.map_freeze(closed.as_fd())?;
    }
    let file = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)?;
    refused_as(
        k.map_freeze(file.as_fd()),
        "BPF_MAP_FREEZE failed: EINVAL (Invalid argument): no descriptor of a map, or a kernel before Linux 5.2",
    );
    refused_as(k.map_freeze(nowhere()), "BPF_MAP_FREEZE failed: EBADF (Bad file descriptor)");
    Ok(())
}

fn freezing_what_has_timers() -> TestResult {
    let k = kernel();
    let mut b = BtfBuilder::new();
    let long = b.add_int("long long unsigned int", 8, IntEncoding::UNSIGNED)?;
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    let timer = b.add_struct("bpf_timer", 16, [Field::new("a", long, 0), Field::new("b", long, 64)])?;
    let value = b.add_struct("value", 16, [Field::new("timer", timer, 0)])?;
    let types = b.build()?;
    let btf = k.btf_load(&BtfLoad { btf: types.as_bytes(), ..Default::default() }, None)?;
    let map = k.map_create(&MapCreate {
        value_size: 16,
        btf_fd: Some(btf.as_fd()),
        btf_key_type_id: 2,
        btf_value_type_id: value.0,
        ..array()
    })?;
    refused_as(
        k.map_freeze(map.as_fd()),
        "BPF_MAP_FREEZE failed: ENOTSUPP (Operation not supported by the kernel object): maps of this kind cannot be \
         frozen",
    );
    Ok(())
}
