//! Links, iterators, raw tracepoints, descriptors of tasks: what is refused, with the words of it.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_btf::Kind;
use oxbpf_sys::{
    AttachType, Errno, IterTarget, Kernel, LinkCreate, LinkDetails, LinkExtra, LinkTarget, LinkUpdate,
    MapCreate, MapType, ProgLoad, ProgramType, SysError,
};
use oxbpf_testing::net::in_own_netns;
use oxbpf_testing::{Cgroup, Need, Skip, Suite, TestResult, without_capabilities};

use super::{kernel, nowhere, program, refused, refused_as, returns};

pub(crate) fn add(suite: &mut Suite) {
    let network = |major, minor| [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(major, minor)];
    suite.test("linking::xdp", &network(5, 9), || in_own_netns(xdp)?);
    suite.test("linking::a_netns", &network(5, 9), || in_own_netns(a_netns)?);
    suite.test("linking::netfilter", &network(6, 4), || in_own_netns(netfilter)?);
    suite.test("linking::a_sockmap", &network(6, 10), a_sockmap);
    let cgroup = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Cgroup2, Need::Kernel(5, 9)];
    suite.test("linking::a_cgroup", &cgroup, a_cgroup);
    suite.test("linking::changed_and_cut", &cgroup, changed_and_cut);
    suite.test("linking::raw_tracepoints", &[Need::Bpf, Need::Kernel(5, 8)], raw_tracepoints);
    suite.test("linking::a_raw_tracepoint_has_a_cookie", &[Need::Bpf, Need::Kernel(6, 10)], a_cookie);
    suite.test("linking::iterators", &[Need::Bpf, Need::KernelBtf, Need::Kernel(5, 10)], iterators);
    let trampolines = [Need::Bpf, Need::KernelBtf, Need::Trampolines, Need::Kernel(5, 19)];
    suite.test("linking::trampolines", &trampolines, trampolines_are_linked);
    suite.test("linking::descriptors_of_tasks", &[Need::Bpf, Need::SysAdmin], descriptors_of_tasks);
}

fn load(k: &Kernel, prog_type: ProgramType, expected: Option<AttachType>) -> Result<OwnedFd, SysError> {
    let insns = returns(1);
    k.prog_load(&ProgLoad { expected_attach_type: expected, ..program(prog_type, &insns) }, None)
}

const EINVAL: &str =
    "EINVAL (Invalid argument): the program, the target or the options do not fit the attach type";
const EBADF: &str =
    "EBADF (Bad file descriptor): a descriptor is none, or none of what the attach type is for";

fn xdp() -> TestResult {
    let k = kernel();
    let prog = load(&k, ProgramType::XDP, None)?;
    let on = |index| LinkCreate::new(prog.as_fd(), LinkTarget::Ifindex(index), AttachType::XDP);
    let link = k.link_create(&on(1))?;
    assert_eq!(k.link_info(link.as_fd())?.details, LinkDetails::Xdp { ifindex: 1 });
    refused_as(
        k.link_create(&on(1)),
        "BPF_LINK_CREATE of xdp on interface 1 failed: EBUSY (Device or resource busy): the place is taken by a program, \
         or by one that belongs to a link",
    );
    let nowhere = k.link_create(&on(9999)).expect_err("there is no such interface");
    assert!(
        matches!(nowhere.errno, Errno::ENODEV | Errno::EINVAL) && nowhere.meaning().is_some(),
        "{nowhere}"
    );
    refused_as(
        k.link_create(&LinkCreate { flags: 1 << 30, ..on(1) }),
        &format!("BPF_LINK_CREATE of xdp on interface 1 failed: {EINVAL}"),
    );
    k.link_detach(link.as_fd())?;
    // What was detached stays a link, and can be detached again and again.
    k.link_detach(link.as_fd())?;
    assert_eq!(k.link_info(link.as_fd())?.details, LinkDetails::Xdp { ifindex: 0 });
    k.link_create(&on(1))?;
    Ok(())
}

