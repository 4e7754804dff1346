//! Programs that need a target, settings, and maps at the end.

use std::process::Command;

use oxbpf_testing::net::{Veth, in_own_netns};
use oxbpf_testing::{Cgroup, Need, Suite, TestResult};
use serde_json::{Value, json};

use crate::support::{Running, json_lines, of_type, oxbpf_run, succeed, texts, totals};

pub(crate) fn add(suite: &mut Suite) {
    let tp_btf = &[Need::Bpf, Need::Kernel(5, 5), Need::KernelBtf];
    suite.test("attach::histogram_of_scheduling", tp_btf, scheduling);
    let xdp = &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(5, 9), Need::Veth];
    suite.test("attach::xdp_counts_packets", xdp, xdp_counts);
    let bash = Need::That("needs bash, to send packets", || has_program("bash"));
    let cgroup = &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, Need::Kernel(5, 7), Need::Cgroup2, bash];
    suite.test("attach::cgroup_counts_packets", cgroup, cgroup_counts);
    let open =
        &[Need::Bpf, Need::Kernel(5, 8), Need::KernelBtf, Need::Tracepoint("syscalls", "sys_enter_openat")];
    suite.test("attach::globals_are_set", open, globals);
    let uprobe = &[Need::Bpf, Need::Kernel(5, 8), Need::Uprobes];
    suite.test("attach::uprobe_sees_a_library_call", uprobe, uprobes);
    suite.test("attach::a_program_can_be_left_out", open, left_out);
    let unshare = Need::That("needs unshare(1), to be without tracefs", || has_program("unshare"));
    let mounts = &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 8), Need::KernelBtf, unshare];
    suite.test("attach::tracefs_need_not_be_mounted", mounts, no_tracefs);
    let perf = &[Need::Bpf, Need::Kernel(5, 8)];
    suite.test("attach::perf_events", perf, perf_events);
    suite.test("attach::what_is_not_attached", &[Need::Bpf, Need::Kernel(5, 14)], not_attached);
}

fn has_program(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok()
}

fn scheduling() -> TestResult {
    let script = "for i in 1 2 3 4 5; do sleep 0.01; done";
    let (out, _) = succeed(oxbpf_run("schedlat", ["--json", "--", "sh", "-c", script]))?;
    let lines = json_lines(&out);
    let histogram = of_type(&lines, "histogram")[0];
    assert_eq!((&histogram["map"], &histogram["unit"]), (&json!("usecs_hist"), &json!("usecs")));
    let slots = histogram["slots"].as_array().expect("it is a list");
    let counted: u64 = slots.iter().filter_map(|slot| slot["count"].as_u64()).sum();
    assert!(counted >= 5, "five sleeps are five waits: {histogram}");
    let (first, last) = (&slots[0], &slots[slots.len() - 1]);
    assert!(first["count"] != 0 && last["count"] != 0, "{histogram}");
    assert!(of_type(&lines, "map").is_empty(), "`ready` is large and not asked for");
    let runs = |name: &str| {
        let programs = totals(&lines)["programs"].as_array().cloned().unwrap_or_default();
        programs
            .iter()
            .find(|program| program["program"] == name)
            .and_then(|program| program["runs"].as_u64())
    };
    assert!(runs("on_switch") >= Some(counted), "{out}");

    let (out, _) = succeed(oxbpf_run("schedlat", ["--", "sh", "-c", script]))?;
    assert!(out.starts_with("usecs_hist\n"), "{out}");
    assert!(
        out.lines().any(|line| line.contains(" -> ") && line.ends_with('|') && line.contains('*')),
        "{out}"
    );
    let (out, _) = succeed(oxbpf_run("schedlat", ["--no-maps", "--for", "50ms"]))?;
    assert_eq!(out, "");
    let (out, _) =
        succeed(oxbpf_run("schedlat", ["--json", "--map", "ready", "--rows", "3", "--for", "200ms"]))?;
    let lines = json_lines(&out);
    let ready = of_type(&lines, "map")[0];
    assert_eq!(ready["map"], "ready");
    assert!(ready["entries"].as_array().is_some_and(|entries| entries.len() <= 3), "{ready}");
    Ok(())
}

fn xdp_counts() -> TestResult {
    let (out, text) = in_own_netns(|| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let veth = Veth::create()?;
        let run = |args: &[&str]| -> std::io::Result<String> {
            let running = Running::start(oxbpf_run("xdp_counter", args), 1)?;
            veth.send(7, 100)?;
            Ok(running.interrupt()?.0)
        };
        Ok((run(&["--json", "--xdp", Veth::FAR])?, run(&["--xdp", Veth::FAR])?))
    })??;
    let lines = json_lines(&out);
    let map = of_type(&lines, "map")[0];
    assert_eq!((&map["map"], &map["map_type"]), (&json!("received"), &json!("percpu_array")));
    // IPv4 is protocol 1.
    let entry = entry(map, &json!(1));
    assert_eq!(entry, &json!({"packets": 7, "bytes": 7 * 142}), "{map}");

    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["received", "(percpu_array)"]), "{text}");
    assert!(rows.contains(&vec!["KEY", "PACKETS", "BYTES"]), "{text}");
    assert!(rows.contains(&vec!["1", "7", "994"]), "{text}");
    Ok(())
}

