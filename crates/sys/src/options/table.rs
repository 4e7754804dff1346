//! The table: command by command, what came later.

use std::mem::offset_of;

use oxbpf_obj::since;

use super::link::{is_cgroup, is_tracing};
use super::{Opt, field, flags, wide_flags};
use crate::uapi::{
    AttachFlags, BtfLoadAttr, Cmd, ElemFlags, IdAttr, LinkCreateAttr, MapBatchAttr, MapCreateAttr,
    MapElemAttr, ObjAttr, ProgAttachAttr, ProgLoadAttr, ProgQueryAttr, ProgTestRunAttr, RawTracepointAttr,
    TestRunFlags,
};

/// What a command got later.
pub(super) fn of(cmd: Cmd) -> &'static [Opt] {
    match cmd {
        Cmd::MAP_CREATE => MAP_CREATE,
        Cmd::MAP_LOOKUP_ELEM => MAP_LOOKUP,
        Cmd::MAP_LOOKUP_AND_DELETE_ELEM => MAP_LOOKUP_AND_DELETE,
        Cmd::MAP_UPDATE_ELEM => MAP_UPDATE,
        Cmd::MAP_LOOKUP_BATCH | Cmd::MAP_LOOKUP_AND_DELETE_BATCH | Cmd::MAP_UPDATE_BATCH => MAP_BATCH,
        Cmd::PROG_LOAD => PROG_LOAD,
        Cmd::OBJ_PIN | Cmd::OBJ_GET => OBJ,
        Cmd::PROG_ATTACH => PROG_ATTACH,
        Cmd::PROG_DETACH => PROG_DETACH,
        Cmd::PROG_TEST_RUN => PROG_TEST_RUN,
        Cmd::PROG_QUERY => PROG_QUERY,
        Cmd::RAW_TRACEPOINT_OPEN => RAW_TRACEPOINT_OPEN,
        Cmd::BTF_LOAD => BTF_LOAD,
        Cmd::LINK_CREATE => LINK_CREATE,
        Cmd::MAP_GET_FD_BY_ID => MAP_GET_FD_BY_ID,
        Cmd::BTF_GET_FD_BY_ID => BTF_GET_FD_BY_ID,
        _ => &[],
    }
}

