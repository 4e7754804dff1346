//! Tokens, as a container uses them.
//!
//! A user namespace wants a process of one thread, so the container is this program once more, with its own end of a
//! socket as its standard input: it opens a BPF file system, whoever is privileged says what that delegates and mounts
//! it, and the container makes a token of it.

use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};

use oxbpf_btf::{BtfBuilder, IntEncoding};
use oxbpf_sys::{
    AttachType, BtfLoad, Cmd, Errno, FdById, MapCreate, MapType, ObjectKind, OpenHow, ProgLoad, ProgramType,
    SysError,
};
use oxbpf_testing::{Need, Skip, Suite, TestResult};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use rustix::thread::UnshareFlags;

use super::{kernel, program, refused, refused_as, returns};

/// The argument that makes this program the container.
const CONTAINER: &str = "--as-a-container";
const DONE: &str = "done";

pub(crate) fn add(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::SysAdmin, Need::Kernel(6, 9)];
    suite.test("tokens::stand_in_for_privileges", needs, stand_in_for_privileges);
    suite.test("tokens::are_refused_elsewhere", needs, are_refused_elsewhere);
}

fn stand_in_for_privileges() -> TestResult {
    let (mut ours, theirs) = UnixStream::pair()?;
    let mut container =
        Command::new(std::env::current_exe()?).arg(CONTAINER).stdin(OwnedFd::from(theirs)).spawn()?;
    let said = with_container(&mut ours);
    drop(ours);
    // A panic has its own words on standard error.
    assert!(container.wait()?.success(), "the container fails: {said:?}");
    match said?.as_str() {
        DONE => Ok(()),
        why if why.starts_with("no namespace") => Err(Skip::because(why).into()),
        why => Err(why.into()),
    }
}

/// What the privileged side does. Returns what the container has to say: [`DONE`] if all was well.
fn with_container(socket: &mut UnixStream) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut said = [0; 256];
    for options in [&[][..], &DELEGATED] {
        let (n, fd) = receive(socket.as_fd(), &mut said)?;
        let Some(context) = fd else {
            return Ok(String::from_utf8_lossy(&said[..n]).into_owned());
        };
        let mount = mount(context.as_fd(), options)?;
        send(socket.as_fd(), mount.as_fd())?;
        // Whoever has the privileges is not who the file system is for.
        refused_as(
            kernel().token_create(root(mount.as_fd())?.as_fd()),
            "BPF_TOKEN_CREATE failed: EPERM (Operation not permitted): not in the user namespace of the BPF file \
             system, or without CAP_BPF there",
        );
    }
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    Ok(text)
}

/// What the container may do.
const DELEGATED: [(&str, &str); 4] = [
    ("delegate_cmds", "map_create:prog_load:btf_load:btf_get_fd_by_id"),
    ("delegate_maps", "array"),
    ("delegate_progs", "socket_filter"),
    ("delegate_attachs", "any"),
];

/// Mounts a file system that another namespace opened: it may not do that itself.
fn mount(context: BorrowedFd<'_>, options: &[(&str, &str)]) -> rustix::io::Result<OwnedFd> {
    for (option, value) in options {
        // Kernels without types of their own know no names, but "any".
        if fsconfig_set_string(context, *option, *value).is_err() {
            fsconfig_set_string(context, *option, "any")?;
        }
    }
    fsconfig_create(context)?;
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}

fn root(mount: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(mount, ".", rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty())
}

/// If this is the container: its end of it all.
pub(crate) fn container() -> Option<ExitCode> {
    if std::env::args().nth(1).as_deref() != Some(CONTAINER) {
        return None;
    }
    let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    let text = match in_container(&socket) {
        Ok(()) => DONE.into(),
        Err(e) => e.to_string(),
    };
    let _ = socket.write_all(text.as_bytes());
    Some(ExitCode::SUCCESS)
}

fn in_container(socket: &UnixStream) -> TestResult {
    enter_namespaces().map_err(|e| format!("no namespace of its own: {e}"))?;
    let empty = ask_for_mount(socket.as_fd())?;
    refused_as(
        kernel().token_create(root(empty.as_fd())?.as_fd()),
        "BPF_TOKEN_CREATE failed: ENOENT (No such file or directory): the BPF file system delegates nothing: it was \
         mounted without delegate_* options",
    );
    let mount = ask_for_mount(socket.as_fd())?;
    let place = rustix::fs::openat(&mount, ".", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty())?;
    refused(kernel().token_create(place.as_fd()), Errno::EBADF);
    let token = kernel().token_create(root(mount.as_fd())?.as_fd())?;
    tells_what_it_allows(token.as_fd())?;
    use_token(token.as_fd())
}

