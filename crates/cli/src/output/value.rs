//! Values as text, one cell each.

use oxbpf_btf::Value;

use super::escape::{escaped, hex};

/// What stands for data that was too short.
pub(crate) const MISSING: &str = "?";

/// A value on one line, safe for a terminal.
pub(crate) fn cell(value: &Value<'_>) -> String {
    match value {
        Value::Int(n) => n.to_string(),
        Value::Uint(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Char(c) if c.is_ascii_graphic() => char::from(*c).to_string(),
        Value::Char(c) => c.to_string(),
        Value::Enum { name: Some(name), .. } => escaped(name).into_owned(),
        Value::Enum { name: None, value } => value.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Pointer(address) => format!("{address:#x}"),
        Value::Str(text) => escaped(text).into_owned(),
        Value::Array(values) => {
            let cells: Vec<String> = values.iter().map(cell).collect();
            format!("[{}]", cells.join(","))
        }
        Value::Struct(fields) => {
            let cells: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", cell(value))).collect();
            format!("{{{}}}", cells.join(","))
        }
        Value::Bytes(bytes) => hex(bytes),
        // Truncated, and forms to come.
        _ => MISSING.to_owned(),
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
