//! What it says when something is wrong. Each error is one line and tells what to do.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use oxbpf_testing::{Need, Suite, TestResult, testdata};

use crate::support::{TempFile, oxbpf_run, texts};

pub(crate) fn add(suite: &mut Suite) {
    suite.test("errors::usage", &[], usage);
    suite.test("errors::names_that_do_not_exist", &[], names);
    suite.test("errors::values_that_do_not_fit", &[], values);
    suite.test("errors::files_that_are_no_objects", &[], files);
    suite.test(
        "errors::no_privileges",
        &[Need::That("needs root, to become nobody", is_root)],
        no_privileges,
    );
    let bpf = &[Need::Bpf, Need::Kernel(5, 8)];
    suite.test("errors::rejected_by_the_verifier", bpf, rejected);
    suite.test("errors::no_target", bpf, no_target);
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs it, and gives its exit code and the lines of its standard error.
fn fail(mut command: Command) -> std::io::Result<(Option<i32>, Vec<String>)> {
    let output = command.output()?;
    let (out, err) = texts(&output);
    assert_eq!(out, "", "{command:?}");
    Ok((output.status.code(), err.lines().map(str::to_owned).collect()))
}

fn usage() -> TestResult {
    for args in [&["--no-such-option"][..], &["--for", "forever"], &["--set", "x"], &["--perf-event=nothing"]]
    {
        let (code, lines) = fail(oxbpf_run("execsnoop", args))?;
        assert_eq!(code, Some(2), "{args:?}: {lines:?}");
        assert!(lines[0].starts_with("error: "), "{lines:?}");
    }
    Ok(())
}

fn names() -> TestResult {
    for (args, want) in [
        (["--set", "no_such=1"], "the object has no global variable `no_such`; it has "),
        (["--no-attach", "no_such"], "the object has no program `no_such`; it has on_exec"),
        (["--map", "no_such"], "the object has no map `no_such`; it has events"),
        (["--event", "no_such=event"], "the object has no ring buffer `no_such`; it has events"),
        (["--event", "events=no_such"], "the object has no struct `no_such`; it has "),
    ] {
        let (code, lines) = fail(oxbpf_run("execsnoop", args))?;
        assert_eq!((code, lines.len()), (Some(2), 1), "{lines:?}");
        assert!(lines[0].starts_with(&format!("oxbpf: {want}")), "{lines:?}");
    }
    let (_, lines) = fail(oxbpf_run("execsnoop", ["--set", "no_such=1"]))?;
    assert!(lines[0].ends_with("; it has lost"), "only what can be set is offered: {lines:?}");
    Ok(())
}

fn values() -> TestResult {
    for (value, want) in [
        ("target_pid=-1", "oxbpf: cannot set `target_pid`: -1 does not fit in "),
        ("target_pid=me", "oxbpf: cannot set `target_pid`: `me` is not a number"),
        ("failed_only=perhaps", "oxbpf: cannot set `failed_only`: `perhaps` is not true or false"),
    ] {
        let (code, lines) = fail(oxbpf_run("opensnoop", ["--set", value]))?;
        assert_eq!((code, lines.len()), (Some(2), 1), "{lines:?}");
        assert!(lines[0].starts_with(want), "{lines:?}");
    }
    Ok(())
}

fn files() -> TestResult {
    let oxbpf = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oxbpf"));
        command.arg("run").arg(path);
        command
    };
    let (code, lines) = fail(oxbpf(Path::new("/no/such/file.bpf.o")))?;
    assert_eq!((code, lines.len()), (Some(1), 1));
    assert!(lines[0].starts_with("oxbpf: cannot read /no/such/file.bpf.o: No such file"), "{lines:?}");

    let garbage = TempFile::new("garbage.o");
    std::fs::write(&garbage.0, "no ELF file at all")?;
    let (code, lines) = fail(oxbpf(&garbage.0))?;
    assert_eq!((code, lines.len()), (Some(1), 1));
    assert!(lines[0].contains("garbage.o: "), "{lines:?}");

    let whole = std::fs::read(testdata("execsnoop.bpf.o"))?;
    std::fs::write(&garbage.0, &whole[..whole.len() / 2])?;
    let (code, lines) = fail(oxbpf(&garbage.0))?;
    assert_eq!((code, lines.len()), (Some(1), 1), "{lines:?}");

    let (code, lines) = fail(oxbpf(&testdata("big_endian/globals.bpf.o")))?;
    if cfg!(target_endian = "little") {
        assert_eq!((code, lines.len()), (Some(1), 1), "{lines:?}");
        assert!(lines[0].contains("big-endian"), "{lines:?}");
    }
    Ok(())
}

fn no_privileges() -> TestResult {
    // Nobody may not be able to enter the folder of the build.
    let program = TempFile::new("oxbpf");
    let object = TempFile::new("execsnoop.bpf.o");
    std::fs::copy(env!("CARGO_BIN_EXE_oxbpf"), &program.0)?;
    std::fs::copy(testdata("execsnoop.bpf.o"), &object.0)?;
    let mut command = Command::new(&program.0);
    command.arg("run").arg(&object.0).args(["--", "true"]);
    // Who has privileges gives them up; who has none runs it as it is.
    if Need::Bpf.missing().is_none() {
        command.uid(65534).gid(65534);
    }
    let (code, lines) = fail(command)?;
    assert_eq!((code, lines.len()), (Some(1), 1), "{lines:?}");
    assert!(lines[0].starts_with("oxbpf: "), "{lines:?}");
    assert!(lines[0].contains("needs CAP_BPF and CAP_PERFMON; run as root"), "{lines:?}");
    Ok(())
}

fn rejected() -> TestResult {
    let (code, lines) = fail(oxbpf_run("rejected/no_null_check", ["--for", "1s"]))?;
    assert_eq!(code, Some(1));
    let summary = "oxbpf: program count rejected: R0 invalid mem access 'map_value_or_null'";
    assert!(lines[0].starts_with(summary), "{lines:?}");
    assert!(lines[0].ends_with("bpf/rejected/no_null_check.bpf.c:19"), "{lines:?}");
    let all = lines.join("\n");
    assert!(all.contains("hint: --verbose shows the verifier's whole log"), "{all}");
    assert!(!all.contains("processed "), "the log is left out: {all}");

    let (_, verbose) = fail(oxbpf_run("rejected/no_null_check", ["--verbose", "--for", "1s"]))?;
    let all = verbose.join("\n");
    assert!(all.contains("processed "), "the whole log: {all}");
    assert!(!all.contains("hint: "), "{all}");
    Ok(())
}

fn no_target() -> TestResult {
    for (object, want) in [
        ("xdp_counter", "oxbpf: program `count` (section `xdp`) needs a network interface: --xdp INTERFACE"),
        (
            "cgroup_egress",
            "oxbpf: program `count` (section `cgroup_skb/egress`) needs a cgroup: --cgroup PATH",
        ),
    ] {
        let (code, lines) = fail(oxbpf_run(object, ["--for", "1s"]))?;
        assert_eq!((code, lines), (Some(2), vec![want.to_owned()]));
    }
    let (code, lines) = fail(oxbpf_run("xdp_counter", ["--for", "1s", "--xdp", "no-such-device"]))?;
    assert_eq!((code, lines.len()), (Some(1), 1));
    assert!(lines[0].contains("no-such-device"), "{lines:?}");
    Ok(())
}
