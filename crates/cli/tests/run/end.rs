//! What ends a run, and what is left behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oxbpf_testing::{Need, Suite, TestResult, wait_until};

use crate::support::{LIMIT, Running, json_lines, oxbpf_run, succeed, texts, totals};

const EXEC: &[Need] =
    &[Need::Bpf, Need::Kernel(5, 8), Need::Tracepoint("sched", "sched_process_exec"), Need::KernelBtf];

pub(crate) fn add(suite: &mut Suite) {
    suite.test("end::time_is_up", EXEC, time_is_up);
    suite.test("end::time_is_up_for_the_command", EXEC, time_is_up_for_the_command);
    suite.test("end::ctrl_c", EXEC, ctrl_c);
    suite.test("end::ctrl_c_ends_the_command_too", EXEC, ctrl_c_with_command);
    suite.test("end::a_second_signal_ends_it_at_once", EXEC, second_signal);
    suite.test("end::nobody_reads", EXEC, broken_pipe);
    suite.test("end::the_command_is_killed", EXEC, command_killed);
    suite.test("end::the_command_cannot_be_run", EXEC, no_such_command);
}

fn time_is_up() -> TestResult {
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--json", "--for", "300ms"]))?;
    let lines = json_lines(&out);
    let totals = totals(&lines);
    assert_eq!(totals["ended_by"], "duration");
    assert!(totals["command"].is_null());
    assert!(totals["seconds"].as_f64().is_some_and(|s| (0.3..LIMIT.as_secs_f64()).contains(&s)), "{totals}");
    Ok(())
}

fn time_is_up_for_the_command() -> TestResult {
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--json", "--for", "200ms", "--", "sleep", "100"]))?;
    let lines = json_lines(&out);
    let totals = totals(&lines);
    assert_eq!(totals["ended_by"], "duration");
    assert_eq!(totals["command"]["signal"], 15);
    assert!(totals["command"]["exit_code"].is_null());
    Ok(())
}

fn ctrl_c() -> TestResult {
    let running = Running::start(oxbpf_run("execsnoop", ["--json"]), 1)?;
    let marker = format!("oxbpf-marker-{}", running.pid());
    assert!(Command::new("true").arg(&marker).status()?.success());
    let (out, _) = running.interrupt()?;
    let lines = json_lines(&out);
    assert_eq!(totals(&lines)["ended_by"], "signal");
    let args = format!("true {marker}");
    assert!(lines.iter().any(|line| line["data"]["args"] == args.as_str()), "{out}");
    Ok(())
}

fn ctrl_c_with_command() -> TestResult {
    // The signal goes to oxbpf alone, not to a terminal's whole group: it has to pass it on.
    let running = Running::start(oxbpf_run("execsnoop", ["--json", "--", "sleep", "100"]), 1)?;
    let start = Instant::now();
    let (out, _) = running.interrupt()?;
    assert!(start.elapsed() < LIMIT);
    let lines = json_lines(&out);
    let totals = totals(&lines);
    assert_eq!(totals["ended_by"], "signal");
    assert_eq!(totals["command"]["signal"], 15);
    let pid = totals["command"]["pid"].as_u64().expect("it is a number");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the command is gone");
    Ok(())
}

fn second_signal() -> TestResult {
    // This command does not end when asked to.
    let script = "trap '' TERM; echo ready; exec sleep 5";
    let mut command = oxbpf_run("execsnoop", ["--json", "--", "sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut out = BufReader::new(child.stdout.take().expect("it is a pipe"));
    out.until_line("ready")?;
    let pid = child.id().to_string();
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status()?.success());
        std::thread::sleep(Duration::from_millis(100));
    }
    let status = child.wait()?;
    // Not the good end that it comes to once the command is killed.
    assert_eq!(status.code(), Some(128 + 15), "{status}");
    Ok(())
}

trait UntilLine {
    fn until_line(&mut self, word: &str) -> std::io::Result<()>;
}

impl<R: BufRead> UntilLine for R {
    /// Reads up to the line that is this word. One that merely has it may be an event that shows the script.
    fn until_line(&mut self, word: &str) -> std::io::Result<()> {
        let mut line = String::new();
        while self.read_line(&mut line)? != 0 && line.trim_end() != word {
            line.clear();
        }
        Ok(())
    }
}

fn broken_pipe() -> TestResult {
    let mut command = oxbpf_run("execsnoop", ["--", "sh", "-c", "while /bin/true; do :; done"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut out = BufReader::new(child.stdout.take().expect("it is a pipe"));
    out.read_line(&mut String::new())?;
    drop(out);
    let ended = wait_until(LIMIT, || !matches!(child.try_wait(), Ok(None)));
    if !ended {
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    let (_, err) = texts(&output);
    assert!(ended && output.status.success(), "{}\n{err}", output.status);
    assert_eq!(err, "");
    Ok(())
}

fn command_killed() -> TestResult {
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--json", "--", "sh", "-c", "kill -KILL $$"]))?;
    let lines = json_lines(&out);
    assert_eq!(totals(&lines)["command"]["signal"], 9);
    let (_, err) = succeed(oxbpf_run("execsnoop", ["--", "sh", "-c", "kill -KILL $$"]))?;
    assert!(err.contains("was ended by signal 9"), "{err}");
    Ok(())
}

fn no_such_command() -> TestResult {
    let output = oxbpf_run("execsnoop", ["--", "/no/such/command"]).output()?;
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.starts_with("oxbpf: cannot run `/no/such/command`: No such file or directory"), "{err}");
    Ok(())
}
