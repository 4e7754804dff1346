//! Links: what holds a program to the place that it is attached to.

mod detach;
mod update;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use oxbpf_sys::{Errno, Kernel, LinkInfo, SysError};

use crate::attach::TracefsProbe;
use crate::map::pin;
use crate::{Error, Map, Program};

pub use detach::{Links, detach_all};

/// What a link attaches a program to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkKind {
    /// A tracepoint, with the arguments of its record.
    Tracepoint,
    /// A raw tracepoint, with the arguments of the kernel's call (`raw_tp`, `tp_btf`).
    RawTracepoint,
    /// The entry of a kernel function, by a trampoline.
    Fentry,
    /// The exit of a kernel function, by a trampoline.
    Fexit,
    /// The entry of a kernel function whose result the program may choose.
    FmodRet,
    /// A place in a kernel function.
    Kprobe,
    /// The return of a kernel function.
    Kretprobe,
    /// A place in a program or library.
    Uprobe,
    /// The return of a function of a program or library.
    Uretprobe,
    /// What an interface receives.
    Xdp,
    /// A hook of a cgroup.
    Cgroup,
    /// The samples of a perf event.
    PerfEvent,
    /// What is read from it: an iterator.
    Iterator,
    /// A table of functions that the kernel calls.
    StructOps,
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LinkKind::Tracepoint => "tracepoint",
            LinkKind::RawTracepoint => "raw tracepoint",
            LinkKind::Fentry => "fentry",
            LinkKind::Fexit => "fexit",
            LinkKind::FmodRet => "fmod_ret",
            LinkKind::Kprobe => "kprobe",
            LinkKind::Kretprobe => "kretprobe",
            LinkKind::Uprobe => "uprobe",
            LinkKind::Uretprobe => "uretprobe",
            LinkKind::Xdp => "XDP",
            LinkKind::Cgroup => "cgroup",
            LinkKind::PerfEvent => "perf event",
            LinkKind::Iterator => "iterator",
            LinkKind::StructOps => "struct_ops",
        })
    }
}

/// A program that is attached. Dropping it detaches the program, unless the link is [pinned](Link::pin).
///
/// It owns the descriptors that it needs and keeps the program alive, so everything else (the object, its maps) may
/// go. It can be sent to and shared between threads.
///
/// Links that others made are [`LoadedLink`](crate::LoadedLink)s.
///
/// Detaching from tracepoints, kprobes, uprobes and perf events takes the kernel some 50 to 250 ms each, because it
/// waits until no CPU can be in the program. [`detach_all`] and [`Links`] let these waits overlap.
#[derive(Debug)]
#[must_use = "a link that is dropped detaches its program"]
#[doc(alias = "bpf_link")]
pub struct Link {
    kernel: Kernel,
    program: String,
    kind: LinkKind,
    target: String,
    parts: Vec<Part>,
}

/// One attachment to the kernel. A link on several CPUs has as many.
#[derive(Debug, Default)]
pub(crate) struct Part {
    // In the order of closing: the program leaves the event, the event goes, its definition goes.
    pub(crate) link: Option<OwnedFd>,
    pub(crate) event: Option<OwnedFd>,
    pub(crate) probe: Option<TracefsProbe>,
    /// A struct_ops map that is registered by its value.
    pub(crate) map: Option<Map>,
}

impl Part {
    /// A link of bpf(2) and nothing else.
    pub(crate) fn of_link(link: OwnedFd) -> Part {
        Part { link: Some(link), ..Part::default() }
    }

    /// A struct_ops map and nothing else.
    pub(crate) fn of_map(map: Map) -> Part {
        Part { map: Some(map), ..Part::default() }
    }

    /// Whether the kernel waits when this goes.
    fn is_slow(&self) -> bool {
        self.event.is_some()
    }

    fn close(self) -> Result<(), Error> {
        drop(self.link);
        drop(self.event);
        if let Some(map) = self.map {
            map.unregister_struct_ops()?;
        }
        self.probe.map_or(Ok(()), |probe| probe.remove().map_err(Error::from))
    }
}

impl Link {
    pub(crate) fn new(
        program: &Program,
        kind: LinkKind,
        target: impl Into<String>,
        parts: Vec<Part>,
    ) -> Link {
        let (name, target) = (program.name().to_owned(), target.into());
        tracing::debug!(program = name, %kind, target, "attached");
        Link { kernel: program.kernel().clone(), program: name, kind, target, parts }
    }

