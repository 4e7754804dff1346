//! Which kernels brought flags, and where they may stand.

use super::{Release, When};
use crate::uapi::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType};

/// The flags of a program, each with its release.
pub(super) fn of_program(
    flags: ProgramFlags,
    prog_type: ProgramType,
    attach: Option<AttachType>,
) -> Vec<(Release, &'static str, When)> {
    let known = [
        (ProgramFlags::STRICT_ALIGNMENT, (4, 12), "strict alignment"),
        (ProgramFlags::ANY_ALIGNMENT, (5, 0), "access at any alignment"),
        (ProgramFlags::TEST_RND_HI32, (5, 3), "BPF_F_TEST_RND_HI32"),
        (ProgramFlags::TEST_STATE_FREQ, (5, 4), "BPF_F_TEST_STATE_FREQ"),
        (ProgramFlags::SLEEPABLE, sleepable(prog_type), "sleepable programs of its type"),
        (ProgramFlags::XDP_HAS_FRAGS, (5, 18), "XDP programs for packets of several fragments"),
        (ProgramFlags::XDP_DEV_BOUND_ONLY, (6, 3), "XDP programs bound to a device"),
        (ProgramFlags::TEST_REG_INVARIANTS, (6, 8), "BPF_F_TEST_REG_INVARIANTS"),
        (ProgramFlags::TOKEN_FD, (6, 9), "BPF tokens"),
    ];
    let set = known.into_iter().filter(|(flag, ..)| flags.contains(*flag));
    let mut all: Vec<_> = set.map(|(_, since, what)| (since.into(), what, When::Load)).collect();
    // Kernels before these load them, for they do not look closer, but do not let them sleep.
    let truly = match attach {
        Some(AttachType::TRACE_ITER) => Some((5, 18)),
        Some(AttachType::TRACE_RAW_TP) => Some((7, 2)),
        _ => None,
    };
    if let Some(since) = truly.filter(|_| flags.contains(ProgramFlags::SLEEPABLE)) {
        all.push((since.into(), "sleepable programs of its attach type", When::Attach));
    }
    all
}

/// Since when kernels load programs of a type that may sleep.
fn sleepable(prog_type: ProgramType) -> (u16, u16) {
    match prog_type {
        ProgramType::KPROBE => (6, 0),
        ProgramType::TRACEPOINT | ProgramType::RAW_TRACEPOINT => (7, 2),
        ProgramType::SYSCALL => (5, 14),
        ProgramType::STRUCT_OPS => (6, 3),
        _ => (5, 10),
    }
}

/// The flags of a map, each with its release.
pub(super) fn of_map(flags: MapFlags) -> Vec<(Release, &'static str)> {
    let known = [
        (MapFlags::NO_PREALLOC, (4, 6), "elements that are not preallocated"),
        (MapFlags::NO_COMMON_LRU, (4, 10), "an LRU list for each CPU"),
        (MapFlags::NUMA_NODE, (4, 14), "maps of a NUMA node"),
        (MapFlags::RDONLY, (4, 15), "maps read-only to user space"),
        (MapFlags::WRONLY, (4, 15), "maps write-only to user space"),
        (MapFlags::STACK_BUILD_ID, (4, 17), "stack traces by build id"),
        (MapFlags::ZERO_SEED, (5, 0), "hash tables without a seed"),
        (MapFlags::RDONLY_PROG, (5, 2), "maps read-only to programs"),
        (MapFlags::WRONLY_PROG, (5, 2), "maps write-only to programs"),
        (MapFlags::CLONE, (5, 4), "storage that cloned sockets take along"),
        (MapFlags::MMAPABLE, (5, 5), "maps in memory"),
        (MapFlags::PRESERVE_ELEMS, (5, 10), "perf event arrays that keep their events"),
        (MapFlags::INNER_MAP, (5, 10), "inner maps of any size"),
        (MapFlags::LINK, (6, 4), "struct_ops links"),
        (MapFlags::VTYPE_BTF_OBJ_FD, (6, 9), "struct_ops of modules"),
        (MapFlags::TOKEN_FD, (6, 9), "BPF tokens"),
        (MapFlags::RB_OVERWRITE, (6, 19), "ring buffers that overwrite"),
    ];
    let set = known.into_iter().filter(|(flag, ..)| flags.contains(*flag));
    set.map(|(_, since, what)| (since.into(), what)).collect()
}

/// Whether kernels look at the attach type when they load a program of this type; others take any number.
pub(super) fn minds_attach_type(prog_type: ProgramType) -> bool {
    matches!(
        prog_type,
        ProgramType::CGROUP_SKB
            | ProgramType::CGROUP_SOCK
            | ProgramType::CGROUP_SOCK_ADDR
            | ProgramType::CGROUP_SOCKOPT
            | ProgramType::SK_LOOKUP
            | ProgramType::NETFILTER
            | ProgramType::TRACING
            | ProgramType::LSM
    )
}

/// The first kernel with a struct_ops struct; `None` for one that this crate does not know.
pub(super) fn struct_ops(name: &str) -> Option<Release> {
    let since = match name {
        "tcp_congestion_ops" => (5, 6),
        "hid_bpf_ops" => (6, 11),
        "sched_ext_ops" => (6, 12),
        "Qdisc_ops" => (6, 16),
        _ => return None,
    };
    Some(since.into())
}

/// Whether a map's elements take memory only once they are put in.
pub(super) fn grows(map_type: MapType, flags: MapFlags) -> bool {
    match map_type {
        MapType::HASH | MapType::PERCPU_HASH => flags.contains(MapFlags::NO_PREALLOC),
        MapType::LPM_TRIE | MapType::HASH_OF_MAPS | MapType::DEVMAP_HASH | MapType::SOCKHASH => true,
        MapType::RHASH | MapType::ARENA | MapType::CPUMAP | MapType::DEVMAP => true,
        _ => false,
    }
}
