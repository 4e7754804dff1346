//! A tree of values: built by a visit, and visited itself.

use super::{
    float::Float,
    visitor::{Cut, Visitor},
};
use crate::Error;

/// Bytes as what their type says they are.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An integer of up to 128 bits.
    Int(i128),
    /// An unsigned integer above `i128::MAX`.
    Uint(u128),
    /// A boolean.
    Bool(bool),
    /// A `char`.
    Char(u8),
    /// A value of an enum, by name where it has one.
    Enum {
        /// The first name with this value.
        name: Option<&'a str>,
        /// The value.
        value: i128,
    },
    /// A floating-point number; of more than 8 bytes the nearest that has 8.
    Float(f64),
    /// An address.
    Pointer(u64),
    /// An array of `char` up to its first NUL, or up to the end of the data. What is not UTF-8 is replaced.
    Str(String),
    /// An array. Where the data ends before the array does, the last element is [`Value::Truncated`].
    Array(Vec<Value<'a>>),
    /// A struct or union with its members, those of anonymous members among them. Of a section: its
    /// variables.
    Struct(Vec<(&'a str, Value<'a>)>),
    /// An array of unsigned bytes, as far as the data goes.
    Bytes(Vec<u8>),
    /// The data ends before this value does, or there are more values than such data can mean.
    Truncated,
}

impl<'a> Value<'a> {
    /// Tells a visitor this value as [`TypedData::visit`](crate::TypedData::visit) tells bytes, but for their
    /// places.
    pub fn visit<'v, V: Visitor<'v>>(&'v self, visitor: &mut V) -> Result<(), V::Error> {
        match self {
            Value::Int(v) => visitor.int(*v),
            Value::Uint(v) => visitor.uint(*v),
            Value::Bool(v) => visitor.bool(*v),
            Value::Char(v) => visitor.char(*v),
            Value::Enum { name, value } => visitor.enumerator(*name, *value),
            Value::Float(v) => visitor.float(Float::from(*v)),
            Value::Pointer(v) => visitor.pointer(*v),
            Value::Str(text) => visitor.chars(text.as_bytes(), None),
            Value::Bytes(bytes) => visitor.bytes(bytes, None),
            // Why is forgotten; it is hardly ever for the other reason.
            Value::Truncated => visitor.truncated(Cut::Short { offset: 0, needed: 0 }),
            Value::Array(values) => {
                visitor.begin_array()?;
                values.iter().try_for_each(|v| v.visit(visitor))?;
                visitor.end_array()
            }
            Value::Struct(fields) => {
                visitor.begin_struct()?;
                for (name, value) in fields {
                    visitor.field(name)?;
                    value.visit(visitor)?;
                }
                visitor.end_struct()
            }
        }
    }
}

/// Makes a [`Value`] of what it is told.
#[derive(Default)]
pub(super) struct Builder<'a> {
    /// The structs and arrays that have begun.
    open: Vec<Open<'a>>,
    /// The name of the value that comes next.
    name: &'a str,
    done: Option<Value<'a>>,
}

enum Open<'a> {
    Struct {
        name: &'a str,
        fields: Vec<(&'a str, Value<'a>)>,
    },
    /// Its fields go to the struct around it.
    Anonymous,
    Array {
        name: &'a str,
        values: Vec<Value<'a>>,
    },
}

impl<'a> Builder<'a> {
    pub(super) fn finish(self) -> Value<'a> {
        self.done.unwrap_or(Value::Truncated)
    }

    fn put(&mut self, value: Value<'a>) -> Result<(), Error> {
        let name = std::mem::take(&mut self.name);
        self.put_as(name, value);
        Ok(())
    }

    fn put_as(&mut self, name: &'a str, value: Value<'a>) {
        for open in self.open.iter_mut().rev() {
            match open {
                Open::Struct { fields, .. } => return fields.push((name, value)),
                Open::Array { values, .. } => return values.push(value),
                Open::Anonymous => {}
            }
        }
        self.done = Some(value);
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.open.pop() {
            Some(Open::Struct { name, fields }) => self.put_as(name, Value::Struct(fields)),
            Some(Open::Array { name, values }) => self.put_as(name, Value::Array(values)),
            Some(Open::Anonymous) | None => {}
        }
        Ok(())
    }
}

impl<'a> Visitor<'a> for Builder<'a> {
    type Error = Error;

    fn int(&mut self, value: i128) -> Result<(), Error> {
        self.put(Value::Int(value))
    }

    fn uint(&mut self, value: u128) -> Result<(), Error> {
        self.put(Value::Uint(value))
    }

    fn bool(&mut self, value: bool) -> Result<(), Error> {
        self.put(Value::Bool(value))
    }

    fn char(&mut self, value: u8) -> Result<(), Error> {
        self.put(Value::Char(value))
    }

    fn enumerator(&mut self, name: Option<&'a str>, value: i128) -> Result<(), Error> {
        self.put(Value::Enum { name, value })
    }

    fn float(&mut self, value: Float) -> Result<(), Error> {
        self.put(Value::Float(value.to_f64()))
    }

    fn pointer(&mut self, address: u64) -> Result<(), Error> {
        self.put(Value::Pointer(address))
    }

    fn chars(&mut self, chars: &[u8], _: Option<Cut>) -> Result<(), Error> {
        self.put(Value::Str(String::from_utf8_lossy(until_nul(chars)).into_owned()))
    }

    fn bytes(&mut self, bytes: &[u8], _: Option<Cut>) -> Result<(), Error> {
        self.put(Value::Bytes(bytes.to_vec()))
    }

    fn begin_struct(&mut self) -> Result<(), Error> {
        let name = std::mem::take(&mut self.name);
        let inside = matches!(self.open.last(), Some(Open::Struct { .. } | Open::Anonymous));
        self.open.push(match name.is_empty() && inside {
            true => Open::Anonymous,
            false => Open::Struct { name, fields: Vec::new() },
        });
        Ok(())
    }

    fn field(&mut self, name: &'a str) -> Result<(), Error> {
        self.name = name;
        Ok(())
    }

    fn end_struct(&mut self) -> Result<(), Error> {
        self.end()
    }

    fn begin_array(&mut self) -> Result<(), Error> {
        let name = std::mem::take(&mut self.name);
        self.open.push(Open::Array { name, values: Vec::new() });
        Ok(())
    }

    fn end_array(&mut self) -> Result<(), Error> {
        self.end()
    }

    fn truncated(&mut self, _: Cut) -> Result<(), Error> {
        self.put(Value::Truncated)
    }
}

/// The string in an array of `char`.
pub(super) fn until_nul(chars: &[u8]) -> &[u8] {
    chars.split(|&b| b == 0).next().unwrap_or_default()
}
