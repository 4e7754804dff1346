//! Maps of struct_ops that are registered by their value: the kernel does not take them back by itself.

use std::process::Stdio;
use std::time::Duration;

use oxbpf::{Kernel, Map, MapType};
use oxbpf_testing::{Need, Suite, TestResult, wait_until};

use crate::support::{LIMIT, Running, oxbpf_run, succeed};

const KNOWN: &str = "/proc/sys/net/ipv4/tcp_available_congestion_control";
const OBJECT: &str = "tests/struct_ops";
const NAME: &str = "oxbpf_plain";

pub(crate) fn add(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(5, 13), Need::KernelBtf];
    // One test: the kernel has each name once.
    suite.test("struct_ops::registered_by_value", needs, || {
        while_it_runs()?;
        signals_take_it_back()?;
        two_signals_take_it_back()?;
        killed()
    });
}

fn is_registered() -> bool {
    std::fs::read_to_string(KNOWN).is_ok_and(|known| known.split_whitespace().any(|name| name == NAME))
}

fn is_taken_back() -> bool {
    // The kernel waits for who is inside.
    wait_until(LIMIT, || !is_registered())
}

fn while_it_runs() -> TestResult {
    let (out, err) = succeed(oxbpf_run(OBJECT, ["-o", "/dev/null", "--", "cat", KNOWN]))?;
    assert!(out.split_whitespace().any(|name| name == NAME), "{out}");
    assert!(err.contains("map plain is registered by its value"), "{err}");
    assert!(is_taken_back());
    Ok(())
}

fn signals_take_it_back() -> TestResult {
    for signal in ["INT", "TERM", "HUP"] {
        let running = Running::start(oxbpf_run(OBJECT, ["--json"]), 1)?;
        assert!(is_registered());
        running.signal(signal)?;
        running.finish()?;
        assert!(is_taken_back(), "{signal}");
    }
    Ok(())
}

/// The second one comes while the command, which does not listen, is given time to end.
fn two_signals_take_it_back() -> TestResult {
    let script = "trap '' TERM; exec sleep 100";
    let running = Running::start(oxbpf_run(OBJECT, ["--json", "--", "sh", "-c", script]), 1)?;
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(200));
        running.signal("TERM")?;
    }
    running.finish()?;
    assert!(is_taken_back());
    Ok(())
}

/// What nobody can do anything about, and what is said about that.
fn killed() -> TestResult {
    let mut command = oxbpf_run(OBJECT, ["--json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let is_there = wait_until(LIMIT, is_registered);
    child.kill()?;
    child.wait()?;
    assert!(is_there && is_registered(), "the kernel keeps it");
    for map in Map::iter_loaded(&Kernel::host()) {
        let map = map?;
        if map.map_type() == MapType::STRUCT_OPS && map.name() == "plain" {
            map.delete(&[0; 4])?;
        }
    }
    assert!(is_taken_back());
    Ok(())
}
