//! What links promise.

use std::time::{Duration, Instant};

use oxbpf::{HashMap, Link, LinkKind, Links, PerfEventOptions, detach_all};
use oxbpf_testing::{Held, Need, Suite, TestResult, wait_until};

use crate::support::{Loaded, PATIENCE, Result, refs, this_program, wait_until_detached};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("links::outlive_their_object", &[Need::Bpf, Need::Kernel(5, 2)], outlive_their_object);
    suite.test("links::drop_detaches", &[Need::Bpf, Need::Kernel(5, 8)], drop_detaches);
    suite.test("links::kernel_knows_them", &[Need::Bpf, Need::Kernel(5, 15)], kernel_knows_them);
    let needs = [Need::Bpf, Need::Kernel(5, 2), Need::Tracepoint("syscalls", "sys_enter_openat")];
    suite.test("links::many_are_detached_together", &needs, many_are_detached_together);
    suite.test(
        "links::a_failed_attach_detaches_the_others",
        &[Need::Bpf],
        a_failed_attach_detaches_the_others,
    );
}

/// Runs `getppid` 1,000 times in a process of its own and tells how many calls the program counted.
fn count_calls(loaded: &Loaded, held: Held) -> Result<u64> {
    let before: u64 = loaded.global("entered")?;
    assert!(held.go()?.success());
    Ok(loaded.global::<u64>("entered")? - before)
}

fn counting() -> Result<(Held, Loaded)> {
    let held = Held::spawn(&refs(&this_program(&["getppid", "1000"])?))?;
    let pid = held.pid();
    let loaded = Loaded::with("tests/raw_tp.bpf.o", |spec| Ok(spec.set_global("target_pid", &pid)?))?;
    Ok((held, loaded))
}

fn outlive_their_object() -> TestResult {
    let (held, loaded) = counting()?;
    let program = loaded.object.program("on_enter")?.clone();
    let link = program.attach()?;
    drop(program);
    let map = loaded.map(".bss")?.clone();
    drop(loaded);
    // From another thread.
    let link = std::thread::spawn(move || link).join().expect("no panic");
    assert!(held.go()?.success());
    drop(link);
    let globals = map.lookup(&[0; 4])?.ok_or("globals")?;
    assert!(
        globals.chunks_exact(8).any(|g| u64::from_ne_bytes(g.try_into().expect("8")) >= 1000),
        "{globals:?}"
    );
    Ok(())
}

fn drop_detaches() -> TestResult {
    let (held, loaded) = counting()?;
    let links = loaded.object.attach()?;
    drop(links);
    wait_until_detached(loaded.object.program("on_enter")?)?;
    assert_eq!(count_calls(&loaded, held)?, 0);
    Ok(())
}

fn kernel_knows_them() -> TestResult {
    let loaded = Loaded::new("tests/perf_event.bpf.o")?;
    let program = loaded.object.program("on_sample")?;
    let options = PerfEventOptions { pid: Some(std::process::id()), ..Default::default() };
    let link = program.attach_perf_event(&options)?;
    let info = program.kernel().link_info(link.as_fd().ok_or("one link")?)?;
    assert_eq!(info.prog_id, program.info()?.id);
    // On all CPUs there are as many links, and no one descriptor.
    let all = program.attach_perf_event(&PerfEventOptions::default())?;
    assert_eq!(all.as_fd().is_some(), program.kernel().online_cpus()?.len() == 1);
    Ok(())
}

fn many_are_detached_together() -> TestResult {
    // The program reads three arguments, so these have them.
    let events = ["openat", "mprotect", "read", "write", "mmap", "ioctl", "pread64", "lseek"];
    let detach_in_time = |how: &str, detach: &dyn Fn(Vec<Link>) -> TestResult| -> TestResult {
        let loaded = Loaded::new("opensnoop.bpf.o")?;
        let program = loaded.object.program("on_enter")?;
        let mut links = Vec::new();
        for event in events {
            links.push(program.attach_tracepoint("syscalls", &format!("sys_enter_{event}"))?);
        }
        assert!(links.iter().all(|link| link.kind() == LinkKind::Tracepoint));
        let begin = Instant::now();
        detach(links)?;
        assert!(begin.elapsed() < PATIENCE, "{how}: {:?}", begin.elapsed());
        // What was running meanwhile may end a moment later; then no call of anybody is noted any more.
        let calls = HashMap::<u32, [u64; 2]>::new(loaded.map("calls")?)?;
        let quiet = wait_until(PATIENCE, || {
            let forget = || calls.keys().try_for_each(|tid| calls.remove(&tid?).map(drop));
            forget().expect("entries can be removed");
            std::thread::sleep(Duration::from_millis(5));
            let _ = std::fs::File::open("/proc/self/stat");
            calls.iter().count() == 0
        });
        assert!(quiet, "{how}: something is still attached");
        Ok(())
    };
    detach_in_time("one by one", &|links| Ok(links.into_iter().try_for_each(Link::detach)?))?;
    detach_in_time("together", &|links| Ok(detach_all(links)?))?;
    detach_in_time("dropped together", &|links| {
        drop(Links::from_iter(links));
        Ok(())
    })
}

fn a_failed_attach_detaches_the_others() -> TestResult {
    let held = Held::spawn(&refs(&this_program(&["getppid", "1000"])?))?;
    let pid = held.pid();
    let loaded = Loaded::with("tests/raw_tp.bpf.o", |spec| {
        spec.set_global("target_pid", &pid)?;
        spec.program_mut("on_exit").ok_or("a program")?.attach_to = Some("no_such_tracepoint".into());
        Ok(())
    })?;
    let error = loaded.object.attach().expect_err("no such tracepoint");
    assert!(error.to_string().contains("no_such_tracepoint"), "{error}");
    wait_until_detached(loaded.object.program("on_enter")?)?;
    assert_eq!(count_calls(&loaded, held)?, 0);
    Ok(())
}