fn a_netns() -> TestResult {
    let k = kernel();
    let netns = File::open("/proc/thread-self/ns/net")?;
    let lookup = load(&k, ProgramType::SK_LOOKUP, Some(AttachType::SK_LOOKUP))?;
    let on = |target| LinkCreate::new(lookup.as_fd(), target, AttachType::SK_LOOKUP);
    let link = k.link_create(&on(LinkTarget::Fd(netns.as_fd())))?;
    assert!(matches!(k.link_info(link.as_fd())?.details, LinkDetails::Netns { .. }));
    refused(k.link_create(&on(LinkTarget::Fd(lookup.as_fd()))), Errno::EINVAL);
    refused_as(
        k.link_create(&on(LinkTarget::Fd(nowhere()))),
        &format!("BPF_LINK_CREATE of sk_lookup failed: {EBADF}"),
    );
    // Another of the same goes beside it; a flow dissector does not.
    k.link_create(&on(LinkTarget::Fd(netns.as_fd())))?;
    let flow = AttachType::FLOW_DISSECTOR;
    let dissector = k.prog_load(
        &ProgLoad { expected_attach_type: Some(flow), ..program(ProgramType::FLOW_DISSECTOR, &returns(0)) },
        None,
    )?;
    let create = LinkCreate::new(dissector.as_fd(), LinkTarget::Fd(netns.as_fd()), flow);
    let first = k.link_create(&create)?;
    refused_as(
        k.link_create(&create),
        "BPF_LINK_CREATE of flow_dissector failed: E2BIG (Argument list too long): too many are attached there, or a field \
         that this kernel does not know",
    );
    drop(first);
    Ok(())
}

fn netfilter() -> TestResult {
    let k = kernel();
    const IPV4: u32 = 2;
    const LOCAL_IN: u32 = 1;
    let prog = match load(&k, ProgramType::NETFILTER, Some(AttachType::NETFILTER)) {
        Ok(prog) => prog,
        Err(e) if e.errno == Errno::EINVAL => {
            return Err(Skip::because("needs netfilter programs (CONFIG_NETFILTER_BPF_LINK)").into());
        }
        Err(e) => return Err(e.into()),
    };
    let at = |pf, hooknum, priority| {
        k.link_create(&LinkCreate {
            extra: LinkExtra::Netfilter { pf, hooknum, priority, flags: 0 },
            ..LinkCreate::new(prog.as_fd(), LinkTarget::None, AttachType::NETFILTER)
        })
    };
    let link = at(IPV4, LOCAL_IN, -128)?;
    let LinkDetails::Netfilter { pf, hooknum, priority, .. } = k.link_info(link.as_fd())?.details else {
        panic!("another kind")
    };
    assert_eq!((pf, hooknum, priority), (IPV4, LOCAL_IN, -128));
    refused(at(IPV4, LOCAL_IN, -128), Errno::EBUSY);
    refused(at(IPV4, 99, 0), Errno::EPROTO);
    refused(at(99, LOCAL_IN, 0), Errno::EAFNOSUPPORT);
    Ok(())
}

fn a_sockmap() -> TestResult {
    let k = kernel();
    let map = k.map_create(&MapCreate {
        map_type: MapType::SOCKMAP,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    })?;
    let (one, other) = (load(&k, ProgramType::SK_MSG, None)?, load(&k, ProgramType::SK_MSG, None)?);
    let on = |prog: &OwnedFd| {
        k.link_create(&LinkCreate::new(prog.as_fd(), LinkTarget::Fd(map.as_fd()), AttachType::SK_MSG_VERDICT))
    };
    let link = on(&one)?;
    assert!(matches!(k.link_info(link.as_fd())?.details, LinkDetails::Sockmap { .. }));
    refused(on(&other), Errno::EBUSY);
    k.link_update(link.as_fd(), &LinkUpdate { new: other.as_fd(), old: Some(one.as_fd()), flags: 0 })?;
    assert_eq!(k.link_info(link.as_fd())?.prog_id, k.prog_info(other.as_fd())?.id);
    k.link_detach(link.as_fd())?;
    on(&one)?;
    Ok(())
}

const EGRESS: AttachType = AttachType::CGROUP_INET_EGRESS;

