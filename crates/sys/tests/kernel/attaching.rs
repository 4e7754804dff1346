//! Attaching without links, and asking: what goes, and every refusal that can be had here.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_sys::{
    AttachFlags, AttachType, Errno, Kernel, LinkCreate, LinkTarget, MapCreate, MapType, ProgAttach, ProgLoad,
    ProgQuery, ProgramType, QueryAnswer, RelativeTo, SysError,
};
use oxbpf_testing::net::in_own_netns;
use oxbpf_testing::{Cgroup, Need, Suite, TestResult, without_capabilities};

use super::{kernel, nowhere, program, refused, refused_as, returns};

pub(crate) fn add(suite: &mut Suite) {
    let cgroup = |since| [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Cgroup2, since];
    let old = cgroup(Need::Kernel(5, 9));
    suite.test("attaching::what_a_cgroup_refuses", &old, what_a_cgroup_refuses);
    suite.test("attaching::cgroups_above_have_a_say", &old, cgroups_above_have_a_say);
    suite.test("attaching::a_cgroup_is_full", &old, a_cgroup_is_full);
    suite.test("attaching::needs_privileges", &old, needs_privileges);
    suite.test("attaching::a_cgroup_in_order", &cgroup(Need::Kernel(6, 17)), a_cgroup_in_order);
    let network = |major, minor| [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(major, minor)];
    suite.test("attaching::tc_in_order", &network(6, 6), || in_own_netns(tc_in_order)?);
    suite.test("attaching::what_tc_refuses", &network(6, 6), || in_own_netns(what_tc_refuses)?);
    suite.test("attaching::a_flow_dissector", &network(5, 6), || in_own_netns(a_flow_dissector)?);
    suite.test("attaching::a_sockmap", &[Need::Bpf, Need::NetAdmin, Need::Kernel(5, 16)], a_sockmap);
}

const EGRESS: AttachType = AttachType::CGROUP_INET_EGRESS;
const INGRESS: AttachType = AttachType::TCX_INGRESS;
/// What nobody but the only program of a place may be.
const ALONE: AttachFlags = AttachFlags::empty();

fn egress(k: &Kernel) -> Result<OwnedFd, SysError> {
    let insns = returns(1);
    let load = ProgLoad { expected_attach_type: Some(EGRESS), ..program(ProgramType::CGROUP_SKB, &insns) };
    k.prog_load(&load, None)
}

fn on<'a>(prog: &'a OwnedFd, group: &'a Cgroup, flags: AttachFlags) -> ProgAttach<'a> {
    ProgAttach { flags, ..ProgAttach::new(prog.as_fd(), LinkTarget::Fd(group.as_fd()), EGRESS) }
}

fn what_a_cgroup_refuses() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let (one, other) = (egress(&k)?, egress(&k)?);
    let einval = "BPF_PROG_ATTACH of cgroup_inet_egress failed: EINVAL (Invalid argument): the program, the target, the \
                  flags or a program that is there do not fit the attach type";
    let xdp = k.prog_load(&program(ProgramType::XDP, &returns(1)), None)?;
    refused_as(k.prog_attach(&on(&xdp, &group, ALONE)), einval);
    let both = AttachFlags::ALLOW_MULTI | AttachFlags::ALLOW_OVERRIDE;
    refused_as(k.prog_attach(&on(&one, &group, both)), einval);
    refused_as(k.prog_attach(&on(&one, &group, AttachFlags::from_bits_retain(1 << 31))), einval);
    let file = File::open("/dev/null")?;
    let ebadf = "BPF_PROG_ATTACH of cgroup_inet_egress failed: EBADF (Bad file descriptor): a descriptor is none, or \
                 none of what the attach type is for";
    let elsewhere = |target| ProgAttach { target: LinkTarget::Fd(target), ..on(&one, &group, ALONE) };
    refused_as(k.prog_attach(&elsewhere(file.as_fd())), ebadf);
    refused_as(k.prog_attach(&elsewhere(nowhere())), ebadf);
    refused_as(k.prog_attach(&ProgAttach { prog: Some(nowhere()), ..on(&one, &group, ALONE) }), ebadf);
    // To replace what is not there.
    let replace = ProgAttach { replace: Some(other.as_fd()), ..on(&one, &group, AttachFlags::ALLOW_MULTI) };
    refused_as(
        k.prog_attach(&replace),
        "BPF_PROG_ATTACH of cgroup_inet_egress failed: ENOENT (No such file or directory): the program or link to \
         replace, or to stand before or after, is not there",
    );
    // Twice the same.
    k.prog_attach(&on(&one, &group, AttachFlags::ALLOW_MULTI))?;
    refused_as(k.prog_attach(&on(&one, &group, AttachFlags::ALLOW_MULTI)), einval);
    // Several may be there, so it has to be said which one goes.
    refused(k.prog_detach(&ProgAttach { prog: None, ..on(&one, &group, ALONE) }), Errno::EINVAL);
    refused_as(
        k.prog_detach(&on(&other, &group, ALONE)),
        "BPF_PROG_DETACH of cgroup_inet_egress failed: ENOENT (No such file or directory): it is not attached there, or \
         not any more",
    );
    k.prog_detach(&on(&one, &group, ALONE))?;
    Ok(())
}

