//! Network interfaces: what is asked of them, the kernel at hand is asked.

use std::sync::Arc;

use oxbpf::sys::doors::{Fake, Faults, Recorder};
use oxbpf::sys::uapi::XdpFlags;
use oxbpf::{AttachPoint, AttachReason, AttachType, Errno, Error, Kernel};

use crate::{load, spec};

#[test]
fn queries() {
    let recorder = Arc::new(Recorder::new(Arc::new(Fake::new())));
    let kernel = Kernel::with_door(recorder.clone());
    let query = |point: AttachPoint<'_>| point.query(&kernel, AttachType::XDP);
    assert_eq!(query(AttachPoint::interface("lo")).unwrap().programs, []);
    let calls: Vec<String> = recorder.take().iter().map(ToString::to_string).collect();
    assert_eq!(calls, ["if_nametoindex lo", "route netlink"]);
    let error = query(AttachPoint::interface(7)).unwrap_err().to_string();
    assert_eq!(error, "RTM_GETLINK of interface 7 failed: ENODEV (No such device)");
    assert_eq!(query(AttachPoint::interface("none")).unwrap_err().errno(), Some(Errno::ENODEV));
}

/// That there is no such interface is said where the kernel says so, and not if it cannot be asked.
#[test]
fn attachments() {
    let spec = spec("xdp_counter.bpf.o");
    let attach = |fault: Option<Errno>, interface: &str| {
        let loads = load(&spec, Arc::new(Fake::new())).1.len() as u64;
        let fake = Arc::new(Fake::new());
        let door =
            Arc::new(fault.map_or(Faults::none(fake.clone()), |errno| Faults::nth(fake, loads, errno)));
        let (object, _) = load(&spec, door);
        object.unwrap().program("count").unwrap().attach_xdp(interface, XdpFlags::empty())
    };
    assert_eq!(attach(None, "lo").unwrap().target(), "lo");
    let Err(Error::Attach(missing)) = attach(None, "none") else { panic!() };
    assert!(matches!(missing.reason, AttachReason::NoInterface { .. }), "{missing}");
    let Err(Error::Attach(untold)) = attach(Some(Errno::EMFILE), "lo") else { panic!() };
    assert_eq!(untold.errno(), Some(Errno::EMFILE), "{untold}");
    assert!(untold.to_string().contains("if_nametoindex of interface \"lo\" failed: EMFILE"), "{untold}");
}
