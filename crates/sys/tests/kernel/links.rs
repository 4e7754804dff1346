//! Attaching.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_btf::Kind;
use oxbpf_sys::uapi::LinkType;
use oxbpf_sys::{
    AttachFlags, AttachType, Errno, IterTarget, Kernel, LinkCreate, LinkDetails, LinkExtra, LinkTarget,
    LinkUpdate, ProgAttach, ProgLoad, ProgQuery, ProgramType, RelativeTo,
};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult};

use super::events::counts;
use super::{kernel, program, refused, returns};

pub(crate) fn add(suite: &mut Suite) {
    suite.test("links::raw_tracepoints", &[Need::Bpf, Need::Kernel(5, 8)], raw_tracepoints);
    let cgroup = &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Cgroup2, Need::Kernel(5, 9)];
    suite.test("links::cgroup_links", cgroup, cgroup_links);
    suite.test("links::cgroups_without_links", cgroup, cgroups_without_links);
    suite.test(
        "links::iterators_are_read",
        &[Need::Bpf, Need::KernelBtf, Need::Kernel(5, 8)],
        iterators_are_read,
    );
    let network = &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(6, 6)];
    suite.test("links::tc_in_order", network, || oxbpf_testing::net::in_own_netns(tc_in_order)?);
}

pub(super) fn load(k: &Kernel, prog_type: ProgramType) -> Result<OwnedFd, oxbpf_sys::SysError> {
    k.prog_load(&program(prog_type, &returns(1)), None)
}

fn raw_tracepoints() -> TestResult {
    let k = kernel();
    let prog = load(&k, ProgramType::RAW_TRACEPOINT)?;
    let link = k.raw_tracepoint_open(Some("sched_process_exec"), prog.as_fd(), 0)?;
    let info = k.link_info(link.as_fd())?;
    assert_eq!((info.link_type, info.prog_id), (LinkType::RAW_TRACEPOINT, k.prog_info(prog.as_fd())?.id));
    assert_eq!(info.details, LinkDetails::RawTracepoint { name: "sched_process_exec".into(), cookie: 0 });
    let e = refused(k.raw_tracepoint_open(Some("no_such"), prog.as_fd(), 0), Errno::ENOENT);
    assert_eq!(
        e.to_string(),
        "BPF_RAW_TRACEPOINT_OPEN of raw tracepoint \"no_such\" failed: ENOENT (No such file or directory): \
         there is no such tracepoint"
    );
    let other = load(&k, ProgramType::SOCKET_FILTER)?;
    refused(k.raw_tracepoint_open(Some("sched_process_exec"), other.as_fd(), 0), Errno::EINVAL);
    refused(k.link_detach(link.as_fd()), Errno::EOPNOTSUPP);
    Ok(())
}

fn cgroup_program(k: &Kernel, value: i32) -> Result<OwnedFd, oxbpf_sys::SysError> {
    let insns = returns(value);
    let load = ProgLoad {
        expected_attach_type: Some(AttachType::CGROUP_INET_EGRESS),
        ..program(ProgramType::CGROUP_SKB, &insns)
    };
    k.prog_load(&load, None)
}

fn cgroup_links() -> TestResult {
    let k = kernel();
    let cgroup = Cgroup::create()?;
    let dir = File::open(cgroup.path())?;
    let (first, second) = (cgroup_program(&k, 1)?, cgroup_program(&k, 1)?);
    let target = LinkTarget::Fd(dir.as_fd());
    let link = k.link_create(&LinkCreate::new(first.as_fd(), target, AttachType::CGROUP_INET_EGRESS))?;
    let id = |fd: &OwnedFd| k.prog_info(fd.as_fd()).map(|i| i.id);
    let info = k.link_info(link.as_fd())?;
    assert_eq!((info.link_type, info.prog_id), (LinkType::CGROUP, id(&first)?));
    assert!(matches!(
        info.details,
        LinkDetails::Cgroup { attach_type: AttachType::CGROUP_INET_EGRESS, cgroup_id: 1.. }
    ));
    let update = |new: &OwnedFd, old: Option<&OwnedFd>| {
        k.link_update(link.as_fd(), &LinkUpdate { new: new.as_fd(), old: old.map(AsFd::as_fd), flags: 0 })
    };
    refused(update(&second, Some(&second)), Errno::EPERM);
    update(&second, Some(&first))?;
    assert_eq!(k.link_info(link.as_fd())?.prog_id, id(&second)?);
    let query = ProgQuery { target, attach_type: AttachType::CGROUP_INET_EGRESS, effective: false };
    assert_eq!(k.prog_query(&query)?.prog_ids, [id(&second)?]);
    k.link_detach(link.as_fd())?;
    assert!(k.prog_query(&query)?.prog_ids.is_empty());
    refused(update(&first, None), Errno::ENOLINK);
    Ok(())
}

