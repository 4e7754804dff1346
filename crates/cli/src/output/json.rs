//! JSON for programs: one object a line, kept stable. Each has a `type`: `event`, `histogram`, `map` or, last,
//! `totals`.

use std::io::{self, Write};

use oxbpf_btf::{JsonWriter, Value, Visitor};
use serde::Serialize;

use super::escape::hex;
use super::{Printer, Sink, hist};
use crate::events::{Event, Source};
use crate::maps::{Histogram, Rows};
use crate::run::totals::Totals;

/// Everything as lines of JSON, the totals too.
pub(crate) struct JsonPrinter {
    out: Sink,
    line: String,
}

impl JsonPrinter {
    pub(crate) fn new(out: Sink) -> Self {
        Self { out, line: String::new() }
    }

    /// Prints an object with the fields that `fields` writes.
    fn object(
        &mut self,
        kind: &str,
        fields: impl FnOnce(&mut JsonWriter<'_>) -> Result<(), oxbpf_btf::Error>,
    ) -> io::Result<()> {
        self.line.clear();
        let mut to = JsonWriter::new(&mut self.line);
        let written = to
            .begin_struct()
            .and_then(|()| text(&mut to, "type", Some(kind)))
            .and_then(|()| fields(&mut to))
            .and_then(|()| to.end_struct());
        // Values that were read have no errors left in them.
        written.map_err(io::Error::other)?;
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())
    }
}

type Written = Result<(), oxbpf_btf::Error>;

/// A field with a string, or null.
fn text(to: &mut JsonWriter<'_>, name: &str, text: Option<&str>) -> Written {
    to.field(name)?;
    match text {
        Some(text) => to.string(text),
        None => to.raw("null"),
    }
}

/// A field with a value.
fn value(to: &mut JsonWriter<'_>, name: &str, value: &Value<'_>) -> Written {
    to.field(name)?;
    value.visit(to)
}

/// A field with something else.
fn other(to: &mut JsonWriter<'_>, name: &str, other: &impl Serialize) -> Written {
    to.field(name)?;
    to.raw(&serde_json::to_string(other).unwrap_or_else(|_| "null".to_owned()))
}

impl Printer for JsonPrinter {
    fn event(&mut self, _: usize, source: &Source, event: &Event<'_>) -> io::Result<()> {
        self.object("event", |to| {
            text(to, "map", Some(&source.map))?;
            // Null where no type fits: then the data is hex digits.
            text(to, "event", event.ty.map(|_| event.type_name))?;
            value(to, "data", &event.value)?;
            match event.rest {
                [] => Ok(()),
                // What comes behind the type's last byte.
                rest => text(to, "rest", Some(&hex(rest))),
            }
        })
    }

    fn histogram(&mut self, histogram: &Histogram<'_>) -> io::Result<()> {
        self.object("histogram", |to| {
            text(to, "map", Some(&histogram.map))?;
            if let Some(key) = &histogram.key {
                value(to, "key", key)?;
            }
            text(to, "unit", hist::unit(&histogram.map))?;
            other(to, "slots", &hist::slots(&histogram.counts))
        })
    }

    fn rows(&mut self, rows: &Rows<'_>) -> io::Result<()> {
        self.object("map", |to| {
            text(to, "map", Some(&rows.map))?;
            text(to, "map_type", Some(&rows.map_type))?;
            to.field("entries")?;
            to.begin_array()?;
            for row in &rows.rows {
                to.begin_struct()?;
                value(to, "key", &row.key)?;
                if let Some(cpu) = row.cpu {
                    other(to, "cpu", &cpu)?;
                }
                value(to, "value", &row.value)?;
                to.end_struct()?;
            }
            to.end_array()?;
            // Whether the map has more entries than these.
            other(to, "more", &rows.more)
        })
    }

    fn totals(&mut self, totals: &Totals) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, totals)?;
        self.out.write_all(b"\n")?;
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
