//! `bpf/xdp_counter.bpf.c`: the packets that an interface receives, counted before the network stack sees them.

use oxbpf::{AttachReason, Error, LinkKind, PerCpuArray, XdpFlags};
use oxbpf_testing::net::{Veth, in_own_netns};
use oxbpf_testing::{Need, Suite, TestResult, wait_until};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::support::{Loaded, PATIENCE, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Veth, Need::Kernel(5, 9)];
    suite.test("xdp_counter::counts_packets", &needs, || in_own_netns(counts_packets)?);
    suite.test("xdp_counter::one_program_an_interface", &needs, || in_own_netns(one_program_an_interface)?);
}

#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy)]
#[repr(C)]
struct Traffic {
    packets: u64,
    bytes: u64,
}

/// Index in the map.
const IPV4: u32 = 1;

fn received(loaded: &Loaded) -> Result<(u64, u64)> {
    let map = PerCpuArray::<Traffic>::new(loaded.map("received")?)?;
    let traffic = map.get(IPV4)?.ok_or("an element for each protocol")?;
    Ok(traffic.iter().fold((0, 0), |(packets, bytes), t| (packets + t.packets, bytes + t.bytes)))
}

fn counts_packets() -> TestResult {
    let veth = Veth::create()?;
    let loaded = Loaded::new("xdp_counter.bpf.o")?;
    let link = loaded.object.program("count")?.attach_xdp(Veth::FAR, XdpFlags::empty())?;
    assert_eq!((link.kind(), link.target()), (LinkKind::Xdp, "far"));
    assert_eq!(received(&loaded)?, (0, 0));

    veth.send(100, 1000)?;
    wait_until(PATIENCE, || received(&loaded).is_ok_and(|(packets, _)| packets >= 100));
    assert_eq!(received(&loaded)?, (100, 100 * 1042));

    link.detach()?;
    veth.send(100, 1000)?;
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(received(&loaded)?.0, 100, "it is detached");
    Ok(())
}

fn one_program_an_interface() -> TestResult {
    let veth = Veth::create()?;
    let loaded = Loaded::new("xdp_counter.bpf.o")?;
    let program = loaded.object.program("count")?;
    let link = program.attach_xdp(veth.far, XdpFlags::SKB_MODE)?;
    let Err(Error::Attach(error)) = program.attach_xdp(veth.far, XdpFlags::SKB_MODE) else { panic!() };
    assert!(matches!(error.reason, AttachReason::XdpBusy { .. }), "{error}");
    // The other end is free, and so is this one afterwards.
    let other = program.attach_xdp(veth.near, XdpFlags::SKB_MODE)?;
    link.detach()?;
    let again = program.attach_xdp(veth.far, XdpFlags::SKB_MODE)?;
    assert_eq!(again.target(), veth.far.to_string());
    drop(other);

    for nowhere in ["no-such-if", "", "a-name-longer-than-any-interface-has"] {
        let Err(Error::Attach(error)) = program.attach_xdp(nowhere, XdpFlags::empty()) else { panic!() };
        assert!(matches!(error.reason, AttachReason::NoInterface { .. }), "{error}");
    }
    for nowhere in [0, 999_999] {
        let Err(Error::Attach(error)) = program.attach_xdp(nowhere, XdpFlags::empty()) else { panic!() };
        assert!(matches!(error.reason, AttachReason::NoInterface { .. }), "{error}");
    }
    // Loopback has no driver of its own for XDP.
    let Err(Error::Attach(error)) = program.attach_xdp("lo", XdpFlags::DRV_MODE) else { panic!() };
    assert!(matches!(error.reason, AttachReason::XdpMode { .. }), "{error}");
    Ok(())
}