fn cgroups_without_links() -> TestResult {
    let k = kernel();
    let cgroup = Cgroup::create()?;
    let dir = File::open(cgroup.path())?;
    let target = LinkTarget::Fd(dir.as_fd());
    let progs = [cgroup_program(&k, 1)?, cgroup_program(&k, 1)?, cgroup_program(&k, 1)?];
    let ids: Vec<u32> = progs.iter().filter_map(|p| Some(k.prog_info(p.as_fd()).ok()?.id)).collect();
    let on = |i: usize| ProgAttach {
        flags: AttachFlags::ALLOW_MULTI,
        ..ProgAttach::new(progs[i].as_fd(), target, AttachType::CGROUP_INET_EGRESS)
    };
    k.prog_attach(&on(0))?;
    k.prog_attach(&on(1))?;
    let query = ProgQuery { target, attach_type: AttachType::CGROUP_INET_EGRESS, effective: false };
    let answer = k.prog_query(&query)?;
    assert_eq!(
        (answer.prog_ids.as_slice(), answer.attach_flags),
        (&ids[..2], AttachFlags::ALLOW_MULTI.bits())
    );
    let each = if k.kernel_version()?.at_least(6, 1) { AttachFlags::ALLOW_MULTI.bits() } else { 0 };
    assert_eq!((answer.prog_attach_flags, answer.link_ids), (vec![each; 2], vec![0; 2]));
    k.prog_attach(&ProgAttach { replace: Some(progs[0].as_fd()), ..on(2) })?;
    let mut now = k.prog_query(&query)?.prog_ids;
    now.sort_unstable();
    assert_eq!(now, ids[1..]);
    let effective = k.prog_query(&ProgQuery { effective: true, ..query })?;
    assert!(ids[1..].iter().all(|id| effective.prog_ids.contains(id)));
    k.prog_detach(&on(1))?;
    k.prog_detach(&on(2))?;
    refused(k.prog_detach(&on(2)), Errno::ENOENT);
    Ok(())
}

fn iterators_are_read() -> TestResult {
    let k = kernel();
    let Some(func) = k.btf()?.find("bpf_iter_bpf_map_elem", Kind::Func) else {
        return Err(oxbpf_testing::Skip::because("needs iterators of map elements").into());
    };
    let insns = returns(0);
    let load = ProgLoad {
        expected_attach_type: Some(AttachType::TRACE_ITER),
        attach_btf_id: func.0,
        ..program(ProgramType::TRACING, &insns)
    };
    let prog = k.prog_load(&load, None)?;
    let map = counts(&k)?;
    let link = k.link_create(&LinkCreate {
        extra: LinkExtra::Iter(IterTarget::Map(map.as_fd())),
        ..LinkCreate::new(prog.as_fd(), LinkTarget::None, AttachType::TRACE_ITER)
    })?;
    let info = k.link_info(link.as_fd())?;
    assert_eq!(info.link_type, LinkType::ITER);
    if let LinkDetails::Iter(iter) = info.details
        && k.kernel_version()?.at_least(5, 10)
    {
        assert_eq!((iter.target.as_str(), iter.map_id), ("bpf_map_elem", k.map_info(map.as_fd())?.id));
    }
    let stream = k.iter_create(link.as_fd())?;
    assert_eq!(k.read(stream.as_fd(), &mut [0; 64])?, 0, "the program writes nothing");
    let other = k.raw_tracepoint_open(Some("sched_process_exec"), load_raw(&k)?.as_fd(), 0)?;
    refused(k.iter_create(other.as_fd()), Errno::EINVAL);
    Ok(())
}

fn load_raw(k: &Kernel) -> Result<OwnedFd, oxbpf_sys::SysError> {
    load(k, ProgramType::RAW_TRACEPOINT)
}

/// Loopback, in a network namespace of one's own.
fn tc_in_order() -> TestResult {
    let k = kernel();
    let insns = returns(-1);
    let load = ProgLoad {
        expected_attach_type: Some(AttachType::TCX_INGRESS),
        ..program(ProgramType::SCHED_CLS, &insns)
    };
    let (first, second) = (k.prog_load(&load, None)?, k.prog_load(&load, None)?);
    let ids = [k.prog_info(first.as_fd())?.id, k.prog_info(second.as_fd())?.id];
    let target = LinkTarget::Ifindex(1);
    let link = |prog: &OwnedFd, flags: AttachFlags, relative, expected_revision| {
        k.link_create(&LinkCreate {
            flags: flags.bits(),
            extra: LinkExtra::Order { relative, expected_revision },
            ..LinkCreate::new(prog.as_fd(), target, AttachType::TCX_INGRESS)
        })
    };
    let last = link(&first, AttachFlags::empty(), RelativeTo::None, 0)?;
    let query = ProgQuery { target, attach_type: AttachType::TCX_INGRESS, effective: false };
    let one = k.prog_query(&query)?;
    refused(
        link(&second, AttachFlags::BEFORE, RelativeTo::Link(last.as_fd()), one.revision + 1),
        Errno::ESTALE,
    );
    let before = link(&second, AttachFlags::BEFORE, RelativeTo::Link(last.as_fd()), one.revision)?;
    let both = k.prog_query(&query)?;
    let links = [k.link_info(before.as_fd())?.id, k.link_info(last.as_fd())?.id];
    assert_eq!((both.prog_ids, both.link_ids), (vec![ids[1], ids[0]], links.to_vec()));
    assert!(both.revision > one.revision);
    let info = k.link_info(last.as_fd())?;
    assert_eq!(info.details, LinkDetails::Tcx { ifindex: 1, attach_type: AttachType::TCX_INGRESS });
    refused(k.prog_query(&ProgQuery { target: LinkTarget::Ifindex(9999), ..query }), Errno::ENODEV);
    Ok(())
}
