//! `bpf/execsnoop.bpf.c`: a program that is started appears, with its arguments.

use oxbpf::{LinkKind, RingBuffer};
use oxbpf_testing::{Held, Need, Suite, TestResult};
use zerocopy::FromBytes;

use crate::support::{Loaded, text, wait_for};

pub(crate) fn tests(suite: &mut Suite) {
    let needs =
        [Need::Bpf, Need::Kernel(5, 8), Need::KernelBtf, Need::Tracepoint("sched", "sched_process_exec")];
    suite.test("execsnoop::sees_the_process_that_was_started", &needs, sees_the_process);
}

#[derive(FromBytes)]
#[repr(C)]
struct Event {
    pid: u32,
    ppid: u32,
    uid: u32,
    comm: [u8; 16],
    filename: [u8; 64],
    args: [u8; 128],
}

fn sees_the_process() -> TestResult {
    let loaded = Loaded::new("execsnoop.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("events")?)?;
    let links = loaded.object.attach()?;
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].kind(), links[0].target()), (LinkKind::Tracepoint, "sched/sched_process_exec"));

    let held = Held::spawn(&["/bin/true", "one", "--two=2"])?;
    let pid = held.pid();
    assert!(held.go()?.success());
    let event: Event = wait_for(&mut ring, |e: &Event| e.pid == pid && text(&e.comm) == "true")?;
    assert_eq!(event.ppid, std::process::id());
    assert_eq!(event.uid, 0);
    assert_eq!(text(&event.filename), "/bin/true");
    assert_eq!(text(&event.args), "/bin/true one --two=2");
    assert_eq!(loaded.global::<u64>("lost")?, 0);
    Ok(())
}
