//! `bpf/opensnoop.bpf.c`: the files that one process opens, and with which result.

use oxbpf::RingBuffer;
use oxbpf_testing::{Held, Need, Suite, TestResult};
use zerocopy::FromBytes;

use crate::support::{Loaded, text, unique_path, wait_for};

pub(crate) fn tests(suite: &mut Suite) {
    let needs =
        [Need::Bpf, Need::Kernel(5, 8), Need::KernelBtf, Need::Tracepoint("syscalls", "sys_enter_openat")];
    suite.test("opensnoop::sees_what_is_opened", &needs, sees_what_is_opened);
    suite.test("opensnoop::filters_by_process_and_result", &needs, filters_by_process_and_result);
}

#[derive(FromBytes)]
#[repr(C)]
struct Event {
    pid: u32,
    ppid: u32,
    ret: i32,
    flags: u32,
    comm: [u8; 16],
    path: [u8; 128],
}

fn sees_what_is_opened() -> TestResult {
    let loaded = Loaded::new("opensnoop.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("events")?)?;
    let _links = loaded.object.attach()?;

    let path = unique_path("opened");
    std::fs::write(&path, "text")?;
    let held = Held::spawn(&["cat", &path])?;
    let pid = held.pid();
    assert!(held.go()?.success());
    let event: Event = wait_for(&mut ring, |e: &Event| e.pid == pid && text(&e.path) == path)?;
    std::fs::remove_file(&path)?;
    assert_eq!(event.ppid, std::process::id());
    assert_eq!(text(&event.comm), "cat");
    assert!(event.ret >= 3, "a descriptor: {}", event.ret);
    assert_eq!(event.flags & 3, 0, "for reading");
    Ok(())
}

fn filters_by_process_and_result() -> TestResult {
    let there = unique_path("there");
    let missing = unique_path("missing");
    std::fs::write(&there, "text")?;
    let held = Held::spawn(&["cat", &there, &missing])?;
    let pid = held.pid();
    let loaded = Loaded::with("opensnoop.bpf.o", |spec| {
        spec.set_global("target_pid", &pid)?;
        spec.set_global("failed_only", &1u8)?;
        Ok(())
    })?;
    let mut ring = RingBuffer::new(loaded.map("events")?)?;
    let links = loaded.object.attach()?;
    assert_eq!(links.len(), 2);

    // Someone else's failure, before and after.
    assert!(std::fs::File::open(&missing).is_err());
    assert!(!held.go()?.success());
    assert!(std::fs::File::open(&missing).is_err());
    let mut of_this = 0;
    let wanted = |e: &Event| {
        assert_eq!(e.pid, pid);
        assert!(e.ret < 0, "{} gave {}", text(&e.path), e.ret);
        of_this += usize::from(text(&e.path) == missing);
        text(&e.path) == missing
    };
    let event = wait_for(&mut ring, wanted)?;
    assert_eq!(event.ret, -2, "ENOENT");
    ring.drain(|_, record| {
        let e = Event::read_from_bytes(record).expect("its size");
        assert_eq!(e.pid, pid);
        assert!(text(&e.path) != missing && text(&e.path) != there);
    })?;
    assert_eq!(of_this, 1);
    std::fs::remove_file(&there)?;
    Ok(())
}
