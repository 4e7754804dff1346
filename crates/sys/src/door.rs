//! The one way from this library to a kernel.
//!
//! All that a loader does to a kernel is a [`Call`] that passes a [`Door`]. Behind it stands the kernel of
//! this machine ([`HostDoor`]), or something that records, spoils or plays a kernel (see
//! [`doors`](crate::doors)).

mod host;
mod interface;

use std::ffi::{CStr, OsString};
use std::num::NonZeroUsize;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

pub use host::HostDoor;

use crate::attr::{Attr, Elem};
use crate::mapping::{Mapping, Prot};
use crate::uapi::{PerfFlags, RawPerfEventAttr};
use crate::{Errno, KernelVersion};

/// A kernel's door: takes calls, gives replies.
///
/// # Safety
/// How much memory the kernel reads and writes for an element of a map depends on the map. Callers trust the
/// replies about that: a door
/// - replies to `BPF_MAP_CREATE` with a descriptor of a new map of the kind and sizes asked for, or of something
///   that it gives to no kernel again;
/// - says in `BPF_OBJ_GET_INFO_BY_FD` of a map the true kind and sizes, and in
///   `/sys/devices/system/cpu/possible` no fewer CPUs than the kernel has that the map is of.
///
/// A door that wraps another one, passes on what it does not handle itself and invents nothing about maps, keeps
/// to this by itself. Everything else about calls and replies is safe: memory is borrowed and of known length,
/// and replies are checked.
///
/// # Examples
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// use oxbpf_sys::{Call, Door, Errno, Reply};
///
/// #[derive(Debug)]
/// struct Counting { inner: Arc<dyn Door>, calls: AtomicU32 }
///
/// // SAFETY: all replies are those of `inner`.
/// unsafe impl Door for Counting {
///     fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
///         self.calls.fetch_add(1, Ordering::Relaxed);
///         self.inner.call(call)
///     }
/// }
/// ```
pub unsafe trait Door: Send + Sync + std::fmt::Debug {
    /// Does what the call says.
    ///
    /// # Errors
    /// The errno of a kernel that refuses.
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno>;

    /// Looks up, sets, deletes or goes on to one element of a map. Unless a door says otherwise this is the
    /// [`Call::Bpf`] that it is; the door to the kernel of this machine has a shorter way, as programs make this call
    /// more than any other.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn map_elem(&self, elem: &mut Elem<'_>) -> Result<(), Errno> {
        self.call(Call::Bpf(&mut elem.attr())).map(drop)
    }
}

