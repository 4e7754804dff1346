//! `union bpf_attr`, command by command. `answers N`: the kernel fills in fields up to byte N, and some it
//! fills in only if the size passed covers them.

#![allow(missing_debug_implementations)] // of types that zerocopy's derives make

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::attr::Layout;

macro_rules! layouts {
    ($(
        $(#[$doc:meta])*
        $name:ident $(answers $end:literal)? { $( $(#[$fdoc:meta])* $field:ident: $ty:ty, )* }
    )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
        #[repr(C)]
        #[allow(missing_docs)] // the kernel's names; what they mean is said where a caller sets them
        pub struct $name { $( $(#[$fdoc])* pub $field: $ty, )* }

        impl Layout for $name {
            $( const ANSWER_END: usize = $end; )?
        }

        impl Default for $name {
            fn default() -> Self {
                zerocopy::FromZeros::new_zeroed()
            }
        }
    )* };
}

layouts! {
    /// `BPF_MAP_CREATE`.
    MapCreateAttr {
        map_type: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: u32,
        inner_map_fd: u32,
        numa_node: u32,
        map_name: [u8; 16],
        map_ifindex: u32,
        btf_fd: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_value_type_id: u32,
        map_extra: u64,
        value_type_btf_obj_fd: u32,
        map_token_fd: u32,
        excl_prog_hash: u64,
        excl_prog_hash_size: u32,
        reserved: u32,
    }

    /// `BPF_MAP_*_ELEM`, `BPF_MAP_GET_NEXT_KEY` (`value` is `next_key`) and `BPF_MAP_FREEZE`.
    MapElemAttr {
        map_fd: u32,
        reserved: u32,
        key: u64,
        value: u64,
        flags: u64,
    }

    /// `BPF_MAP_*_BATCH`.
    MapBatchAttr answers 36 {
        in_batch: u64,
        out_batch: u64,
        keys: u64,
        values: u64,
        /// In: how many elements there is room for. Out: how many were handled.
        count: u32,
        map_fd: u32,
        elem_flags: u64,
        flags: u64,
    }

    /// `BPF_PROG_LOAD`.
    ProgLoadAttr {
        prog_type: u32,
        insn_cnt: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: u32,
        prog_name: [u8; 16],
        prog_ifindex: u32,
        expected_attach_type: u32,
        prog_btf_fd: u32,
        func_info_rec_size: u32,
        func_info: u64,
        func_info_cnt: u32,
        line_info_rec_size: u32,
        line_info: u64,
        line_info_cnt: u32,
        attach_btf_id: u32,
        /// Or `attach_btf_obj_fd`.
        attach_prog_fd: u32,
        core_relo_cnt: u32,
        fd_array: u64,
        core_relos: u64,
        core_relo_rec_size: u32,
        /// Out, since Linux 6.4: how long the log is in full, with its NUL.
        log_true_size: u32,
        prog_token_fd: u32,
        fd_array_cnt: u32,
        signature: u64,
        signature_size: u32,
        keyring_id: i32,
    }

    /// `BPF_OBJ_PIN` and `BPF_OBJ_GET`.
    ObjAttr {
        pathname: u64,
        bpf_fd: u32,
        file_flags: u32,
        path_fd: i32,
        reserved: u32,
    }

    /// `BPF_PROG_ATTACH` and `BPF_PROG_DETACH`.
    ProgAttachAttr {
        /// Or `target_ifindex`.
        target_fd: u32,
        attach_bpf_fd: u32,
        attach_type: u32,
        attach_flags: u32,
        replace_bpf_fd: u32,
        /// Or `relative_id`.
        relative_fd: u32,
        expected_revision: u64,
    }

    /// `BPF_PROG_TEST_RUN`.
    ProgTestRunAttr answers 48 {
        prog_fd: u32,
        /// Out.
        retval: u32,
        data_size_in: u32,
        /// In and out.
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        /// Out, nanoseconds.
        duration: u32,
        ctx_size_in: u32,
        /// In and out.
        ctx_size_out: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
        batch_size: u32,
        reserved: u32,
    }

    /// `BPF_*_GET_NEXT_ID` and `BPF_*_GET_FD_BY_ID`.
    IdAttr answers 8 {
        /// Where to start, or the id of the object.
        id: u32,
        /// Out.
        next_id: u32,
        open_flags: u32,
        token_fd: u32,
    }

    /// `BPF_OBJ_GET_INFO_BY_FD`.
    InfoAttr {
        bpf_fd: u32,
        /// In and out.
        info_len: u32,
        info: u64,
    }

    /// `BPF_PROG_QUERY`.
    ProgQueryAttr answers 64 {
        /// Or `target_ifindex`.
        target_fd: u32,
        attach_type: u32,
        query_flags: u32,
        /// Out.
        attach_flags: u32,
        prog_ids: u64,
        /// In and out.
        count: u32,
        reserved: u32,
        prog_attach_flags: u64,
        link_ids: u64,
        link_attach_flags: u64,
        /// Out, since Linux 6.6.
        revision: u64,
    }

    /// `BPF_RAW_TRACEPOINT_OPEN`.
    RawTracepointAttr {
        name: u64,
        prog_fd: u32,
        reserved: u32,
        cookie: u64,
    }

    /// `BPF_BTF_LOAD`.
    BtfLoadAttr {
        btf: u64,
        btf_log_buf: u64,
        btf_size: u32,
        btf_log_size: u32,
        btf_log_level: u32,
        /// Out, since Linux 6.4.
        btf_log_true_size: u32,
        btf_flags: u32,
        btf_token_fd: u32,
    }

    /// `BPF_TASK_FD_QUERY`.
    TaskFdQueryAttr answers 48 {
        pid: u32,
        fd: u32,
        flags: u32,
        /// In and out.
        buf_len: u32,
        buf: u64,
        /// Out.
        prog_id: u32,
        /// Out.
        fd_type: u32,
        /// Out.
        probe_offset: u64,
        /// Out.
        probe_addr: u64,
    }

    /// `BPF_LINK_CREATE`: what all kinds have. The kind's own part follows at offset 16.
    LinkCreateAttr {
        /// Or `map_fd` (struct_ops).
        prog_fd: u32,
        /// Or `target_ifindex`.
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        /// The kind's own part, see the `Link*` types for its layouts.
        extra: [u64; 6],
    }

    /// `BPF_LINK_UPDATE`.
    LinkUpdateAttr {
        link_fd: u32,
        /// Or `new_map_fd`.
        new_prog_fd: u32,
        flags: u32,
        /// Or `old_map_fd`.
        old_prog_fd: u32,
    }

    /// `BPF_LINK_DETACH`.
    LinkDetachAttr {
        link_fd: u32,
    }

    /// `BPF_ENABLE_STATS`.
    EnableStatsAttr {
        stats_type: u32,
    }

    /// `BPF_ITER_CREATE`.
    IterCreateAttr {
        link_fd: u32,
        flags: u32,
    }

    /// `BPF_PROG_BIND_MAP` and `BPF_PROG_ASSOC_STRUCT_OPS` (whose first two fields change places).
    FdPairAttr {
        first_fd: u32,
        second_fd: u32,
        flags: u32,
    }

    /// `BPF_TOKEN_CREATE`.
    TokenCreateAttr {
        flags: u32,
        bpffs_fd: u32,
    }

    /// `BPF_PROG_STREAM_READ_BY_FD`.
    ProgStreamReadAttr {
        stream_buf: u64,
        stream_buf_len: u32,
        stream_id: u32,
        prog_fd: u32,
        reserved: u32,
    }

    /// `struct bpf_common_attr`: what all commands have in common, since Linux 7.2.
    CommonAttr {
        log_buf: u64,
        log_size: u32,
        log_level: u32,
        /// Out: how long the log is in full, with its NUL.
        log_true_size: u32,
        reserved: u32,
    }
}
