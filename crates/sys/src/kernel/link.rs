//! Links: programs tied to what makes them run.

use std::ffi::{CStr, CString};
use std::mem::offset_of;
use std::os::fd::{BorrowedFd, OwnedFd};

use zerocopy::IntoBytes;

use super::Kernel;
use super::attach::RelativeTo;
use crate::attr::{Attr, CStrings, fd_or_zero, raw};
use crate::uapi::{
    AttachFlags, AttachType, Cmd, IterCreateAttr, LinkCreateAttr, LinkDetachAttr, LinkUpdateAttr,
    RawTracepointAttr,
};
use crate::{Errno, Result, SysError};

/// Offset of the kind's own part in `link_create`.
const EXTRA: usize = offset_of!(LinkCreateAttr, extra);

/// What a link is on.
#[derive(Debug, Clone, Copy, Default)]
pub enum LinkTarget<'a> {
    /// The attach type or the program says it already.
    #[default]
    None,
    /// A cgroup, a perf event, a network namespace, a program, a map.
    Fd(BorrowedFd<'a>),
    /// A network interface.
    Ifindex(u32),
}

/// What an iterator walks.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum IterTarget<'a> {
    /// The elements of a map.
    Map(BorrowedFd<'a>),
    /// Cgroups, in an order (`BPF_CGROUP_ITER_*`), from one on.
    Cgroup {
        /// `BPF_CGROUP_ITER_SELF_ONLY` = 1, descendants pre 2, post 3, ancestors up 4, children 5.
        order: u32,
        /// Where to start; the root if neither this nor `id`.
        fd: Option<BorrowedFd<'a>>,
        /// Where to start, by id; 0 for none.
        id: u64,
    },
    /// Tasks: one thread, one process (0 for not) or the process of a pidfd.
    Task {
        /// A thread.
        tid: u32,
        /// A process.
        pid: u32,
        /// A process, by descriptor.
        pid_fd: Option<BorrowedFd<'a>>,
    },
}

/// What a kind of link has of its own.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub enum LinkExtra<'a> {
    /// Nothing.
    #[default]
    None,
    /// fentry, fexit, fmod_ret, LSM, tp_btf, freplace.
    Tracing {
        /// The function, if it is not the one given at load (freplace).
        target_btf_id: u32,
        /// What `bpf_get_attach_cookie` gives the program (5.19).
        cookie: u64,
    },
    /// An iterator (5.8).
    Iter(IterTarget<'a>),
    /// A perf event: tracepoint, kprobe, uprobe, counter (5.15).
    PerfEvent {
        /// What `bpf_get_attach_cookie` gives the program.
        cookie: u64,
    },
    /// Many kprobes at once (5.18), by name or by address.
    KprobeMulti {
        /// `BPF_F_KPROBE_MULTI_RETURN` = 1.
        flags: u32,
        /// Functions by name.
        syms: &'a [&'a CStr],
        /// Functions by address, if not by name.
        addrs: &'a [u64],
        /// As many, or none.
        cookies: &'a [u64],
    },
    /// Many uprobes of one file at once (6.6).
    UprobeMulti {
        /// The file.
        path: &'a CStr,
        /// Offsets in it.
        offsets: &'a [u64],
        /// Offsets of USDT semaphores: as many, or none.
        ref_ctr_offsets: &'a [u64],
        /// As many, or none.
        cookies: &'a [u64],
        /// `BPF_F_UPROBE_MULTI_RETURN` = 1.
        flags: u32,
        /// One process, 0 for all.
        pid: u32,
    },
    /// A netfilter hook (6.4).
    Netfilter {
        /// `NFPROTO_*`.
        pf: u32,
        /// `NF_INET_*`.
        hooknum: u32,
        /// Where among the others.
        priority: i32,
        /// `BPF_F_NETFILTER_IP_DEFRAG` = 1.
        flags: u32,
    },
    /// tcx (6.6), netkit (6.7), cgroup (6.16): where among the others.
    Order {
        /// Before or after what, as the flags say.
        relative: RelativeTo<'a>,
        /// The revision that the list must have; 0 for any.
        expected_revision: u64,
    },
}

