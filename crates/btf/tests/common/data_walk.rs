//! Prints data of any type in all ways, and checks what must hold of what comes out, whatever the type. A fuzz
//! target runs this, too.

use oxbpf_btf::{Btf, Cut, Extent, JsonWriter, TextOptions, TypeId};

/// A BTF and data for its types, as one input: a length of two bytes, a BTF of it, and the data.
pub fn input(input: &[u8]) {
    /// Of so many types values are printed, from all over the BTF: few, as a hostile one costs all that is allowed.
    const TYPES: usize = 3;
    if let Some((at, rest)) = input.split_first_chunk::<2>()
        && let Some((raw, bytes)) = rest.split_at_checked(usize::from(u16::from_le_bytes(*at)))
        && let Ok(btf) = Btf::parse(raw)
    {
        let count = btf.end_id().0 as usize;
        for id in (0..count).rev().step_by(count.div_ceil(TYPES)) {
            data(&btf, TypeId(id as u32), bytes);
        }
    }
}

/// Data as a value of this type. Errors are about the type; then every way gives one.
pub fn data(btf: &Btf, ty: TypeId, bytes: &[u8]) {
    let data = btf.data(ty, bytes);
    let Ok(Extent { size, cut }) = data.extent() else {
        assert!(data.to_json().is_err() && data.value().is_err());
        assert!(data.to_text(&TextOptions::default()).is_err());
        return;
    };
    if let Some(Cut::Short { offset, needed }) = cut {
        assert!(needed > bytes.len() as u64 && offset <= needed, "{needed} {}", bytes.len());
    }
    let most = (1 << 20) + 512 * bytes.len() + (1 << 18);
    for flags in 0..4u8 {
        let options = TextOptions {
            compact: flags & 1 != 0,
            zeroes: flags & 2 != 0,
            strings: flags & 1 == 0,
            ..TextOptions::default()
        };
        let text = data.to_text(&options).unwrap();
        assert!(text.len() <= most, "{} of text", text.len());
        if cut.is_some() {
            assert!(text.contains("<truncated>"), "{cut:?}: {text}");
        }
    }
    let mut json = String::new();
    let told = data.write_json(&mut json).unwrap();
    assert!(json.len() <= most, "{} of JSON", json.len());
    assert_eq!(told.size, size);
    assert!(is_json(&json), "{json}");
    let value = data.value().unwrap();
    let mut again = String::new();
    value.visit(&mut JsonWriter::new(&mut again)).unwrap();
    // Only text and JSON have a limit.
    assert!(told.cut != cut || again == json, "{again}\n{json}");
    for one in data.per_cpu().unwrap().iter().take(3) {
        one.extent().unwrap();
    }
}

/// Whether this is one JSON value. Nesting is that of the types, which is bounded.
pub fn is_json(text: &str) -> bool {
    json_value(text.as_bytes()) == Some(&[])
}

/// What stands behind the value that `s` starts with.
fn json_value(s: &[u8]) -> Option<&[u8]> {
    match s {
        [b'n', b'u', b'l', b'l', rest @ ..] | [b't', b'r', b'u', b'e', rest @ ..] => Some(rest),
        [b'f', b'a', b'l', b's', b'e', rest @ ..] => Some(rest),
        [b'"', ..] => json_string(s),
        [b'[', b']', rest @ ..] | [b'{', b'}', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => json_list(rest, b']', json_value),
        [b'{', rest @ ..] => json_list(rest, b'}', |s| json_value(json_string(s)?.strip_prefix(b":")?)),
        _ => {
            let end = s.iter().position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e'));
            let (number, rest) = s.split_at(end.unwrap_or(s.len()));
            std::str::from_utf8(number).ok()?.parse::<f64>().ok()?;
            Some(rest)
        }
    }
}

fn json_list(mut s: &[u8], end: u8, item: impl Fn(&[u8]) -> Option<&[u8]>) -> Option<&[u8]> {
    loop {
        s = item(s)?;
        match s {
            [b',', rest @ ..] => s = rest,
            [b, rest @ ..] if *b == end => return Some(rest),
            _ => return None,
        }
    }
}

fn json_string(s: &[u8]) -> Option<&[u8]> {
    let mut s = s.strip_prefix(b"\"")?;
    loop {
        match s {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'u', a, b, c, d, rest @ ..] => {
                [a, b, c, d].iter().all(|h| h.is_ascii_hexdigit()).then_some(())?;
                s = rest;
            }
            [b'\\', b'"' | b'\\' | b'n' | b'r' | b't', rest @ ..] => s = rest,
            [b, rest @ ..] if *b >= b' ' && *b != b'\\' => s = rest,
            _ => return None,
        }
    }
}
