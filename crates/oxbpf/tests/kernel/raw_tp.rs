//! `bpf/tests/raw_tp.bpf.c`: the system calls of one process, by raw tracepoints.

use oxbpf::LinkKind;
use oxbpf_testing::{Held, Need, Suite, TestResult};

use crate::support::{Loaded, refs, this_program};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("raw_tp::counts_system_calls", &[Need::Bpf, Need::Kernel(5, 2)], counts_system_calls);
}

fn counts_system_calls() -> TestResult {
    let held = Held::spawn(&refs(&this_program(&["getppid", "5000"])?))?;
    let pid = held.pid();
    let loaded = Loaded::with("tests/raw_tp.bpf.o", |spec| Ok(spec.set_global("target_pid", &pid)?))?;
    let links = loaded.object.attach()?;
    let targets: Vec<_> = links.iter().map(|link| (link.kind(), link.target())).collect();
    assert_eq!(targets, [(LinkKind::RawTracepoint, "sys_enter"), (LinkKind::RawTracepoint, "sys_exit")]);
    assert!(held.go()?.success());

    let (entered, left): (u64, u64) = (loaded.global("entered")?, loaded.global("left")?);
    assert!((5000..6000).contains(&entered), "{entered}");
    // What the shell called between the one was attached and the other counts once.
    assert!(left >= 5000 && entered.abs_diff(left) < 500, "{entered} and {left}");

    drop(links);
    let before: u64 = loaded.global("entered")?;
    assert_eq!(before, entered);
    Ok(())
}