fn a_cgroup() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let prog = load(&k, ProgramType::CGROUP_SKB, Some(EGRESS))?;
    let on = |prog, target, attach_type| LinkCreate::new(prog, target, attach_type);
    let here = LinkTarget::Fd(group.as_fd());
    let link = k.link_create(&on(prog.as_fd(), here, EGRESS))?;
    // Unlike by attaching, the same program may be there twice.
    let again = k.link_create(&on(prog.as_fd(), here, EGRESS));
    assert!(again.is_ok() || again.is_err_and(|e| e.errno == Errno::EINVAL));
    let null = File::open("/dev/null")?;
    let failed = "BPF_LINK_CREATE of cgroup_inet_egress failed: ";
    refused_as(
        k.link_create(&on(prog.as_fd(), LinkTarget::Fd(null.as_fd()), EGRESS)),
        &format!("{failed}{EBADF}"),
    );
    refused_as(k.link_create(&on(nowhere(), here, EGRESS)), &format!("{failed}{EBADF}"));
    refused_as(k.link_create(&on(link.as_fd(), here, EGRESS)), &format!("{failed}{EINVAL}"));
    refused_as(
        k.link_create(&on(prog.as_fd(), here, AttachType::CGROUP_SYSCTL)),
        &format!("BPF_LINK_CREATE of cgroup_sysctl failed: {EINVAL}"),
    );
    let refusal = without_capabilities(|| k.link_create(&on(prog.as_fd(), here, EGRESS)))?;
    let e = refusal.expect_err("it needs CAP_NET_ADMIN");
    assert!(matches!(e.errno, Errno::EPERM | Errno::EINVAL), "{e}");
    Ok(())
}

fn changed_and_cut() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let (one, other) =
        (load(&k, ProgramType::CGROUP_SKB, Some(EGRESS))?, load(&k, ProgramType::CGROUP_SKB, Some(EGRESS))?);
    let link = k.link_create(&LinkCreate::new(one.as_fd(), LinkTarget::Fd(group.as_fd()), EGRESS))?;
    let change = |link, new: &OwnedFd, old: Option<&OwnedFd>| {
        k.link_update(link, &LinkUpdate { new: new.as_fd(), old: old.map(AsFd::as_fd), flags: 0 })
    };
    change(link.as_fd(), &other, Some(&one))?;
    refused_as(
        change(link.as_fd(), &other, Some(&one)),
        "BPF_LINK_UPDATE failed: EPERM (Operation not permitted): the program to replace is not the one there",
    );
    let einval = "BPF_LINK_UPDATE failed: EINVAL (Invalid argument): no link that can be changed, or not to a program of \
                  this type";
    refused_as(change(link.as_fd(), &load(&k, ProgramType::XDP, None)?, None), einval);
    refused_as(change(one.as_fd(), &other, None), einval);
    let flags = LinkUpdate { new: one.as_fd(), old: None, flags: 1 << 20 };
    refused_as(k.link_update(link.as_fd(), &flags), einval);
    refused_as(
        change(nowhere(), &other, None),
        "BPF_LINK_UPDATE failed: EBADF (Bad file descriptor): not a descriptor",
    );
    k.link_detach(link.as_fd())?;
    refused_as(
        change(link.as_fd(), &one, None),
        "BPF_LINK_UPDATE failed: ENOLINK (Link has been severed): it was detached, or what it was on is gone",
    );
    refused_as(
        k.link_detach(one.as_fd()),
        "BPF_LINK_DETACH failed: EINVAL (Invalid argument): no descriptor of a link, or a kernel before Linux 5.9",
    );
    refused_as(
        k.link_detach(nowhere()),
        "BPF_LINK_DETACH failed: EBADF (Bad file descriptor): not a descriptor",
    );
    Ok(())
}

