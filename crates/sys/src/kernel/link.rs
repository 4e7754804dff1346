//! Links: programs tied to what makes them run.

use std::mem::offset_of;
use std::os::fd::{BorrowedFd, OwnedFd};

use zerocopy::IntoBytes;

use super::Kernel;
use super::attach::{place, target};
use super::link_extra::{LinkExtra, iter_target};
use crate::attr::{Attr, CStrings, fd_or_zero, raw};
use crate::uapi::{AttachFlags, AttachType, Cmd, LinkCreateAttr, LinkDetachAttr, LinkUpdateAttr};
use crate::{Errno, Result, SysError};

/// Offset of the kind's own part in `link_create`.
const EXTRA: usize = offset_of!(LinkCreateAttr, extra);

/// What a link is on.
#[derive(Debug, Clone, Copy, Default)]
pub enum LinkTarget<'a> {
    /// The attach type or the program says it already.
    #[default]
    None,
    /// A cgroup, a perf event, a network namespace, a program, a map, an infrared device.
    Fd(BorrowedFd<'a>),
    /// A network interface.
    Ifindex(u32),
}

/// A link to make: the argument of [`Kernel::link_create`].
#[derive(Debug, Clone, Copy)]
pub struct LinkCreate<'a> {
    /// The program (the map, for struct_ops).
    pub prog_fd: BorrowedFd<'a>,
    /// What it is on.
    pub target: LinkTarget<'a>,
    /// How.
    pub attach_type: AttachType,
    /// Flags: those of XDP, or [`AttachFlags`].
    pub flags: u32,
    /// What the kind has of its own.
    pub extra: LinkExtra<'a>,
}

impl<'a> LinkCreate<'a> {
    /// A link without flags or extras.
    pub fn new(prog_fd: BorrowedFd<'a>, target: LinkTarget<'a>, attach_type: AttachType) -> Self {
        Self { prog_fd, target, attach_type, flags: 0, extra: LinkExtra::None }
    }
}

/// A link's new program.
#[derive(Debug, Clone, Copy)]
pub struct LinkUpdate<'a> {
    /// The program (the map, for struct_ops) to change to.
    pub new: BorrowedFd<'a>,
    /// The one that must be there now.
    pub old: Option<BorrowedFd<'a>>,
    /// Flags. [`AttachFlags::REPLACE`] is added by itself if `old` is given.
    pub flags: u32,
}

