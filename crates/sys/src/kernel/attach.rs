//! Attaching without links.

use std::os::fd::BorrowedFd;

use super::Kernel;
use super::link::LinkTarget;
use crate::Result;
use crate::attr::{Attr, fd_or_zero, raw};
use crate::uapi::{AttachFlags, AttachType, Cmd, ProgAttachAttr};

/// Another program or link, to be placed before or after it: with [`AttachFlags::BEFORE`] or [`AttachFlags::AFTER`].
#[derive(Debug, Clone, Copy, Default)]
pub enum RelativeTo<'a> {
    /// None: the whole list. Before it is first, after it last.
    #[default]
    None,
    /// A program.
    Prog(BorrowedFd<'a>),
    /// A program by id.
    ProgId(u32),
    /// A link.
    Link(BorrowedFd<'a>),
    /// A link by id.
    LinkId(u32),
}

impl RelativeTo<'_> {
    /// The value and the flags that say what it is.
    pub(super) fn encode(self) -> (u32, u32) {
        let (id, link) = (AttachFlags::ID, AttachFlags::LINK);
        let (value, flags) = match self {
            Self::None => (0, AttachFlags::empty()),
            Self::Prog(fd) => (raw(fd), AttachFlags::empty()),
            Self::ProgId(n) => (n, id),
            Self::Link(fd) => (raw(fd), link),
            Self::LinkId(n) => (n, id | link),
        };
        (value, flags.bits())
    }
}

/// A program to attach, or to detach, without a link: the argument of [`Kernel::prog_attach`] and
/// [`Kernel::prog_detach`].
#[doc(alias = "bpf_prog_attach_opts")]
#[doc(alias = "bpf_prog_detach_opts")]
#[derive(Debug, Clone, Copy)]
pub struct ProgAttach<'a> {
    /// The program; `None` to detach whatever is there, where the kernel allows that.
    pub prog: Option<BorrowedFd<'a>>,
    /// What it is on: a cgroup, a sockmap, an infrared device, a network interface (tcx, netkit), nothing (the flow
    /// dissector of this thread's network namespace).
    pub target: LinkTarget<'a>,
    /// How: one that fits the program's type.
    pub attach_type: AttachType,
    /// Flags: of cgroups, whether others may be there and below; where among the others.
    pub flags: AttachFlags,
    /// The program to replace, in its place (cgroups 5.6, tcx and netkit 6.6). [`AttachFlags::REPLACE`] is added by
    /// itself.
    pub replace: Option<BorrowedFd<'a>>,
    /// Where among the others (tcx and netkit 6.6, cgroups 6.17).
    pub relative: RelativeTo<'a>,
    /// The revision that the list must have (as `relative`), from [`QueryAnswer::revision`](super::QueryAnswer); 0 for
    /// any. It changes with each attaching and detaching: nobody comes between asking and acting.
    pub expected_revision: u64,
}

impl<'a> ProgAttach<'a> {
    /// Without flags.
    pub fn new(prog: BorrowedFd<'a>, target: LinkTarget<'a>, attach_type: AttachType) -> Self {
        Self {
            prog: Some(prog),
            target,
            attach_type,
            flags: AttachFlags::empty(),
            replace: None,
            relative: RelativeTo::None,
            expected_revision: 0,
        }
    }

    fn layout(&self) -> ProgAttachAttr {
        let (relative, flags) = self.relative.encode();
        let replace = if self.replace.is_some() { AttachFlags::REPLACE } else { AttachFlags::empty() };
        ProgAttachAttr {
            target_fd: target(self.target),
            attach_bpf_fd: fd_or_zero(self.prog),
            attach_type: self.attach_type.0,
            attach_flags: (self.flags | replace).bits() | flags,
            replace_bpf_fd: fd_or_zero(self.replace),
            relative_fd: relative,
            expected_revision: self.expected_revision,
        }
    }
}

