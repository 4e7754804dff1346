//! `bpf/tests/test_run.bpf.c`: programs of each type, run by hand.

use std::time::Duration;

use oxbpf::{Errno, Error, FlowKeys, LoadOptions, Object, SkBuff, SkLookup, TestRunReason, XdpMd};
use oxbpf_testing::net::{Veth, in_own_netns};
use oxbpf_testing::{Need, Suite, TestResult, testdata, wait_until};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::support::{Loaded, PATIENCE, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let since = |major, minor| [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(major, minor)];
    suite.test("test_run::xdp", &since(5, 9), xdp);
    suite.test("test_run::xdp_metadata", &since(5, 14), xdp_metadata);
    suite.test("test_run::xdp_fields_that_cannot_be", &since(5, 14), xdp_fields_that_cannot_be);
    suite.test("test_run::more_room_runs_again", &since(5, 9), more_room_runs_again);
    suite.test("test_run::traffic_control", &since(5, 9), traffic_control);
    suite.test("test_run::cgroup_packets", &since(5, 9), cgroup_packets);
    suite.test("test_run::raw_tracepoint", &since(5, 10), raw_tracepoint);
    suite.test("test_run::syscall", &since(5, 14), syscall);
    suite.test("test_run::flow_dissector", &since(5, 9), flow_dissector);
    suite.test("test_run::socket_lookup", &since(5, 13), socket_lookup);
    suite.test("test_run::no_such_thing", &since(5, 9), no_such_thing);
    let live = [Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Veth, Need::Kernel(5, 18)];
    suite.test("test_run::live_frames", &live, || in_own_netns(live_frames)?);
}

const PACKET: [u8; 64] = [0x5a; 64];

/// The one program, as types that older kernels lack shall not keep the others from loading.
fn only(program: &str) -> Result<Loaded> {
    Loaded::with("tests/test_run.bpf.o", |spec| {
        spec.programs.iter_mut().for_each(|p| p.autoload = p.name == program);
        Ok(())
    })
}

fn xdp() -> TestResult {
    let loaded = only("grow")?;
    let program = loaded.object.program("grow")?;
    let result = program.test_run().data(&PACKET).run()?;
    assert_eq!(result.return_value, 3, "XDP_TX");
    assert_eq!(result.data_out.len(), 164);
    assert_eq!(result.data_out[100..], PACKET);
    assert_eq!((result.ctx_out.len(), loaded.global::<u64>("ran")?), (0, 1));
    // A second time finds no room before the packet.
    let many = program.test_run().data(&PACKET).repeat(1000).run()?;
    assert_eq!((many.return_value, loaded.global::<u64>("ran")?), (0, 1001));
    assert!(many.duration < Duration::from_millis(1), "{:?} a run", many.duration);
    Ok(())
}

fn xdp_metadata() -> TestResult {
    let loaded = only("meta")?;
    let program = loaded.object.program("meta")?;
    let mut data = 7u32.to_ne_bytes().to_vec();
    data.extend(PACKET);
    let result = program.test_run().data(&data).ctx(&XdpMd { data: 4, ..Default::default() }).run()?;
    assert_eq!(result.return_value, 7);
    let after: XdpMd = result.ctx().ok_or("a context")?;
    assert_eq!(after, XdpMd { data: 4, data_end: 68, ..Default::default() });
    assert_eq!(result.data_out, data);
    assert_eq!(program.test_run().data(&PACKET).run()?.return_value, 1, "no metadata: XDP_DROP");
    Ok(())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: oxbpf::Result<T>, errno: Errno, why: &str) {
    let error = result.expect_err("it is refused");
    assert_eq!(error.errno(), Some(errno), "{error}");
    assert!(error.to_string().ends_with(why), "{error}");
}

