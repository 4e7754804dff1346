//! `bpf/schedlat.bpf.c`: how long a ready task waits, as a histogram for each CPU, by typed raw tracepoints.

use std::time::Duration;

use oxbpf::{LinkKind, PerCpuArray};
use oxbpf_testing::{Need, Suite, TestResult, wait_until};

use crate::support::{Loaded, PATIENCE};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 5), Need::KernelBtf];
    suite.test("schedlat::counts_wake_ups", &needs, counts_wake_ups);
}

fn counted(loaded: &Loaded) -> oxbpf::Result<u64> {
    let histogram = PerCpuArray::<u64>::new(loaded.object.map("usecs_hist")?)?;
    assert_eq!(histogram.len(), 32);
    histogram.iter().map(|slot| slot.map(|cpus| cpus.iter().sum::<u64>())).sum()
}

fn counts_wake_ups() -> TestResult {
    let of = |pid: u32| Loaded::with("schedlat.bpf.o", move |spec| Ok(spec.set_global("target_pid", &pid)?));
    let own = of(std::process::id())?;
    let nobodys = of(u32::MAX)?;
    let links = own.object.attach()?;
    assert_eq!(links.len(), 3);
    assert!(links.iter().all(|link| link.kind() == LinkKind::RawTracepoint && link.as_fd().is_some()));
    assert_eq!(links[0].target(), "sched_wakeup");
    let _others = nobodys.object.attach()?;

    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(1));
    }
    // Each sleep ends with a wake-up, and then a wait, of at most a second on any machine that works.
    wait_until(PATIENCE, || counted(&own).is_ok_and(|n| n >= 30));
    assert!(counted(&own)? >= 30, "{}", counted(&own)?);
    assert_eq!(counted(&nobodys)?, 0);
    Ok(())
}
