//! Who is attached where, and changing it.

use std::fs::File;
use std::os::fd::AsFd;

use oxbpf::sys::{LinkCreate, LinkTarget, MapType, ProgAttach};
use oxbpf::{AttachFlags, AttachPoint, AttachType, Attached, Errno, Kernel, MapCreate, Program, XdpFlags};
use oxbpf_testing::net::{Veth, in_own_netns};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult, wait_until};

use crate::support::{Loaded, PATIENCE, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let since = |major, minor| [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(major, minor)];
    let [a, b, c, d] = since(5, 9);
    suite.test("attached::to_a_cgroup", &[a, b, c, d, Need::Cgroup2], to_a_cgroup);
    suite.test("attached::a_link_is_changed", &[a, b, c, d, Need::Cgroup2], a_link_is_changed);
    suite.test("attached::to_a_netns", &since(5, 9), || in_own_netns(to_a_netns)?);
    suite.test("attached::to_an_interface", &[a, b, c, d, Need::Veth], || in_own_netns(to_an_interface)?);
    suite.test("attached::in_order", &since(6, 6), || in_own_netns(in_order)?);
    suite.test("attached::to_a_sockmap", &since(5, 16), to_a_sockmap);
    suite.test("attached::nowhere", &since(5, 9), || in_own_netns(nowhere)?);
}

fn ids(attached: &Attached) -> Vec<u32> {
    attached.programs.iter().map(|p| p.id).collect()
}

fn id(program: &Program) -> Result<u32> {
    Ok(program.info()?.id)
}

fn only(programs: &[&str]) -> Result<Loaded> {
    Loaded::with("tests/test_run.bpf.o", |spec| {
        spec.programs.iter_mut().for_each(|p| p.autoload = programs.contains(&p.name.as_str()));
        Ok(())
    })
}

const EGRESS: AttachType = AttachType::CGROUP_INET_EGRESS;

fn to_a_cgroup() -> TestResult {
    let (group, kernel) = (Cgroup::create()?, Kernel::host());
    let here = AttachPoint::Cgroup(group.as_fd());
    assert_eq!(here.query_all(&kernel).count(), 0);
    assert_eq!(here.query(&kernel, EGRESS)?.programs, []);
    let loaded = only(&["even"])?;
    let program = loaded.object.program("even")?;
    let link = program.attach_cgroup(&group, AttachFlags::empty())?;
    let all = here.query_all(&kernel).collect::<oxbpf::Result<Vec<_>>>()?;
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!((one.attach_type, ids(one)), (EGRESS, vec![id(program)?]));
    assert!(here.query_effective(&kernel, EGRESS)?.programs.iter().any(|p| p.id == one.programs[0].id));
    link.detach()?;
    assert_eq!(here.query_all(&kernel).count(), 0);
    Ok(())
}

fn a_link_is_changed() -> TestResult {
    let (group, kernel) = (Cgroup::create()?, Kernel::host());
    let here = AttachPoint::Cgroup(group.as_fd());
    let (one, other) = (only(&["even"])?, only(&["even"])?);
    let (one, other) = (one.object.program("even")?, other.object.program("even")?);
    let mut link = one.attach_cgroup(&group, AttachFlags::empty())?;
    link.update(other)?;
    assert_eq!(ids(&here.query(&kernel, EGRESS)?), [id(other)?]);
    link.replace(other, one)?;
    assert_eq!(ids(&here.query(&kernel, EGRESS)?), [id(one)?]);
    assert_eq!(link.replace(other, one).expect_err("it is not there").errno(), Some(Errno::EPERM));
    let xdp = only(&["drop"])?;
    let error = link.update(xdp.object.program("drop")?).expect_err("another type");
    assert!(
        error.to_string().ends_with("no link that can be changed, or not to a program of this type"),
        "{error}"
    );
    // The cgroup goes, a moment later for its programs; the link stays, on nothing.
    drop(group);
    assert!(wait_until(PATIENCE, || link.update(other).is_err()));
    let error = link.update(other).expect_err("the cgroup is gone");
    assert!(
        error
            .to_string()
            .ends_with("ENOLINK (Link has been severed): it was detached, or what it was on is gone"),
        "{error}"
    );
    let raw_tp = Loaded::new("tests/raw_tp.bpf.o")?;
    let mut link = raw_tp.object.program("on_enter")?.attach()?;
    assert_eq!(
        link.update(raw_tp.object.program("on_exit")?).expect_err("no update").errno(),
        Some(Errno::EINVAL)
    );
    Ok(())
}

