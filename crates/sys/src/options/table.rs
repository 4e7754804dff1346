//! The table: command by command, what came later.

use std::mem::offset_of;

use super::link::{is_cgroup, is_tracing};
use super::{Opt, field, flags, wide_flags};
use crate::uapi::{
    AttachFlags, BtfLoadAttr, Cmd, ElemFlags, IdAttr, LinkCreateAttr, MapBatchAttr, MapCreateAttr,
    MapElemAttr, MapFlags, ObjAttr, ProgAttachAttr, ProgLoadAttr, ProgQueryAttr, ProgTestRunAttr,
    ProgramFlags, RawTracepointAttr, TestRunFlags,
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

const fn map_flags(bits: MapFlags, feature: &'static str, since: super::Since) -> Opt {
    flags(offset_of!(MapCreateAttr, map_flags), bits.bits(), feature, since)
}

static MAP_CREATE: &[Opt] = &[
    field(offset_of!(MapCreateAttr, map_flags), 4, "flags of maps", (4, 6)),
    map_flags(MapFlags::NO_COMMON_LRU, "LRU lists for each CPU", (4, 10)),
    field(offset_of!(MapCreateAttr, inner_map_fd), 4, "maps of maps", (4, 12)),
    field(offset_of!(MapCreateAttr, numa_node), 4, "maps on a NUMA node", (4, 14)),
    map_flags(MapFlags::NUMA_NODE, "maps on a NUMA node", (4, 14)),
    field(offset_of!(MapCreateAttr, map_name), 16, "names of maps", (4, 15)),
    map_flags(MapFlags::RDONLY.union(MapFlags::WRONLY), "maps for reading or writing only", (4, 15)),
    field(offset_of!(MapCreateAttr, map_ifindex), 4, "maps offloaded to a device", (4, 16)),
    map_flags(MapFlags::STACK_BUILD_ID, "stack traces with build ids", (4, 17)),
    field(offset_of!(MapCreateAttr, btf_fd), 12, "BTF of maps", (4, 18)),
    map_flags(MapFlags::ZERO_SEED, "hash tables without a seed", (5, 0)),
    map_flags(MapFlags::RDONLY_PROG, "maps that programs may only read", (5, 2)),
    map_flags(MapFlags::WRONLY_PROG, "maps that programs may only write", (5, 2)),
    map_flags(MapFlags::CLONE, "storage that goes along with a cloned socket", (5, 4)),
    map_flags(MapFlags::MMAPABLE, "maps in memory", (5, 5)),
    field(offset_of!(MapCreateAttr, btf_vmlinux_value_type_id), 4, "struct_ops maps", (5, 6)),
    map_flags(MapFlags::PRESERVE_ELEMS, "perf event arrays that keep their events", (5, 10)),
    map_flags(MapFlags::INNER_MAP, "inner maps of any size", (5, 10)),
    field(offset_of!(MapCreateAttr, map_extra), 8, "map_extra", (5, 16)),
    map_flags(MapFlags::LINK, "struct_ops links", (6, 4)),
    field(offset_of!(MapCreateAttr, value_type_btf_obj_fd), 4, "struct_ops of modules", (6, 9)),
    map_flags(MapFlags::VTYPE_BTF_OBJ_FD, "struct_ops of modules", (6, 9)),
    field(offset_of!(MapCreateAttr, map_token_fd), 4, "BPF tokens", (6, 9)),
    map_flags(MapFlags::TOKEN_FD, "BPF tokens", (6, 9)),
    map_flags(MapFlags::SEGV_ON_FAULT.union(MapFlags::NO_USER_CONV), "arenas", (6, 9)),
    field(offset_of!(MapCreateAttr, excl_prog_hash), 12, "maps of one program only", (6, 18)),
    map_flags(MapFlags::RB_OVERWRITE, "ring buffers that overwrite", (6, 19)),
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

const fn prog_flags(bits: ProgramFlags, feature: &'static str, since: super::Since) -> Opt {
    flags(offset_of!(ProgLoadAttr, prog_flags), bits.bits(), feature, since)
}

static PROG_LOAD: &[Opt] = &[
    field(offset_of!(ProgLoadAttr, kern_version), 4, "programs for one kernel version", (4, 1)),
    field(offset_of!(ProgLoadAttr, prog_flags), 4, "flags of programs", (4, 12)),
    field(offset_of!(ProgLoadAttr, prog_name), 16, "names of programs", (4, 15)),
    field(offset_of!(ProgLoadAttr, prog_ifindex), 4, "programs offloaded to a device", (4, 16)),
    field(offset_of!(ProgLoadAttr, expected_attach_type), 4, "expected attach types", (4, 17)),
    field(offset_of!(ProgLoadAttr, prog_btf_fd), 36, "BTF of programs", (5, 0)),
    prog_flags(ProgramFlags::ANY_ALIGNMENT, "access at any alignment", (5, 0)),
    prog_flags(ProgramFlags::TEST_RND_HI32, "BPF_F_TEST_RND_HI32", (5, 3)),
    prog_flags(ProgramFlags::TEST_STATE_FREQ, "BPF_F_TEST_STATE_FREQ", (5, 4)),
    field(offset_of!(ProgLoadAttr, attach_btf_id), 8, "programs for a function by its BTF", (5, 5)),
    prog_flags(ProgramFlags::SLEEPABLE, "sleepable programs", (5, 10)),
    field(offset_of!(ProgLoadAttr, fd_array), 8, "maps by index (fd_array)", (5, 14)),
    field(offset_of!(ProgLoadAttr, core_relo_cnt), 4, "CO-RE relocations by the kernel", (5, 17)),
    field(offset_of!(ProgLoadAttr, core_relos), 12, "CO-RE relocations by the kernel", (5, 17)),
    prog_flags(ProgramFlags::XDP_HAS_FRAGS, "XDP programs for packets of several fragments", (5, 18)),
    prog_flags(ProgramFlags::XDP_DEV_BOUND_ONLY, "XDP programs bound to a device", (6, 3)),
    prog_flags(ProgramFlags::TEST_REG_INVARIANTS, "BPF_F_TEST_REG_INVARIANTS", (6, 8)),
    field(offset_of!(ProgLoadAttr, prog_token_fd), 4, "BPF tokens", (6, 9)),
    prog_flags(ProgramFlags::TOKEN_FD, "BPF tokens", (6, 9)),
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
