//! A container: this program once more, in a user and a mount namespace of its own, with BPF file systems that whoever
//! is privileged mounted for it.
//!
//! A user namespace wants a process of one thread, so the container is started with an argument that tells it what it
//! is, and with one end of a socket as its standard input: it opens a BPF file system, the privileged side says what that
//! delegates and mounts it.

use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen, move_mount,
};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use rustix::thread::UnshareFlags;

use crate::{Skip, TestResult};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Where BPF file systems are.
pub const BPFFS: &str = "/sys/fs/bpf";

/// The options of a BPF file system that delegates everything.
pub const ALL: &[(&str, &str)] = &[
    ("delegate_cmds", "any"),
    ("delegate_maps", "any"),
    ("delegate_progs", "any"),
    ("delegate_attachs", "any"),
];

/// What a container says if all was well.
const DONE: &str = "done";
const NO_NAMESPACE: &str = "no namespace";

/// Starts a container: this program with `argument`, which has to lead to [`inside`] there, and with these variables in
/// its environment. For each of `mounts` it has to ask once: they are the options of a BPF file system, and `mounted` sees
/// each.
///
/// # Errors
/// What went wrong in it; a [`Skip`] if there are no such namespaces here.
pub fn outside(
    argument: &str,
    environment: &[(&str, &str)],
    mounts: &[&[(&str, &str)]],
    mounted: impl Fn(BorrowedFd<'_>) -> TestResult,
) -> TestResult {
    let (mut ours, theirs) = UnixStream::pair()?;
    let mut container = Command::new(std::env::current_exe()?)
        .arg(argument)
        .envs(environment.iter().copied())
        .stdin(OwnedFd::from(theirs))
        .spawn()?;
    let said = serve(&mut ours, mounts, mounted);
    drop(ours);
    // A panic has its own words on standard error.
    let ended = container.wait()?;
    assert!(ended.success(), "the container fails: {said:?}");
    match said?.as_str() {
        DONE => Ok(()),
        why if why.starts_with(NO_NAMESPACE) => Err(Skip::because(why).into()),
        why => Err(why.into()),
    }
}

/// What the privileged side does. Returns what the container has to say.
fn serve(
    socket: &mut UnixStream,
    mounts: &[&[(&str, &str)]],
    mounted: impl Fn(BorrowedFd<'_>) -> TestResult,
) -> Result<String> {
    let mut said = [0; 256];
    for options in mounts {
        let (n, fd) = receive(socket.as_fd(), &mut said)?;
        let Some(context) = fd else {
            return Ok(String::from_utf8_lossy(said.get(..n).unwrap_or_default()).into_owned());
        };
        let mount = mount(context.as_fd(), options)?;
        send(socket.as_fd(), mount.as_fd())?;
        mounted(mount.as_fd())?;
    }
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    Ok(text)
}

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

/// Does `work` if this is the container that [`outside`] started with `argument`: then this is what to leave the program
/// with.
pub fn inside(argument: &str, work: impl FnOnce(&Container) -> TestResult) -> Option<ExitCode> {
    if std::env::args().nth(1).as_deref() != Some(argument) {
        return None;
    }
    let mut container = Container { socket: std::io::stdin().as_fd().try_clone_to_owned().ok()?.into() };
    let entered = enter_namespaces().map_err(|e| format!("{NO_NAMESPACE} of its own: {e}").into());
    let text = match entered.and_then(|()| work(&container)) {
        Ok(()) => DONE.into(),
        Err(e) => e.to_string(),
    };
    let _ = container.socket.write_all(text.as_bytes());
    Some(ExitCode::SUCCESS)
}

/// The inside of a container.
#[derive(Debug)]
pub struct Container {
    socket: UnixStream,
}

impl Container {
    /// Asks for the next BPF file system.
    ///
    /// # Errors
    /// None may be mounted here, or there are no more.
    pub fn mount(&self) -> Result<OwnedFd> {
        let context = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC)
            .map_err(|e| format!("{NO_NAMESPACE} may mount: {e}"))?;
        send(self.socket.as_fd(), context.as_fd())?;
        let (_, mount) = receive(self.socket.as_fd(), &mut [0; 16])?;
        Ok(mount.ok_or("no mount came")?)
    }

    /// Shows a file system at a place, to this container only.
    ///
    /// # Errors
    /// Those of move_mount(2).
    pub fn show(&self, mount: BorrowedFd<'_>, at: &Path) -> rustix::io::Result<()> {
        move_mount(mount, c"", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
    }
}

/// The root of a file system that is mounted nowhere.
///
/// # Errors
/// Those of open(2).
pub fn root(mount: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    openat(mount, ".", OFlags::DIRECTORY, Mode::empty())
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
