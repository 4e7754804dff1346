//! `--set NAME=VALUE`: text to the bytes of a global variable, by its type.

use oxbpf_btf::{Btf, Endian, Kind, Type, TypeId};

/// The bytes of `text` as a value of type `ty`. The error tells what the type takes.
pub(crate) fn encode(btf: &Btf, ty: TypeId, text: &str) -> Result<Vec<u8>, String> {
    let ty = btf.resolve(ty).map_err(|error| error.to_string())?;
    let size = btf.size_of(ty.id()).map_err(|error| error.to_string())?;
    let size = usize::try_from(size).map_err(|_| "its type is too large to set".to_owned())?;
    match ty.kind() {
        Kind::Int => int(ty, text, size, btf.endian()),
        Kind::Enum | Kind::Enum64 => enumerator(ty, text, size, btf.endian()),
        Kind::Float => float(text, size, btf.endian()),
        Kind::Array => array(btf, ty, text, size),
        kind => Err(format!("its type is a {kind}; numbers, booleans, enums, strings and arrays can be set")),
    }
}

/// The bytes of a number for a variable of which only the size is known.
pub(crate) fn encode_untyped(text: &str, size: u32, endian: Endian) -> Result<Vec<u8>, String> {
    let size = usize::try_from(size).map_err(|_| "it is too large to set".to_owned())?;
    let value = number(text).ok_or_else(|| format!("`{text}` is not a number (the object has no types)"))?;
    whole(value, bits(size)?, size, true, endian)
        .ok_or_else(|| format!("{value} does not fit in {size} bytes"))
}

fn int(ty: Type<'_>, text: &str, size: usize, endian: Endian) -> Result<Vec<u8>, String> {
    let encoding = ty.int().ok_or("its type is no integer")?;
    let number = match text {
        "true" | "yes" if encoding.bool => 1,
        "false" | "no" if encoding.bool => 0,
        _ => number(text).ok_or_else(|| {
            let expected = if encoding.bool { "true or false" } else { "a number" };
            format!("`{text}` is not {expected}")
        })?,
    };
    let signed = encoding.signed && !encoding.bool;
    let bits = if encoding.bool { 1 } else { bits(size)? };
    let name = ty.name();
    whole(number, bits, size, signed, endian).ok_or_else(|| format!("{number} does not fit in `{name}`"))
}

fn enumerator(ty: Type<'_>, text: &str, size: usize, endian: Endian) -> Result<Vec<u8>, String> {
    let named = ty.enumerators().find(|e| e.name == text).map(|e| e.value);
    let Some(value) = named.or_else(|| number(text)) else {
        let names: Vec<&str> = ty.enumerators().map(|e| e.name).take(12).collect();
        return Err(format!("`{text}` is not one of {}", names.join(", ")));
    };
    whole(value, bits(size)?, size, ty.is_signed_enum(), endian)
        .ok_or_else(|| format!("{value} does not fit in `{}`", ty.name()))
}

fn float(text: &str, size: usize, endian: Endian) -> Result<Vec<u8>, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    let little = match size {
        // Rounded, as C does when it assigns.
        4 => (value as f32).to_le_bytes().to_vec(),
        8 => value.to_le_bytes().to_vec(),
        _ => return Err(format!("its type is a float of {size} bytes")),
    };
    Ok(ordered(little, endian))
}

/// A string for an array of characters, `1,2,3` for any other; the rest of the array is zeroes.
fn array(btf: &Btf, ty: Type<'_>, text: &str, size: usize) -> Result<Vec<u8>, String> {
    let array = ty.array().ok_or("its type is no array")?;
    let elem = btf.resolve(array.elem).map_err(|error| error.to_string())?;
    let len = usize::try_from(array.len).map_err(|_| "its type is too large to set".to_owned())?;
    if is_char(elem) {
        if text.len() >= len {
            return Err(format!(
                "the string has {} bytes, its array has room for {}",
                text.len(),
                len.saturating_sub(1)
            ));
        }
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(len, 0);
        return Ok(bytes);
    }
    let words: Vec<&str> =
        if text.is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() };
    if words.len() > len {
        return Err(format!("{} values for an array of {len}", words.len()));
    }
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend(encode(btf, elem.id(), word)?);
    }
    bytes.resize(size, 0);
    Ok(bytes)
}

fn is_char(ty: Type<'_>) -> bool {
    ty.kind() == Kind::Int && ty.size() == Some(1) && ty.name() == "char"
}

fn bits(size: usize) -> Result<u32, String> {
    match size {
        1 | 2 | 4 | 8 | 16 => Ok(size as u32 * 8),
        _ => Err(format!("its type has {size} bytes")),
    }
}

/// Decimal, `0x`, `0o` or `0b`, with or without a sign.
fn number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None; // a second sign
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// The value in `size` bytes, if it fits in `bits` of them. A hexadecimal mask such as 0xffffffff is taken for
/// a signed type too, as C does.
fn whole(value: i128, bits: u32, size: usize, signed: bool, endian: Endian) -> Option<Vec<u8>> {
    let unsigned_max = if bits >= 127 { i128::MAX } else { (1i128 << bits) - 1 };
    let min = if signed { -(1i128 << (bits.min(127) - 1)) } else { 0 };
    if value < min || value > unsigned_max {
        return None;
    }
    let little = value.to_le_bytes();
    Some(ordered(little.get(..size)?.to_vec(), endian))
}

