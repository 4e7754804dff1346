use super::open_enum;

open_enum! {
    /// The type of a map (`enum bpf_map_type`).
    #[doc(alias = "bpf_map_type")]
    pub struct MapType;

    /// No type: the kernel refuses it.
    UNSPEC = 0, "unspec", (3, 18);
    /// Hash table.
    HASH = 1, "hash", (3, 19);
    /// Array of values, indexed by `u32`.
    ARRAY = 2, "array", (3, 19);
    /// Array of programs, for tail calls.
    PROG_ARRAY = 3, "prog_array", (4, 2);
    /// Array of perf events, one a CPU, for perf buffers.
    PERF_EVENT_ARRAY = 4, "perf_event_array", (4, 3);
    /// Hash table with a value for each CPU.
    PERCPU_HASH = 5, "percpu_hash", (4, 6);
    /// Array with a value for each CPU.
    PERCPU_ARRAY = 6, "percpu_array", (4, 6);
    /// Stack traces by id.
    STACK_TRACE = 7, "stack_trace", (4, 6);
    /// Array of cgroups.
    CGROUP_ARRAY = 8, "cgroup_array", (4, 8);
    /// Hash table that forgets what was used longest ago.
    LRU_HASH = 9, "lru_hash", (4, 10);
    /// Hash table with a value for each CPU that forgets what was used longest ago.
    LRU_PERCPU_HASH = 10, "lru_percpu_hash", (4, 10);
    /// Longest-prefix match.
    LPM_TRIE = 11, "lpm_trie", (4, 11);
    /// Array of maps.
    ARRAY_OF_MAPS = 12, "array_of_maps", (4, 12);
    /// Hash table of maps.
    HASH_OF_MAPS = 13, "hash_of_maps", (4, 12);
    /// Network devices by index, for XDP redirection.
    DEVMAP = 14, "devmap", (4, 14);
    /// Sockets by index, for redirection.
    SOCKMAP = 15, "sockmap", (4, 14);
    /// CPUs, for XDP redirection.
    CPUMAP = 16, "cpumap", (4, 15);
    /// AF_XDP sockets.
    XSKMAP = 17, "xskmap", (4, 18);
    /// Sockets by key, for redirection.
    SOCKHASH = 18, "sockhash", (4, 18);
    /// Storage of a program attached to a cgroup; superseded by [`CGRP_STORAGE`](Self::CGRP_STORAGE).
    CGROUP_STORAGE = 19, "cgroup_storage", (4, 19);
    /// Sockets of a reuseport group.
    REUSEPORT_SOCKARRAY = 20, "reuseport_sockarray", (4, 19);
    /// Storage of a program attached to a cgroup, for each CPU; superseded by [`CGRP_STORAGE`](Self::CGRP_STORAGE).
    PERCPU_CGROUP_STORAGE = 21, "percpu_cgroup_storage", (4, 20);
    /// First in, first out.
    QUEUE = 22, "queue", (4, 20);
    /// Last in, first out.
    STACK = 23, "stack", (4, 20);
    /// Storage that lives with a socket.
    SK_STORAGE = 24, "sk_storage", (5, 2);
    /// Network devices by key, for XDP redirection.
    DEVMAP_HASH = 25, "devmap_hash", (5, 4);
    /// A table of the kernel's function pointers that programs implement.
    STRUCT_OPS = 26, "struct_ops", (5, 6);
    /// Ring buffer from programs to user space, one for all CPUs.
    RINGBUF = 27, "ringbuf", (5, 8);
    /// Storage that lives with an inode.
    INODE_STORAGE = 28, "inode_storage", (5, 10);
    /// Storage that lives with a task.
    TASK_STORAGE = 29, "task_storage", (5, 11);
    /// Set that may say yes for what is not in it.
    BLOOM_FILTER = 30, "bloom_filter", (5, 16);
    /// Ring buffer from user space to programs.
    USER_RINGBUF = 31, "user_ringbuf", (6, 1);
    /// Storage that lives with a cgroup.
    CGRP_STORAGE = 32, "cgrp_storage", (6, 2);
    /// Sparse memory shared by programs and user space.
    ARENA = 33, "arena", (6, 9);
    /// Instructions of a program, for indirect jumps.
    INSN_ARRAY = 34, "insn_array", (6, 19);
    /// Hash table that grows with what is in it.
    RHASH = 35, "rhash", (7, 2);
}

impl MapType {
    /// Whether values are other maps (an array or hash table of maps).
    pub const fn is_map_in_map(self) -> bool {
        matches!(self, Self::ARRAY_OF_MAPS | Self::HASH_OF_MAPS)
    }

    /// Whether keys are indices: numbers of 4 bytes, below the number of elements.
    pub const fn is_indexed(self) -> bool {
        matches!(
            self,
            Self::ARRAY
                | Self::PERCPU_ARRAY
                | Self::PROG_ARRAY
                | Self::PERF_EVENT_ARRAY
                | Self::CGROUP_ARRAY
                | Self::ARRAY_OF_MAPS
                | Self::DEVMAP
                | Self::CPUMAP
                | Self::XSKMAP
                | Self::SOCKMAP
                | Self::REUSEPORT_SOCKARRAY
                | Self::INSN_ARRAY
        )
    }

    /// Whether values are sockets.
    pub const fn holds_sockets(self) -> bool {
        matches!(self, Self::SOCKMAP | Self::SOCKHASH | Self::XSKMAP | Self::REUSEPORT_SOCKARRAY)
    }

    /// Whether a map can have types of its keys and values; the kernel refuses them for the others.
    pub const fn takes_types(self) -> bool {
        !matches!(
            self,
            Self::PERF_EVENT_ARRAY
                | Self::CGROUP_ARRAY
                | Self::STACK_TRACE
                | Self::ARRAY_OF_MAPS
                | Self::HASH_OF_MAPS
                | Self::DEVMAP
                | Self::DEVMAP_HASH
                | Self::CPUMAP
                | Self::XSKMAP
                | Self::SOCKMAP
                | Self::SOCKHASH
                | Self::QUEUE
                | Self::STACK
                | Self::ARENA
                | Self::STRUCT_OPS
        )
    }

    /// Whether the kernel keeps one value for each possible CPU, so that user space reads and writes
    /// `possible CPUs x value_size rounded up to 8` bytes at a time.
    pub const fn is_per_cpu(self) -> bool {
        matches!(
            self,
            Self::PERCPU_HASH | Self::PERCPU_ARRAY | Self::LRU_PERCPU_HASH | Self::PERCPU_CGROUP_STORAGE
        )
    }
}
