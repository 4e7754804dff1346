//! The structures that `BPF_OBJ_GET_INFO_BY_FD` fills in.

#![allow(missing_debug_implementations)] // of types that zerocopy's derives make

use zerocopy::{FromBytes, Immutable, IntoBytes};

macro_rules! infos {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident: $ty:ty, )* } )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
        #[repr(C)]
        #[allow(missing_docs)] // the kernel's names, explained at the typed info structs
        pub struct $name { $( $(#[$fdoc])* pub $field: $ty, )* }

        impl Default for $name {
            fn default() -> Self {
                zerocopy::FromZeros::new_zeroed()
            }
        }
    )* };
}

infos! {
    /// `struct bpf_prog_info`.
    RawProgInfo {
        prog_type: u32,
        id: u32,
        tag: [u8; 8],
        jited_prog_len: u32,
        xlated_prog_len: u32,
        jited_prog_insns: u64,
        xlated_prog_insns: u64,
        load_time: u64,
        created_by_uid: u32,
        nr_map_ids: u32,
        map_ids: u64,
        name: [u8; 16],
        ifindex: u32,
        /// Bit 0 (by the C compiler's order of bit fields): `gpl_compatible`.
        bits: u32,
        netns_dev: u64,
        netns_ino: u64,
        nr_jited_ksyms: u32,
        nr_jited_func_lens: u32,
        jited_ksyms: u64,
        jited_func_lens: u64,
        btf_id: u32,
        func_info_rec_size: u32,
        func_info: u64,
        nr_func_info: u32,
        nr_line_info: u32,
        line_info: u64,
        jited_line_info: u64,
        nr_jited_line_info: u32,
        line_info_rec_size: u32,
        jited_line_info_rec_size: u32,
        nr_prog_tags: u32,
        prog_tags: u64,
        run_time_ns: u64,
        run_cnt: u64,
        recursion_misses: u64,
        verified_insns: u32,
        attach_btf_obj_id: u32,
        attach_btf_id: u32,
        reserved: u32,
    }

    /// `struct bpf_map_info`.
    RawMapInfo {
        map_type: u32,
        id: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: u32,
        name: [u8; 16],
        ifindex: u32,
        btf_vmlinux_value_type_id: u32,
        netns_dev: u64,
        netns_ino: u64,
        btf_id: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_id: u32,
        map_extra: u64,
        hash: u64,
        hash_size: u32,
        reserved: u32,
    }

    /// `struct bpf_btf_info`.
    RawBtfInfo {
        btf: u64,
        btf_size: u32,
        id: u32,
        name: u64,
        name_len: u32,
        kernel_btf: u32,
    }

    /// `struct bpf_link_info`: what all kinds have; the kind's own part follows at offset 16.
    RawLinkInfo {
        link_type: u32,
        id: u32,
        prog_id: u32,
        reserved: u32,
        extra: [u64; 6],
    }

    /// `struct bpf_link_info` of a raw tracepoint.
    RawLinkTracepoint {
        head: [u32; 4],
        name: u64,
        name_len: u32,
        reserved: u32,
        cookie: u64,
    }

    /// `struct bpf_link_info` of an iterator.
    RawLinkIter {
        head: [u32; 4],
        name: u64,
        name_len: u32,
        map_id: u32,
        /// `cgroup_id`, or `tid` and `pid`.
        specific: u64,
        /// Of cgroups.
        order: u32,
        reserved: u32,
    }

    /// `struct bpf_link_info` of many kprobes.
    RawLinkKprobeMulti {
        head: [u32; 4],
        addrs: u64,
        count: u32,
        flags: u32,
        missed: u64,
        cookies: u64,
    }

    /// `struct bpf_link_info` of the entry or exit of many kernel functions.
    RawLinkTracingMulti {
        head: [u32; 4],
        attach_type: u32,
        count: u32,
        btf_obj_id: u32,
        reserved: u32,
        ids: u64,
        addrs: u64,
        cookies: u64,
    }

    /// `struct bpf_link_info` of many uprobes.
    RawLinkUprobeMulti {
        head: [u32; 4],
        path: u64,
        offsets: u64,
        ref_ctr_offsets: u64,
        cookies: u64,
        path_size: u32,
        count: u32,
        flags: u32,
        pid: u32,
    }

    /// `struct bpf_link_info` of a perf event.
    RawLinkPerfEvent {
        head: [u32; 4],
        kind: u32,
        reserved: u32,
        /// `file_name`, `func_name`, `tp_name`; of other events `config`.
        name: u64,
        /// Of other events their type.
        name_len: u32,
        offset: u32,
        /// Uprobe: cookie, `ref_ctr_offset`. Kprobe: address, missed, cookie. The others: cookie.
        rest: [u64; 3],
    }
}