fn xdp_fields_that_cannot_be() -> TestResult {
    let loaded = only("drop")?;
    let run = |md: XdpMd| loaded.object.program("drop")?.test_run().data(&PACKET).ctx(&md).run();
    let not_for = "the data, the context or an option is not for programs of this type";
    refused(run(XdpMd { data: 3, ..Default::default() }), Errno::EINVAL, not_for);
    refused(run(XdpMd { data_meta: 4, ..Default::default() }), Errno::EINVAL, not_for);
    refused(run(XdpMd { egress_ifindex: 1, ..Default::default() }), Errno::EINVAL, not_for);
    let nowhere = XdpMd { ingress_ifindex: 999_999, ..Default::default() };
    refused(run(nowhere), Errno::ENODEV, "no such interface in this network namespace");
    Ok(())
}

fn more_room_runs_again() -> TestResult {
    let loaded = only("grow")?;
    let program = loaded.object.program("grow")?;
    let result = program.test_run().data(&PACKET).room(0).run()?;
    assert_eq!((result.return_value, result.data_out.len()), (3, 164));
    assert_eq!(loaded.global::<u64>("ran")?, 2);
    Ok(())
}

fn traffic_control() -> TestResult {
    let loaded = only("mark")?;
    let program = loaded.object.program("mark")?;
    let before = SkBuff { mark: 40, cb: [1, 0, 0, 0, 9], priority: 5, ..Default::default() };
    let result = program.test_run().data(&PACKET).ctx(&before).run()?;
    assert_eq!((result.return_value, result.data_out.as_slice()), (64, &PACKET[..]));
    let after: SkBuff = result.ctx().ok_or("a context")?;
    assert_eq!((after.mark, after.cb, after.priority), (41, [3, 0, 0, 0, 9], 5));
    // What it cannot be told.
    let protocol = SkBuff { protocol: 8, ..Default::default() };
    let error = program.test_run().data(&PACKET).ctx(&protocol).run();
    refused(error, Errno::EINVAL, "is not for programs of this type");
    // A context that is shorter than the kernel's is filled up with zeros.
    assert_eq!(program.test_run().data(&PACKET).ctx(&[0u32; 3]).run()?.ctx_out.len(), 192);
    Ok(())
}

fn cgroup_packets() -> TestResult {
    let loaded = only("even")?;
    let program = loaded.object.program("even")?;
    assert_eq!(program.test_run().data(&PACKET).repeat(10).run()?.return_value, 1);
    assert_eq!(program.test_run().data(&PACKET[..63]).run()?.return_value, 0);
    Ok(())
}

fn raw_tracepoint() -> TestResult {
    let loaded = only("sum")?;
    let program = loaded.object.program("sum")?;
    let result = program.test_run().ctx(&[40u64, 2]).run()?;
    assert_eq!((result.return_value, result.duration, result.ctx_out.len()), (42, Duration::ZERO, 0));
    for cpu in loaded.object.kernel().online_cpus()? {
        program.test_run().ctx(&[1u64, 2]).on_cpu(cpu).run()?;
        assert_eq!(loaded.global::<u32>("cpu")?, cpu);
    }
    let on_none = program.test_run().ctx(&[1u64, 2]).on_cpu(99_999).run();
    refused(on_none, Errno::ENXIO, "no such CPU, or it is offline");
    // It reads two arguments.
    refused(program.test_run().ctx(&1u64).run(), Errno::EINVAL, "is not for programs of this type");
    Ok(())
}

#[derive(FromBytes, IntoBytes, Immutable, PartialEq, Debug)]
#[repr(C)]
struct Calls {
    input: u64,
    output: u64,
}

fn syscall() -> TestResult {
    let loaded = only("twice")?;
    let program = loaded.object.program("twice")?;
    let calls = Calls { input: 21, output: 0 };
    let result = program.test_run().ctx(&calls).run()?;
    assert_eq!((result.return_value, result.ctx()), (9, Some(Calls { input: 21, output: 42 })));
    assert_eq!(calls.output, 0, "it got a copy");
    refused(program.test_run().ctx(&1u64).run(), Errno::EINVAL, "is not for programs of this type");
    Ok(())
}

