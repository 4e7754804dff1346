//! Values as text, one cell each.

use std::fmt::Write;

use oxbpf_btf::{Cut, Error, Float, Value, Visitor};

use super::escape::{escaped, hex};

/// What stands for data that was too short.
pub(crate) const MISSING: &str = "?";

/// A value on one line, safe for a terminal.
pub(crate) fn cell(value: &Value<'_>) -> String {
    let mut cell = Cell::default();
    // It has none to give.
    let _: Result<(), Error> = value.visit(&mut cell);
    cell.out
}

#[derive(Default)]
struct Cell {
    out: String,
    /// Whether a value stands before, in the same struct or array.
    comma: bool,
    /// Whether its name stands before.
    named: bool,
}

impl Cell {
    fn comma(&mut self) {
        if std::mem::replace(&mut self.comma, true) && !std::mem::take(&mut self.named) {
            self.out.push(',');
        }
    }

    fn put(&mut self, text: impl std::fmt::Display) -> Result<(), Error> {
        self.comma();
        // Writing to a String does not fail.
        let _ = write!(self.out, "{text}");
        Ok(())
    }

    fn begin(&mut self, bracket: char) -> Result<(), Error> {
        self.put(bracket)?;
        (self.comma, self.named) = (false, false);
        Ok(())
    }

    fn end(&mut self, bracket: char) -> Result<(), Error> {
        self.out.push(bracket);
        self.comma = true;
        Ok(())
    }
}

impl<'a> Visitor<'a> for Cell {
    type Error = Error;

    fn int(&mut self, value: i128) -> Result<(), Error> {
        self.put(value)
    }

    fn uint(&mut self, value: u128) -> Result<(), Error> {
        self.put(value)
    }

    fn bool(&mut self, value: bool) -> Result<(), Error> {
        self.put(value)
    }

    fn char(&mut self, value: u8) -> Result<(), Error> {
        if value.is_ascii_graphic() { self.put(char::from(value)) } else { self.put(value) }
    }

    fn enumerator(&mut self, name: Option<&'a str>, value: i128) -> Result<(), Error> {
        match name {
            Some(name) => self.put(escaped(name)),
            None => self.put(value),
        }
    }

    fn float(&mut self, value: Float) -> Result<(), Error> {
        self.put(value.to_f64())
    }

    fn pointer(&mut self, address: u64) -> Result<(), Error> {
        self.put(format_args!("{address:#x}"))
    }

    fn chars(&mut self, chars: &[u8], _: Option<Cut>) -> Result<(), Error> {
        self.put(escaped(&String::from_utf8_lossy(chars)))
    }

    fn bytes(&mut self, bytes: &[u8], _: Option<Cut>) -> Result<(), Error> {
        self.put(hex(bytes))
    }

    fn begin_struct(&mut self) -> Result<(), Error> {
        self.begin('{')
    }

    fn field(&mut self, name: &'a str) -> Result<(), Error> {
        self.put(format_args!("{name}="))?;
        self.named = true;
        Ok(())
    }

    fn end_struct(&mut self) -> Result<(), Error> {
        self.end('}')
    }

    fn begin_array(&mut self) -> Result<(), Error> {
        self.begin('[')
    }

    fn end_array(&mut self) -> Result<(), Error> {
        self.end(']')
    }

    fn truncated(&mut self, _: Cut) -> Result<(), Error> {
        self.put(MISSING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (value, want) in [
            (Value::Int(-1), "-1"),
            (Value::Char(b'S'), "S"),
            (Value::Char(0), "0"),
            (Value::Pointer(0xffff_8880_0000_0000), "0xffff888000000000"),
            (Value::Str("a\x1b[2Jb".into()), "a\\x1b[2Jb"),
            (Value::Enum { name: None, value: 7 }, "7"),
            (Value::Bytes(vec![1, 0xab]), "01ab"),
            (Value::Truncated, "?"),
            (Value::Array(vec![Value::Int(1), Value::Int(2)]), "[1,2]"),
            (Value::Struct(vec![("x", Value::Int(1)), ("y", Value::Bool(false))]), "{x=1,y=false}"),
        ] {
            assert_eq!(cell(&value), want);
        }
    }
}