/// A call on a kernel.
///
/// More may come: a door passes on those it does not know, or answers `ENOSYS`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Call<'c, 'a> {
    /// bpf(2). Replies with [`Reply::Fd`] to commands that make one, with [`Reply::Value`] to the others.
    Bpf(&'c mut Attr<'a>),
    /// perf_event_open(2). Replies with [`Reply::Fd`].
    PerfEventOpen(PerfEventOpen<'c>),
    /// ioctl(2) on a perf event. Replies with [`Reply::Value`].
    PerfIoctl(BorrowedFd<'c>, PerfIoctl<'c>),
    /// mmap(2) of a descriptor, shared. Replies with [`Reply::Mapping`].
    Mmap {
        /// Of what.
        fd: BorrowedFd<'c>,
        /// To which address, for memory in which programs have pointers (arenas); `EEXIST` if something is there.
        /// `None`: wherever there is room.
        at: Option<NonZeroUsize>,
        /// From where, in bytes.
        offset: u64,
        /// How many bytes.
        len: usize,
        /// For what.
        prot: Prot,
    },
    /// open(2). Replies with [`Reply::Fd`].
    Open(&'c Path, OpenHow),
    /// read(2) at the descriptor's position. Replies with [`Reply::Value`], how many bytes.
    Read(BorrowedFd<'c>, &'c mut [u8]),
    /// write(2). Replies with [`Reply::Value`], how many bytes.
    Write(BorrowedFd<'c>, &'c [u8]),
    /// The names in a directory. Replies with [`Reply::Names`].
    ReadDir(&'c Path),
    /// mkdir(2) with mode 0700. Replies with [`Reply::Value`].
    Mkdir(&'c Path),
    /// unlink(2). Replies with [`Reply::Value`].
    Unlink(&'c Path),
    /// The magic number of the file system that a path is on, statfs(2). Replies with [`Reply::Value`].
    FsMagic(&'c Path),
    /// uname(2). Replies with [`Reply::Uname`].
    Uname,
    /// Mounts tracefs nowhere: a mount that only its descriptor leads to, fsmount(2). Replies with [`Reply::Fd`].
    MountTracefs,
    /// The number of a network interface of this thread's network namespace, by its name; `ENODEV` for none. Replies with
    /// [`Reply::Value`].
    IfIndex(&'c str),
    /// The name of a network interface, by its number. Replies with [`Reply::Names`], of one.
    IfName(u32),
    /// A request to route netlink in this thread's network namespace. Replies with [`Reply::Bytes`], the first message of
    /// the answer.
    RouteNetlink(&'c [u8]),
    /// Sets the soft limit of `RLIMIT_MEMLOCK`, and the hard one if it is lower, or only asks. Replies with
    /// [`Reply::Value`], the soft limit as it was.
    Memlock(Option<u64>),
}

impl Call<'_, '_> {
    /// The call's usual name: `BPF_MAP_CREATE`, `perf_event_open`, `open`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bpf(attr) => attr.cmd().name(),
            Self::PerfEventOpen(_) => "perf_event_open",
            Self::PerfIoctl(_, request) => request.name(),
            Self::Mmap { .. } => "mmap",
            Self::Open(..) => "open",
            Self::Read(..) => "read",
            Self::Write(..) => "write",
            Self::ReadDir(_) => "readdir",
            Self::Mkdir(_) => "mkdir",
            Self::Unlink(_) => "unlink",
            Self::FsMagic(_) => "statfs",
            Self::Uname => "uname",
            Self::MountTracefs => "fsmount",
            Self::IfIndex(_) => "if_nametoindex",
            Self::IfName(_) => "if_indextoname",
            Self::RouteNetlink(_) => "route netlink",
            Self::Memlock(_) => "prlimit(RLIMIT_MEMLOCK)",
        }
    }
}

/// What a kernel answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// A number, 0 where there is nothing to tell.
    Value(u64),
    /// A new descriptor.
    Fd(OwnedFd),
    /// Mapped memory.
    Mapping(Mapping),
    /// Names in a directory, without `.` and `..`.
    Names(Vec<OsString>),
    /// The kernel's release and version strings.
    Uname(Uname),
    /// A message.
    Bytes(Vec<u8>),
}

impl Reply {
    /// The number. Another answer is a defect of the door, `EPROTO`.
    pub fn value(self) -> Result<u64, Errno> {
        if let Self::Value(v) = self { Ok(v) } else { Err(Errno::EPROTO) }
    }

    /// The descriptor; otherwise `EPROTO`.
    pub fn fd(self) -> Result<OwnedFd, Errno> {
        if let Self::Fd(fd) = self { Ok(fd) } else { Err(Errno::EPROTO) }
    }
}

/// What uname(2) says of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uname {
    /// `6.1.0-18-amd64`.
    pub release: String,
    /// `#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)`.
    pub version: String,
    /// `x86_64`.
    pub machine: String,
}

impl Uname {
    /// What a kernel of this version would say.
    pub fn of(version: KernelVersion) -> Self {
        Self {
            release: version.to_string(),
            version: "#1 SMP".into(),
            machine: std::env::consts::ARCH.into(),
        }
    }
}

/// The arguments of perf_event_open(2).
#[derive(Debug, Clone, Copy)]
pub struct PerfEventOpen<'c> {
    /// The event. Its `config1` is replaced by the address of `probe`, if there is one.
    pub attr: &'c RawPerfEventAttr,
    /// The function of a kprobe or the path of a uprobe.
    pub probe: Option<&'c CStr>,
    /// A process, -1 for all, 0 for this one.
    pub pid: i32,
    /// A CPU, -1 for all.
    pub cpu: i32,
    /// The leader of the group.
    pub group: Option<BorrowedFd<'c>>,
    /// Flags.
    pub flags: PerfFlags,
}

/// A request to a perf event.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum PerfIoctl<'c> {
    /// Runs a program at each event (`PERF_EVENT_IOC_SET_BPF`).
    SetBpf(BorrowedFd<'c>),
    /// Starts it.
    Enable,
    /// Stops it.
    Disable,
    /// Sends its output to the buffer of another event, or nowhere.
    SetOutput(Option<BorrowedFd<'c>>),
    /// Stops or restarts writing to its buffer.
    PauseOutput(bool),
}

impl PerfIoctl<'_> {
    /// The request's name in the kernel's header.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetBpf(_) => "PERF_EVENT_IOC_SET_BPF",
            Self::Enable => "PERF_EVENT_IOC_ENABLE",
            Self::Disable => "PERF_EVENT_IOC_DISABLE",
            Self::SetOutput(_) => "PERF_EVENT_IOC_SET_OUTPUT",
            Self::PauseOutput(_) => "PERF_EVENT_IOC_PAUSE_OUTPUT",
        }
    }
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenHow {
    /// For reading.
    Read,
    /// For writing what is there already.
    Write,
    /// For writing at its end, as files of tracefs that hold lists want it.
    Append,
    /// As a directory, for use as a place (`O_PATH | O_DIRECTORY`).
    Directory,
}
