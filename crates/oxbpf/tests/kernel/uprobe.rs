//! `bpf/uprobe.bpf.c`: calls of a function of the C library, at their beginning and end.

use oxbpf::{Link, LinkKind, RingBuffer, UprobeOptions};
use oxbpf_testing::{Held, Need, Skip, Suite, TestResult};
use zerocopy::FromBytes;

use crate::support::{Loaded, PATIENCE, text, unique_path, wait_for};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 8), Need::Uprobes];
    suite.test("uprobe::sees_calls_and_returns", &needs, sees_calls_and_returns);
    suite.test("uprobe::of_one_process_by_options", &needs, of_one_process_by_options);
}

#[derive(FromBytes)]
#[repr(C)]
struct Event {
    pid: u32,
    failed: u8,
    _pad: [u8; 3],
    nsecs: u64,
    comm: [u8; 16],
    path: [u8; 128],
}

/// Not every system has this library.
fn needs_glibc<T>(result: Result<T, oxbpf::Error>) -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
    result.map_err(|error| match &error {
        oxbpf::Error::Attach(e) if matches!(e.reason, oxbpf::AttachReason::NoBinary { .. }) => {
            Skip::because("needs a libc.so.6").into()
        }
        _ => error.into(),
    })
}

fn sees_calls_and_returns() -> TestResult {
    let loaded = Loaded::new("uprobe.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("events")?)?;
    let links = needs_glibc(loaded.object.attach())?;
    let kinds: Vec<LinkKind> = links.iter().map(Link::kind).collect();
    assert_eq!(kinds, [LinkKind::Uprobe, LinkKind::Uretprobe]);
    assert!(links[0].target().ends_with("/libc.so.6:opendir"), "{}", links[0].target());

    let dir = unique_path("listed");
    std::fs::create_dir(&dir)?;
    let held = Held::spawn(&["ls", &dir])?;
    let pid = held.pid();
    assert!(held.go()?.success());
    let event: Event = wait_for(&mut ring, |e: &Event| e.pid == pid && text(&e.path) == dir)?;
    std::fs::remove_dir(&dir)?;
    assert_eq!(text(&event.comm), "ls");
    assert_eq!(event.failed, 0);
    assert!((1..PATIENCE.as_nanos() as u64).contains(&event.nsecs), "{}", event.nsecs);
    Ok(())
}

fn of_one_process_by_options() -> TestResult {
    let dir = unique_path("listed-by-one");
    std::fs::create_dir(&dir)?;
    let one = Held::spawn(&["ls", &dir])?;
    let other = Held::spawn(&["ls", &dir])?;
    let loaded = Loaded::new("uprobe.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("events")?)?;
    let options = UprobeOptions {
        // Without a version: the newest that there is.
        binary: "libc",
        function: Some("opendir"),
        pid: Some(one.pid()),
        ..Default::default()
    };
    let entry = needs_glibc(loaded.object.program("on_entry")?.attach_uprobe(&options))?;
    let back = UprobeOptions { on_return: true, ..options };
    let back = loaded.object.program("on_return")?.attach_uprobe(&back)?;
    assert_eq!((entry.kind(), back.kind()), (LinkKind::Uprobe, LinkKind::Uretprobe));

    let pid = one.pid();
    assert!(other.go()?.success());
    assert!(one.go()?.success());
    let mut strangers = 0;
    let event = wait_for(&mut ring, |e: &Event| {
        strangers += usize::from(e.pid != pid);
        text(&e.path) == dir
    })?;
    std::fs::remove_dir(&dir)?;
    assert_eq!((event.pid, strangers), (pid, 0));
    Ok(())
}
