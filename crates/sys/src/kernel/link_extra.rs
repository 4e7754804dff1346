//! What each kind of link has of its own.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use zerocopy::IntoBytes;

use super::attach::RelativeTo;
use crate::attr::{fd_or_zero, raw};

/// What an iterator walks.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum IterTarget<'a> {
    /// The elements of a map.
    Map(BorrowedFd<'a>),
    /// Cgroups (6.1), in an order (`BPF_CGROUP_ITER_*`), from one on.
    Cgroup {
        /// `BPF_CGROUP_ITER_SELF_ONLY` = 1, descendants pre 2, post 3, ancestors up 4, children 5.
        order: u32,
        /// Where to start; the root if neither this nor `id`.
        fd: Option<BorrowedFd<'a>>,
        /// Where to start, by id; 0 for none.
        id: u64,
    },
    /// Tasks (6.1): one thread, the threads of one process (0 for not), or those of the process of a pidfd. Files and
    /// memory areas of tasks, too.
    Task {
        /// A thread.
        tid: u32,
        /// A process.
        pid: u32,
        /// A process, by descriptor.
        pid_fd: Option<BorrowedFd<'a>>,
    },
}

/// What a kind of link has of its own, in [`LinkCreate`](super::LinkCreate).
#[doc(alias = "bpf_link_create_opts")]
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
        /// What `bpf_get_attach_cookie` gives the program for each: as many, or none.
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
    /// Many functions of the kernel at once, by trampolines (7.2).
    TracingMulti {
        /// Their BTF ids.
        ids: &'a [u32],
        /// As many, or none.
        cookies: &'a [u64],
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
    /// tcx (6.6), netkit (6.7), cgroup (6.17): where among the others.
    Order {
        /// Before or after what, as the flags say.
        relative: RelativeTo<'a>,
        /// The revision that the list must have; 0 for any.
        expected_revision: u64,
    },
}

/// An iterator's target in words, and how many bytes of them count.
pub(super) fn iter_target(target: IterTarget<'_>, words: &mut [u32; 4]) -> usize {
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
