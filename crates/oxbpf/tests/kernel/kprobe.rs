//! `bpf/tests/kprobe.bpf.c`: who removes which file, by a kprobe and a kretprobe.

use std::cell::RefCell;

use oxbpf::{Link, LinkKind, RingBuffer};
use oxbpf_testing::{Held, Need, Suite, TestResult};
use zerocopy::FromBytes;

use crate::support::{Loaded, text, unique_path, wait_for};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 8), Need::KernelBtf, Need::Kprobes];
    suite.test("kprobe::sees_entry_and_return", &needs, sees_entry_and_return);
}

#[derive(FromBytes)]
#[repr(C)]
struct Event {
    pid: u32,
    ret: i32,
    name: [u8; 64],
}

fn sees_entry_and_return() -> TestResult {
    let loaded = Loaded::new("tests/kprobe.bpf.o")?;
    let mut ring = RingBuffer::new(loaded.map("events")?)?;
    let links = loaded.object.attach()?;
    let kinds: Vec<LinkKind> = links.iter().map(Link::kind).collect();
    assert_eq!(kinds, [LinkKind::Kprobe, LinkKind::Kretprobe]);

    let path = unique_path("unlinked");
    std::fs::write(&path, "")?;
    // `rm` uses unlinkat(2), `unlink` unlink(2): both come to this function.
    let held = Held::spawn(&["unlink", &path])?;
    let pid = held.pid();
    assert!(held.go()?.success());
    // Both records may come at once: the first is kept while the second is waited for.
    let entered = RefCell::new(None);
    let back: Event = wait_for(&mut ring, |e: &Event| {
        if e.pid == pid && e.ret == 1 {
            entered.replace(Some(text(&e.name)));
        }
        e.pid == pid && e.ret != 1
    })?;
    assert_eq!(back.ret, 0);
    assert_eq!(entered.into_inner(), Some(path));
    Ok(())
}
