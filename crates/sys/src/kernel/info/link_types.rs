//! What the kernel tells about a link.

use crate::uapi::{AttachType, LinkType};

/// What the kernel tells about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// The kind.
    pub link_type: LinkType,
    /// The id.
    pub id: u32,
    /// The program; 0 for kinds that have several (struct_ops).
    pub prog_id: u32,
    /// What the kind has of its own.
    pub details: LinkDetails,
}

/// What a kind of link has of its own. Fields that came later than the kind say since when; they are 0 in older
/// kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkDetails {
    /// A raw tracepoint.
    RawTracepoint {
        /// Its name.
        name: String,
        /// The cookie (6.17).
        cookie: u64,
    },
    /// fentry, fexit, fmod_ret, LSM, tp_btf, freplace.
    Tracing {
        /// How.
        attach_type: AttachType,
        /// The program (freplace) or the BTF object that has the function (5.13).
        target_obj_id: u32,
        /// The function there (5.13).
        target_btf_id: u32,
        /// The cookie (6.17).
        cookie: u64,
    },
    /// A cgroup.
    Cgroup {
        /// The cgroup.
        cgroup_id: u64,
        /// How.
        attach_type: AttachType,
    },
    /// An iterator.
    Iter(IterInfo),
    /// A network namespace.
    Netns {
        /// Its inode, 0 if it is gone.
        netns_ino: u32,
        /// How.
        attach_type: AttachType,
    },
    /// XDP on a network interface.
    Xdp {
        /// The interface, 0 if it is gone.
        ifindex: u32,
    },
    /// A struct_ops map.
    StructOps {
        /// The map.
        map_id: u32,
    },
    /// A netfilter hook.
    Netfilter {
        /// `NFPROTO_*`.
        pf: u32,
        /// `NF_INET_*`.
        hooknum: u32,
        /// Where among the others.
        priority: i32,
        /// Flags.
        flags: u32,
    },
    /// Many kprobes (6.6).
    KprobeMulti(KprobeMultiInfo),
    /// Many uprobes (6.8).
    UprobeMulti(UprobeMultiInfo),
    /// The entry or exit of many kernel functions (7.2).
    TracingMulti(TracingMultiInfo),
    /// A perf event.
    PerfEvent(PerfEventInfo),
    /// tc on a network interface.
    Tcx {
        /// The interface, 0 if it is gone.
        ifindex: u32,
        /// How.
        attach_type: AttachType,
    },
    /// A netkit device.
    Netkit {
        /// The interface, 0 if it is gone.
        ifindex: u32,
        /// How.
        attach_type: AttachType,
    },
    /// A sockmap.
    Sockmap {
        /// The map.
        map_id: u32,
        /// How.
        attach_type: AttachType,
    },
    /// A kind that this crate does not know: the bytes from offset 16 on.
    Unknown([u64; 6]),
}

/// What an iterator walks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IterInfo {
    /// `task`, `bpf_map_elem`…
    pub target: String,
    /// The map, of a map's elements.
    pub map_id: u32,
    /// Where it starts, of cgroups (6.1).
    pub cgroup_id: u64,
    /// In which order, of cgroups (6.1).
    pub cgroup_order: u32,
    /// One thread, of tasks (6.1).
    pub tid: u32,
    /// One process, of tasks (6.1).
    pub pid: u32,
}

/// The kprobes of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KprobeMultiInfo {
    /// How many functions there are.
    pub count: u32,
    /// Flags; 1 for return probes.
    pub flags: u32,
    /// How often it could not run (6.7).
    pub missed: u64,
    /// The functions' addresses; `None` where the kernel withholds them (`kernel.kptr_restrict`).
    pub addrs: Option<Vec<u64>>,
    /// A cookie for each (6.9), none from older kernels.
    pub cookies: Vec<u64>,
}

/// The functions of a tracing link to many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TracingMultiInfo {
    /// Entry, exit or both.
    pub attach_type: AttachType,
    /// The BTF object that has the functions.
    pub btf_obj_id: u32,
    /// The functions there.
    pub ids: Vec<u32>,
    /// Their addresses; `None` where the kernel withholds them (`kernel.kptr_restrict`).
    pub addrs: Option<Vec<u64>>,
    /// A cookie for each; none if the link was made without.
    pub cookies: Vec<u64>,
}

/// The uprobes of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct UprobeMultiInfo {
    /// The file.
    pub path: String,
    /// Offsets in it.
    pub offsets: Vec<u64>,
    /// Offsets of semaphores.
    pub ref_ctr_offsets: Vec<u64>,
    /// Cookies.
    pub cookies: Vec<u64>,
    /// Flags; 1 for return probes.
    pub flags: u32,
    /// One process, 0 for all.
    pub pid: u32,
}

/// What a perf event link is on; since Linux 6.6.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PerfEventInfo {
    /// A uprobe or uretprobe.
    Uprobe {
        /// Return probe.
        ret: bool,
        /// The file.
        file: String,
        /// The offset in it.
        offset: u32,
        /// The cookie (6.9).
        cookie: u64,
        /// The offset of a semaphore (6.16).
        ref_ctr_offset: u64,
    },
    /// A kprobe or kretprobe.
    Kprobe {
        /// Return probe.
        ret: bool,
        /// The function.
        func: String,
        /// The offset in it.
        offset: u32,
        /// The address; `None` where the kernel withholds it (`kernel.kptr_restrict`).
        addr: Option<u64>,
        /// How often it could not run (6.7).
        missed: u64,
        /// The cookie (6.9).
        cookie: u64,
    },
    /// A tracepoint.
    Tracepoint {
        /// Its name.
        name: String,
        /// The cookie (6.9).
        cookie: u64,
    },
    /// Another event.
    Event {
        /// The number of the event.
        config: u64,
        /// The PMU.
        event_type: u32,
        /// The cookie (6.9).
        cookie: u64,
    },
    /// Unknown, or a kernel before 6.6.
    Unspecified,
}
