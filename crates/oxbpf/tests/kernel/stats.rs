//! How often programs ran.

use std::os::fd::AsFd;

use oxbpf::sys::TestRun;
use oxbpf::{Kernel, enable_stats};
use oxbpf_testing::{Need, Suite, TestResult};

use crate::support::Loaded;

pub(crate) fn tests(suite: &mut Suite) {
    // Raw tracepoints can be run by hand since 5.10.
    suite.test(
        "stats::runs_and_time_are_counted",
        &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 10)],
        counted,
    );
}

fn counted() -> TestResult {
    let loaded = Loaded::new("tests/ringbufs.bpf.o")?;
    let program = loaded.object.program("emit_small")?;
    let kernel = Kernel::host();
    let guard = enable_stats(&kernel)?;
    let before = program.stats()?;
    assert_eq!((before.runs, before.mean()), (0, None));
    // Two at a time are fine; the first to go does not stop the other.
    let second = enable_stats(&kernel)?;
    drop(guard);
    // A raw tracepoint's run is not counted when it is run by hand, so have it called.
    let link = program.attach()?;
    for _ in 0..100 {
        let _ = rustix::process::getppid();
    }
    drop(link);
    let after = program.stats()?;
    assert!(after.runs >= 100, "{after:?}");
    assert!(after.time.as_nanos() > 0 && after.mean().is_some_and(|mean| mean <= after.time), "{after:?}");
    drop(second);
    program.kernel().prog_test_run(program.as_fd(), &mut TestRun::default())?;
    assert_eq!(program.stats()?.runs, after.runs);
    Ok(())
}
