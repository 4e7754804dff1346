//! The kernel of this machine.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::ioctl::Opcode;

use super::{Call, Door, OpenHow, PerfEventOpen, PerfIoctl, Reply, Uname, interface};
use crate::Errno;
use crate::attr::{Attr, Elem};
use crate::mapping::Mapping;
use crate::uapi::{Cmd, PerfFlags};

/// The kernel of this machine: each call is a system call.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostDoor;

// SAFETY: all replies are the kernel's.
unsafe impl Door for HostDoor {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match call {
            Call::Bpf(attr) => bpf(attr),
            Call::PerfEventOpen(open) => perf_event_open(&open).map(Reply::Fd),
            Call::PerfIoctl(fd, request) => perf_ioctl(fd, request).map(Reply::Value),
            Call::Mmap { fd, at: None, offset, len, prot } => {
                Mapping::of(fd, offset, len, prot).map(Reply::Mapping)
            }
            Call::Mmap { fd, at: Some(at), offset, len, prot } => {
                Mapping::at_address(fd, at, offset, len, prot).map(Reply::Mapping)
            }
            Call::Open(path, how) => open(path, how).map(Reply::Fd),
            Call::Read(fd, buf) => {
                Ok(Reply::Value(rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut *buf))? as u64))
            }
            Call::Write(fd, buf) => {
                Ok(Reply::Value(rustix::io::retry_on_intr(|| rustix::io::write(fd, buf))? as u64))
            }
            Call::ReadDir(path) => read_dir(path),
            Call::Mkdir(path) => Ok(rustix::fs::mkdir(path, Mode::RWXU).map(|()| Reply::Value(0))?),
            Call::Unlink(path) => Ok(rustix::fs::unlink(path).map(|()| Reply::Value(0))?),
            // The type of the field differs between architectures; the magic numbers have 32 bits.
            Call::FsMagic(path) => Ok(Reply::Value(u64::from(rustix::fs::statfs(path)?.f_type as u32))),
            Call::Uname => Ok(Reply::Uname(uname())),
            Call::MountTracefs => mount_tracefs().map(Reply::Fd),
            Call::IfIndex(name) => interface::index_of(name).map(|index| Reply::Value(index.into())),
            Call::IfName(index) => interface::name_of(index).map(|name| Reply::Names(vec![name.into()])),
            Call::RouteNetlink(request) => interface::route(request).map(Reply::Bytes),
            Call::Memlock(new) => memlock(new).map(Reply::Value),
        }
    }

    #[inline]
    fn map_elem(&self, elem: &mut Elem<'_>) -> Result<(), Errno> {
        elem.syscall()
    }
}

fn mount_tracefs() -> Result<OwnedFd, Errno> {
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_NODEV)?)
}

#[inline]
fn bpf(attr: &mut Attr<'_>) -> Result<Reply, Errno> {
    let makes_fd = makes_fd(attr);
    let r = attr.syscall()?;
    if makes_fd { own(r as i64).map(Reply::Fd) } else { Ok(Reply::Value(r)) }
}

/// Whether a command's answer is a new descriptor.
fn makes_fd(attr: &Attr<'_>) -> bool {
    matches!(
        attr.cmd(),
        Cmd::MAP_CREATE
            | Cmd::PROG_LOAD
            | Cmd::OBJ_GET
            | Cmd::PROG_GET_FD_BY_ID
            | Cmd::MAP_GET_FD_BY_ID
            | Cmd::RAW_TRACEPOINT_OPEN
            | Cmd::BTF_LOAD
            | Cmd::BTF_GET_FD_BY_ID
            | Cmd::LINK_CREATE
            | Cmd::LINK_GET_FD_BY_ID
            | Cmd::ENABLE_STATS
            | Cmd::ITER_CREATE
            | Cmd::TOKEN_CREATE
    )
}

/// Takes a descriptor that a system call just made. Moves it up if it is 0, 1 or 2: in `union bpf_attr` 0
/// means none, and the others are taken for the standard streams by all sorts of programs.
fn own(fd: i64) -> Result<OwnedFd, Errno> {
    let fd = i32::try_from(fd).map_err(|_| Errno::EPROTO)?;
    // SAFETY: a system call that makes a descriptor returned it just now: it is open, and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    if fd.as_raw_fd() > 2 { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(&fd, 3)?) }
}

