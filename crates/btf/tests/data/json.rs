//! JSON, and values that are visited again.

use oxbpf_btf::{Field, JsonWriter, Value};

use super::types::Types;

#[test]
fn everything_once() {
    let mut t = Types::new();
    let comm = t.array(t.char, 4);
    let mac = t.array(t.u8, 3);
    let pair = t.array(t.int, 2);
    let color = t.b.add_enum("color", 1, false, [("RED", 1)]).unwrap();
    let ptr = t.b.add_ptr(t.int).unwrap();
    let inner = t.b.add_union("", 4, [Field::new("i", t.int, 0), Field::new("u", t.u32, 0)]).unwrap();
    let s = t.structure(
        "s",
        58,
        &[
            ("pointer", ptr, 0),
            ("", inner, 8),
            ("comm", comm, 12),
            ("wide", t.u128, 16),
            ("pair", pair, 32),
            ("mac", mac, 40),
            ("color", color, 43),
            ("other", color, 44),
            ("on", t.bool, 45),
            ("letter", t.char, 46),
            ("big", t.u64, 48),
            ("cut", t.u32, 56),
        ],
    );
    let b = t.build();
    let mut data = [0xff; 58];
    data[8..16].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff, b'"', b'\n', 0xe9, 0]);
    data[32..47].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0, 0xde, 0xad, 0, 1, 7, 1, b'A']);
    let json = b.data(s, &data).to_json().unwrap();
    assert_eq!(
        json,
        "{\"pointer\":18446744073709551615,\"i\":-2,\"u\":4294967294,\"comm\":\"\\\"\\n\u{fffd}\",\
         \"wide\":\"340282366920938463463374607431768211455\",\"pair\":[1,2],\"mac\":\"dead00\",\
         \"color\":\"RED\",\"other\":7,\"on\":true,\"letter\":65,\"big\":18446744073709551615,\"cut\":null}"
    );
    let value = b.decode(s, &data).unwrap();
    let mut again = String::new();
    value.visit(&mut JsonWriter::new(&mut again)).unwrap();
    assert_eq!(again, json, "a value tells the same as the bytes that it is from");
}

#[test]
fn numbers() {
    for (value, want) in [
        (Value::Int(i128::from(u64::MAX)), "18446744073709551615"),
        (Value::Int(1 << 100), "\"1267650600228229401496703205376\""),
        (Value::Int(-(1 << 100)), "\"-1267650600228229401496703205376\""),
        (Value::Float(1.5), "1.5"),
        (Value::Float(-0.0), "-0.0"),
        (Value::Float(1e300), "1e300"),
        (Value::Float(f64::NAN), "null"),
        (Value::Float(f64::INFINITY), "null"),
        (Value::Str("\u{1b}\u{7f}\\".into()), "\"\\u001b\u{7f}\\\\\""),
        (Value::Array(vec![]), "[]"),
        (Value::Struct(vec![]), "{}"),
        (Value::Truncated, "null"),
    ] {
        let mut out = String::new();
        value.visit(&mut JsonWriter::new(&mut out)).unwrap();
        assert_eq!(out, want);
    }
}

#[test]
fn a_value_for_each_cpu() {
    let mut t = Types::new();
    let s = t.structure("s", 12, &[("n", t.u64, 0), ("m", t.int, 8)]);
    let b = t.build();
    let mut data = [0; 32];
    (data[0], data[8], data[16]) = (1, 2, 3);
    let each = b.data(s, &data).per_cpu().unwrap();
    assert_eq!(
        each.to_json().unwrap(),
        r#"[{"cpu":0,"value":{"n":1,"m":2}},{"cpu":1,"value":{"n":3,"m":0}}]"#
    );
    assert_eq!(
        each.to_text(&super::types::COMPACT).unwrap(),
        "cpu 0: (struct s){.n = (unsigned long)1,.m = (int)2,}\ncpu 1: (struct s){.n = (unsigned long)3,}\n"
    );
    let n = |n| ("n", Value::Int(n));
    let m = |m| ("m", Value::Int(m));
    assert_eq!(
        each.values().unwrap(),
        [Value::Struct(vec![n(1), m(2)]), Value::Struct(vec![n(3), m(0)])],
        "the four bytes behind each are none of it"
    );
}