fn to_a_netns() -> TestResult {
    let (netns, kernel) = (File::open("/proc/thread-self/ns/net")?, Kernel::host());
    let here = AttachPoint::Netns(netns.as_fd());
    assert_eq!(here.query_all(&kernel).count(), 0);
    let loaded = only(&["dissect", "web"])?;
    let mut links = Vec::new();
    for (name, attach_type) in [("dissect", AttachType::FLOW_DISSECTOR), ("web", AttachType::SK_LOOKUP)] {
        let program = loaded.object.program(name)?;
        let create = LinkCreate::new(program.as_fd(), LinkTarget::Fd(netns.as_fd()), attach_type);
        links.push(kernel.link_create(&create)?);
        assert_eq!(ids(&here.query(&kernel, attach_type)?), [id(program)?]);
    }
    let kinds: Vec<_> =
        here.query_all(&kernel).map(|a| a.map(|a| a.attach_type)).collect::<oxbpf::Result<_>>()?;
    assert_eq!(kinds, [AttachType::FLOW_DISSECTOR, AttachType::SK_LOOKUP]);
    Ok(())
}

fn to_an_interface() -> TestResult {
    let (veth, kernel) = (Veth::create()?, Kernel::host());
    let here = AttachPoint::interface(Veth::FAR);
    assert_eq!(here.query(&kernel, AttachType::XDP)?.programs, []);
    let loaded = only(&["drop"])?;
    let program = loaded.object.program("drop")?;
    for mode in [XdpFlags::SKB_MODE, XdpFlags::DRV_MODE] {
        let link = program.attach_xdp(veth.far, mode)?;
        let attached = here.query(&kernel, AttachType::XDP)?;
        assert_eq!(ids(&attached), [id(program)?]);
        assert_eq!(attached.programs[0].xdp_mode, mode);
        assert_eq!(here.query_all(&kernel).count(), 1);
        link.detach()?;
    }
    Ok(())
}

fn in_order() -> TestResult {
    const INGRESS: AttachType = AttachType::TCX_INGRESS;
    let kernel = Kernel::host();
    let loopback = AttachPoint::interface("lo");
    assert_eq!(loopback.query(&kernel, INGRESS)?.programs, []);
    let (one, other) = (only(&["mark"])?, only(&["mark"])?);
    let (one, other) = (one.object.program("mark")?, other.object.program("mark")?);
    let target = LinkTarget::Ifindex(1);
    let link = kernel.link_create(&LinkCreate::new(one.as_fd(), target, INGRESS))?;
    let first = loopback.query(&kernel, INGRESS)?;
    let before = ProgAttach { flags: AttachFlags::BEFORE, ..ProgAttach::new(other.as_fd(), target, INGRESS) };
    kernel.prog_attach(&before)?;
    let both = loopback.query(&kernel, INGRESS)?;
    assert_eq!(ids(&both), [id(other)?, id(one)?]);
    let link_id = kernel.link_info(link.as_fd())?.id;
    assert_eq!((both.programs[0].link_id, both.programs[1].link_id), (None, Some(link_id)));
    assert!(both.revision > first.revision);
    Ok(())
}

fn to_a_sockmap() -> TestResult {
    let kernel = Kernel::host();
    let map = kernel.map_create(&MapCreate {
        map_type: MapType::SOCKMAP,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    })?;
    let here = AttachPoint::SockMap(map.as_fd());
    assert_eq!(here.query_all(&kernel).count(), 0);
    let insns = [0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    let load = oxbpf::sys::ProgLoad {
        prog_type: oxbpf::ProgramType::SK_MSG,
        insns: &insns,
        license: "GPL",
        ..Default::default()
    };
    let program = kernel.prog_load(&load, None)?;
    let verdict = AttachType::SK_MSG_VERDICT;
    kernel.prog_attach(&ProgAttach::new(program.as_fd(), LinkTarget::Fd(map.as_fd()), verdict))?;
    assert_eq!(ids(&here.query(&kernel, verdict)?), [kernel.prog_info(program.as_fd())?.id]);
    Ok(())
}

fn nowhere() -> TestResult {
    let kernel = Kernel::host();
    let refused = |here: AttachPoint<'_>, attach_type| {
        let error = here.query(&kernel, attach_type).expect_err("refused");
        (error.errno(), error.to_string())
    };
    let (errno, text) = refused(AttachPoint::interface("no-such"), AttachType::XDP);
    assert_eq!(errno, Some(Errno::ENODEV));
    assert_eq!(
        text,
        "BPF_PROG_QUERY of interface no-such failed: ENODEV (No such device): \
         no such interface or device in this network namespace"
    );
    let (errno, text) = refused(AttachPoint::interface(9999), AttachType::XDP);
    assert_eq!(
        (errno, text.as_str()),
        (Some(Errno::ENODEV), "RTM_GETLINK of interface 9999 failed: ENODEV (No such device)")
    );
    let file = File::open("/dev/null")?;
    let (errno, text) = refused(AttachPoint::Cgroup(file.as_fd()), EGRESS);
    assert_eq!(errno, Some(Errno::EBADF), "{text}");
    assert!(text.ends_with("a descriptor is none, or none of what the attach type is for"), "{text}");
    let (errno, text) = refused(AttachPoint::Cgroup(file.as_fd()), AttachType::TRACE_FENTRY);
    assert_eq!(errno, Some(Errno::EINVAL), "{text}");
    assert!(text.ends_with("this attach point cannot be asked about, or not in this way"), "{text}");
    Ok(())
}
