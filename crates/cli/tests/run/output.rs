//! What it prints of events and maps.

use oxbpf_testing::{Need, Suite, TestResult};

use crate::support::{TempFile, json_lines, of_type, oxbpf_run, succeed, totals};

const EXEC: &[Need] =
    &[Need::Bpf, Need::Kernel(5, 8), Need::Tracepoint("sched", "sched_process_exec"), Need::KernelBtf];

pub(crate) fn add(suite: &mut Suite) {
    suite.test("output::columns_show_the_command_and_its_children", EXEC, columns);
    suite.test("output::json_is_one_object_a_line", EXEC, json);
    suite.test("output::a_file_takes_the_output", EXEC, output_file);
    suite.test("output::an_event_type_can_be_chosen", EXEC, chosen_type);
    suite.test("output::strings_cannot_act_on_the_terminal", EXEC, escaped);
    suite.test("output::no_event_of_a_burst_is_missed", EXEC, burst);
}

/// The first thing that the README shows.
fn columns() -> TestResult {
    let (out, err) = succeed(oxbpf_run("execsnoop", ["--", "sh", "-c", "ls /; true"]))?;
    assert!(out.lines().any(|line| line == "proc"), "the command's own output passes through:\n{out}");
    // 2 events, 0 lost in 0.016 s; sh (pid 6575) exited with 0
    let (_, pid) = err.split_once("sh (pid ").ok_or_else(|| err.clone())?;
    let (pid, _) = pid.split_once(") exited with 0").ok_or_else(|| err.clone())?;

    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    let header = rows.iter().position(|row| row.starts_with(&["PID", "PPID", "UID", "COMM"]));
    let header = header.ok_or_else(|| out.clone())?;
    // Others may run programs meanwhile.
    let shell = rows.iter().position(|row| row.first() == Some(&pid)).ok_or_else(|| out.clone())?;
    let ls = rows.iter().position(|row| row.get(1) == Some(&pid)).ok_or_else(|| out.clone())?;
    assert!(header < shell && shell < ls, "{out}");
    let (shell, ls) = (&rows[shell], &rows[ls]);
    assert_eq!(shell[3], "sh");
    assert!(shell.ends_with(&["sh", "-c", "ls", "/;", "true"]), "{shell:?}");
    assert_eq!(ls[3], "ls");
    assert!(ls[4].ends_with("/ls"), "{ls:?}");
    assert!(ls.ends_with(&["ls", "/"]), "{ls:?}");

    assert!(err.contains("PROGRAM") && err.contains("on_exec"), "{err}");
    Ok(())
}

fn json() -> TestResult {
    let (out, err) =
        succeed(oxbpf_run("execsnoop", ["--json", "--", "sh", "-c", "true; /bin/true; exit 3"]))?;
    let lines = json_lines(&out);
    let totals = totals(&lines);
    assert_eq!(totals["command"]["exit_code"], 3, "{totals}");
    assert_eq!(totals["ended_by"], "command");
    assert_eq!(totals["lost"], 0);
    let pid = &totals["command"]["pid"];
    let events = of_type(&lines, "event");
    assert_eq!(totals["events"], events.len());
    assert_eq!(totals["maps"][0]["events"], events.len());
    assert!(events.iter().all(|event| event["map"] == "events" && event["event"] == "event"), "{out}");
    let by =
        |field: &str| events.iter().find(|event| event["data"][field] == *pid).map(|event| &event["data"]);
    assert_eq!(by("pid").expect("the shell's own")["comm"], "sh");
    let child = by("ppid").expect("its child's");
    assert_eq!(child["args"], "/bin/true");
    assert!(child["uid"].is_u64());

    let program = &totals["programs"][0];
    assert_eq!(program["program"], "on_exec");
    let (runs, time) = (program["runs"].as_u64(), program["total_ns"].as_u64());
    assert!(runs >= Some(events.len() as u64), "{program}");
    assert!(time > Some(0), "{program}");
    assert_eq!(program["average_ns"].as_u64(), time.zip(runs).map(|(time, runs)| time / runs));
    assert_eq!(err, "", "nothing but JSON");
    Ok(())
}

fn output_file() -> TestResult {
    let file = TempFile::new("output.json");
    let path = file.0.to_string_lossy().into_owned();
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--json", "-o", &path, "--", "sh", "-c", "echo mine"]))?;
    assert_eq!(out, "mine\n");
    let lines = json_lines(&std::fs::read_to_string(&file.0)?);
    assert_eq!(totals(&lines)["command"]["exit_code"], 0);
    Ok(())
}

fn chosen_type() -> TestResult {
    // Not what the events are, but what was asked for; it is shorter, so the rest is in hex.
    let args = ["--json", "--event", "events=trace_event_raw_sched_process_exec", "--", "true"];
    let (out, _) = succeed(oxbpf_run("execsnoop", args))?;
    let lines = json_lines(&out);
    let event = of_type(&lines, "event")[0];
    assert_eq!(event["event"], "trace_event_raw_sched_process_exec");
    assert!(
        event["data"].get("comm").is_none() && event["data"].get("__data_loc_filename").is_some(),
        "{event}"
    );
    assert!(event["rest"].as_str().is_some_and(|hex| hex.len() > 100), "{event}");
    Ok(())
}

fn escaped() -> TestResult {
    let hostile = "\x1b[31mred\nline";
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--", "true", hostile]))?;
    assert!(out.contains("true \\x1b[31mred\\nline"), "{out}");
    assert!(!out.contains('\x1b'), "{out}");
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--json", "--", "true", hostile]))?;
    let lines = json_lines(&out);
    let args = format!("true {hostile}");
    assert!(of_type(&lines, "event").iter().any(|event| event["data"]["args"] == args.as_str()), "{out}");
    Ok(())
}

fn burst() -> TestResult {
    let script = "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done";
    let (out, _) = succeed(oxbpf_run("execsnoop", ["--json", "--", "sh", "-c", script]))?;
    let lines = json_lines(&out);
    let totals = totals(&lines);
    let pid = &totals["command"]["pid"];
    let events = of_type(&lines, "event");
    let children = events.iter().filter(|event| event["data"]["ppid"] == *pid).count();
    assert_eq!(children, 200, "{totals}");
    assert_eq!(
        events.iter().filter(|event| event["data"]["pid"] == *pid).count(),
        1,
        "its own exec, the first of all"
    );
    assert_eq!(totals["lost"], 0);
    Ok(())
}
