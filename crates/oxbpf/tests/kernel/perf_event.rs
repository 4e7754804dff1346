//! `bpf/tests/perf_event.bpf.c`: samples of the CPU's clock.

use oxbpf::{HashMap, LinkKind, PerfEventOptions, Sampling};
use oxbpf_testing::{Held, Need, Suite, TestResult};

use crate::support::{Loaded, refs, this_program};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("perf_event::samples_every_cpu", &[Need::Bpf, Need::Kernel(5, 2)], samples_every_cpu);
    suite.test("perf_event::samples_one_process", &[Need::Bpf, Need::Kernel(5, 2)], samples_one_process);
}

fn samples_every_cpu() -> TestResult {
    let held = Held::spawn(&refs(&this_program(&["spin", "400"])?))?;
    let pid = held.pid();
    let loaded = Loaded::new("tests/perf_event.bpf.o")?;
    let samples = HashMap::<u32, u64>::new(loaded.map("samples")?)?;
    let options = PerfEventOptions { sampling: Sampling::Frequency(500), ..Default::default() };
    let link = loaded.object.program("on_sample")?.attach_perf_event(&options)?;
    assert_eq!(link.kind(), LinkKind::PerfEvent);
    assert!(held.go()?.success());
    link.detach()?;

    // 200, if it had a CPU for itself.
    let count = samples.get(&pid)?.unwrap_or(0);
    assert!((10..=400).contains(&count), "{count} samples of the busy process");
    let total: u64 = loaded.global("total")?;
    let sum = samples.iter().map(|entry| entry.map(|(_, n)| n)).sum::<oxbpf::Result<u64>>()?;
    assert!(total >= count && sum <= total, "{total} in all, {sum} by process");

    // Detached: nothing more comes, however busy.
    let held = Held::spawn(&refs(&this_program(&["spin", "50"])?))?;
    assert!(held.go()?.success());
    assert_eq!(loaded.global::<u64>("total")?, total);
    Ok(())
}

fn samples_one_process() -> TestResult {
    let held = Held::spawn(&refs(&this_program(&["spin", "200"])?))?;
    let pid = held.pid();
    let loaded = Loaded::new("tests/perf_event.bpf.o")?;
    let samples = HashMap::<u32, u64>::new(loaded.map("samples")?)?;
    let period = Sampling::Period(1_000_000);
    let options = PerfEventOptions { sampling: period, pid: Some(pid), ..Default::default() };
    let link = loaded.object.program("on_sample")?.attach_perf_event(&options)?;
    assert!(held.go()?.success());
    drop(link);
    let by_process: Vec<(u32, u64)> = samples.iter().collect::<oxbpf::Result<_>>()?;
    let &[(who, count)] = &by_process[..] else { panic!("{by_process:?}") };
    assert_eq!(who, pid);
    assert!(count >= 10, "{count}");
    assert_eq!(loaded.global::<u64>("last_period")?, 1_000_000);
    Ok(())
}
