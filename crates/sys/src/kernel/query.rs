//! Asking what is attached.

use std::mem::offset_of;

use zerocopy::IntoBytes;

use super::Kernel;
use super::attach::{place, target};
use super::info::room;
use super::link::LinkTarget;
use crate::attr::Attr;
use crate::uapi::{AttachType, Cmd, ProgQueryAttr};
use crate::{Errno, Result};

/// What to ask about.
pub type ProgQueryTarget<'a> = LinkTarget<'a>;

/// A question for the programs at an attach point: the argument of [`Kernel::prog_query`].
#[doc(alias = "bpf_prog_query_opts")]
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
    /// The flags of each (cgroup, 6.0); zeros where the kernel does not say.
    pub prog_attach_flags: Vec<u32>,
    /// The link of each, 0 for none (tcx, netkit, 6.6).
    pub link_ids: Vec<u32>,
    /// The flags of each link.
    pub link_attach_flags: Vec<u32>,
    /// The list's revision (6.6), 0 where the kernel does not say.
    pub revision: u64,
}

impl QueryAnswer {
    fn with_room(n: u32) -> Result<Self> {
        let list = || room(Cmd::PROG_QUERY, n.into());
        Ok(Self {
            prog_ids: list()?,
            prog_attach_flags: list()?,
            link_ids: list()?,
            link_attach_flags: list()?,
            ..Default::default()
        })
    }

    fn truncate(&mut self, n: usize) {
        let Self { prog_ids, prog_attach_flags, link_ids, link_attach_flags, .. } = self;
        for list in [prog_ids, prog_attach_flags, link_ids, link_attach_flags] {
            list.truncate(n);
        }
    }
}

impl Kernel {
    /// Which programs are attached, in the order they run: those of cgroups (4.15), infrared devices (4.18), the flow
    /// dissector (5.6) and socket lookup (5.9) of a network namespace, sockmaps (5.16), tcx (6.6) and netkit (6.7).
    ///
    /// The answer is what is there at the moment: a program may be gone before its id is made a descriptor
    /// ([`fd_by_id`](Self::fd_by_id) says `ENOENT` then). The list may grow while it is asked for; this asks until all
    /// of it fits. Needs `CAP_NET_ADMIN`.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{Kernel, ProgAttach, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// # let load = ProgLoad { prog_type: ProgramType::SCHED_CLS, insns: &insns, ..Default::default() };
    /// # let program = kernel.prog_load(&load, None)?;
    /// use oxbpf_sys::{AttachType, LinkTarget, ProgQuery};
    ///
    /// let (loopback, ingress) = (LinkTarget::Ifindex(1), AttachType::TCX_INGRESS);
    /// # kernel.prog_attach(&ProgAttach::new(program.as_fd(), loopback, ingress))?;
    /// let answer = kernel.prog_query(&ProgQuery { target: loopback, attach_type: ingress, effective: false })?;
    /// for (program, link) in answer.prog_ids.iter().zip(&answer.link_ids) {
    ///     println!("program {program}, link {link} (0: none); revision {}", answer.revision);
    /// }
    /// # assert_eq!(answer.prog_ids, [kernel.prog_info(program.as_fd())?.id]);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `EINVAL`: an attach type that cannot be asked about, or not with `effective`; not that of this target
    /// - `EBADF`: not a descriptor, or none of what the attach type is for
    /// - `ENODEV`: no such interface in this thread's network namespace
    /// - `EPERM`: no `CAP_NET_ADMIN`
    /// - `ENOENT`: tcx and netkit, on some kernels: nothing was ever attached there
    #[doc(alias = "bpf_prog_query")]
    #[doc(alias = "bpf_prog_query_opts")]
    #[doc(alias = "BPF_PROG_QUERY")]
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
        // The list may grow between asking for its length and for its content. Twice as much each time ends that.
        let mut count = 0u32;
        loop {
            let grown = |now: u32| now.max(count.saturating_mul(2));
            let mut answer = QueryAnswer::with_room(count)?;
            let (result, out) = {
                let mut attr = Attr::new(Cmd::PROG_QUERY, &ProgQueryAttr { count, ..base });
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
                Err(e) if e.errno == Errno::ENOSPC && out.count > count => count = grown(out.count),
                Err(e) if e.errno == Errno::EINVAL && extras && count > 0 => extras = false,
                Err(e) => return Err(e.with(place(q.attach_type, q.target))),
                Ok(()) if out.count > count => count = grown(out.count),
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
