//! Values of options: their spelling and what they mean.

use std::str::FromStr;
use std::time::Duration;

/// `MAP=STRUCT`: the type of a ring buffer's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventChoice {
    pub(crate) map: String,
    pub(crate) type_name: String,
}

impl FromStr for EventChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (map, name) = pair(text, "MAP=STRUCT")?;
        // People write the type as C does; the name alone is what BTF knows.
        let name = name.strip_prefix("struct ").unwrap_or(name).trim();
        Ok(Self { map: map.to_owned(), type_name: name.to_owned() })
    }
}

/// `NAME=VALUE`: a global variable's first value, still as text, for its type is in the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GlobalSetting {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for GlobalSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        if name.is_empty() {
            return Err("expected NAME=VALUE".to_owned());
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// `EVENT[@FREQ]`: what a `perf_event` program samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerfEventChoice {
    pub(crate) event: PerfEventName,
    /// Samples a second and CPU.
    pub(crate) frequency: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PerfEventName {
    CpuClock,
    TaskClock,
    Cycles,
    Instructions,
    ContextSwitches,
    PageFaults,
}

impl FromStr for PerfEventChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, frequency) = text.split_once('@').unwrap_or((text, "99"));
        let event = match name {
            "cpu-clock" => PerfEventName::CpuClock,
            "task-clock" => PerfEventName::TaskClock,
            "cycles" | "cpu-cycles" => PerfEventName::Cycles,
            "instructions" => PerfEventName::Instructions,
            "context-switches" | "cs" => PerfEventName::ContextSwitches,
            "page-faults" | "faults" => PerfEventName::PageFaults,
            _ => {
                return Err(
                    "known events: cpu-clock, task-clock, cycles, instructions, context-switches, page-faults"
                        .to_owned(),
                );
            }
        };
        match frequency.parse() {
            Ok(frequency) if frequency > 0 => Ok(Self { event, frequency }),
            _ => Err(format!("`{frequency}` is no frequency: expected samples a second, as in {name}@99")),
        }
    }
}

/// A length of time: a number with `ms`, `s` or `m`; without a unit it is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a number and ms, s or m, as in 500ms, 5s, 1.5s, 2m";
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        _ => return Err(EXPECTED.to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| EXPECTED)?;
    Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| "that is too long".to_owned())
}

fn pair<'a>(text: &'a str, expected: &str) -> Result<(&'a str, &'a str), String> {
    match text.split_once('=') {
        Some((left, right)) if !left.trim().is_empty() && !right.trim().is_empty() => {
            Ok((left.trim(), right.trim()))
        }
        _ => Err(format!("expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let ms = Duration::from_millis;
        for (text, want) in [
            ("500ms", ms(500)),
            ("5s", ms(5000)),
            ("5", ms(5000)),
            ("1.5s", ms(1500)),
            ("2m", ms(120_000)),
            ("0s", ms(0)),
        ] {
            assert_eq!(duration(text), Ok(want), "{text}");
        }
        for text in ["", "s", "5h", "-1s", "1.2.3s", "five", "5 s", "1e400s", "99999999999999999999999m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn event_choice_takes_the_type_as_c_writes_it() {
        let want = EventChoice { map: "events".into(), type_name: "event".into() };
        assert_eq!("events=event".parse(), Ok(want.clone()));
        assert_eq!("events=struct event".parse(), Ok(want));
        for text in ["events", "=event", "events=", ""] {
            assert!(text.parse::<EventChoice>().is_err(), "{text}");
        }
    }

    #[test]
    fn setting_keeps_the_rest_as_it_is() {
        let set: GlobalSetting = "name= a=b ".parse().unwrap();
        assert_eq!((set.name.as_str(), set.value.as_str()), ("name", " a=b "));
        assert_eq!("name=".parse::<GlobalSetting>().unwrap().value, "");
        assert!("name".parse::<GlobalSetting>().is_err());
        assert!("=1".parse::<GlobalSetting>().is_err());
    }

    #[test]
    fn perf_events() {
        let parsed: PerfEventChoice = "cycles@1000".parse().unwrap();
        assert_eq!(parsed, PerfEventChoice { event: PerfEventName::Cycles, frequency: 1000 });
        for text in ["", "cpu-clock@", "cpu-clock@0", "cpu-clock@x", "nothing@99"] {
            assert!(text.parse::<PerfEventChoice>().is_err(), "{text}");
        }
    }
}
