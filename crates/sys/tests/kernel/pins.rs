//! Pins, in a BPF file system that is mounted nowhere, and at a path.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_sys::uapi::{ElemFlags, OpenFlags};
use oxbpf_sys::{BtfLoad, Errno, Kernel, MapCreate, MapFd, MapType, ProgramType, SysError};
use oxbpf_testing::{Need, Skip, Suite, TestResult};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::{kernel, nowhere, program, refused, refused_as, returns};

pub(crate) fn add(suite: &mut Suite) {
    let own = &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 5)];
    suite.test("pins::relative_to_a_directory", own, relative_to_a_directory);
    suite.test("pins::what_can_be_pinned", own, what_can_be_pinned);
    suite.test("pins::links", own, links);
    suite.test("pins::get_is_refused", own, get_is_refused);
    suite.test("pins::for_one_way_only", own, for_one_way_only);
    let bpf = &[Need::Bpf];
    suite.test("pins::pin_is_refused", bpf, pin_is_refused);
}

/// A BPF file system of the test's own.
fn bpffs() -> Result<OwnedFd, Box<dyn std::error::Error + Send + Sync>> {
    let context = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC)
        .map_err(|e| Skip::because(format!("needs the new mount API: {e}")))?;
    fsconfig_create(context.as_fd())?;
    Ok(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
}

fn array(k: &Kernel) -> Result<MapFd, SysError> {
    k.map_create(&MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    })
}

fn relative_to_a_directory() -> TestResult {
    let (k, fs) = (kernel(), bpffs()?);
    let dir = Some(fs.as_fd());
    let map = array(&k)?;
    let id = k.map_info(map.as_fd())?.id;
    k.obj_pin_at(map.as_fd(), dir, Path::new("config"))?;
    refused_as(
        k.obj_pin_at(map.as_fd(), dir, Path::new("config")),
        "BPF_OBJ_PIN of config failed: EEXIST (File exists): the path is taken",
    );
    drop(map);
    let again = k.obj_get_at(dir, Path::new("config"), OpenFlags::empty())?;
    assert_eq!(k.map_info(again.as_fd())?.id, id);
    rustix::fs::unlinkat(&fs, "config", rustix::fs::AtFlags::empty())?;
    refused_as(
        k.obj_get_at(dir, Path::new("config"), OpenFlags::empty()),
        "BPF_OBJ_GET of config failed: ENOENT (No such file or directory): nothing is pinned there",
    );
    refused(k.obj_get_at(Some(nowhere()), Path::new("config"), OpenFlags::empty()), Errno::EBADF);
    refused(k.obj_pin_at(again.as_fd(), Some(nowhere()), Path::new("config")), Errno::EBADF);
    // A descriptor of no directory.
    refused(k.obj_pin_at(again.as_fd(), Some(again.as_fd()), Path::new("config")), Errno::ENOTDIR);
    Ok(())
}

fn what_can_be_pinned() -> TestResult {
    let (k, fs) = (kernel(), bpffs()?);
    let dir = Some(fs.as_fd());
    let prog = k.prog_load(&program(ProgramType::SOCKET_FILTER, &returns(0)), None)?;
    k.obj_pin_at(prog.as_fd(), dir, Path::new("program"))?;
    let again = k.obj_get_at(dir, Path::new("program"), OpenFlags::empty())?;
    assert_eq!(k.prog_info(again.as_fd())?.id, k.prog_info(prog.as_fd())?.id);
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    let btf = k.btf_load(&BtfLoad { btf: b.build()?.as_bytes(), ..Default::default() }, None)?;
    let file = rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC)?;
    for not in [btf.as_fd(), file.as_fd(), nowhere()] {
        refused_as(
            k.obj_pin_at(not, dir, Path::new("other")),
            "BPF_OBJ_PIN of other failed: EINVAL (Invalid argument): only maps, programs and links can be pinned",
        );
    }
    Ok(())
}

