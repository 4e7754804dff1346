//! Values as JSON.

use std::fmt::Write;

use super::{
    float::Float,
    value::until_nul,
    visitor::{Cut, Visitor},
};
use crate::Error;

/// Writes what it is told as JSON, without blanks.
///
/// Integers and pointers are numbers, those of more than 64 bits strings of decimal digits, as most readers know
/// no larger numbers. An enumerator is its name, or its number if it has none. An array of `char` is a string,
/// with U+FFFD for what is not UTF-8; bytes are a string of hex digits. Structs, unions and sections are objects,
/// in which the fields of anonymous members are the outer one's. `null` is what the data was too short for, and a
/// floating-point number that is none or infinite.
///
/// ```
/// use oxbpf_btf::{JsonWriter, Visitor};
///
/// let mut out = String::new();
/// let mut json = JsonWriter::new(&mut out);
/// json.begin_struct()?;
/// json.field("comm")?;
/// json.chars(b"bash\0\0\0\0", None)?;
/// json.field("ports")?;
/// json.begin_array()?;
/// json.int(80)?;
/// json.int(443)?;
/// json.end_array()?;
/// json.end_struct()?;
/// assert_eq!(out, r#"{"comm":"bash","ports":[80,443]}"#);
/// # Ok::<(), oxbpf_btf::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonWriter<'o> {
    out: &'o mut String,
    open: Vec<Open>,
    /// The name of the value that comes next.
    name: Option<String>,
    /// Whether something stands before, in the same object or array.
    comma: bool,
    /// The length of `out` from which on it takes no more.
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Open {
    Object,
    /// Its fields go to the object around it.
    Anonymous,
    Array,
}

impl<'o> JsonWriter<'o> {
    /// One that appends to `out`.
    pub fn new(out: &'o mut String) -> Self {
        JsonWriter::with_limit(out, usize::MAX)
    }

    /// One that appends little more than `limit` bytes to `out`.
    pub(super) fn with_limit(out: &'o mut String, limit: usize) -> Self {
        let limit = out.len().saturating_add(limit);
        JsonWriter { out, open: Vec::new(), name: None, comma: false, limit }
    }

    /// Appends a value that is JSON already.
    pub fn raw(&mut self, json: &str) -> Result<(), Error> {
        self.value(format_args!("{json}"))
    }

    /// Writes what stands before a value.
    fn before(&mut self) {
        if std::mem::replace(&mut self.comma, true) {
            self.out.push(',');
        }
        if let Some(name) = self.name.take() {
            quote(self.out, &name);
            self.out.push(':');
        }
    }

    fn value(&mut self, text: std::fmt::Arguments<'_>) -> Result<(), Error> {
        self.before();
        // Writing to a String does not fail.
        let _ = self.out.write_fmt(text);
        Ok(())
    }

    /// Appends a string.
    pub fn string(&mut self, text: &str) -> Result<(), Error> {
        self.before();
        quote(self.out, text);
        Ok(())
    }

    fn begin(&mut self, open: Open, bracket: char) -> Result<(), Error> {
        self.before();
        self.out.push(bracket);
        self.open.push(open);
        self.comma = false;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.open.pop() {
            Some(Open::Object) => self.out.push('}'),
            Some(Open::Array) => self.out.push(']'),
            Some(Open::Anonymous) | None => return Ok(()),
        }
        self.comma = true;
        Ok(())
    }
}

impl<'a> Visitor<'a> for JsonWriter<'_> {
    type Error = Error;

    fn int(&mut self, value: i128) -> Result<(), Error> {
        match i64::try_from(value).is_ok() || u64::try_from(value).is_ok() {
            true => self.value(format_args!("{value}")),
            false => self.value(format_args!("\"{value}\"")),
        }
    }

    fn uint(&mut self, value: u128) -> Result<(), Error> {
        self.value(format_args!("\"{value}\""))
    }

    fn bool(&mut self, value: bool) -> Result<(), Error> {
        self.value(format_args!("{value}"))
    }

    fn char(&mut self, value: u8) -> Result<(), Error> {
        self.value(format_args!("{value}"))
    }

    fn enumerator(&mut self, name: Option<&'a str>, value: i128) -> Result<(), Error> {
        match name {
            Some(name) => self.string(name),
            None => self.int(value),
        }
    }

    fn float(&mut self, value: Float) -> Result<(), Error> {
        let value = value.to_f64();
        match value.is_finite() {
            // The shortest digits that mean this number, in a form that JSON has.
            true => self.value(format_args!("{value:?}")),
            false => self.value(format_args!("null")),
        }
    }

    fn pointer(&mut self, address: u64) -> Result<(), Error> {
        self.value(format_args!("{address}"))
    }

    fn chars(&mut self, chars: &[u8], _: Option<Cut>) -> Result<(), Error> {
        self.string(&String::from_utf8_lossy(until_nul(chars)))
    }

    fn bytes(&mut self, bytes: &[u8], _: Option<Cut>) -> Result<(), Error> {
        self.before();
        self.out.push('"');
        for byte in bytes {
            let _ = write!(self.out, "{byte:02x}");
        }
        self.out.push('"');
        Ok(())
    }

    fn begin_struct(&mut self) -> Result<(), Error> {
        let inside = matches!(self.open.last(), Some(Open::Object | Open::Anonymous));
        if inside && self.name.as_deref().is_some_and(str::is_empty) {
            self.name = None;
            self.open.push(Open::Anonymous);
            return Ok(());
        }
        self.begin(Open::Object, '{')
    }

    fn field(&mut self, name: &'a str) -> Result<(), Error> {
        self.name = Some(name.to_owned());
        Ok(())
    }

    fn end_struct(&mut self) -> Result<(), Error> {
        self.end()
    }

    fn begin_array(&mut self) -> Result<(), Error> {
        self.begin(Open::Array, '[')
    }

    fn end_array(&mut self) -> Result<(), Error> {
        self.end()
    }

    fn truncated(&mut self, _: Cut) -> Result<(), Error> {
        self.value(format_args!("null"))
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.limit
    }
}

/// `text` in quotes, with escapes for what JSON does not allow in them.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