fn ordered(mut little: Vec<u8>, endian: Endian) -> Vec<u8> {
    if endian == Endian::Big {
        little.reverse();
    }
    little
}

#[cfg(test)]
mod tests {
    use oxbpf_btf::{BtfBuilder, IntEncoding};

    use super::*;

    struct Types {
        btf: Btf,
        u32: TypeId,
        s8: TypeId,
        u64: TypeId,
        boolean: TypeId,
        comm: TypeId,
        pair: TypeId,
        protocol: TypeId,
        double: TypeId,
        pointer: TypeId,
    }

    fn types(endian: Endian) -> Types {
        let mut b = BtfBuilder::new();
        let u32 = b.add_int("unsigned int", 4, IntEncoding::default()).unwrap();
        let s8 = b.add_int("signed char", 1, IntEncoding::SIGNED).unwrap();
        let u64 = b.add_int("unsigned long", 8, IntEncoding::default()).unwrap();
        let boolean = b.add_int("_Bool", 1, IntEncoding::BOOL).unwrap();
        let char = b.add_int("char", 1, IntEncoding::SIGNED).unwrap();
        let comm = b.add_array(char, u32, 4).unwrap();
        let pair = b.add_array(u32, u32, 2).unwrap();
        let protocol = b.add_enum("protocol", 4, true, [("NONE", -1), ("TCP", 6)]).unwrap();
        let double = b.add_float("double", 8).unwrap();
        let pointer = b.add_ptr(u32).unwrap();
        // Globals that are set before loading are const volatile.
        let constant = b.add_const(u32).unwrap();
        let u32 = b.add_volatile(constant).unwrap();
        let btf = Btf::parse(b.to_vec(endian).unwrap()).unwrap();
        Types { btf, u32, s8, u64, boolean, comm, pair, protocol, double, pointer }
    }

    #[test]
    fn values_by_type() {
        let t = types(Endian::Little);
        for (ty, text, want) in [
            (t.u32, "258", &[2, 1, 0, 0][..]),
            (t.u32, "0xffffffff", &[0xff; 4]),
            (t.s8, "-1", &[0xff]),
            (t.s8, "0xff", &[0xff]),
            (t.u64, "0b101", &[5, 0, 0, 0, 0, 0, 0, 0]),
            (t.boolean, "true", &[1]),
            (t.boolean, "no", &[0]),
            (t.boolean, "1", &[1]),
            (t.comm, "abc", b"abc\0"),
            (t.comm, "", &[0; 4]),
            (t.pair, "1, 2", &[1, 0, 0, 0, 2, 0, 0, 0]),
            (t.pair, "1", &[1, 0, 0, 0, 0, 0, 0, 0]),
            (t.protocol, "TCP", &[6, 0, 0, 0]),
            (t.protocol, "-1", &[0xff; 4]),
            (t.double, "1.0", &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
        ] {
            assert_eq!(encode(&t.btf, ty, text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let t = types(Endian::Little);
        for (ty, text, hint) in [
            (t.u32, "-1", "does not fit"),
            (t.u32, "4294967296", "does not fit"),
            (t.u32, "1.5", "not a number"),
            (t.u32, "--1", "not a number"),
            (t.u32, "", "not a number"),
            (t.u32, "0x", "not a number"),
            (t.s8, "256", "does not fit"),
            (t.s8, "-129", "does not fit"),
            (t.boolean, "2", "does not fit"),
            (t.boolean, "maybe", "true or false"),
            (t.comm, "abcd", "room for 3"),
            (t.pair, "1,2,3", "array of 2"),
            (t.protocol, "UDP", "NONE, TCP"),
            (t.double, "x", "not a number"),
            (t.pointer, "1", "its type is a PTR"),
        ] {
            let error = encode(&t.btf, ty, text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn the_objects_byte_order_counts() {
        let t = types(Endian::Big);
        assert_eq!(encode(&t.btf, t.u32, "258").unwrap(), [0, 0, 1, 2]);
        assert_eq!(encode(&t.btf, t.pair, "1,2").unwrap(), [0, 0, 0, 1, 0, 0, 0, 2]);
    }

    #[test]
    fn without_a_type_the_size_decides() {
        assert_eq!(encode_untyped("-2", 2, Endian::Little).unwrap(), [0xfe, 0xff]);
        assert!(encode_untyped("65536", 2, Endian::Little).is_err());
        assert!(encode_untyped("1", 3, Endian::Little).is_err());
    }

    #[test]
    fn numbers() {
        assert_eq!(number("-0x10"), Some(-16));
        assert_eq!(number("+7"), Some(7));
        assert_eq!(number("é1"), None);
        assert_eq!(number("0x-1"), None);
    }
}