fn links() -> TestResult {
    let (k, fs) = (kernel(), bpffs()?);
    let dir = Some(fs.as_fd());
    let prog = k.prog_load(&program(ProgramType::RAW_TRACEPOINT, &returns(0)), None)?;
    let link = k.raw_tracepoint_open(Some("sched_process_exec"), prog.as_fd(), 0)?;
    let id = k.link_info(link.as_fd())?.id;
    k.obj_pin_at(link.as_fd(), dir, Path::new("link"))?;
    drop(link);
    let again = k.obj_get_at(dir, Path::new("link"), OpenFlags::empty())?;
    assert_eq!(k.link_info(again.as_fd())?.id, id, "the pin kept it");
    refused_as(
        k.obj_get_at(dir, Path::new("link"), OpenFlags::RDONLY),
        "BPF_OBJ_GET of link failed: EINVAL (Invalid argument): flags that this object is not opened with",
    );
    Ok(())
}

fn get_is_refused() -> TestResult {
    let k = kernel();
    let get = |path: &str| k.obj_get(Path::new(path), OpenFlags::empty());
    refused_as(
        get("/proc/version"),
        "BPF_OBJ_GET of /proc/version failed: EACCES (Permission denied): no BPF object, or one that may not be opened \
         so",
    );
    refused(get("/proc"), Errno::EACCES);
    refused(get("/proc/version/x"), Errno::ENOTDIR);
    refused(get(&format!("/tmp/{}", "x".repeat(300))), Errno::ENAMETOOLONG);
    refused(get("/no such/place"), Errno::ENOENT);
    refused_as(
        get("a\0b"),
        "BPF_OBJ_GET of a\0b failed: EINVAL (Invalid argument): a path with a NUL inside",
    );
    refused(k.obj_get(Path::new("/proc/version"), OpenFlags::from_bits_retain(1)), Errno::EINVAL);
    Ok(())
}

fn for_one_way_only() -> TestResult {
    let (k, fs) = (kernel(), bpffs()?);
    let dir = Some(fs.as_fd());
    k.obj_pin_at(array(&k)?.as_fd(), dir, Path::new("map"))?;
    let read = k.map_from_fd(k.obj_get_at(dir, Path::new("map"), OpenFlags::RDONLY)?)?;
    refused(k.map_update_elem(&read, &[0; 4], &[0; 4], ElemFlags::empty()), Errno::EPERM);
    let write = k.map_from_fd(k.obj_get_at(dir, Path::new("map"), OpenFlags::WRONLY)?)?;
    k.map_update_elem(&write, &[0; 4], b"data", ElemFlags::empty())?;
    refused(k.map_lookup_elem(&write, &[0; 4], &mut [0; 4], ElemFlags::empty()), Errno::EPERM);
    let mut value = [0; 4];
    k.map_lookup_elem(&read, &[0; 4], &mut value, ElemFlags::empty())?;
    assert_eq!(&value, b"data");
    let both = OpenFlags::RDONLY | OpenFlags::WRONLY;
    refused(k.obj_get_at(dir, Path::new("map"), both), Errno::EINVAL);
    Ok(())
}

fn pin_is_refused() -> TestResult {
    let k = kernel();
    let map = array(&k)?;
    let pin = |path: &Path| k.obj_pin(map.as_fd(), path);
    let elsewhere = std::env::temp_dir().join(format!("oxbpf-pin-{}", std::process::id()));
    let text = format!(
        "BPF_OBJ_PIN of {} failed: EPERM (Operation not permitted): the directory is not in a BPF file system, or the \
         name has a dot in it",
        elsewhere.display()
    );
    refused_as(pin(&elsewhere), &text);
    refused_as(
        pin(Path::new("/no/such/place")),
        "BPF_OBJ_PIN of /no/such/place failed: ENOENT (No such file or directory): its directory does not exist",
    );
    refused(pin(Path::new("")), Errno::ENOENT);
    refused(pin(Path::new("a\0b")), Errno::EINVAL);
    if let Some(bpffs) = oxbpf_testing::mounts::find("bpf") {
        refused(pin(&bpffs.join("with.dot")), Errno::EPERM);
        refused(pin(&bpffs), Errno::EEXIST);
    }
    Ok(())
}