fn entry<'a>(map: &'a Value, key: &Value) -> &'a Value {
    let entries = map["entries"].as_array().expect("it is a list");
    let entry = entries.iter().find(|entry| entry["key"] == *key);
    &entry.unwrap_or_else(|| panic!("no {key} in {map}"))["value"]
}

fn cgroup_counts() -> TestResult {
    let cgroup = Cgroup::create()?;
    let path = cgroup.path().to_string_lossy().into_owned();
    // Packets to the loopback interface, from a process in the cgroup.
    let send = "for i in 1 2 3 4 5; do printf %100s x >/dev/udp/127.0.0.1/9; done";
    let running = Running::start(oxbpf_run("cgroup_egress", ["--json", "--cgroup", &path]), 1)?;
    assert!(cgroup.spawn(&["bash", "-c", send])?.go()?.success());
    let (out, _) = running.interrupt()?;
    let lines = json_lines(&out);
    let map = of_type(&lines, "map")[0];
    let ipv4 = entry(map, &json!(0x0800));
    assert_eq!(ipv4["packets"], 5, "{map}");
    assert!(ipv4["bytes"].as_u64() >= Some(5 * 128), "{map}");
    Ok(())
}

fn globals() -> TestResult {
    // Only what failed of this process and nobody else's.
    let script = "cat /no/such/file-1 /dev/null";
    let (out, _) =
        succeed(oxbpf_run("opensnoop", ["--json", "--set", "failed_only=true", "--", "sh", "-c", script]))?;
    let lines = json_lines(&out);
    let events = of_type(&lines, "event");
    assert!(events.iter().all(|event| event["data"]["ret"].as_i64() < Some(0)), "{out}");
    assert!(
        events.iter().any(|event| event["data"]["path"] == "/no/such/file-1" && event["data"]["ret"] == -2),
        "{out}"
    );

    let (out, _) = succeed(oxbpf_run(
        "opensnoop",
        ["--json", "--set", "target_pid=1073741824", "--", "cat", "/dev/null"],
    ))?;
    assert_eq!(totals(&json_lines(&out))["events"], 0, "no process has this pid");
    Ok(())
}

fn uprobes() -> TestResult {
    let (out, _) =
        succeed(oxbpf_run("uprobe", ["--json", "--", "sh", "-c", "exec ls /sys/kernel >/dev/null"]))?;
    let lines = json_lines(&out);
    let pid = &totals(&lines)["command"]["pid"];
    let event = of_type(&lines, "event").into_iter().find(|event| event["data"]["pid"] == *pid);
    let data = &event.ok_or("ls opens the directory")?["data"];
    assert_eq!(
        (&data["path"], &data["failed"], &data["comm"]),
        (&json!("/sys/kernel"), &json!(false), &json!("ls"))
    );
    assert!(data["nsecs"].as_u64() > Some(0));

    // Only a process that lists no directories.
    let mut idle = Command::new("sleep").arg("60").spawn()?;
    let pid = idle.id().to_string();
    let (out, _) =
        succeed(oxbpf_run("uprobe", ["--json", "--pid", &pid, "--", "sh", "-c", "ls / >/dev/null"]))?;
    idle.kill()?;
    idle.wait()?;
    assert_eq!(totals(&json_lines(&out))["events"], 0, "{out}");
    Ok(())
}

fn left_out() -> TestResult {
    // Without the program at the end of the call nothing is sent.
    let (out, _) =
        succeed(oxbpf_run("opensnoop", ["--json", "--no-attach", "on_exit", "--", "cat", "/dev/null"]))?;
    let lines = json_lines(&out);
    let totals = totals(&lines);
    assert_eq!(totals["events"], 0);
    let runs = |n: usize| totals["programs"][n]["runs"].as_u64();
    assert!(runs(0) > Some(0) && runs(1) == Some(0), "{totals}");
    Ok(())
}

fn no_tracefs() -> TestResult {
    let inner = oxbpf_run("execsnoop", ["--json", "--", "true"]);
    // Debugfs, too, where tracefs can be inside.
    let script =
        "umount -a -t tracefs,debugfs; ! grep -qE ' (tracefs|debugfs) ' /proc/mounts && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(inner.get_program()).args(inner.get_args());
    let (out, err) = succeed(command)?;
    let lines = json_lines(&out);
    assert!(!of_type(&lines, "event").is_empty(), "{out}");
    assert_eq!(err, "");
    Ok(())
}

fn perf_events() -> TestResult {
    let burn = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let (out, _) = succeed(oxbpf_run(
        "tests/perf_event",
        ["--json", "--perf-event=cpu-clock@999", "--", "sh", "-c", burn],
    ))?;
    let lines = json_lines(&out);
    assert!(totals(&lines)["programs"][0]["runs"].as_u64() > Some(10), "{out}");

    let output = oxbpf_run("tests/perf_event", ["--for", "1s"]).output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(texts(&output).1.contains("needs an event: --perf-event"), "{:?}", texts(&output));
    Ok(())
}

fn not_attached() -> TestResult {
    let output = oxbpf_run("tests/resized", ["--for", "1s"]).output()?;
    let (_, error) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("(syscall): it is not attached: run it with"), "{error}");
    Ok(())
}
