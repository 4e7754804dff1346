//! Text for people.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::Style;
use oxbpf_btf::TypeId;

use super::columns::{Align, Column, Columns};
use super::escape::{escaped, hex};
use super::value::cell;
use super::{Printer, Sink, hist};
use crate::events::{Event, Layout, Source};
use crate::maps::{Histogram, Rows};
use crate::run::totals::Totals;

/// Events as rows under headers, maps as tables, totals on standard error.
pub(crate) struct TextPrinter {
    out: Sink,
    /// For totals: standard error.
    err: Sink,
    header: Style,
    /// Whether rows must tell which ring buffer they come from.
    many_sources: bool,
    tables: HashMap<(usize, Option<TypeId>), Table>,
    printed: bool,
}

/// The rows of one event type of one source.
struct Table {
    layout: Option<Layout>,
    columns: Columns,
}

impl TextPrinter {
    pub(crate) fn new(out: Sink, err: Sink, color: bool, many_sources: bool) -> Self {
        let header = if color { Style::new().bold() } else { Style::new() };
        Self { out, err, header, many_sources, tables: HashMap::new(), printed: false }
    }

    fn header_line(&mut self, line: &str) -> io::Result<()> {
        let style = self.header;
        writeln!(self.out, "{style}{line}{style:#}")
    }

    /// An empty line between parts.
    fn gap(&mut self) -> io::Result<()> {
        if self.printed { writeln!(self.out) } else { Ok(()) }
    }
}

/// What stands before a row when there are several sources.
fn label(source: &Source, event: &Event<'_>) -> String {
    if event.type_name.is_empty() {
        source.map.clone()
    } else {
        format!("{}/{}", source.map, event.type_name)
    }
}

impl Printer for TextPrinter {
    fn event(&mut self, index: usize, source: &Source, event: &Event<'_>) -> io::Result<()> {
        let many_sources = self.many_sources;
        let label = many_sources.then(|| escaped(&label(source, event)).into_owned());
        let mut header = None;
        let table = self.tables.entry((index, event.ty)).or_insert_with(|| {
            let layout = source.layout(event.ty);
            let mut columns = Vec::new();
            if let Some(label) = &label {
                columns.push(Column::new("EVENT", Align::Left, label.chars().count()));
            }
            match &layout {
                Some(layout) => columns.extend(layout.columns().iter().cloned()),
                None => columns
                    .extend([Column::new("SIZE", Align::Right, 6), Column::new("BYTES", Align::Left, 0)]),
            }
            let columns = Columns::new(columns);
            header = Some(columns.header());
            Table { layout, columns }
        });
        let mut cells: Vec<String> = label.into_iter().collect();
        match (&table.layout, &event.value) {
            (None, oxbpf_btf::Value::Bytes(bytes)) => cells.extend([bytes.len().to_string(), hex(bytes)]),
            (None, other) => cells.extend([String::new(), cell(other)]),
            (Some(layout), value) => cells.extend(layout.cells(value)),
        }
        let mut line = table.columns.row(&cells);
        if !event.rest.is_empty() {
            line.push_str("  +");
            line.push_str(&hex(event.rest));
        }
        if let Some(header) = header {
            self.header_line(&header)?;
        }
        self.printed = true;
        writeln!(self.out, "{line}")
    }

    fn histogram(&mut self, histogram: &Histogram<'_>) -> io::Result<()> {
        self.gap()?;
        let mut title = escaped(&histogram.map).into_owned();
        if let Some(key) = &histogram.key {
            title.push_str(&format!("[{}]", cell(key)));
        }
        self.header_line(&title)?;
        self.printed = true;
        write!(self.out, "{}", hist::chart(&histogram.counts, hist::unit(&histogram.map)))
    }

    fn rows(&mut self, rows: &Rows<'_>) -> io::Result<()> {
        self.gap()?;
        self.printed = true;
        let title = format!("{} ({})", escaped(&rows.map), rows.map_type);
        self.header_line(&title)?;
        if rows.rows.is_empty() {
            return writeln!(self.out, "  (empty)");
        }
        let with_cpu = rows.rows.iter().any(|row| row.cpu.is_some());
        let mut columns = rows.key.columns().to_vec();
        if with_cpu {
            columns.push(Column::new("CPU", Align::Right, 3));
        }
        columns.extend(rows.value.columns().iter().cloned());
        let mut columns = Columns::new(columns);
        let cells: Vec<Vec<String>> = rows
            .rows
            .iter()
            .map(|row| {
                let mut cells = rows.key.cells(&row.key);
                if with_cpu {
                    cells.push(row.cpu.map(|cpu| cpu.to_string()).unwrap_or_default());
                }
                cells.extend(rows.value.cells(&row.value));
                cells
            })
            .collect();
        // All rows are known: no column has to grow on the way.
        for row in &cells {
            columns.fit(row);
        }
        self.header_line(&format!("  {}", columns.header()))?;
        for row in &cells {
            writeln!(self.out, "  {}", columns.row(row))?;
        }
        if rows.more {
            writeln!(self.out, "  … and more (--rows {} shows twice as many)", rows.rows.len() * 2)?;
        }
        Ok(())
    }

    fn totals(&mut self, totals: &Totals) -> io::Result<()> {
        // The order on a terminal that shows both.
        self.out.flush()?;
        write!(self.err, "{}", totals.text())?;
        self.err.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