fn tells_what_it_allows(token: BorrowedFd<'_>) -> TestResult {
    let k = kernel();
    let info = k.token_info(token);
    if !k.kernel_version()?.at_least(6, 17) {
        refused(info, Errno::EINVAL);
        return Ok(());
    }
    let info = info?;
    for cmd in [Cmd::MAP_CREATE, Cmd::PROG_LOAD, Cmd::BTF_LOAD, Cmd::BTF_GET_FD_BY_ID] {
        assert!(info.allows_cmd(cmd), "{cmd}: {info:?}");
    }
    assert!(!info.allows_cmd(Cmd::MAP_GET_NEXT_ID), "{info:?}");
    assert!(info.allows_map(MapType::ARRAY) && !info.allows_map(MapType::HASH), "{info:?}");
    assert!(info.allows_program(ProgramType::SOCKET_FILTER) && !info.allows_program(ProgramType::XDP));
    assert!(info.allows_attach(AttachType::XDP), "any");
    Ok(())
}

fn ask_for_mount(socket: BorrowedFd<'_>) -> Result<OwnedFd, Box<dyn std::error::Error + Send + Sync>> {
    let context =
        fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC).map_err(|e| format!("no namespace may mount: {e}"))?;
    send(socket, context.as_fd())?;
    let (_, mount) = receive(socket, &mut [0; 16])?;
    Ok(mount.ok_or("no mount came")?)
}

/// What a token allows, and does not.
fn use_token(token: BorrowedFd<'_>) -> TestResult {
    let k = kernel();
    let token_fd = Some(token);
    let array = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        token_fd,
        ..Default::default()
    };
    refused(k.map_create(&MapCreate { token_fd: None, ..array.clone() }), Errno::EPERM);
    k.map_create(&array)?;
    let insns = returns(0);
    let filter = ProgLoad { token_fd, ..program(ProgramType::SOCKET_FILTER, &insns) };
    refused(k.prog_load(&ProgLoad { token_fd: None, ..filter.clone() }, None), Errno::EPERM);
    k.prog_load(&filter, None)?;
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED)?;
    let btf = b.build()?;
    refused(k.btf_load(&BtfLoad { btf: btf.as_bytes(), token_fd: None }, None), Errno::EPERM);
    let loaded = k.btf_load(&BtfLoad { btf: btf.as_bytes(), token_fd }, None)?;
    let id = k.btf_info(loaded.as_fd())?.id;
    let by_id = k.fd_by_id_with(ObjectKind::Btf, id, &FdById { token_fd, ..Default::default() });
    if k.kernel_version()?.at_least(6, 15) {
        assert_eq!(k.btf_info(by_id?.as_fd())?.id, id);
        // What the file system does not delegate stays forbidden.
        refused(k.map_create(&MapCreate { map_type: MapType::HASH, ..array }), Errno::EPERM);
        refused(k.prog_load(&ProgLoad { prog_type: ProgramType::XDP, ..filter }, None), Errno::EPERM);
    } else {
        refused(by_id, Errno::EINVAL);
    }
    let none = k.fd_by_id_with(ObjectKind::Btf, id, &FdById::default());
    refused_as(
        none,
        &format!(
            "BPF_BTF_GET_FD_BY_ID of BTF {id} failed: EPERM (Operation not permitted): opening by id needs \
             CAP_SYS_ADMIN, or a token for BTF"
        ),
    );
    Ok(())
}

fn are_refused_elsewhere() -> TestResult {
    let k = kernel();
    let proc = k.open(Path::new("/proc"), OpenHow::Read)?;
    refused_as(
        k.token_create(proc.as_fd()),
        "BPF_TOKEN_CREATE failed: EINVAL (Invalid argument): not the root of a BPF file system, or a kernel before \
         Linux 6.9",
    );
    let at = oxbpf_testing::mounts::find("bpf").ok_or_else(|| Skip::because("needs a BPF file system"))?;
    let first = k.open(&at, OpenHow::Read)?;
    refused_as(
        k.token_create(first.as_fd()),
        "BPF_TOKEN_CREATE failed: EOPNOTSUPP (Operation not supported): in the first user namespace, where nobody \
         needs a token",
    );
    // A descriptor of something else is no token.
    let map = MapCreate {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        token_fd: Some(proc.as_fd()),
        ..Default::default()
    };
    let e: SysError = refused(k.map_create(&map), Errno::EINVAL);
    assert!(e.what().is_none());
    refused(k.token_info(proc.as_fd()), Errno::EINVAL);
    let map = k.map_create(&MapCreate { token_fd: None, ..map })?;
    refused(k.token_info(map.as_fd()), Errno::EINVAL);
    Ok(())
}

#[expect(
    deprecated,
    reason = "for CLONE_FILES, which can break other threads' descriptors; this has none of it"
)]
fn enter_namespaces() -> rustix::io::Result<()> {
    rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)
}

fn send(socket: BorrowedFd<'_>, fd: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    control.push(SendAncillaryMessage::ScmRights(&fds));
    // A message of no bytes would carry nothing.
    sendmsg(socket, &[IoSlice::new(b"-")], &mut control, SendFlags::empty()).map(drop)
}

fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> rustix::io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let fd = control.drain().find_map(|m| match m {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok((message.bytes, fd))
}
