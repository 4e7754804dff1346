//! `bpf/funclat.bpf.c`: how long a kernel function takes, by trampolines at its entry and exit.

use oxbpf::{Link, LinkKind, PerCpuArray};
use oxbpf_testing::{Held, Need, Suite, TestResult};

use crate::support::Loaded;

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 5), Need::KernelBtf, Need::Trampolines];
    suite.test("funclat::counts_calls_and_their_results", &needs, counts_calls);
}

fn counts_calls() -> TestResult {
    let held = Held::spawn(&["dd", "if=/dev/zero", "of=/dev/null", "bs=4096", "count=100"])?;
    let pid = held.pid();
    let loaded = Loaded::with("funclat.bpf.o", |spec| Ok(spec.set_global("target_pid", &pid)?))?;
    let links = loaded.object.attach()?;
    let kinds: Vec<LinkKind> = links.iter().map(Link::kind).collect();
    assert_eq!(kinds, [LinkKind::Fentry, LinkKind::Fexit]);
    assert!(links.iter().all(|link| link.target() == "vfs_read"));
    assert!(held.go()?.success());
    drop(links);

    let (calls, bytes): (u64, u64) = (loaded.global("calls")?, loaded.global("bytes")?);
    // What the shell and the start of a program read besides is little.
    assert!((100..200).contains(&calls), "{calls} calls");
    assert!((409_600..600_000).contains(&bytes), "{bytes} bytes");
    let histogram = PerCpuArray::<u64>::new(loaded.map("nsecs_hist")?)?;
    let mut timed = 0;
    for slot in &histogram {
        timed += slot?.iter().sum::<u64>();
    }
    assert!(timed >= calls, "{timed} of {calls} calls were timed");
    Ok(())
}