fn raw_tracepoints() -> TestResult {
    let k = kernel();
    let prog = load(&k, ProgramType::RAW_TRACEPOINT, None)?;
    let xdp = load(&k, ProgramType::XDP, None)?;
    let long = "x".repeat(200);
    let open = |name, prog| k.raw_tracepoint_open(name, prog, 0);
    let exec = Some("sched_process_exec");
    let second = load(&k, ProgramType::RAW_TRACEPOINT, None)?;
    let (one, other) = (open(exec, prog.as_fd())?, open(exec, second.as_fd())?);
    assert_ne!(k.link_info(one.as_fd())?.id, k.link_info(other.as_fd())?.id, "several are no trouble");
    let twice = open(exec, prog.as_fd());
    if k.kernel_version()?.at_least(6, 10) {
        twice?;
    } else {
        refused_as(
            twice,
            "BPF_RAW_TRACEPOINT_OPEN of raw tracepoint \"sched_process_exec\" failed: EEXIST (File exists): the program is \
             on that tracepoint already",
        );
    }
    let failed = |what: &str| format!("BPF_RAW_TRACEPOINT_OPEN{what} failed: ");
    let named = failed(" of raw tracepoint \"sched_process_exec\"");
    let einval = "EINVAL (Invalid argument): a program of another type, or one that was loaded for another way of \
                  attaching";
    refused_as(open(exec, xdp.as_fd()), &format!("{named}{einval}"));
    refused_as(open(exec, one.as_fd()), &format!("{named}{einval}"));
    refused_as(open(exec, nowhere()), &format!("{named}EBADF (Bad file descriptor): not a descriptor"));
    refused(open(Some(""), prog.as_fd()), Errno::ENOENT);
    refused(open(Some(&long), prog.as_fd()), Errno::ENOENT);
    refused_as(
        open(Some("a\0b"), prog.as_fd()),
        "BPF_RAW_TRACEPOINT_OPEN failed: EINVAL (Invalid argument): a name with a NUL inside",
    );
    // Without a name, it is for programs that know their function.
    let e = open(None, prog.as_fd()).expect_err("it was loaded for none");
    assert!(matches!(e.errno, Errno::EINVAL | Errno::EFAULT), "{e}");
    refused_as(
        k.link_detach(one.as_fd()),
        "BPF_LINK_DETACH failed: EOPNOTSUPP (Operation not supported): links of this kind detach when their last \
         descriptor is closed",
    );
    Ok(())
}