/// A link to make.
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
    /// Attaches a program and returns the link: when its last descriptor and pin are gone, the program is
    /// detached. Since Linux 5.7; which kinds, by release: cgroup 5.7, iterator and network namespace 5.8, XDP
    /// 5.9, freplace 5.10, perf event 5.15, kprobe_multi 5.18, struct_ops 6.4 and others as said at
    /// [`LinkExtra`].
    ///
    /// # Errors
    /// - `EINVAL`: a kind, flag or field that this kernel does not take; program and attach type do not match
    /// - `EPERM`: missing `CAP_NET_ADMIN`, `CAP_PERFMON`…
    /// - `EBADF`: one of the descriptors
    /// - `EBUSY`: it is attached already, or something that excludes it
    /// - `ENODEV`: no such interface
    /// - `EEXIST`: XDP without link is there
    /// - `E2BIG`: a field that this kernel does not know
    #[doc(alias = "bpf_link_create")]
    pub fn link_create(&self, l: &LinkCreate<'_>) -> Result<OwnedFd> {
        let cmd = Cmd::LINK_CREATE;
        let mut layout = LinkCreateAttr {
            prog_fd: raw(l.prog_fd),
            target_fd: match l.target {
                LinkTarget::None => 0,
                LinkTarget::Fd(fd) => raw(fd),
                LinkTarget::Ifindex(i) => i,
            },
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
        self.bpf_fd(&mut attr)
    }

    /// Changes a link's program in place: no event is missed. Since Linux 5.7.
    ///
    /// # Errors
    /// - `EPERM`: `old` is not what is there
    /// - `EINVAL`: the kind has no such thing, or the programs' types differ
    /// - `ENOLINK`: what it was on is gone
    #[doc(alias = "bpf_link_update")]
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

    /// Detaches a link's program now, whoever else has the link. Since Linux 5.9.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for kinds that detach with their last descriptor only (tracing, perf event).
    #[doc(alias = "bpf_link_detach")]
    pub fn link_detach(&self, link: BorrowedFd<'_>) -> Result<()> {
        self.bpf(&mut Attr::new(Cmd::LINK_DETACH, &LinkDetachAttr { link_fd: raw(link) }))
    }

    /// Attaches to a raw tracepoint by its name, or (without a name) a program of type tracing or LSM to the
    /// function it was loaded for. Returns a link. Since Linux 4.17, BTF-aware ones 5.5, cookies 6.10.
    ///
    /// # Errors
    /// - `ENOENT`: no such tracepoint
    /// - `EINVAL`: the program is of another type, or a cookie before 6.10
    /// - `EACCES`, `EPERM`: no `CAP_PERFMON`
    #[doc(alias = "bpf_raw_tracepoint_open")]
    pub fn raw_tracepoint_open(
        &self,
        name: Option<&str>,
        prog: BorrowedFd<'_>,
        cookie: u64,
    ) -> Result<OwnedFd> {
        let cmd = Cmd::RAW_TRACEPOINT_OPEN;
        let c_name = match name {
            Some(n) => {
                Some(CString::new(n).map_err(|_| SysError::invalid(cmd.name(), "a name with a NUL inside"))?)
            }
            None => None,
        };
        let layout = RawTracepointAttr { prog_fd: raw(prog), cookie, ..Default::default() };
        let mut attr = Attr::new(cmd, &layout);
        if let Some(n) = &c_name {
            attr.string("name", offset_of!(RawTracepointAttr, name), n);
        }
        let about = |e: SysError| match name {
            Some(n) => e.with(format!("raw tracepoint {n:?}")),
            None => e,
        };
        self.bpf_fd(&mut attr).map_err(about)
    }

    /// Makes a stream out of a link of an iterator: what the program writes is read from it. Since Linux 5.8.
    ///
    /// # Errors
    /// `EINVAL` for another kind of link.
    #[doc(alias = "bpf_iter_create")]
    pub fn iter_create(&self, link: BorrowedFd<'_>) -> Result<OwnedFd> {
        let layout = IterCreateAttr { link_fd: raw(link), flags: 0 };
        self.bpf_fd(&mut Attr::new(Cmd::ITER_CREATE, &layout))
    }
}

/// Two neighbours of 32 bits as the 64 bits in memory.
fn pair(first: u32, second: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

fn iter_target(target: IterTarget<'_>, words: &mut [u32; 4]) -> usize {
    match target {
        IterTarget::Map(fd) => words[0] = raw(fd),
        IterTarget::Cgroup { order, fd, id } => {
            words[0] = order;
            words[1] = fd_or_zero(fd);
            words[2..].as_mut_bytes().copy_from_slice(&id.to_ne_bytes());
        }
        IterTarget::Task { tid, pid, pid_fd } => {
            words[..3].copy_from_slice(&[tid, pid, fd_or_zero(pid_fd)]);
        }
    }
    // Kernels before the one that added a member to this union take its shorter form only.
    match target {
        IterTarget::Map(_) => 4,
        _ => 16,
    }
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
