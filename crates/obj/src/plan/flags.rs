//! What kernels mind of types, attach types and flags, and since when.

use super::{Release, When};
use crate::uapi::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType};

/// The flags of a program, each with its release.
pub(super) fn of_program(
    flags: ProgramFlags,
    prog_type: ProgramType,
    attach: Option<AttachType>,
) -> Vec<(Release, &'static str, When)> {
    let mut all: Vec<_> =
        flags.since(prog_type).map(|(since, what)| (since.into(), what, When::Load)).collect();
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