/// Fields that a file can ask for.
const fn of_obj(at: usize, len: usize, (since, feature): (super::Since, &'static str)) -> Opt {
    field(at, len, feature, since)
}

static MAP_CREATE: &[Opt] = &[
    field(offset_of!(MapCreateAttr, map_flags), 4, "flags of maps", (4, 6)),
    field(offset_of!(MapCreateAttr, inner_map_fd), 4, "maps of maps", (4, 12)),
    field(offset_of!(MapCreateAttr, numa_node), 4, "maps on a NUMA node", (4, 14)),
    field(offset_of!(MapCreateAttr, map_name), 16, "names of maps", (4, 15)),
    of_obj(offset_of!(MapCreateAttr, map_ifindex), 4, since::MAP_IFINDEX),
    field(offset_of!(MapCreateAttr, btf_fd), 12, "BTF of maps", (4, 18)),
    field(offset_of!(MapCreateAttr, btf_vmlinux_value_type_id), 4, "struct_ops maps", (5, 6)),
    of_obj(offset_of!(MapCreateAttr, map_extra), 8, since::MAP_EXTRA),
    field(offset_of!(MapCreateAttr, value_type_btf_obj_fd), 4, "struct_ops of modules", (6, 9)),
    field(offset_of!(MapCreateAttr, map_token_fd), 4, "BPF tokens", (6, 9)),
    of_obj(offset_of!(MapCreateAttr, excl_prog_hash), 12, since::MAP_EXCLUSIVE),
];

const fn elem_flags(bits: ElemFlags, feature: &'static str, since: super::Since) -> Opt {
    wide_flags(offset_of!(MapElemAttr, flags), bits.bits(), feature, since)
}

const LOCK: Opt = elem_flags(ElemFlags::LOCK, "access under a value's spin lock", (5, 1));
const CPU: Opt =
    elem_flags(ElemFlags::CPU.union(ElemFlags::ALL_CPUS), "the value of one CPU, or one for all", (7, 0));

static MAP_LOOKUP: &[Opt] =
    &[field(offset_of!(MapElemAttr, flags), 8, "flags of BPF_MAP_LOOKUP_ELEM", (5, 1)), LOCK, CPU];
static MAP_LOOKUP_AND_DELETE: &[Opt] =
    &[field(offset_of!(MapElemAttr, flags), 8, "flags of BPF_MAP_LOOKUP_AND_DELETE_ELEM", (5, 14)), CPU];
static MAP_UPDATE: &[Opt] = &[LOCK, CPU];
static MAP_BATCH: &[Opt] = &[Opt { at: offset_of!(MapBatchAttr, elem_flags), ..CPU }];

static PROG_LOAD: &[Opt] = &[
    field(offset_of!(ProgLoadAttr, kern_version), 4, "programs for one kernel version", (4, 1)),
    field(offset_of!(ProgLoadAttr, prog_flags), 4, "flags of programs", (4, 12)),
    field(offset_of!(ProgLoadAttr, prog_name), 16, "names of programs", (4, 15)),
    field(offset_of!(ProgLoadAttr, prog_ifindex), 4, "programs offloaded to a device", (4, 16)),
    of_obj(offset_of!(ProgLoadAttr, expected_attach_type), 4, since::EXPECTED_ATTACH_TYPE),
    field(offset_of!(ProgLoadAttr, prog_btf_fd), 36, "BTF of programs", (5, 0)),
    field(offset_of!(ProgLoadAttr, attach_btf_id), 8, "programs for a function by its BTF", (5, 5)),
    field(offset_of!(ProgLoadAttr, fd_array), 8, "maps by index (fd_array)", (5, 14)),
    field(offset_of!(ProgLoadAttr, core_relo_cnt), 4, "CO-RE relocations by the kernel", (5, 17)),
    field(offset_of!(ProgLoadAttr, core_relos), 12, "CO-RE relocations by the kernel", (5, 17)),
    field(offset_of!(ProgLoadAttr, prog_token_fd), 4, "BPF tokens", (6, 9)),
    field(offset_of!(ProgLoadAttr, fd_array_cnt), 4, "binding of a program's fd_array", (6, 14)),
    field(offset_of!(ProgLoadAttr, signature), 16, "signatures of programs", (6, 18)),
];

static OBJ: &[Opt] = &[
    field(offset_of!(ObjAttr, file_flags), 4, "pins opened for reading or writing only", (4, 15)),
    field(offset_of!(ObjAttr, path_fd), 4, "pins relative to a directory", (6, 5)),
    flags(offset_of!(ObjAttr, file_flags), crate::uapi::PATH_FD, "pins relative to a directory", (6, 5)),
];

const fn attach_flags(bits: AttachFlags, feature: &'static str, since: super::Since) -> Opt {
    flags(offset_of!(ProgAttachAttr, attach_flags), bits.bits(), feature, since)
}

/// Where among the others: before or after which.
const ORDER: AttachFlags =
    AttachFlags::BEFORE.union(AttachFlags::AFTER).union(AttachFlags::ID).union(AttachFlags::LINK);
const IN_ORDER: &str = "places among the programs of an attach point";
const IN_ORDER_CGROUP: &str = "places among the programs of a cgroup";

static PROG_ATTACH: &[Opt] = &[
    attach_flags(AttachFlags::ALLOW_MULTI, "several programs on one cgroup", (4, 15)),
    field(offset_of!(ProgAttachAttr, replace_bpf_fd), 4, "replacing a program of a cgroup", (5, 6)),
    attach_flags(ORDER, IN_ORDER, (6, 6)),
    field(offset_of!(ProgAttachAttr, relative_fd), 12, IN_ORDER, (6, 6)),
    attach_flags(AttachFlags::PREORDER, "programs that run before those of cgroups below", (6, 15)),
    attach_flags(ORDER, IN_ORDER_CGROUP, (6, 17)).of(is_cgroup),
    field(offset_of!(ProgAttachAttr, relative_fd), 12, IN_ORDER_CGROUP, (6, 17)).of(is_cgroup),
];

static PROG_DETACH: &[Opt] = &[
    field(offset_of!(ProgAttachAttr, attach_flags), 4, IN_ORDER, (6, 6)),
    field(offset_of!(ProgAttachAttr, relative_fd), 12, IN_ORDER, (6, 6)),
    field(offset_of!(ProgAttachAttr, expected_revision), 8, IN_ORDER_CGROUP, (6, 17)).of(is_cgroup),
];

const fn run_flags(bits: TestRunFlags, feature: &'static str, since: super::Since) -> Opt {
    flags(offset_of!(ProgTestRunAttr, flags), bits.bits(), feature, since)
}

static PROG_TEST_RUN: &[Opt] = &[
    field(offset_of!(ProgTestRunAttr, ctx_size_in), 24, "test runs with a context", (5, 2)),
    run_flags(TestRunFlags::ON_CPU, "test runs on a CPU", (5, 10)),
    field(offset_of!(ProgTestRunAttr, cpu), 4, "test runs on a CPU", (5, 10)),
    run_flags(TestRunFlags::XDP_LIVE_FRAMES, "test runs with live frames", (5, 18)),
    field(offset_of!(ProgTestRunAttr, batch_size), 4, "test runs with live frames", (5, 18)),
    run_flags(TestRunFlags::SKB_CHECKSUM_COMPLETE, "test runs with complete checksums", (6, 11)),
];

static PROG_QUERY: &[Opt] = &[
    field(offset_of!(ProgQueryAttr, prog_attach_flags), 8, "attach flags of each program", (6, 0)),
    field(offset_of!(ProgQueryAttr, link_ids), 24, "links of an attach point", (6, 6)),
];

static RAW_TRACEPOINT_OPEN: &[Opt] =
    &[field(offset_of!(RawTracepointAttr, cookie), 8, "cookies of raw tracepoints", (6, 10))];

static BTF_LOAD: &[Opt] = &[field(offset_of!(BtfLoadAttr, btf_flags), 8, "BPF tokens", (6, 9))];

/// Where the kind's own part is.
const EXTRA: usize = offset_of!(LinkCreateAttr, extra);

/// What all of a kind need comes with its attach type.
static LINK_CREATE: &[Opt] = &[
    field(EXTRA + 8, 8, "cookies of tracing programs", (5, 19)).of(is_tracing),
    field(EXTRA, 16, IN_ORDER_CGROUP, (6, 17)).of(is_cgroup),
    flags(offset_of!(LinkCreateAttr, flags), ORDER.bits(), IN_ORDER_CGROUP, (6, 17)).of(is_cgroup),
];

static MAP_GET_FD_BY_ID: &[Opt] =
    &[field(offset_of!(IdAttr, open_flags), 4, "maps opened for reading or writing only", (4, 15))];

static BTF_GET_FD_BY_ID: &[Opt] =
    &[field(offset_of!(IdAttr, open_flags), 8, "BPF tokens for BTF by its id", (6, 15))];
