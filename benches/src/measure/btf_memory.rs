//! The memory of a parse: how much more a process has at its peak that reads the kernel's types and looks at none,
//! than one that only maps the file.

use super::{LIBBPF, Settings};
use crate::pair::{Outcome, median};
use crate::process;
use crate::row::{Row, Unit};

/// What a parse may take, in KiB.
const LIMIT: f64 = 2048.0;

pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let peak = |what: &str| -> Outcome<f64> {
        let program = process::beside("parse-btf")?;
        let command = [program.to_string_lossy().into_owned(), what.to_owned()];
        let runs = settings.rounds(5);
        let peaks: Vec<u64> =
            (0..runs).map(|_| Ok(process::usage(&command)?.peak)).collect::<Outcome<_>>()?;
        Ok(median(peaks) as f64)
    };
    let (mapped, ours, theirs) = (peak("nothing")?, peak("oxbpf")?, peak("libbpf")?);
    let above = |peak: f64| (peak - mapped).max(0.0);
    Ok(vec![
        Row::new("btf-parse-peak-memory", LIBBPF, Unit::KiB, (above(ours), above(theirs)), None),
        Row::new("btf-parse-peak-memory", "2 MiB", Unit::KiB, (above(ours), LIMIT), Some(1.0)),
    ])
}