fn cgroups_above_have_a_say() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let below_path = group.path().join("below");
    std::fs::create_dir(&below_path)?;
    let below = File::open(&below_path)?;
    let (one, other) = (egress(&k)?, egress(&k)?);
    k.prog_attach(&on(&one, &group, ALONE))?;
    let down = |flags| ProgAttach { target: LinkTarget::Fd(below.as_fd()), ..on(&other, &group, flags) };
    let first = k.prog_attach(&down(ALONE));
    // The only one of the place above may be changed for one that lets others be.
    k.prog_detach(&ProgAttach { prog: None, ..on(&one, &group, ALONE) })?;
    k.prog_attach(&on(&one, &group, AttachFlags::ALLOW_MULTI))?;
    let second = k.prog_attach(&down(AttachFlags::ALLOW_MULTI));
    let query = ProgQuery { target: LinkTarget::Fd(below.as_fd()), attach_type: EGRESS, effective: true };
    let effective = k.prog_query(&query);
    drop(below);
    std::fs::remove_dir(&below_path)?;
    refused_as(
        first,
        "BPF_PROG_ATTACH of cgroup_inet_egress failed: EPERM (Operation not permitted): a privilege is missing, or the \
         programs of that cgroup or of one above allow no other",
    );
    second?;
    let ids = [k.prog_info(other.as_fd())?.id, k.prog_info(one.as_fd())?.id];
    // Those of cgroups further up may come after them.
    let effective = effective?.prog_ids;
    assert!(effective.starts_with(&ids), "{effective:?}");
    Ok(())
}

fn a_cgroup_is_full() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let progs = (0..65).map(|_| egress(&k)).collect::<Result<Vec<_>, _>>()?;
    for prog in &progs[..64] {
        k.prog_attach(&on(prog, &group, AttachFlags::ALLOW_MULTI))?;
    }
    refused_as(
        k.prog_attach(&on(&progs[64], &group, AttachFlags::ALLOW_MULTI)),
        "BPF_PROG_ATTACH of cgroup_inet_egress failed: E2BIG (Argument list too long): too many are attached there, or a \
         field that this kernel does not know",
    );
    // More than fit at the first attempt are asked for again.
    let query = ProgQuery { target: LinkTarget::Fd(group.as_fd()), attach_type: EGRESS, effective: false };
    assert_eq!(k.prog_query(&query)?.prog_ids.len(), 64);
    Ok(())
}

fn needs_privileges() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let prog = egress(&k)?;
    let query = ProgQuery { target: LinkTarget::Fd(group.as_fd()), attach_type: EGRESS, effective: false };
    let (attach, ask) =
        without_capabilities(|| (k.prog_attach(&on(&prog, &group, ALONE)), k.prog_query(&query)))?;
    // The kernel says the same as to a program that does not fit; older ones forbid those without privileges all.
    let older = !k.kernel_version()?.at_least(5, 19);
    refused(attach, if older { Errno::EPERM } else { Errno::EINVAL });
    refused_as(
        ask,
        "BPF_PROG_QUERY of cgroup_inet_egress failed: EPERM (Operation not permitted): asking needs CAP_NET_ADMIN",
    );
    Ok(())
}

fn a_cgroup_in_order() -> TestResult {
    let (k, group) = (kernel(), Cgroup::create()?);
    let (one, other, third) = (egress(&k)?, egress(&k)?, egress(&k)?);
    let multi = AttachFlags::ALLOW_MULTI;
    k.prog_attach(&on(&one, &group, multi))?;
    let before = ProgAttach {
        relative: RelativeTo::Prog(one.as_fd()),
        ..on(&other, &group, multi | AttachFlags::BEFORE)
    };
    k.prog_attach(&before)?;
    let query = ProgQuery { target: LinkTarget::Fd(group.as_fd()), attach_type: EGRESS, effective: false };
    let answer = k.prog_query(&query)?;
    let id = |fd: &OwnedFd| k.prog_info(fd.as_fd()).map(|i| i.id);
    assert_eq!(answer.prog_ids, [id(&other)?, id(&one)?]);
    let stale = ProgAttach { expected_revision: answer.revision + 1, ..on(&third, &group, multi) };
    refused_as(
        k.prog_attach(&stale),
        "BPF_PROG_ATTACH of cgroup_inet_egress failed: ESTALE (Stale file handle): the list has changed: another \
         revision than the expected one",
    );
    k.prog_attach(&ProgAttach { expected_revision: answer.revision, ..stale })?;
    Ok(())
}