    /// A link of a struct_ops map, which stands for its programs.
    pub(crate) fn of_map(map: &Map, kind: LinkKind, parts: Vec<Part>) -> Link {
        let (name, target) = (map.name().to_owned(), map.name().to_owned());
        tracing::debug!(map = name, %kind, "attached");
        Link { kernel: map.kernel().clone(), program: name, kind, target, parts }
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// What it attaches to.
    pub fn kind(&self) -> LinkKind {
        self.kind
    }

    /// The program's name; of struct_ops the map's.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What the program is attached to, to be read by people: `sched/sched_switch`, `/usr/bin/bash:readline`, `veth0`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The descriptor of the kernel's link.
    ///
    /// `None` where there is none (perf events before Linux 5.15, maps of `.struct_ops`), or where there is one for each
    /// CPU.
    #[doc(alias = "bpf_link__fd")]
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.parts[..] {
            [one] => one.link.as_ref().map(AsFd::as_fd),
            _ => None,
        }
    }

    /// What the kernel tells of its link: the program, and what it is attached to.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EOPNOTSUPP` where the kernel has no link of it, or one for each CPU (see
    /// [`as_fd`](Self::as_fd)).
    #[doc(alias = "bpf_link_get_info_by_fd")]
    pub fn info(&self) -> Result<LinkInfo, Error> {
        let fd = self.as_fd().ok_or_else(|| self.no_link("BPF_OBJ_GET_INFO_BY_FD"))?;
        Ok(self.kernel.link_info(fd).map_err(|e| e.with(self.described()))?)
    }

    /// Pins it in bpffs, so that the program stays attached when this is dropped and the process ends;
    /// [`LoadedLink::from_pinned`](crate::LoadedLink::from_pinned) opens it again, and
    /// [`Kernel::unpin`](oxbpf_sys::Kernel::unpin) takes the pin away. Missing directories are made.
    ///
    /// # Errors
    /// [`Error::Pin`]: `EEXIST` if something is there already, `EPERM` if `path` is not on bpffs, `EOPNOTSUPP` where the
    /// kernel has no link of it, or one for each CPU (see [`as_fd`](Self::as_fd)).
    #[doc(alias = "bpf_link__pin")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let (path, what) = (path.as_ref(), format!("link of program {}", self.program));
        match self.as_fd() {
            Some(fd) => pin::pin(&self.kernel, fd, &what, path),
            None => Err(pin::failed(&what, path, &self.no_link("BPF_OBJ_PIN"))),
        }
    }

    pub(crate) fn no_link(&self, op: &'static str) -> SysError {
        let reason = match (self.kind, self.parts.len()) {
            (LinkKind::StructOps, _) => {
                "it is registered by its value; maps of .struct_ops.link are by a link".to_owned()
            }
            (_, 0 | 1) => "this kernel has no link for it (perf events before Linux 5.15)".to_owned(),
            (_, n) => format!("it is {n} links, one for each CPU"),
        };
        SysError::new(op, Errno::EOPNOTSUPP).because(reason)
    }

    /// Detaches the program now.
    ///
    /// XDP and cgroup programs are detached whoever else has the link (Linux 5.9); so is the sampling of a perf event
    /// stopped. The other kinds, and all that is merely dropped, are detached with the last descriptor: a child that
    /// another thread of this process is starting holds a copy of each until it calls exec.
    ///
    /// # Errors
    /// [`Error::Kernel`] if a probe that was made through tracefs (only on kernels without the PMU for it, before
    /// 4.17) cannot be removed. The program is detached all the same.
    #[doc(alias = "bpf_link__destroy")]
    #[doc(alias = "bpf_link__detach")]
    pub fn detach(self) -> Result<(), Error> {
        detach_all([self])
    }

    /// What [`detach`](Self::detach) does more than dropping.
    fn cut(&self) -> Result<(), Error> {
        let named = |e: SysError| e.with(self.described());
        for part in &self.parts {
            match (self.kind, &part.link, &part.event) {
                (LinkKind::Xdp | LinkKind::Cgroup, Some(link), _) => {
                    match self.kernel.link_detach(link.as_fd()) {
                        // Before 5.9 there is no such command; then the last descriptor has to do.
                        Err(e) if e.errno == Errno::EINVAL => {}
                        result => result.map_err(named)?,
                    }
                }
                (LinkKind::PerfEvent, _, Some(event)) => {
                    self.kernel.perf_event_disable(event.as_fd()).map_err(named)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take_parts(&mut self) -> Vec<Part> {
        if !self.parts.is_empty() {
            tracing::debug!(program = self.program, kind = %self.kind, target = self.target, "detaching");
        }
        std::mem::take(&mut self.parts)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Err(error) = detach::close(std::slice::from_mut(self)) {
            tracing::warn!(program = self.program, %error, "detaching left something behind");
        }
    }
}
