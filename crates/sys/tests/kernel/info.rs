//! Ids, descriptors by id, info.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use oxbpf_btf::{Btf, BtfBuilder, IntEncoding};
use oxbpf_sys::uapi::OpenFlags;
use oxbpf_sys::{BtfLoad, ElemFlags, Errno, Kernel, MapCreate, MapFlags, MapType, ObjectKind, ProgramType};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

use super::{kernel, program, refused, returns};

pub(crate) fn add(suite: &mut Suite) {
    let admin = &[Need::Bpf, Need::SysAdmin];
    suite.test("info::maps", &[Need::Bpf], maps);
    suite.test("info::objects_are_found_by_id", admin, objects_are_found_by_id);
    suite.test(
        "info::maps_for_reading_only",
        &[Need::Bpf, Need::SysAdmin, Need::Kernel(4, 15)],
        maps_for_reading_only,
    );
    suite.test("info::btf", &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 11), Need::KernelBtf], btf);
    suite.test("info::descriptors_of_something_else", &[Need::Bpf], descriptors_of_something_else);
    suite.test("info::objects_of_another_kind", &[Need::Bpf, Need::Kernel(5, 8)], objects_of_another_kind);
    suite.test("info::memory_and_freezing", &[Need::Bpf, Need::Kernel(5, 2)], memory_and_freezing);
    suite.test("info::hash_of_an_array", &[Need::Bpf], hash_of_an_array);
    suite.test("info::pins", &[Need::Bpf, Need::That("needs a mounted BPF file system", has_bpffs)], pins);
}

fn has_bpffs() -> bool {
    oxbpf_testing::mounts::find("bpf").is_some()
}

fn maps() -> TestResult {
    let k = kernel();
    let map = k.map_create(&MapCreate {
        map_type: MapType::LPM_TRIE,
        key_size: 8,
        value_size: 5,
        max_entries: 17,
        flags: MapFlags::NO_PREALLOC,
        name: "with.a-name_that_is_long",
        ..Default::default()
    })?;
    let info = k.map_info(map.as_fd())?;
    assert_eq!((info.map_type, info.key_size, info.value_size), (MapType::LPM_TRIE, 8, 5));
    assert_eq!((info.max_entries, info.flags), (17, MapFlags::NO_PREALLOC));
    assert_eq!(info.name, "with.a_name_tha");
    let again = k.map_from_fd(std::os::fd::OwnedFd::from(map))?;
    assert_eq!((again.map_type(), again.key_size(), again.value_size()), (MapType::LPM_TRIE, 8, 5));
    Ok(())
}

fn objects_are_found_by_id() -> TestResult {
    let k = kernel();
    let prog = k.prog_load(&program(ProgramType::SOCKET_FILTER, &returns(0)), None)?;
    let id = k.prog_info(prog.as_fd())?.id;
    let (mut last, mut found) = (0, false);
    while let Some(next) = k.next_id(ObjectKind::Prog, last)? {
        assert!(next > last);
        found |= next == id;
        last = next;
    }
    assert!(found);
    let again = k.fd_by_id(ObjectKind::Prog, id, OpenFlags::empty())?;
    assert_eq!(k.prog_info(again.as_fd())?.tag, k.prog_info(prog.as_fd())?.tag);
    assert_eq!(k.next_id(ObjectKind::Map, 0x7fff_fff0)?, None);
    let e = refused(k.fd_by_id(ObjectKind::Map, u32::MAX - 1, OpenFlags::empty()), Errno::ENOENT);
    assert_eq!(
        e.to_string(),
        "BPF_MAP_GET_FD_BY_ID of map 4294967294 failed: ENOENT (No such file or directory): \
         there is none with this id, or not any more"
    );
    Ok(())
}

fn maps_for_reading_only() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    let id = k.map_info(map.as_fd())?.id;
    let read = k.map_from_fd(k.fd_by_id(ObjectKind::Map, id, OpenFlags::RDONLY)?)?;
    k.map_lookup_elem(&read, &[0; 4], &mut [0; 4], ElemFlags::empty())?;
    refused(k.map_update_elem(&read, &[0; 4], &[0; 4], ElemFlags::empty()), Errno::EPERM);
    let write = k.map_from_fd(k.fd_by_id(ObjectKind::Map, id, OpenFlags::WRONLY)?)?;
    k.map_update_elem(&write, &[0; 4], &[0; 4], ElemFlags::empty())?;
    refused(k.map_lookup_elem(&write, &[0; 4], &mut [0; 4], ElemFlags::empty()), Errno::EPERM);
    Ok(())
}

fn btf() -> TestResult {
    let k = kernel();
    // The kernel's own is the first.
    let vmlinux = k.fd_by_id(ObjectKind::Btf, 1, OpenFlags::empty())?;
    let info = k.btf_info(vmlinux.as_fd())?;
    assert_eq!((info.id, info.name.as_str(), info.kernel_btf), (1, "vmlinux", true));
    assert_eq!(info.size as usize, k.btf()?.as_bytes().len());
    let own = one_int()?;
    let fd = k.btf_load(&BtfLoad { btf: own.as_bytes(), ..Default::default() }, None)?;
    let info = k.btf_info(fd.as_fd())?;
    assert_eq!((info.name.as_str(), info.kernel_btf, info.size as usize), ("", false, own.as_bytes().len()));
    assert_eq!(k.btf_data(fd.as_fd())?, own.as_bytes());
    Ok(())
}

