//! The calls.

use std::os::fd::AsFd;

use oxbpf_sys::uapi::TestRunFlags;
use oxbpf_sys::{
    AttachFlags, AttachType, BtfLoad, ElemFlags, FdById, InfoRecords, IterTarget, LinkCreate, LinkExtra,
    LinkTarget, MapCreate, MapFlags, MapType, ObjectKind, OpenFlags, ProgAttach, ProgLoad, ProgramFlags,
    ProgramType, RelativeTo, Result, TestRun,
};

use super::{Newer, On, look, map, program};

const fn newer(feature: &'static str, since: (u32, u32), call: fn(&On<'_>) -> Result<()>) -> Newer {
    Newer { feature, since, call }
}

fn create(on: &On<'_>, m: &MapCreate<'_>) -> Result<()> {
    on.kernel.map_create(m).map(drop)
}

fn load(on: &On<'_>, p: &ProgLoad<'_>) -> Result<()> {
    on.kernel.prog_load(p, None).map(drop)
}

fn run(on: &On<'_>, mut t: TestRun<'_>) -> Result<()> {
    t.data_in = &[0; 64];
    on.kernel.prog_test_run(on.program, &mut t).map(drop)
}

/// On a descriptor that is nothing to attach to.
fn attach(on: &On<'_>, attach_type: AttachType, more: ProgAttach<'_>) -> Result<()> {
    on.kernel.prog_attach(&ProgAttach { attach_type, ..more })
}

fn nowhere<'a>(on: &On<'a>) -> ProgAttach<'a> {
    ProgAttach::new(on.program, LinkTarget::Fd(on.file), AttachType::CGROUP_INET_EGRESS)
}

fn link(on: &On<'_>, attach_type: AttachType, extra: LinkExtra<'_>) -> Result<()> {
    let l = LinkCreate { extra, ..LinkCreate::new(on.program, LinkTarget::Fd(on.file), attach_type) };
    on.kernel.link_create(&l).map(drop)
}

fn in_order<'a>() -> LinkExtra<'a> {
    LinkExtra::Order { relative: RelativeTo::ProgId(1), expected_revision: 1 }
}