fn perf_event_open(open: &PerfEventOpen<'_>) -> Result<OwnedFd, Errno> {
    let mut attr = *open.attr;
    attr.size = size_of_val(&attr) as u32;
    if let Some(probe) = open.probe {
        attr.config1 = probe.as_ptr() as u64;
    }
    let flags = (open.flags | PerfFlags::CLOEXEC).bits();
    let group = open.group.map_or(-1, |fd| fd.as_raw_fd());
    loop {
        // SAFETY: `attr` is a whole `struct perf_event_attr` of the size it says. The kernel only reads a string
        // at `config1` for probes, whose memory `probe` borrows (a number there that is no address is `EFAULT`),
        // and writes nothing but `attr.size`.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw mut attr,
                libc::c_long::from(open.pid),
                libc::c_long::from(open.cpu),
                libc::c_long::from(group),
                flags as libc::c_ulong,
            )
        };
        if fd >= 0 {
            return own(fd as i64);
        }
        match Errno::last() {
            // A signal came while it waited for the task.
            Errno::EINTR => {}
            e => return Err(e),
        }
    }
}

fn perf_ioctl(fd: BorrowedFd<'_>, request: PerfIoctl<'_>) -> Result<u64, Errno> {
    // From the kernel's `_IO('$', n)` and `_IOW('$', n, u32)`: the encoding differs between architectures, the
    // functions of libc do not know these.
    let (request, arg): (Opcode, libc::c_long) = match request {
        PerfIoctl::SetBpf(prog) => (ioctl::iow_u32(8), libc::c_long::from(prog.as_raw_fd())),
        PerfIoctl::Enable => (ioctl::io(0), 0),
        PerfIoctl::Disable => (ioctl::io(1), 0),
        PerfIoctl::SetOutput(to) => (ioctl::io(5), to.map_or(-1, |fd| libc::c_long::from(fd.as_raw_fd()))),
        PerfIoctl::PauseOutput(pause) => (ioctl::iow_u32(9), libc::c_long::from(pause)),
    };
    #[allow(clippy::cast_lossless, clippy::unnecessary_cast)]
    // an int with musl; an opcode has 64 bits on some machines
    let request = request as libc::Ioctl;
    // SAFETY: of these requests none takes an address: the argument is a number or a descriptor.
    let r = unsafe { libc::ioctl(fd.as_raw_fd(), request, arg) };
    u64::try_from(r).map_err(|_| Errno::last())
}

mod ioctl {
    use rustix::ioctl::{Opcode, opcode};

    pub(super) const fn io(nr: u8) -> Opcode {
        opcode::none(b'$', nr)
    }

    pub(super) const fn iow_u32(nr: u8) -> Opcode {
        opcode::write::<u32>(b'$', nr)
    }
}

fn open(path: &Path, how: OpenHow) -> Result<OwnedFd, Errno> {
    let flags = match how {
        OpenHow::Read => OFlags::RDONLY,
        OpenHow::Write => OFlags::WRONLY,
        OpenHow::Append => OFlags::WRONLY | OFlags::APPEND,
        OpenHow::Directory => OFlags::PATH | OFlags::DIRECTORY,
    };
    let fd = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()))?;
    if fd.as_raw_fd() > 2 { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), 3)?) }
}

fn read_dir(path: &Path) -> Result<Reply, Errno> {
    let io = |e: std::io::Error| Errno(e.raw_os_error().unwrap_or(libc::EIO));
    let names = std::fs::read_dir(path).map_err(io)?.map(|e| e.map(|e| e.file_name()).map_err(io));
    Ok(Reply::Names(names.collect::<Result<_, _>>()?))
}

fn uname() -> Uname {
    let u = rustix::system::uname();
    Uname {
        release: u.release().to_string_lossy().into_owned(),
        version: u.version().to_string_lossy().into_owned(),
        machine: u.machine().to_string_lossy().into_owned(),
    }
}

fn memlock(new: Option<u64>) -> Result<u64, Errno> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The limit's own word for "none" is `None`.
    let old = getrlimit(Resource::Memlock);
    if let Some(new) = new {
        let maximum = old.maximum.map(|max| max.max(new)).filter(|max| *max != u64::MAX);
        setrlimit(Resource::Memlock, Rlimit { current: (new != u64::MAX).then_some(new), maximum })?;
    }
    Ok(old.current.unwrap_or(u64::MAX))
}
