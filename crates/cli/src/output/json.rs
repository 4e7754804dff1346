//! JSON for programs: one object a line, kept stable. Each has a `type`: `event`, `histogram`, `map` or, last,
//! `totals`.

use std::io::{self, Write};

use oxbpf_btf::Value;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::escape::hex;
use super::{Printer, Sink, hist};
use crate::events::{Event, Source};
use crate::maps::{Histogram, Row, Rows};
use crate::run::totals::Totals;

/// Everything as lines of JSON, the totals too.
pub(crate) struct JsonPrinter {
    out: Sink,
}

impl JsonPrinter {
    pub(crate) fn new(out: Sink) -> Self {
        Self { out }
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }
}

#[derive(serde::Serialize)]
struct EventLine<'a, 'b> {
    r#type: &'static str,
    map: &'a str,
    /// Null where no type fits: then `data` is hex digits.
    event: Option<&'a str>,
    data: Json<'a, 'b>,
    /// Hex digits of what comes behind the type's last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<String>,
}

#[derive(serde::Serialize)]
struct HistogramLine<'a, 'b> {
    r#type: &'static str,
    map: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Json<'a, 'b>>,
    unit: Option<&'static str>,
    slots: Vec<hist::Slot>,
}

#[derive(serde::Serialize)]
struct MapLine<'a, 'b> {
    r#type: &'static str,
    map: &'a str,
    map_type: &'a str,
    entries: Vec<EntryLine<'a, 'b>>,
    /// Whether the map has more entries than these.
    more: bool,
}

#[derive(serde::Serialize)]
struct EntryLine<'a, 'b> {
    key: Json<'a, 'b>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<usize>,
    value: Json<'a, 'b>,
}

impl<'a, 'b> From<&'a Row<'b>> for EntryLine<'a, 'b> {
    fn from(row: &'a Row<'b>) -> Self {
        Self { key: Json(&row.key), cpu: row.cpu, value: Json(&row.value) }
    }
}

impl Printer for JsonPrinter {
    fn event(&mut self, _: usize, source: &Source, event: &Event<'_>) -> io::Result<()> {
        self.line(&EventLine {
            r#type: "event",
            map: &source.map,
            event: event.ty.map(|_| event.type_name),
            data: Json(&event.value),
            rest: (!event.rest.is_empty()).then(|| hex(event.rest)),
        })
    }

    fn histogram(&mut self, histogram: &Histogram<'_>) -> io::Result<()> {
        self.line(&HistogramLine {
            r#type: "histogram",
            map: &histogram.map,
            key: histogram.key.as_ref().map(Json),
            unit: hist::unit(&histogram.map),
            slots: hist::slots(&histogram.counts),
        })
    }

    fn rows(&mut self, rows: &Rows<'_>) -> io::Result<()> {
        self.line(&MapLine {
            r#type: "map",
            map: &rows.map,
            map_type: &rows.map_type,
            entries: rows.rows.iter().map(EntryLine::from).collect(),
            more: rows.more,
        })
    }

    fn totals(&mut self, totals: &Totals) -> io::Result<()> {
        self.line(totals)?;
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A decoded value as JSON: integers and pointers are numbers, an enumerator is its name (a number if it has
/// none), strings are strings with U+FFFD for what is not UTF-8, structs are objects, bytes of unknown type
/// are hex digits, and what the data was too short for is null.
#[derive(Debug)]
pub(crate) struct Json<'v, 'b>(pub(crate) &'v Value<'b>);

impl Serialize for Json<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Int(n) | Value::Enum { name: None, value: n } => integer(*n, to),
            Value::Enum { name: Some(name), .. } => to.serialize_str(name),
            Value::Uint(n) => to.collect_str(n),
            Value::Bool(b) => to.serialize_bool(*b),
            Value::Char(c) => to.serialize_u8(*c),
            // JSON has no NaN and no infinity; serde_json writes null for them.
            Value::Float(x) => to.serialize_f64(*x),
            Value::Pointer(address) => to.serialize_u64(*address),
            Value::Str(text) => to.serialize_str(text),
            Value::Array(values) => {
                let mut seq = to.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(&Json(value))?;
                }
                seq.end()
            }
            Value::Struct(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Json(value))?;
                }
                map.end()
            }
            Value::Bytes(bytes) => to.serialize_str(&hex(bytes)),
            // Truncated, and forms to come.
            _ => to.serialize_unit(),
        }
    }
}

/// Most readers know no number above 64 bits: those are strings of decimal digits.
fn integer<S: Serializer>(n: i128, to: S) -> Result<S::Ok, S::Error> {
    if let Ok(n) = u64::try_from(n) {
        to.serialize_u64(n)
    } else if let Ok(n) = i64::try_from(n) {
        to.serialize_i64(n)
    } else {
        to.collect_str(&n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &Value<'_>) -> String {
        serde_json::to_string(&Json(value)).unwrap()
    }

    #[test]
    fn scalars() {
        for (value, want) in [
            (Value::Int(i128::from(u64::MAX)), "18446744073709551615"),
            (Value::Int(-5), "-5"),
            (Value::Int(1 << 100), "\"1267650600228229401496703205376\""),
            (Value::Uint(u128::MAX), "\"340282366920938463463374607431768211455\""),
            (Value::Bool(true), "true"),
            (Value::Char(b'R'), "82"),
            (Value::Enum { name: Some("IPV4"), value: 1 }, "\"IPV4\""),
            (Value::Enum { name: None, value: 9 }, "9"),
            (Value::Float(1.5), "1.5"),
            (Value::Float(f64::NAN), "null"),
            (Value::Pointer(u64::MAX), "18446744073709551615"),
            (Value::Str("a\n\"\u{1b}".into()), r#""a\n\"\u001b""#),
            (Value::Bytes(vec![0xde, 0xad]), "\"dead\""),
            (Value::Truncated, "null"),
        ] {
            assert_eq!(json(&value), want);
        }
    }

    #[test]
    fn fields_keep_their_order() {
        let value = Value::Struct(vec![
            ("z", Value::Int(1)),
            ("a", Value::Array(vec![Value::Int(2), Value::Struct(vec![("b", Value::Int(3))])])),
        ]);
        assert_eq!(json(&value), r#"{"z":1,"a":[2,{"b":3}]}"#);
    }
}
