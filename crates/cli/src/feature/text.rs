//! What a kernel has, as tables for people.

use std::io::{self, Write};

use super::{Report, Row};
use crate::output::columns::{Align, Column, Columns};

/// Prints the tables; `cut` if they have only what is missing.
pub(super) fn print(report: &Report, cut: bool, to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "Linux {}, {}", report.kernel, report.machine)?;
    table("program type", &report.program_types, cut, to)?;
    table("map type", &report.map_types, cut, to)?;
    table("feature", &report.features, cut, to)?;
    table("helper", &report.helpers, cut, to)?;
    table("kernel function", &report.kfuncs, cut, to)
}

fn table(what: &str, rows: &[Row], cut: bool, to: &mut impl Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::new(vec![
        Column::new(what.to_uppercase(), Align::Left, 0),
        Column::new("SINCE", Align::Right, 5),
        Column::new("HERE", Align::Left, 4),
        Column::new("", Align::Left, 0),
    ]);
    let rows: Vec<[String; 4]> = rows.iter().map(cells).collect();
    for row in &rows {
        columns.fit(row);
    }
    writeln!(to, "\n{}", columns.header())?;
    for row in &rows {
        writeln!(to, "{}", columns.row(row))?;
    }
    if !cut {
        let here = rows.iter().filter(|row| row[2] == YES).count();
        writeln!(to, "{here} of {}", rows.len())?;
    }
    Ok(())
}

const YES: &str = "yes";

fn cells(row: &Row) -> [String; 4] {
    let here = match row.available {
        Some(true) => YES,
        Some(false) => "no",
        None => "?",
    };
    let callers = row.program_types.as_ref().map(|types| types.join(" "));
    let more = row.why.clone().or(callers).unwrap_or_default();
    [row.name.clone(), row.since.clone(), here.to_owned(), more]
}
