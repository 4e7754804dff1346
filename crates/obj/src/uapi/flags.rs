use bitflags::bitflags;

bitflags! {
    /// Flags of a map at its creation (`BPF_F_*`). Bits this crate does not know are carried.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct MapFlags: u32 {
        /// Hash tables: allocate elements when they are inserted, not at creation (4.6).
        const NO_PREALLOC = 1 << 0;
        /// LRU: a list for each CPU instead of a common one (4.10).
        const NO_COMMON_LRU = 1 << 1;
        /// Allocate on the NUMA node that is given (4.14).
        const NUMA_NODE = 1 << 2;
        /// User space may only read (4.15).
        const RDONLY = 1 << 3;
        /// User space may only write (4.15).
        const WRONLY = 1 << 4;
        /// Stack traces as build id and offset (4.17).
        const STACK_BUILD_ID = 1 << 5;
        /// Hash tables: seed of zero, for tests only (5.0).
        const ZERO_SEED = 1 << 6;
        /// Programs may only read (5.2).
        const RDONLY_PROG = 1 << 7;
        /// Programs may only write (5.2).
        const WRONLY_PROG = 1 << 8;
        /// Storage maps: a cloned socket takes the storage along (5.4).
        const CLONE = 1 << 9;
        /// User space may mmap it (5.5).
        const MMAPABLE = 1 << 10;
        /// Perf event arrays: keep the events when the map is closed (5.10).
        const PRESERVE_ELEMS = 1 << 11;
        /// Arrays as inner maps may differ in size (5.10).
        const INNER_MAP = 1 << 12;
        /// struct_ops: attached by a link (6.4).
        const LINK = 1 << 13;
        /// Paths are relative to a directory's descriptor (6.5).
        const PATH_FD = 1 << 14;
        /// The value's type is in the BTF of a module (6.9).
        const VTYPE_BTF_OBJ_FD = 1 << 15;
        /// A BPF token is given (6.9).
        const TOKEN_FD = 1 << 16;
        /// Arenas: a fault in user space outside allocated pages kills (6.9).
        const SEGV_ON_FAULT = 1 << 17;
        /// Arenas: pointers are not converted for user space (6.9).
        const NO_USER_CONV = 1 << 18;
        /// Ring buffers: overwrite the oldest records when full (6.19).
        const RB_OVERWRITE = 1 << 19;

        const _ = !0;
    }
}

bitflags! {
    /// Flags of a program at its load (`BPF_F_*`). Bits this crate does not know are carried.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
    pub struct ProgramFlags: u32 {
        /// Alignment is checked as on the strictest machine (4.12).
        const STRICT_ALIGNMENT = 1 << 0;
        /// Alignment is not checked (5.0).
        const ANY_ALIGNMENT = 1 << 1;
        /// Tests: upper halves of registers are filled with noise (5.3).
        const TEST_RND_HI32 = 1 << 2;
        /// Tests: states are saved more often (5.4).
        const TEST_STATE_FREQ = 1 << 3;
        /// The program may sleep (5.10).
        const SLEEPABLE = 1 << 4;
        /// XDP: packets of several fragments are understood (5.18).
        const XDP_HAS_FRAGS = 1 << 5;
        /// XDP: bound to one device, run on the host (6.3).
        const XDP_DEV_BOUND_ONLY = 1 << 6;
        /// Tests: invariants of registers are checked (6.8).
        const TEST_REG_INVARIANTS = 1 << 7;
        /// A BPF token is given (6.9).
        const TOKEN_FD = 1 << 16;

        const _ = !0;
    }
}
