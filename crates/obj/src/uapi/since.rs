//! Which kernels brought flags and fields. Types, commands and instructions tell their releases themselves.

use super::{MapFlags, ProgramFlags, ProgramType};

/// The first kernel release that has something, as (major, minor), and what it is.
type Since = ((u16, u16), &'static str);

/// The field `map_extra` of a map.
pub const MAP_EXTRA: Since = ((5, 16), "map_extra");
/// The field `map_ifindex` of a map.
pub const MAP_IFINDEX: Since = ((4, 16), "maps offloaded to a device");
/// The field `excl_prog_hash` of a map.
pub const MAP_EXCLUSIVE: Since = ((6, 18), "maps of one program only");
/// The field `expected_attach_type` of a program.
pub const EXPECTED_ATTACH_TYPE: Since = ((4, 17), "expected attach types");

const MAP: &[(MapFlags, Since)] = &[
    (MapFlags::NO_PREALLOC, ((4, 6), "elements that are not preallocated")),
    (MapFlags::NO_COMMON_LRU, ((4, 10), "LRU lists for each CPU")),
    (MapFlags::NUMA_NODE, ((4, 14), "maps on a NUMA node")),
    (MapFlags::RDONLY, ((4, 15), "maps that user space may only read")),
    (MapFlags::WRONLY, ((4, 15), "maps that user space may only write")),
    (MapFlags::STACK_BUILD_ID, ((4, 17), "stack traces with build ids")),
    (MapFlags::ZERO_SEED, ((5, 0), "hash tables without a seed")),
    (MapFlags::RDONLY_PROG, ((5, 2), "maps that programs may only read")),
    (MapFlags::WRONLY_PROG, ((5, 2), "maps that programs may only write")),
    (MapFlags::CLONE, ((5, 4), "storage that goes along with a cloned socket")),
    (MapFlags::MMAPABLE, ((5, 5), "maps in memory")),
    (MapFlags::PRESERVE_ELEMS, ((5, 10), "perf event arrays that keep their events")),
    (MapFlags::INNER_MAP, ((5, 10), "inner maps of any size")),
    (MapFlags::LINK, ((6, 4), "struct_ops links")),
    (MapFlags::VTYPE_BTF_OBJ_FD, ((6, 9), "struct_ops of modules")),
    (MapFlags::TOKEN_FD, ((6, 9), "BPF tokens")),
    (MapFlags::SEGV_ON_FAULT, ((6, 9), "arenas")),
    (MapFlags::NO_USER_CONV, ((6, 9), "arenas")),
    (MapFlags::RB_OVERWRITE, ((6, 19), "ring buffers that overwrite")),
];

const PROGRAM: &[(ProgramFlags, Since)] = &[
    (ProgramFlags::STRICT_ALIGNMENT, ((4, 12), "strict alignment")),
    (ProgramFlags::ANY_ALIGNMENT, ((5, 0), "access at any alignment")),
    (ProgramFlags::TEST_RND_HI32, ((5, 3), "BPF_F_TEST_RND_HI32")),
    (ProgramFlags::TEST_STATE_FREQ, ((5, 4), "BPF_F_TEST_STATE_FREQ")),
    (ProgramFlags::XDP_HAS_FRAGS, ((5, 18), "XDP programs for packets of several fragments")),
    (ProgramFlags::XDP_DEV_BOUND_ONLY, ((6, 3), "XDP programs bound to a device")),
    (ProgramFlags::TEST_REG_INVARIANTS, ((6, 8), "BPF_F_TEST_REG_INVARIANTS")),
    (ProgramFlags::TOKEN_FD, ((6, 9), "BPF tokens")),
];

impl MapFlags {
    /// Of each flag that is set, the first kernel release that has it, as (major, minor), and what it is: oldest first.
    /// Flags that this crate does not know are passed over.
    ///
    /// ```
    /// use oxbpf_obj::MapFlags;
    ///
    /// let flags = MapFlags::MMAPABLE | MapFlags::RDONLY_PROG;
    /// let since: Vec<_> = flags.since().collect();
    /// assert_eq!(since, [((5, 2), "maps that programs may only read"), ((5, 5), "maps in memory")]);
    /// ```
    pub fn since(self) -> impl Iterator<Item = ((u16, u16), &'static str)> {
        MAP.iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, since)| *since)
    }
}

impl ProgramFlags {
    /// Of each flag that is set, the first kernel release that takes it with a program of `prog_type`, as (major, minor),
    /// and what it is. Flags that this crate does not know are passed over.
    pub fn since(self, prog_type: ProgramType) -> impl Iterator<Item = ((u16, u16), &'static str)> {
        let sleepable = self.contains(Self::SLEEPABLE).then(|| sleepable(prog_type));
        PROGRAM.iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, since)| *since).chain(sleepable)
    }
}

/// Since when kernels load programs of a type that may sleep.
const fn sleepable(prog_type: ProgramType) -> Since {
    const OF_TYPE: &str = "sleepable programs of this type";
    match prog_type {
        ProgramType::KPROBE => ((6, 0), OF_TYPE),
        ProgramType::TRACEPOINT | ProgramType::RAW_TRACEPOINT => ((7, 2), OF_TYPE),
        ProgramType::SYSCALL => ((5, 14), OF_TYPE),
        ProgramType::STRUCT_OPS => ((6, 3), OF_TYPE),
        _ => ((5, 10), "sleepable programs"),
    }
}