/// All of them, command by command.
pub(crate) static ALL: &[Newer] = &[
    newer("maps of type stack_trace", (4, 6), |on| create(on, &map(MapType::STACK_TRACE))),
    newer("maps on a NUMA node", (4, 14), |on| {
        create(on, &MapCreate { numa_node: Some(0), ..map(MapType::ARRAY) })
    }),
    newer("names of maps", (4, 15), |on| create(on, &MapCreate { name: "a", ..map(MapType::ARRAY) })),
    newer("BTF of maps", (4, 18), |on| {
        create(on, &MapCreate { btf_fd: Some(on.file), btf_value_type_id: 1, ..map(MapType::ARRAY) })
    }),
    newer("maps in memory", (5, 5), |on| {
        create(on, &MapCreate { flags: MapFlags::MMAPABLE, ..map(MapType::ARRAY) })
    }),
    newer("ring buffer", (5, 8), |on| {
        let m = MapCreate { key_size: 0, value_size: 0, max_entries: 4096, ..map(MapType::RINGBUF) };
        create(on, &m)
    }),
    newer("map_extra", (5, 16), |on| create(on, &MapCreate { map_extra: 1, ..map(MapType::ARRAY) })),
    newer("BPF tokens", (6, 9), |on| {
        create(on, &MapCreate { token_fd: Some(on.file), ..map(MapType::ARRAY) })
    }),
    newer("maps of one program only", (6, 18), |on| {
        create(on, &MapCreate { excl_prog_hash: &[7; 32], ..map(MapType::ARRAY) })
    }),
    newer("flags of BPF_MAP_LOOKUP_ELEM", (5, 1), |on| look(on, ElemFlags::EXIST)),
    newer("the value of one CPU, or one for all", (7, 0), |on| look(on, ElemFlags::CPU)),
    newer("BPF_MAP_FREEZE", (5, 2), |on| on.kernel.map_freeze(on.program)),
    newer("expected attach types", (4, 17), |on| {
        let attach = Some(AttachType::CGROUP_SOCK_OPS);
        load(on, &ProgLoad { expected_attach_type: attach, ..program(ProgramType::SOCKET_FILTER) })
    }),
    newer("sleepable programs", (5, 10), |on| {
        load(on, &ProgLoad { flags: ProgramFlags::SLEEPABLE, ..program(ProgramType::SOCKET_FILTER) })
    }),
    newer("sleepable programs of this type", (6, 0), |on| {
        load(on, &ProgLoad { flags: ProgramFlags::SLEEPABLE, ..program(ProgramType::KPROBE) })
    }),
    newer("maps by index (fd_array)", (5, 14), |on| {
        load(on, &ProgLoad { fd_array: &[on.array.as_fd()], ..program(ProgramType::SOCKET_FILTER) })
    }),
    newer("CO-RE relocations by the kernel", (5, 17), |on| {
        let core_relos = InfoRecords { rec_size: 16, records: &[0; 16] };
        load(on, &ProgLoad { core_relos, ..program(ProgramType::SOCKET_FILTER) })
    }),
    newer("XDP programs for packets of several fragments", (5, 18), |on| {
        load(on, &ProgLoad { flags: ProgramFlags::XDP_HAS_FRAGS, ..program(ProgramType::XDP) })
    }),
    newer("binding of a program's fd_array", (6, 14), |on| {
        let p = program(ProgramType::SOCKET_FILTER);
        load(on, &ProgLoad { fd_array: &[on.array.as_fd()], bind_fd_array: true, ..p })
    }),
    newer("signatures of programs", (6, 18), |on| {
        load(on, &ProgLoad { signature: &[0; 64], keyring_id: 1, ..program(ProgramType::SOCKET_FILTER) })
    }),
    newer("pins opened for reading or writing only", (4, 15), |on| {
        on.kernel.obj_get("/".as_ref(), OpenFlags::RDONLY).map(drop)
    }),
    newer("pins relative to a directory", (6, 5), |on| {
        on.kernel.obj_get_at(Some(on.file), "a".as_ref(), OpenFlags::empty()).map(drop)
    }),
    newer("replacing a program of a cgroup", (5, 6), |on| {
        let all = nowhere(on);
        attach(on, all.attach_type, ProgAttach { replace: Some(on.program), ..all })
    }),
    newer("attach type tcx_ingress", (6, 6), |on| {
        attach(on, AttachType::TCX_INGRESS, ProgAttach { flags: AttachFlags::BEFORE, ..nowhere(on) })
    }),
    newer("programs that run before those of cgroups below", (6, 15), |on| {
        attach(on, AttachType::CGROUP_INET_EGRESS, ProgAttach { flags: AttachFlags::PREORDER, ..nowhere(on) })
    }),
    newer("places among the programs of a cgroup", (6, 17), |on| {
        attach(on, AttachType::CGROUP_INET_EGRESS, ProgAttach { expected_revision: 1, ..nowhere(on) })
    }),
    newer("test runs with a context", (5, 2), |on| {
        run(on, TestRun { ctx_in: &mut [0; 8], ..Default::default() })
    }),
    newer("test runs on a CPU", (5, 10), |on| {
        run(on, TestRun { flags: TestRunFlags::ON_CPU, ..Default::default() })
    }),
    newer("test runs with live frames", (5, 18), |on| {
        run(on, TestRun { flags: TestRunFlags::XDP_LIVE_FRAMES, batch_size: 1, ..Default::default() })
    }),
    newer("test runs with complete checksums", (6, 11), |on| {
        run(on, TestRun { flags: TestRunFlags::SKB_CHECKSUM_COMPLETE, ..Default::default() })
    }),
    newer("cookies of raw tracepoints", (6, 10), |on| {
        on.kernel.raw_tracepoint_open(Some("sys_enter"), on.program, 1).map(drop)
    }),
    newer("BPF tokens", (6, 9), |on| {
        on.kernel.btf_load(&BtfLoad { btf: &[0; 24], token_fd: Some(on.file) }, None).map(drop)
    }),
    newer("maps opened for reading or writing only", (4, 15), |on| {
        on.kernel.fd_by_id(ObjectKind::Map, u32::MAX - 1, OpenFlags::RDONLY).map(drop)
    }),
    newer("BPF tokens for BTF by its id", (6, 15), |on| {
        let how = FdById { token_fd: Some(on.file), ..Default::default() };
        on.kernel.fd_by_id_with(ObjectKind::Btf, 1, &how).map(drop)
    }),
    newer("attach type trace_iter", (5, 8), |on| {
        link(on, AttachType::TRACE_ITER, LinkExtra::Iter(IterTarget::Map(on.array.as_fd())))
    }),
    newer("links of XDP programs", (5, 9), |on| link(on, AttachType::XDP, LinkExtra::None)),
    newer("links to perf events", (5, 15), |on| link(on, AttachType::PERF_EVENT, LinkExtra::None)),
    newer("attach type trace_kprobe_multi", (5, 18), |on| {
        let addrs = &[0x1000];
        let extra = LinkExtra::KprobeMulti { flags: 0, syms: &[], addrs, cookies: &[] };
        link(on, AttachType::TRACE_KPROBE_MULTI, extra)
    }),
    newer("links of tracing programs by BPF_LINK_CREATE", (5, 19), |on| {
        link(on, AttachType::TRACE_FENTRY, LinkExtra::None)
    }),
    newer("iterators of one cgroup or of some tasks", (6, 1), |on| {
        let task = IterTarget::Task { tid: 1, pid: 0, pid_fd: None };
        link(on, AttachType::TRACE_ITER, LinkExtra::Iter(task))
    }),
    newer("attach type netfilter", (6, 4), |on| {
        let extra = LinkExtra::Netfilter { pf: 2, hooknum: 0, priority: -100, flags: 0 };
        link(on, AttachType::NETFILTER, extra)
    }),
    newer("attach type tcx_egress", (6, 6), |on| link(on, AttachType::TCX_EGRESS, in_order())),
    newer("attach type netkit_peer", (6, 7), |on| link(on, AttachType::NETKIT_PEER, in_order())),
    newer("links to sockmaps", (6, 10), |on| link(on, AttachType::SK_MSG_VERDICT, LinkExtra::None)),
    newer("places among the programs of a cgroup", (6, 17), |on| {
        link(on, AttachType::CGROUP_INET_EGRESS, in_order())
    }),
    newer("BPF_PROG_BIND_MAP", (5, 10), |on| on.kernel.prog_bind_map(on.array.as_fd(), on.program)),
    newer("BPF_TOKEN_CREATE", (6, 9), |on| on.kernel.token_create(on.file).map(drop)),
    newer("BPF_PROG_STREAM_READ_BY_FD", (6, 17), |on| {
        on.kernel.prog_stream_read(on.array.as_fd(), 1, &mut [0; 8]).map(drop)
    }),
    newer("BPF_PROG_ASSOC_STRUCT_OPS", (6, 19), |on| {
        on.kernel.prog_assoc_struct_ops(on.program, on.array.as_fd())
    }),
];
