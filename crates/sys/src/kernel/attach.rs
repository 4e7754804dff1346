//! Attaching without links, and asking what is attached.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use zerocopy::IntoBytes;

use super::Kernel;
use super::link::LinkTarget;
use crate::attr::{Attr, fd_or_zero, raw};
use crate::uapi::{AttachFlags, AttachType, Cmd, ProgAttachAttr, ProgQueryAttr};
use crate::{Errno, Result};

/// Another program or link, to be placed before or after it.
#[derive(Debug, Clone, Copy, Default)]
pub enum RelativeTo<'a> {
    /// None: the whole list.
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

/// A program to attach, or to detach, without a link.
#[derive(Debug, Clone, Copy)]
pub struct ProgAttach<'a> {
    /// The program; `None` to detach whatever is there, where the kernel allows that.
    pub prog: Option<BorrowedFd<'a>>,
    /// What it is on: a cgroup, a sockmap, a network interface.
    pub target: LinkTarget<'a>,
    /// How.
    pub attach_type: AttachType,
    /// Flags.
    pub flags: AttachFlags,
    /// The program to replace (cgroups, 5.6). [`AttachFlags::REPLACE`] is added by itself.
    pub replace: Option<BorrowedFd<'a>>,
    /// Where among the others (6.6), with [`AttachFlags::BEFORE`] or [`AttachFlags::AFTER`].
    pub relative: RelativeTo<'a>,
    /// The revision that the list must have (6.6); 0 for any.
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

/// What to ask about.
pub type ProgQueryTarget<'a> = LinkTarget<'a>;

/// A question for the programs at an attach point.
#[derive(Debug, Clone, Copy)]
pub struct ProgQuery<'a> {
    /// The cgroup, network namespace or interface.
    pub target: ProgQueryTarget<'a>,
    /// Which attach point of it.
    pub attach_type: AttachType,
    /// Those that cgroups above pass on, too (`BPF_F_QUERY_EFFECTIVE`).
    pub effective: bool,
}

/// The programs at an attach point, in the order they run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryAnswer {
    /// The flags of the attach point.
    pub attach_flags: u32,
    /// Their ids.
    pub prog_ids: Vec<u32>,
    /// The flags of each (cgroup, 6.1); zeros where the kernel does not say.
    pub prog_attach_flags: Vec<u32>,
    /// The link of each, 0 for none (tcx, netkit, 6.6).
    pub link_ids: Vec<u32>,
    /// The flags of each link.
    pub link_attach_flags: Vec<u32>,
    /// The list's revision (6.6), 0 where the kernel does not say.
    pub revision: u64,
}

impl QueryAnswer {
    fn with_room(n: usize) -> Self {
        Self {
            prog_ids: vec![0; n],
            prog_attach_flags: vec![0; n],
            link_ids: vec![0; n],
            link_attach_flags: vec![0; n],
            ..Default::default()
        }
    }

    fn truncate(&mut self, n: usize) {
        let Self { prog_ids, prog_attach_flags, link_ids, link_attach_flags, .. } = self;
        for list in [prog_ids, prog_attach_flags, link_ids, link_attach_flags] {
            list.truncate(n);
        }
    }
}

impl Kernel {
    /// Attaches a program without a link: it stays until it is detached, or what it is on goes. Since Linux
    /// 4.10.
    ///
    /// # Errors
    /// - `EINVAL`: the program does not fit the attach type, or one is there that excludes it
    /// - `EPERM`: no `CAP_NET_ADMIN`; a cgroup above forbids it
    /// - `EBADF`: one of the descriptors
    /// - `ESTALE`: another revision
    #[doc(alias = "bpf_prog_attach")]
    #[doc(alias = "bpf_prog_attach_opts")]
    pub fn prog_attach(&self, a: &ProgAttach<'_>) -> Result<()> {
        self.bpf(&mut Attr::new(Cmd::PROG_ATTACH, &a.layout()))
    }

    /// Detaches a program that is attached without a link. Since Linux 4.10. Of the flags only those count that
    /// say where it is (6.6).
    ///
    /// # Errors
    /// `ENOENT` if it is not there; `EPERM` and others as [`prog_attach`](Self::prog_attach).
    #[doc(alias = "bpf_prog_detach")]
    #[doc(alias = "bpf_prog_detach2")]
    #[doc(alias = "bpf_prog_detach_opts")]
    pub fn prog_detach(&self, a: &ProgAttach<'_>) -> Result<()> {
        let order = AttachFlags::BEFORE | AttachFlags::AFTER | AttachFlags::ID | AttachFlags::LINK;
        let mut layout = ProgAttach { replace: None, ..*a }.layout();
        layout.attach_flags &= order.bits();
        self.bpf(&mut Attr::new(Cmd::PROG_DETACH, &layout))
    }

    /// Which programs are attached. Since Linux 4.15.
    ///
    /// # Errors
    /// `EINVAL` for an attach type that cannot be asked about; `EPERM` without `CAP_NET_ADMIN`.
    #[doc(alias = "bpf_prog_query")]
    #[doc(alias = "bpf_prog_query_opts")]
    pub fn prog_query(&self, q: &ProgQuery<'_>) -> Result<QueryAnswer> {
        let base = ProgQueryAttr {
            target_fd: target(q.target),
            attach_type: q.attach_type.0,
            query_flags: u32::from(q.effective),
            ..Default::default()
        };
        let mprog = matches!(
            q.attach_type,
            AttachType::TCX_INGRESS
                | AttachType::TCX_EGRESS
                | AttachType::NETKIT_PRIMARY
                | AttachType::NETKIT_PEER
        );
        // Which arrays to ask for beside the ids: some attach points, and all older kernels, refuse them.
        let mut extras = !q.effective;
        // The list may grow between asking for its length and for its content.
        let mut room = 0u32;
        loop {
            let mut answer = QueryAnswer::with_room(room as usize);
            let (result, out) = {
                let mut attr = Attr::new(Cmd::PROG_QUERY, &ProgQueryAttr { count: room, ..base });
                let ids = answer.prog_ids.as_mut_bytes();
                attr.output("prog_ids", offset_of!(ProgQueryAttr, prog_ids), ids);
                if extras {
                    let flags = answer.prog_attach_flags.as_mut_bytes();
                    attr.output("prog_attach_flags", offset_of!(ProgQueryAttr, prog_attach_flags), flags);
                }
                if extras && mprog {
                    let ids = answer.link_ids.as_mut_bytes();
                    attr.output("link_ids", offset_of!(ProgQueryAttr, link_ids), ids);
                    let flags = answer.link_attach_flags.as_mut_bytes();
                    attr.output("link_attach_flags", offset_of!(ProgQueryAttr, link_attach_flags), flags);
                }
                (self.bpf(&mut attr), attr.view::<ProgQueryAttr>())
            };
            match result {
                Err(e) if e.errno == Errno::ENOSPC && out.count > room => room = out.count,
                Err(e) if e.errno == Errno::EINVAL && extras && room > 0 => extras = false,
                Err(e) => return Err(e),
                Ok(()) if out.count > room => room = out.count,
                Ok(()) => {
                    answer.truncate(out.count as usize);
                    answer.attach_flags = out.attach_flags;
                    answer.revision = out.revision;
                    return Ok(answer);
                }
            }
        }
    }
}

fn target(target: LinkTarget<'_>) -> u32 {
    match target {
        LinkTarget::None => 0,
        LinkTarget::Fd(fd) => raw(fd),
        LinkTarget::Ifindex(i) => i,
    }
}