fn descriptors_of_something_else() -> TestResult {
    let k = kernel();
    let memory = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)?;
    refused(k.map_info(memory.as_fd()), Errno::EINVAL);
    refused(k.prog_info(memory.as_fd()), Errno::EINVAL);
    refused(k.link_info(memory.as_fd()), Errno::EINVAL);
    refused(k.btf_info(memory.as_fd()), Errno::EINVAL);
    refused(k.map_from_fd(memory), Errno::EINVAL);
    // SAFETY: nothing is open under this number, so nobody's descriptor is used.
    let none = unsafe { BorrowedFd::borrow_raw(0x3fff_ffff) };
    let e = refused(k.prog_info(none), Errno::EBADFD);
    assert_eq!(e.to_string(), "BPF_OBJ_GET_INFO_BY_FD failed: EBADFD (File descriptor in bad state)");
    Ok(())
}

/// The kernel answers about whatever a descriptor is of; that is not taken for what was asked.
fn objects_of_another_kind() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    let prog = k.prog_load(&program(ProgramType::RAW_TRACEPOINT, &returns(0)), None)?;
    let link = k.raw_tracepoint_open(Some("sys_enter"), prog.as_fd(), 0)?;
    let btf = k.btf_load(&BtfLoad { btf: one_int()?.as_bytes(), ..Default::default() }, None)?;
    let all = [
        (ObjectKind::Map, map.as_fd()),
        (ObjectKind::Prog, prog.as_fd()),
        (ObjectKind::Link, link.as_fd()),
        (ObjectKind::Btf, btf.as_fd()),
    ];
    for (kind, fd) in all {
        assert_eq!(k.fdinfo(fd)?.kind(), Some(kind));
        let results = [
            (ObjectKind::Map, k.map_info(fd).map(drop)),
            (ObjectKind::Prog, k.prog_info(fd).map(drop)),
            (ObjectKind::Link, k.link_info(fd).map(drop)),
            (ObjectKind::Btf, k.btf_info(fd).map(drop)),
        ];
        for (asked, result) in results {
            if asked == kind {
                result?;
                continue;
            }
            let e = refused(result, Errno::EINVAL);
            let what = format!(
                "BPF_OBJ_GET_INFO_BY_FD failed: EINVAL (Invalid argument): a descriptor of a {kind}, not of a {asked}"
            );
            assert_eq!(e.to_string(), what);
        }
    }
    Ok(())
}

/// What only the descriptor tells.
fn memory_and_freezing() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    let about = |k: &Kernel| k.map_info_with_fdinfo(map.as_fd());
    assert_eq!(about(&k)?.frozen, Some(false));
    assert_eq!(k.map_info(map.as_fd())?.frozen, None, "not asked for");
    k.map_freeze(map.as_fd())?;
    assert_eq!(about(&k)?.frozen, Some(true));
    let prog = k.prog_load(&program(ProgramType::SOCKET_FILTER, &returns(0)), None)?;
    let info = k.prog_info_with_fdinfo(prog.as_fd())?;
    assert_eq!(info.jited, Some(info.jited_prog_len > 0));
    assert!(info.memlock.is_some_and(|m| m >= 4096), "{info:?}");
    Ok(())
}

/// What sha256sum says of 8 bytes of zero: a value of 4 takes as many.
fn hash_of_an_array() -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    let hash = k.map_hash(map.as_fd());
    if !k.kernel_version()?.at_least(6, 18) {
        let e = refused(hash, Errno::E2BIG);
        let since = "; needs kernel >= 6.18 (hashes of maps), this is ";
        assert!(e.to_string().contains(since), "{e}");
        return Ok(());
    }
    refused(hash, Errno::EPERM);
    k.map_freeze(map.as_fd())?;
    assert_eq!(k.map_hash(map.as_fd())?[..4], [0xaf, 0x55, 0x70, 0xf5]);
    let table = k.map_create(&MapCreate { map_type: MapType::HASH, ..array() })?;
    refused(k.map_hash(table.as_fd()), Errno::EINVAL);
    Ok(())
}

fn one_int() -> Result<Btf, oxbpf_btf::Error> {
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    b.build()
}

fn array<'a>() -> MapCreate<'a> {
    MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() }
}

fn pins() -> TestResult {
    let k = kernel();
    let bpffs = oxbpf_testing::mounts::find("bpf").ok_or_else(|| Skip::because("needs a BPF file system"))?;
    let dir: PathBuf = bpffs.join(format!("oxbpf-sys-test-{}", std::process::id()));
    k.mkdir(&dir)?;
    let path = dir.join("map");
    let result = pin_and_get(&path);
    let _ = k.unpin(&path);
    std::fs::remove_dir(&dir)?;
    result
}

fn pin_and_get(path: &std::path::Path) -> TestResult {
    let k = kernel();
    let map = k.map_create(&array())?;
    assert!(k.is_bpffs(path.parent().ok_or("no parent")?)?);
    assert!(!k.is_bpffs("/proc".as_ref())?);
    k.obj_pin(map.as_fd(), path)?;
    let e = refused(k.obj_pin(map.as_fd(), path), Errno::EEXIST);
    assert!(e.to_string().contains(&path.display().to_string()), "{e}");
    let id = k.map_info(map.as_fd())?.id;
    drop(map);
    assert_eq!(k.map_info(k.obj_get(path, OpenFlags::empty())?.as_fd())?.id, id);
    k.unpin(path)?;
    refused(k.obj_get(path, OpenFlags::empty()), Errno::ENOENT);
    let elsewhere = k.map_create(&array())?;
    refused(k.obj_pin(elsewhere.as_fd(), "/proc/oxbpf".as_ref()), Errno::ENOENT);
    Ok(())
}