fn classifier(k: &Kernel) -> Result<OwnedFd, SysError> {
    let insns = returns(-1);
    let load = ProgLoad { expected_attach_type: Some(INGRESS), ..program(ProgramType::SCHED_CLS, &insns) };
    k.prog_load(&load, None)
}

const LOOPBACK: LinkTarget<'static> = LinkTarget::Ifindex(1);

fn on_loopback(prog: &OwnedFd, flags: AttachFlags) -> ProgAttach<'_> {
    ProgAttach { flags, ..ProgAttach::new(prog.as_fd(), LOOPBACK, INGRESS) }
}

fn ask(k: &Kernel) -> Result<QueryAnswer, SysError> {
    k.prog_query(&ProgQuery { target: LOOPBACK, attach_type: INGRESS, effective: false })
}

fn tc_in_order() -> TestResult {
    let k = kernel();
    let progs = [classifier(&k)?, classifier(&k)?, classifier(&k)?];
    let ids: Vec<u32> = progs.iter().filter_map(|p| Some(k.prog_info(p.as_fd()).ok()?.id)).collect();
    k.prog_attach(&on_loopback(&progs[0], AttachFlags::empty()))?;
    // First, then between.
    k.prog_attach(&on_loopback(&progs[1], AttachFlags::BEFORE))?;
    let after =
        ProgAttach { relative: RelativeTo::ProgId(ids[1]), ..on_loopback(&progs[2], AttachFlags::AFTER) };
    k.prog_attach(&after)?;
    let answer = ask(&k)?;
    assert_eq!(answer.prog_ids, [ids[1], ids[2], ids[0]]);
    assert_eq!((answer.link_ids, answer.link_attach_flags.len()), (vec![0; 3], 3));
    // The last goes without being named.
    let last = ProgAttach { prog: None, ..on_loopback(&progs[0], AttachFlags::AFTER) };
    k.prog_detach(&ProgAttach { expected_revision: answer.revision, ..last })?;
    assert_eq!(ask(&k)?.prog_ids, ids[1..]);
    // One takes the other's place.
    let replace =
        ProgAttach { replace: Some(progs[1].as_fd()), ..on_loopback(&progs[0], AttachFlags::empty()) };
    k.prog_attach(&replace)?;
    assert_eq!(ask(&k)?.prog_ids, [ids[0], ids[2]]);
    Ok(())
}

fn what_tc_refuses() -> TestResult {
    let k = kernel();
    let (one, other, third) = (classifier(&k)?, classifier(&k)?, classifier(&k)?);
    let link = k.link_create(&LinkCreate::new(one.as_fd(), LOOPBACK, INGRESS))?;
    let revision = ask(&k)?.revision;
    let at = |text: &str| format!("BPF_PROG_ATTACH of tcx_ingress on interface 1 failed: {text}");
    let attach = |a: ProgAttach<'_>, text: &str| refused_as(k.prog_attach(&a), &at(text));
    let free = || on_loopback(&other, AttachFlags::empty());
    attach(
        on_loopback(&one, AttachFlags::empty()),
        "EEXIST (File exists): it is attached there already, or another where one fits",
    );
    attach(
        ProgAttach { expected_revision: revision + 1, ..free() },
        "ESTALE (Stale file handle): the list has changed: another revision than the expected one",
    );
    attach(
        ProgAttach { replace: Some(one.as_fd()), ..free() },
        "EBUSY (Device or resource busy): the place is taken by a program, or by one that belongs to a link",
    );
    let missing = "ENOENT (No such file or directory): the program or link to replace, or to stand before or after, is \
                   not there";
    attach(ProgAttach { replace: Some(third.as_fd()), ..free() }, missing);
    attach(
        ProgAttach { relative: RelativeTo::LinkId(u32::MAX), ..on_loopback(&other, AttachFlags::BEFORE) },
        missing,
    );
    refused_as(
        k.prog_attach(&ProgAttach { target: LinkTarget::Ifindex(9999), ..free() }),
        "BPF_PROG_ATTACH of tcx_ingress on interface 9999 failed: ENODEV (No such device): no such interface or device in \
         this network namespace",
    );
    // What a link holds can be detached by the link only.
    refused_as(
        k.prog_detach(&on_loopback(&one, AttachFlags::empty())),
        "BPF_PROG_DETACH of tcx_ingress on interface 1 failed: EBUSY (Device or resource busy): it is attached by a \
         link: detach that",
    );
    k.prog_attach(&free())?;
    // Nothing stands both before and after another.
    let between = AttachFlags::BEFORE | AttachFlags::AFTER;
    attach(
        ProgAttach { relative: RelativeTo::Prog(other.as_fd()), ..on_loopback(&third, between) },
        "ERANGE (Numerical result out of range): the list is full, or has no such place",
    );
    k.link_detach(link.as_fd())?;
    assert_eq!(ask(&k)?.prog_ids, [k.prog_info(other.as_fd())?.id]);
    // As many as there can be: 63.
    let many = (0..63).map(|_| classifier(&k)).collect::<Result<Vec<_>, _>>()?;
    for prog in &many[1..] {
        k.prog_attach(&on_loopback(prog, AttachFlags::empty()))?;
    }
    attach(
        on_loopback(&many[0], AttachFlags::empty()),
        "ERANGE (Numerical result out of range): the list is full, or has no such place",
    );
    Ok(())
}

