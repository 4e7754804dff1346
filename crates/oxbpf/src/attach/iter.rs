//! Iterators: programs that are read.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use oxbpf_obj::{AttachType, ProgramType};
use oxbpf_sys::{Errno, IterTarget, Kernel, LinkCreate, LinkExtra, LinkTarget, SysError};

use super::{AttachReason, Result};
use crate::link::{LinkKind, Part};
use crate::{Error, Link, Map, Program};

/// What an iterator walks.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub enum Walk<'a> {
    /// All there is of what the program's section names: tasks, files of tasks, maps, programs, links, sockets…
    #[default]
    All,
    /// The elements of a map (`iter/bpf_map_elem`, `iter/bpf_sk_storage_map`, `iter/sockmap`).
    Map(&'a Map),
    /// One thread (`iter/task` and the like, Linux 6.1).
    Thread(u32),
    /// The threads of one process (Linux 6.1).
    Process(u32),
    /// The threads of the process behind a pidfd (Linux 6.1).
    Pidfd(BorrowedFd<'a>),
    /// Cgroups (`iter/cgroup`, Linux 6.1).
    Cgroups {
        /// A descriptor of the directory that the walk begins with.
        from: BorrowedFd<'a>,
        /// Which ones.
        order: CgroupOrder,
    },
}

/// Which cgroups an iterator walks, and in which order (`enum bpf_cgroup_iter_order`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[doc(alias = "bpf_cgroup_iter_order")]
pub enum CgroupOrder {
    /// This one only.
    This = 1,
    /// It and all below, parents first.
    ParentsFirst = 2,
    /// It and all below, children first.
    ChildrenFirst = 3,
    /// It and all above, up to the root.
    Up = 4,
}

impl Program {
    /// Attaches an iterator to what it walks (Linux 5.8). Nothing runs yet: the program runs when the link is read
    /// ([`Link::read`]).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let object = oxbpf::Object::load(&oxbpf::open("iter.bpf.o")?, &oxbpf::LoadOptions::default())?;
    /// use std::io::Read;
    /// use oxbpf::Walk;
    ///
    /// let link = object.program("elements")?.attach_iter(Walk::Map(object.map("numbers")?))?;
    /// let mut text = String::new();
    /// link.read()?.read_to_string(&mut text)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Attach`]: the program is no iterator, or walks other things than was said; a map that is not of a kind
    /// that it walks; no such process or cgroup; a kernel before 6.1 for some tasks or cgroups only.
    #[doc(alias = "bpf_program__attach_iter")]
    pub fn attach_iter(&self, walk: Walk<'_>) -> std::result::Result<Link, Error> {
        self.attached(attach(self, walk))
    }
}

pub(super) fn attach(program: &Program, walk: Walk<'_>) -> Result<Link> {
    program.expect_type(&[ProgramType::TRACING], "tracing", "attach_iter")?;
    // Of a program that was opened by its id, say, the kernel knows.
    if program.attach_type().is_some_and(|attach_type| attach_type != AttachType::TRACE_ITER) {
        return Err(AttachReason::BadTarget { target: program.section().to_owned(), form: "iter/TARGET" });
    }
    if let Some(reason) = taken_for_all(walk) {
        return Err(reason);
    }
    let task = |tid, pid, pid_fd| Some(IterTarget::Task { tid, pid, pid_fd });
    let target = match walk {
        Walk::All => None,
        Walk::Map(map) => Some(IterTarget::Map(map.as_fd())),
        Walk::Thread(tid) => task(tid, 0, None),
        Walk::Process(pid) => task(0, pid, None),
        Walk::Pidfd(fd) => task(0, 0, Some(fd)),
        Walk::Cgroups { from, order } => {
            Some(IterTarget::Cgroup { order: order as u32, fd: Some(from), id: 0 })
        }
    };
    let create = LinkCreate {
        extra: target.map_or(LinkExtra::None, LinkExtra::Iter),
        ..LinkCreate::new(program.as_fd(), LinkTarget::None, AttachType::TRACE_ITER)
    };
    let link = program.kernel().link_create(&create).map_err(|e| match (e.errno, walk) {
        // Of a kernel that is too old, the error says so.
        (Errno::EINVAL | Errno::EBADF, Walk::Map(_)) => {
            AttachReason::Refused { why: "the program walks no map, or none of this kind", source: e }
        }
        (Errno::EACCES, Walk::Map(_)) => AttachReason::Refused {
            why: "the map's keys or values are shorter than what the program reads or writes",
            source: e,
        },
        (Errno::EBADF | Errno::EINVAL, Walk::All) => AttachReason::Refused {
            why: "the program walks something of which it has to be said which (`Walk::Map`, `Walk::Cgroups`)",
            source: e,
        },
        _ => e.into(),
    })?;
    let target = program.attach_to().unwrap_or_default();
    Ok(Link::new(program, LinkKind::Iterator, target, vec![Part::of_link(link)]))
}

/// Why not this: 0, which is no process and hardly ever a descriptor, is to the kernel as if nothing was said, and it
/// would walk all there is.
fn taken_for_all(walk: Walk<'_>) -> Option<AttachReason> {
    let (errno, why) = match walk {
        Walk::Thread(0) | Walk::Process(0) => (Errno::ESRCH, "no process has the number 0"),
        Walk::Pidfd(fd) | Walk::Cgroups { from: fd, .. } if fd.as_raw_fd() == 0 => {
            (Errno::EBADF, "descriptor 0 would mean none: duplicate it")
        }
        _ => return None,
    };
    Some(AttachReason::Refused { why, source: SysError::new("BPF_LINK_CREATE", errno) })
}

impl Link {
    /// Walks what an iterator is attached to: what the program writes is read from the result. Each has a walk of its
    /// own, from the beginning.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EINVAL` for a link of another kind.
    #[doc(alias = "bpf_iter_create")]
    pub fn read(&self) -> std::result::Result<IterReader, Error> {
        let link = self.as_fd().ok_or_else(|| self.no_link("BPF_ITER_CREATE"))?;
        let stream = self.kernel().iter_create(link).map_err(|e| e.with(self.described()))?;
        Ok(IterReader { kernel: self.kernel().clone(), stream })
    }
}

/// What an iterator writes, to be read until its end. See [`Link::read`].
///
/// The program runs in the reads: it sees things as they are at that moment. A read seldom gives as much as it has room
/// for. A read fails with what the kernel says: `E2BIG` if the program writes more about one thing than the kernel has
/// room for (32 KiB), `EAGAIN` if the program asks for that.
pub struct IterReader {
    kernel: Kernel,
    stream: OwnedFd,
}

impl Read for IterReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.kernel.read(self.stream.as_fd(), buf).map_err(io::Error::from)
    }
}

impl AsFd for IterReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl fmt::Debug for IterReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterReader").field("stream", &self.stream).finish_non_exhaustive()
    }
}