fn flow_dissector() -> TestResult {
    let loaded = only("dissect")?;
    let program = loaded.object.program("dissect")?;
    let result = program.test_run().data(&PACKET).repeat(3).run()?;
    let keys: FlowKeys = result.data().ok_or("keys")?;
    // `BPF_OK`, or that it was.
    let fine = u32::from(!program.kernel().kernel_version()?.at_least(6, 1));
    assert_eq!((result.return_value, keys.nhoff, keys.thoff, keys.ip_proto), (fine, 14, 34, 17));
    let flags = FlowKeys { flags: 1, ..Default::default() };
    assert_eq!(program.test_run().data(&PACKET).ctx(&flags).run()?.ctx_out.len(), 56);
    let more = FlowKeys { nhoff: 1, ..Default::default() };
    let error = program.test_run().data(&PACKET).ctx(&more).run();
    refused(error, Errno::EINVAL, "is not for programs of this type");
    Ok(())
}

fn socket_lookup() -> TestResult {
    let loaded = only("web")?;
    let program = loaded.object.program("web")?;
    let to = |local_port| SkLookup { family: 2, protocol: 6, local_port, ..Default::default() };
    let result = program.test_run().ctx(&to(80)).repeat(5).run()?;
    assert_eq!(result.return_value, 1, "SK_PASS");
    assert_eq!(result.ctx::<SkLookup>(), Some(to(80)), "no socket was chosen");
    assert_eq!(program.test_run().ctx(&to(81)).run()?.return_value, 0, "SK_DROP");
    refused(program.test_run().ctx(&to(70_000)).run(), Errno::ERANGE, "a port of more than 16 bits");
    let unix = SkLookup { family: 1, ..to(80) };
    let error = program.test_run().ctx(&unix).run();
    refused(error, Errno::EAFNOSUPPORT, "another address family than AF_INET and AF_INET6");
    Ok(())
}

fn no_such_thing() -> TestResult {
    let loaded = only("sample")?;
    let Err(Error::TestRun(error)) = loaded.object.program("sample")?.test_run().run() else {
        panic!("perf event programs cannot be run by hand")
    };
    assert!(matches!(error.reason, TestRunReason::NotForType), "{error}");
    assert_eq!(
        error.to_string(),
        "cannot run program sample (perf_event) by hand: the kernel runs no programs of this type by hand"
    );
    Ok(())
}

/// Frames that are sent from one end of a cable come in at the other.
fn live_frames() -> TestResult {
    let veth = Veth::create()?;
    let spec = oxbpf::open(testdata("tests/test_run.bpf.o"))?;
    let (mut at_far, mut sends) = (spec.clone(), spec);
    at_far.programs.iter_mut().for_each(|p| p.autoload = p.name == "drop");
    sends.programs.iter_mut().for_each(|p| p.autoload = p.name == "grow");
    let receiver = Object::load(&at_far, &LoadOptions::default())?;
    let sender = Object::load(&sends, &LoadOptions::default())?;
    // XDP_TX needs an XDP program on the interface that it sends from.
    let here = receiver.program("drop")?.attach_xdp(veth.near, Default::default())?;
    let there = receiver.program("drop")?.attach_xdp(veth.far, Default::default())?;
    let from_near = XdpMd { ingress_ifindex: veth.near, ..Default::default() };
    let run = sender.program("grow")?.test_run().data(&PACKET).ctx(&from_near).live_frames();
    let result = run.clone().repeat(500).batch_size(50).run()?;
    assert_eq!((result.data_out.len(), result.ctx_out.len()), (0, 0));
    // Neighbour discovery sends some of its own.
    let received = || {
        let globals = receiver.map(".bss").and_then(|map| map.lookup(&[0; 4])).ok().flatten()?;
        Some(u64::from_ne_bytes(*globals.first_chunk()?))
    };
    assert!(wait_until(PATIENCE, || received() >= Some(500)), "{:?}", received());
    let large = run.batch_size(257).run();
    refused(large, Errno::E2BIG, "the context, or the batch, is larger than that of programs of this type");
    drop((here, there));
    Ok(())
}
