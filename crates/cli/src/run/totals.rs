//! What a run amounted to.

use std::fmt::Write as _;
use std::process::ExitStatus;
use std::time::Duration;

use std::os::unix::process::ExitStatusExt;

use serde::{Serialize, Serializer};

use crate::output::columns::{Align, Column, Columns};
use crate::output::escaped;

/// The last object of `--json`, and the summary on standard error.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "totals")]
pub(crate) struct Totals {
    /// From the moment that everything was attached.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub(crate) duration: Duration,
    pub(crate) ended_by: EndedBy,
    pub(crate) command: Option<CommandTotals>,
    pub(crate) events: u64,
    /// What the programs counted as lost; null if they count no such thing.
    pub(crate) lost: Option<u64>,
    pub(crate) maps: Vec<MapTotals>,
    pub(crate) counters: Vec<Counter>,
    pub(crate) programs: Vec<ProgramTotals>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EndedBy {
    Command,
    Duration,
    Signal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CommandTotals {
    pub(crate) name: String,
    pub(crate) pid: u32,
    /// Null if a signal ended it.
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

impl CommandTotals {
    pub(crate) fn new(name: String, pid: u32, status: ExitStatus) -> Self {
        Self { name, pid, exit_code: status.code(), signal: status.signal() }
    }
}

/// What came out of a ring buffer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MapTotals {
    pub(crate) map: String,
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

/// A global variable in which the programs count losses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counter {
    pub(crate) name: String,
    pub(crate) value: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ProgramTotals {
    pub(crate) program: String,
    pub(crate) section: String,
    /// Null if the kernel keeps no statistics.
    pub(crate) runs: Option<u64>,
    #[serde(rename = "total_ns")]
    pub(crate) time: Option<u64>,
    #[serde(rename = "average_ns")]
    pub(crate) average: Option<u64>,
    /// How often it was not run because it, or another tracing program, was running on that CPU.
    pub(crate) missed: u64,
}

impl Totals {
    /// The summary for people.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let seconds = self.duration.as_secs_f64();
        let _ = match self.maps.is_empty() {
            false => writeln!(out, "\n{} in {seconds:.3} s{}", self.events_text(), self.end_text()),
            // No ring buffer: there is nothing that could have been an event.
            true => writeln!(out, "\nran for {seconds:.3} s{}{}", self.lost_text(), self.end_text()),
        };
        if self.maps.len() > 1 {
            for map in &self.maps {
                let _ = writeln!(out, "  {}: {}", escaped(&map.map), plural(map.events, "event"));
            }
        }
        if !self.programs.is_empty() {
            out.push_str(&self.programs_text());
        }
        out
    }

    fn events_text(&self) -> String {
        let mut text = plural(self.events, "event") + &self.lost_text();
        if self.lost.is_none() {
            text.push_str(" (the programs do not count lost ones)");
        }
        text
    }

    fn lost_text(&self) -> String {
        self.lost.map(|lost| format!(", {lost} lost")).unwrap_or_default()
    }

    fn end_text(&self) -> String {
        let Some(command) = &self.command else { return String::new() };
        let name = escaped(&command.name);
        match (command.exit_code, command.signal) {
            (Some(code), _) => format!("; {name} (pid {}) exited with {code}", command.pid),
            (None, Some(signal)) => format!("; {name} (pid {}) was ended by signal {signal}", command.pid),
            (None, None) => String::new(),
        }
    }

    fn programs_text(&self) -> String {
        let missed = self.programs.iter().any(|program| program.missed != 0);
        let mut columns = vec![
            Column::new("PROGRAM", Align::Left, 0),
            Column::new("SECTION", Align::Left, 0),
            Column::new("RUNS", Align::Right, 0),
            Column::new("TIME", Align::Right, 0),
            Column::new("AVERAGE", Align::Right, 0),
        ];
        if missed {
            columns.push(Column::new("MISSED", Align::Right, 0));
        }
        let rows: Vec<Vec<String>> = self
            .programs
            .iter()
            .map(|program| {
                let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
                let time = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), short_time);
                let mut cells = vec![
                    escaped(&program.program).into_owned(),
                    escaped(&program.section).into_owned(),
                    number(program.runs),
                    time(program.time),
                    time(program.average),
                ];
                if missed {
                    cells.push(program.missed.to_string());
                }
                cells
            })
            .collect();
        let mut columns = Columns::new(columns);
        for row in &rows {
            columns.fit(row);
        }
        let mut out = columns.header() + "\n";
        for row in &rows {
            out.push_str(&columns.row(row));
            out.push('\n');
        }
        out
    }
}

fn plural(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Nanoseconds in the unit that leaves one to three digits before the point.
fn short_time(ns: u64) -> String {
    let value = ns as f64;
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} us", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

fn seconds<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        Totals {
            duration: Duration::from_millis(1500),
            ended_by: EndedBy::Command,
            command: Some(CommandTotals { name: "sh".into(), pid: 42, exit_code: Some(3), signal: None }),
            events: 2,
            lost: Some(0),
            maps: vec![MapTotals { map: "events".into(), events: 2, bytes: 64 }],
            counters: vec![Counter { name: "lost".into(), value: 0 }],
            programs: vec![ProgramTotals {
                program: "on_exec".into(),
                section: "tp/sched/sched_process_exec".into(),
                runs: Some(2),
                time: Some(5_000),
                average: Some(2_500),
                missed: 0,
            }],
        }
    }

    #[test]
    fn text_tells_the_main_things_in_one_line() {
        let text = totals().text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "",
                "2 events, 0 lost in 1.500 s; sh (pid 42) exited with 3",
                "PROGRAM  SECTION                      RUNS    TIME  AVERAGE",
                "on_exec  tp/sched/sched_process_exec     2  5.0 us   2.5 us",
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_not_said_to_be_zero() {
        let mut totals = totals();
        totals.lost = None;
        totals.programs[0].runs = None;
        totals.programs[0].time = None;
        totals.programs[0].average = None;
        totals.programs[0].missed = 7;
        totals.events = 1;
        totals.command = None;
        let text = totals.text();
        assert!(text.contains("1 event (the programs do not count lost ones) in 1.500 s\n"), "{text}");
        assert!(text.contains("   -     -        -       7\n"), "{text}");
    }

    #[test]
    fn without_ring_buffers_no_events_are_counted() {
        let mut totals = totals();
        totals.maps.clear();
        totals.lost = None;
        totals.events = 0;
        assert!(
            totals.text().starts_with("\nran for 1.500 s; sh (pid 42) exited with 3\n"),
            "{}",
            totals.text()
        );
    }

    #[test]
    fn json_is_stable() {
        let json = serde_json::to_value(totals()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "totals",
                "seconds": 1.5,
                "ended_by": "command",
                "command": {"name": "sh", "pid": 42, "exit_code": 3, "signal": null},
                "events": 2,
                "lost": 0,
                "maps": [{"map": "events", "events": 2, "bytes": 64}],
                "counters": [{"name": "lost", "value": 0}],
                "programs": [{
                    "program": "on_exec",
                    "section": "tp/sched/sched_process_exec",
                    "runs": 2,
                    "total_ns": 5000,
                    "average_ns": 2500,
                    "missed": 0,
                }],
            })
        );
    }

    #[test]
    fn times() {
        for (ns, want) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.0 us"),
            (1_234_567, "1.2 ms"),
            (12_345_678_901, "12.35 s"),
        ] {
            assert_eq!(short_time(ns), want);
        }
    }
}