impl Kernel {
    /// Attaches a program without a link: it stays until it is detached, or what it is on goes, whatever becomes of this
    /// process. For cgroups (4.10), sockmaps (4.14), infrared devices (4.18), the flow dissector (4.20), tcx and netkit
    /// (6.6). Everything else, and also these, can be attached by a link ([`link_create`](Self::link_create)), which goes
    /// with its owner.
    ///
    /// Needs `CAP_NET_ADMIN`, and `CAP_BPF` for what is not networking.
    ///
    /// ```no_run
    /// use std::os::fd::{AsFd, BorrowedFd};
    /// use oxbpf_sys::{AttachFlags, AttachType, Kernel, LinkTarget, ProgAttach};
    ///
    /// # fn f(program: BorrowedFd<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// let kernel = Kernel::host();
    /// let group = std::fs::File::open("/sys/fs/cgroup/mine")?;
    /// let on = ProgAttach {
    ///     flags: AttachFlags::ALLOW_MULTI,
    ///     ..ProgAttach::new(program, LinkTarget::Fd(group.as_fd()), AttachType::CGROUP_INET_EGRESS)
    /// };
    /// kernel.prog_attach(&on)?;
    /// kernel.prog_detach(&on)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - `EINVAL`: the program does not fit the attach type, or this kernel does not know that; a flag that the attach
    ///   point does not take; on a cgroup, this program is there already, or no program to replace was given with
    ///   [`AttachFlags::REPLACE`]
    /// - `EPERM`: a privilege is missing (of `cgroup_skb` programs that is `EINVAL`); a cgroup above, or the programs that are there, do not allow another one
    ///   ([`AttachFlags::ALLOW_OVERRIDE`], [`AttachFlags::ALLOW_MULTI`])
    /// - `EBADF`: one of the descriptors is none, or none of a cgroup, a map
    /// - `EEXIST`: tcx and netkit, this program is there already; another flow dissector is
    /// - `EBUSY`: what is to be replaced, or has the place, belongs to a link
    /// - `ENOENT`: what is to be replaced, or to stand before or after, is not there
    /// - `EDOM`, `ERANGE`: no place is both before and after what was said; the list is full (63)
    /// - `E2BIG`: 64 programs are on that cgroup or infrared device; or a field that this kernel does not know
    /// - `ESTALE`: the list has another revision than the expected one
    /// - `ENODEV`: no such interface in this thread's network namespace; not an infrared device
    /// - `EOPNOTSUPP`: a map that takes no such program
    /// - `ENOMEM`
    #[doc(alias = "bpf_prog_attach")]
    #[doc(alias = "bpf_prog_attach_opts")]
    #[doc(alias = "BPF_PROG_ATTACH")]
    pub fn prog_attach(&self, a: &ProgAttach<'_>) -> Result<()> {
        let result = self.bpf(&mut Attr::new(Cmd::PROG_ATTACH, &a.layout()));
        result.map_err(|e| e.with(place(a.attach_type, a.target)))
    }

    /// Detaches a program that was attached without a link. Since Linux 4.10. Of the flags only those count that say
    /// where it is (tcx and netkit 6.6, cgroups 6.17).
    ///
    /// Without a program (`prog: None`), it detaches the only one of a cgroup that takes no others; where several may
    /// be, the kernel wants to be told which, and tcx and netkit take the first or the last, as the flags say. Others
    /// may attach and detach at the same time: what counts is what is there when the kernel looks. The program stays
    /// loaded as long as its descriptor is open.
    ///
    /// See [`prog_attach`](Self::prog_attach) for privileges and an example.
    ///
    /// # Errors
    /// - `ENOENT`: it is not there, or was there and is gone
    /// - `EINVAL`: an attach type that does not fit, or that this kernel does not know; no program given where one must be
    /// - `EBADF`: one of the descriptors
    /// - `EBUSY`: tcx and netkit, it is there by a link, which must be detached instead
    /// - `ESTALE`: the list has another revision than the expected one
    /// - `EPERM`: a privilege is missing; ENODEV: no such interface
    #[doc(alias = "bpf_prog_detach")]
    #[doc(alias = "bpf_prog_detach2")]
    #[doc(alias = "bpf_prog_detach_opts")]
    #[doc(alias = "BPF_PROG_DETACH")]
    pub fn prog_detach(&self, a: &ProgAttach<'_>) -> Result<()> {
        let order = AttachFlags::BEFORE | AttachFlags::AFTER | AttachFlags::ID | AttachFlags::LINK;
        let mut layout = ProgAttach { replace: None, ..*a }.layout();
        layout.attach_flags &= order.bits();
        let result = self.bpf(&mut Attr::new(Cmd::PROG_DETACH, &layout));
        result.map_err(|e| e.with(place(a.attach_type, a.target)))
    }
}

/// A target as attributes hold it.
pub(super) fn target(target: LinkTarget<'_>) -> u32 {
    match target {
        LinkTarget::None => 0,
        LinkTarget::Fd(fd) => raw(fd),
        LinkTarget::Ifindex(i) => i,
    }
}

/// Where a program is to be, for people: `tcx_ingress on interface 3`.
pub(super) fn place(attach_type: AttachType, target: LinkTarget<'_>) -> String {
    match target {
        LinkTarget::Ifindex(i) => format!("{attach_type} on interface {i}"),
        _ => attach_type.to_string(),
    }
}