impl Kernel {
    /// Attaches a program and returns the link: when its last descriptor and pin are gone, the program is detached, and
    /// nobody else can detach or replace it before, but by the link. Since Linux 5.7; which kinds, by release: cgroup 5.7,
    /// iterator and network namespace 5.8, XDP 5.9, freplace 5.10, perf event 5.15, kprobe_multi 5.18, fentry and the
    /// like 5.19 (before: [`raw_tracepoint_open`](Self::raw_tracepoint_open)), struct_ops 6.4, sockmap 6.10 and others as
    /// said at [`LinkExtra`].
    ///
    /// Needs what loading a program of this type needs: `CAP_BPF`, with `CAP_NET_ADMIN` for networking and
    /// `CAP_PERFMON` for tracing.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{Kernel, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// # let load = ProgLoad { prog_type: ProgramType::XDP, insns: &insns, ..Default::default() };
    /// # let program = kernel.prog_load(&load, None)?;
    /// use oxbpf_sys::{AttachType, LinkCreate, LinkTarget};
    ///
    /// let create = LinkCreate::new(program.as_fd(), LinkTarget::Ifindex(1), AttachType::XDP);
    /// let link = kernel.link_create(&create)?;
    /// drop(link); // detached
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `EINVAL`: a kind, flag or field that this kernel does not take; a program that does not fit the attach type or
    ///   the target; a function that was asked for is not there (kprobe_multi: `ESRCH`)
    /// - `EPERM`, `EACCES`: a privilege is missing
    /// - `EBADF`: one of the descriptors is none, or none of what the attach type is for
    /// - `EBUSY`: the program is attached already, or there is another one where one fits (XDP, freplace)
    /// - `EEXIST`: tcx and netkit, the program is there already; XDP, one is there without a link
    /// - `ENODEV`, `ENOENT`: no such interface; nothing to stand before or after
    /// - `ESTALE`, `ERANGE`, `EDOM`: as [`prog_attach`](Self::prog_attach)
    /// - `EOPNOTSUPP`: the interface's driver, or the perf event, cannot do that; the cookie is not for this kind
    /// - `EAFNOSUPPORT`, `EPROTO`: netfilter, another protocol family, or no such hook
    /// - `E2BIG`: too many programs or functions; a field that this kernel does not know
    /// - `ENOMEM`
    #[doc(alias = "bpf_link_create")]
    #[doc(alias = "BPF_LINK_CREATE")]
    pub fn link_create(&self, l: &LinkCreate<'_>) -> Result<OwnedFd> {
        let cmd = Cmd::LINK_CREATE;
        let mut layout = LinkCreateAttr {
            prog_fd: raw(l.prog_fd),
            target_fd: target(l.target),
            attach_type: l.attach_type.0,
            flags: l.flags,
            extra: [0; 6],
        };
        // Out here because the attribute borrows them.
        let mut iter_info = [0u32; 4];
        let mut syms = CStrings::new(&[]);
        let mut inputs: [(&'static str, usize, &[u8]); 4] = [("", 0, &[]); 4];
        match l.extra {
            LinkExtra::None => {}
            LinkExtra::Tracing { target_btf_id, cookie } => {
                layout.extra[0] = pair(target_btf_id, 0);
                layout.extra[1] = cookie;
            }
            LinkExtra::PerfEvent { cookie } => layout.extra[0] = cookie,
            LinkExtra::Iter(target) => {
                let len = iter_target(target, &mut iter_info);
                layout.extra[1] = pair(len as u32, 0);
                inputs[0] = ("iter_info", 0, &iter_info.as_bytes()[..len]);
            }
            LinkExtra::KprobeMulti { flags, syms: names, addrs, cookies } => {
                if !names.is_empty() && !addrs.is_empty() {
                    return Err(SysError::invalid(cmd.name(), "functions by name and by address, both"));
                }
                let n = names.len().max(addrs.len());
                same_count(cmd, n, &[cookies])?;
                layout.extra[0] = pair(flags, count(cmd, n)?);
                syms = CStrings::new(names);
                inputs[0] = ("addrs", 16, addrs.as_bytes());
                inputs[1] = ("cookies", 24, cookies.as_bytes());
            }
            LinkExtra::UprobeMulti { path, offsets, ref_ctr_offsets, cookies, flags, pid } => {
                same_count(cmd, offsets.len(), &[ref_ctr_offsets, cookies])?;
                layout.extra[4] = pair(count(cmd, offsets.len())?, flags);
                layout.extra[5] = pair(pid, 0);
                inputs = [
                    ("path", 0, path.to_bytes_with_nul()),
                    ("offsets", 8, offsets.as_bytes()),
                    ("ref_ctr_offsets", 16, ref_ctr_offsets.as_bytes()),
                    ("cookies", 24, cookies.as_bytes()),
                ];
            }
            LinkExtra::TracingMulti { ids, cookies } => {
                same_count(cmd, ids.len(), &[cookies])?;
                layout.extra[2] = pair(count(cmd, ids.len())?, 0);
                inputs[0] = ("ids", 0, ids.as_bytes());
                inputs[1] = ("cookies", 8, cookies.as_bytes());
            }
            LinkExtra::Netfilter { pf, hooknum, priority, flags } => {
                layout.extra[0] = pair(pf, hooknum);
                layout.extra[1] = pair(priority.cast_unsigned(), flags);
            }
            LinkExtra::Order { relative, expected_revision } => {
                let (value, flags) = relative.encode();
                layout.extra[0] = pair(value, 0);
                layout.extra[1] = expected_revision;
                layout.flags |= flags;
            }
        }
        let mut attr = Attr::new(cmd, &layout);
        attr.strings("syms", EXTRA + 8, &syms);
        for (name, at, bytes) in inputs {
            attr.input(name, EXTRA + at, bytes);
        }
        self.bpf_fd(&mut attr).map_err(|e| e.with(place(l.attach_type, l.target)))
    }

    /// Changes a link's program in place: no event is missed, and who else has the link has the new program, too. For
    /// links to cgroups, network namespaces and iterators (5.8), XDP (5.9), struct_ops (6.4, from map to map), tcx (6.6),
    /// netkit (6.7), sockmaps (6.10). Since Linux 5.7.
    ///
    /// With [`LinkUpdate::old`], only if that is the program there: so two that update at a time do not undo each
    /// other's work.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{AttachType, Kernel, LinkCreate, LinkTarget, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// # let load = ProgLoad { prog_type: ProgramType::XDP, insns: &insns, ..Default::default() };
    /// # let (first, second) = (kernel.prog_load(&load, None)?, kernel.prog_load(&load, None)?);
    /// # let create = LinkCreate::new(first.as_fd(), LinkTarget::Ifindex(1), AttachType::XDP);
    /// # let link = kernel.link_create(&create)?;
    /// use oxbpf_sys::LinkUpdate;
    ///
    /// let update = LinkUpdate { new: second.as_fd(), old: Some(first.as_fd()), flags: 0 };
    /// kernel.link_update(link.as_fd(), &update)?;
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `EPERM`: `old` is not what is there
    /// - `EINVAL`: links of this kind cannot be changed; the programs' types differ; not a link or not a program
    /// - `ENOLINK`: what it was on is gone, or it was detached
    /// - `EBADF`: one of the descriptors
    #[doc(alias = "bpf_link_update")]
    #[doc(alias = "bpf_link_update_opts")]
    #[doc(alias = "BPF_LINK_UPDATE")]
    pub fn link_update(&self, link: BorrowedFd<'_>, u: &LinkUpdate<'_>) -> Result<()> {
        let replace = if u.old.is_some() { AttachFlags::REPLACE.bits() } else { 0 };
        let layout = LinkUpdateAttr {
            link_fd: raw(link),
            new_prog_fd: raw(u.new),
            flags: u.flags | replace,
            old_prog_fd: fd_or_zero(u.old),
        };
        self.bpf(&mut Attr::new(Cmd::LINK_UPDATE, &layout))
    }

    /// Detaches a link's program now, whoever else has the link. The link stays, attached to nothing, until its last
    /// descriptor is closed; to detach it again does nothing. For links to cgroups, network namespaces, XDP (5.9),
    /// struct_ops (6.12), tcx, netkit (6.6), sockmaps (6.10). Since Linux 5.9.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{AttachType, Kernel, LinkCreate, LinkTarget, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// # let load = ProgLoad { prog_type: ProgramType::XDP, insns: &insns, ..Default::default() };
    /// # let program = kernel.prog_load(&load, None)?;
    /// # let create = LinkCreate::new(program.as_fd(), LinkTarget::Ifindex(1), AttachType::XDP);
    /// # let link = kernel.link_create(&create)?;
    /// kernel.link_detach(link.as_fd())?;
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `EOPNOTSUPP`: links of this kind detach with their last descriptor only (tracing, perf event, iterator…)
    /// - `EINVAL`: not a link; a kernel before 5.9
    /// - `EBADF`: not a descriptor
    #[doc(alias = "bpf_link_detach")]
    #[doc(alias = "BPF_LINK_DETACH")]
    pub fn link_detach(&self, link: BorrowedFd<'_>) -> Result<()> {
        self.bpf(&mut Attr::new(Cmd::LINK_DETACH, &LinkDetachAttr { link_fd: raw(link) }))
    }
}

/// Two neighbours of 32 bits as the 64 bits in memory.
fn pair(first: u32, second: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

fn same_count(cmd: Cmd, n: usize, lists: &[&[u64]]) -> Result<()> {
    match lists.iter().find(|l| !l.is_empty() && l.len() != n) {
        None => Ok(()),
        Some(l) => Err(SysError::invalid(cmd.name(), format!("{} values for {n} functions", l.len()))),
    }
}

fn count(cmd: Cmd, n: usize) -> Result<u32> {
    u32::try_from(n).map_err(|_| SysError::new(cmd.name(), Errno::E2BIG))
}