fn a_flow_dissector() -> TestResult {
    let k = kernel();
    let insns = returns(0);
    let attach_type = AttachType::FLOW_DISSECTOR;
    let load =
        ProgLoad { expected_attach_type: Some(attach_type), ..program(ProgramType::FLOW_DISSECTOR, &insns) };
    let (one, other) = (k.prog_load(&load, None)?, k.prog_load(&load, None)?);
    let here = |prog: &OwnedFd| k.prog_attach(&ProgAttach::new(prog.as_fd(), LinkTarget::None, attach_type));
    here(&one)?;
    // The same again is refused, another one takes its place.
    refused(here(&one), Errno::EINVAL);
    here(&other)?;
    let netns = File::open("/proc/thread-self/ns/net")?;
    let query = ProgQuery { target: LinkTarget::Fd(netns.as_fd()), attach_type, effective: false };
    assert_eq!(k.prog_query(&query)?.prog_ids, [k.prog_info(other.as_fd())?.id]);
    // A link wants the place for itself.
    let link = LinkCreate::new(one.as_fd(), LinkTarget::Fd(netns.as_fd()), attach_type);
    refused_as(
        k.link_create(&link),
        "BPF_LINK_CREATE of flow_dissector failed: EEXIST (File exists): it is attached there already, or another where \
         one fits",
    );
    k.prog_detach(&ProgAttach::new(other.as_fd(), LinkTarget::None, attach_type))?;
    assert!(k.prog_query(&query)?.prog_ids.is_empty());
    refused_as(
        k.prog_query(&ProgQuery { effective: true, ..query }),
        "BPF_PROG_QUERY of flow_dissector failed: EINVAL (Invalid argument): this attach point cannot be asked about, or \
         not in this way",
    );
    refused(k.prog_query(&ProgQuery { target: LinkTarget::Fd(nowhere()), ..query }), Errno::EBADF);
    Ok(())
}

fn a_sockmap() -> TestResult {
    let k = kernel();
    let create = MapCreate {
        map_type: MapType::SOCKMAP,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    };
    let map = k.map_create(&create)?;
    let array = k.map_create(&MapCreate { map_type: MapType::ARRAY, ..create })?;
    let prog = k.prog_load(&program(ProgramType::SK_MSG, &returns(1)), None)?;
    let verdict = AttachType::SK_MSG_VERDICT;
    let target = LinkTarget::Fd(map.as_fd());
    k.prog_attach(&ProgAttach::new(prog.as_fd(), target, verdict))?;
    let query = ProgQuery { target, attach_type: verdict, effective: false };
    assert_eq!(k.prog_query(&query)?.prog_ids, [k.prog_info(prog.as_fd())?.id]);
    let e = k.prog_attach(&ProgAttach::new(prog.as_fd(), LinkTarget::Fd(array.as_fd()), verdict));
    let e = e.expect_err("an array holds no sockets");
    assert!(matches!(e.errno, Errno::EOPNOTSUPP | Errno::EINVAL) && e.meaning().is_some(), "{e}");
    k.prog_detach(&ProgAttach::new(prog.as_fd(), target, verdict))?;
    assert!(k.prog_query(&query)?.prog_ids.is_empty());
    refused(k.prog_detach(&ProgAttach::new(prog.as_fd(), target, verdict)), Errno::ENOENT);
    Ok(())
}