fn a_cookie() -> TestResult {
    let k = kernel();
    let prog = load(&k, ProgramType::RAW_TRACEPOINT, None)?;
    let link = k.raw_tracepoint_open(Some("sched_process_exec"), prog.as_fd(), 0xdead_beef)?;
    let name = "sched_process_exec".to_owned();
    match k.link_info(link.as_fd())?.details {
        LinkDetails::RawTracepoint { name: told, cookie } => {
            assert_eq!(told, name);
            // Told since Linux 6.16.
            assert!(cookie == 0xdead_beef || !k.kernel_version()?.at_least(6, 16), "{cookie:x}");
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}

fn iterators() -> TestResult {
    let k = kernel();
    let func = |name| k.btf().map(|btf| btf.find(name, Kind::Func));
    let (Some(tasks), Some(elements)) = (func("bpf_iter_task")?, func("bpf_iter_bpf_map_elem")?) else {
        return Err(Skip::because("needs iterators of tasks and of map elements").into());
    };
    let load = |id: u32| {
        let insns = returns(0);
        let expected_attach_type = Some(AttachType::TRACE_ITER);
        let load =
            ProgLoad { expected_attach_type, attach_btf_id: id, ..program(ProgramType::TRACING, &insns) };
        k.prog_load(&load, None)
    };
    let (tasks, elements) = (load(tasks.0)?, load(elements.0)?);
    let link = |prog: &OwnedFd, extra| {
        let create = LinkCreate::new(prog.as_fd(), LinkTarget::None, AttachType::TRACE_ITER);
        k.link_create(&LinkCreate { extra, ..create })
    };
    let all = link(&tasks, LinkExtra::None)?;
    let stream = k.iter_create(all.as_fd())?;
    assert_eq!(k.read(stream.as_fd(), &mut [0; 64])?, 0);
    drop(all);
    assert_eq!(k.read(stream.as_fd(), &mut [0; 64])?, 0, "the stream keeps what it needs");
    // Which map has to be said, and it has to be one that is walked.
    let e = link(&elements, LinkExtra::None).expect_err("no map");
    assert!(matches!(e.errno, Errno::EBADF | Errno::EINVAL), "{e}");
    refused_as(
        link(&elements, LinkExtra::Iter(IterTarget::Map(nowhere()))),
        &format!("BPF_LINK_CREATE of trace_iter failed: {EBADF}"),
    );
    let stack = k.map_create(&MapCreate {
        map_type: MapType::STACK,
        value_size: 8,
        max_entries: 1,
        ..Default::default()
    })?;
    refused_as(
        link(&elements, LinkExtra::Iter(IterTarget::Map(stack.as_fd()))),
        &format!("BPF_LINK_CREATE of trace_iter failed: {EINVAL}"),
    );
    let ebadf = "BPF_ITER_CREATE failed: EBADF (Bad file descriptor): not a descriptor";
    refused_as(k.iter_create(nowhere()), ebadf);
    refused_as(
        k.iter_create(tasks.as_fd()),
        "BPF_ITER_CREATE failed: EINVAL (Invalid argument): no descriptor of an iterator's link",
    );
    Ok(())
}

fn trampolines_are_linked() -> TestResult {
    let k = kernel();
    let function = k.btf()?.find("vfs_read", Kind::Func).ok_or("the kernel has vfs_read")?;
    let insns = returns(0);
    let load = ProgLoad {
        expected_attach_type: Some(AttachType::TRACE_FENTRY),
        attach_btf_id: function.0,
        ..program(ProgramType::TRACING, &insns)
    };
    let prog = k.prog_load(&load, None)?;
    let create = LinkCreate {
        extra: LinkExtra::Tracing { target_btf_id: 0, cookie: 77 },
        ..LinkCreate::new(prog.as_fd(), LinkTarget::None, AttachType::TRACE_FENTRY)
    };
    let link = k.link_create(&create)?;
    assert!(matches!(k.link_info(link.as_fd())?.details, LinkDetails::Tracing { .. }));
    refused(k.link_create(&create), Errno::EBUSY);
    refused(k.raw_tracepoint_open(None, prog.as_fd(), 0), Errno::EBUSY);
    drop(link);
    k.raw_tracepoint_open(None, prog.as_fd(), 0)?;
    Ok(())
}

fn descriptors_of_tasks() -> TestResult {
    let k = kernel();
    let own = std::process::id();
    let file = File::open("/dev/null")?;
    let number = |fd: std::os::fd::BorrowedFd<'_>| std::os::fd::AsRawFd::as_raw_fd(&fd);
    let e = k.task_fd_query(own, number(file.as_fd()), 64).expect_err("a file is no event");
    assert!(matches!(e.errno, Errno::EOPNOTSUPP | Errno::ENOTSUPP), "{e}");
    assert_eq!(e.meaning(), Some("the descriptor is of no perf event, raw tracepoint or link that can tell"));
    refused_as(
        k.task_fd_query(own, 99_999, 64),
        "BPF_TASK_FD_QUERY failed: EBADF (Bad file descriptor): the process has no such descriptor",
    );
    refused_as(
        k.task_fd_query(u32::MAX >> 1, 0, 64),
        "BPF_TASK_FD_QUERY failed: ENOENT (No such file or directory): no such process, or no program on that descriptor",
    );
    let refusal = without_capabilities(|| k.task_fd_query(own, number(file.as_fd()), 64))?;
    refused_as(
        refusal,
        "BPF_TASK_FD_QUERY failed: EPERM (Operation not permitted): looking at other processes needs CAP_SYS_ADMIN",
    );
    // A raw tracepoint is told by its name, cut where there is no room (ENOSPC).
    let prog = load(&k, ProgramType::RAW_TRACEPOINT, None)?;
    let link = k.raw_tracepoint_open(Some("sched_process_exec"), prog.as_fd(), 0)?;
    let found = k.task_fd_query(own, number(link.as_fd()), 64)?;
    assert_eq!((found.name.as_str(), found.truncated), ("sched_process_exec", false));
    assert_eq!(found.prog_id, k.prog_info(prog.as_fd())?.id);
    let cut = k.task_fd_query(own, number(link.as_fd()), 6)?;
    assert_eq!((cut.name.as_str(), cut.truncated), ("sched", true));
    Ok(())
}
