//! Bytes to values.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use common::{BOTH, EveryKind};
use oxbpf_btf::{Btf, BtfBuilder, Endian, Error, Field, IntEncoding, SecVar, TypeId, Value};

/// The bytes of integers in a byte order.
fn le_or_be(endian: Endian, v: u128, len: usize) -> Vec<u8> {
    match endian {
        Endian::Little => v.to_le_bytes()[..len].to_vec(),
        Endian::Big => v.to_be_bytes()[16 - len..].to_vec(),
    }
}

struct Ints {
    builder: BtfBuilder,
    char: TypeId,
    u8: TypeId,
    i32: TypeId,
    u64: TypeId,
    i128: TypeId,
    u128: TypeId,
    bool: TypeId,
}

fn ints() -> Result<Ints, Error> {
    let mut b = BtfBuilder::new();
    let char = b.add_int("char", 1, IntEncoding::SIGNED)?;
    let u8 = b.add_int("unsigned char", 1, IntEncoding::UNSIGNED)?;
    let i32 = b.add_int("int", 4, IntEncoding::SIGNED)?;
    let u64 = b.add_int("long unsigned int", 8, IntEncoding::UNSIGNED)?;
    let i128 = b.add_int("__int128", 16, IntEncoding::SIGNED)?;
    let u128 = b.add_int("unsigned __int128", 16, IntEncoding::UNSIGNED)?;
    let bool = b.add_int("_Bool", 1, IntEncoding::BOOL)?;
    Ok(Ints { builder: b, char, u8, i32, u64, i128, u128, bool })
}

#[test]
fn scalars() {
    for e in BOTH {
        let n = ints().unwrap();
        let b = n.builder.build_as(e).unwrap();
        let decode = |ty, v: u128, len| b.decode(ty, &le_or_be(e, v, len)).unwrap();
        assert_eq!(decode(n.i32, 0xffff_fffe, 4), Value::Int(-2));
        assert_eq!(decode(n.i32, 0x1234_5678, 4), Value::Int(0x1234_5678));
        assert_eq!(decode(n.u64, u64::MAX.into(), 8), Value::Int(u64::MAX.into()));
        assert_eq!(decode(n.i128, u128::MAX - 6, 16), Value::Int(-7));
        assert_eq!(decode(n.u128, 7 << 120, 16), Value::Int(7 << 120));
        assert_eq!(decode(n.u128, u128::MAX - 6, 16), Value::Uint(u128::MAX - 6));
        assert_eq!(decode(n.bool, 2, 1), Value::Bool(true));
        assert_eq!(decode(n.char, 0x41, 1), Value::Char(b'A'));
        assert_eq!(decode(n.u8, 0x41, 1), Value::Int(0x41));
    }
}

#[test]
fn every_kind_of_value() {
    for e in BOTH {
        let k = EveryKind::new();
        let b = k.btf(e);
        let decode = |ty, v: u128, len| b.decode(ty, &le_or_be(e, v, len)).unwrap();
        assert_eq!(decode(k.ptr, 0xffff_8880_0000_1234, 8), Value::Pointer(0xffff_8880_0000_1234));
        assert_eq!(decode(k.color, 0xffff_fffe, 4), Value::Enum { name: Some("BLUE"), value: 0xffff_fffe });
        assert_eq!(decode(k.color, 7, 4), Value::Enum { name: None, value: 7 });
        assert_eq!(decode(k.signed, 0xffff_ffff, 4), Value::Enum { name: Some("MINUS"), value: -1 });
        assert_eq!(decode(k.wide, 0x1_0000_0001, 8), Value::Enum { name: Some("BIG"), value: 0x1_0000_0001 });
        assert_eq!(decode(k.double, (-2.5f64).to_bits().into(), 8), Value::Float(-2.5));
        assert_eq!(decode(k.constant, 5, 4), Value::Int(5), "through const, volatile and typedef");
        assert_eq!(decode(k.type_tag, 5, 4), Value::Int(5));
        assert_eq!(decode(k.var, 5, 4), Value::Int(5));

        let two = [le_or_be(e, 1, 4), le_or_be(e, 2, 4), le_or_be(e, 3, 4)].concat();
        let int = Value::Int;
        assert_eq!(b.decode(k.array, &two).unwrap(), Value::Array(vec![int(1), int(2), int(3)]));
        assert_eq!(b.decode(k.point, &two).unwrap(), Value::Struct(vec![("x", int(1)), ("y", int(2))]));
        assert_eq!(b.decode(k.data, &two).unwrap(), Value::Struct(vec![("counter", int(2))]));
        // Both halves are 1, so that the first is in either byte order.
        let both = decode(k.number, 1 << 32 | 1, 8);
        assert_eq!(both, Value::Struct(vec![("i", int(1)), ("p", Value::Pointer(1 << 32 | 1))]));
    }
}

/// `struct { unsigned a : 3; int b : 7; unsigned long c : 54; }` as each compiler lays it out.
#[test]
fn bit_fields_in_both_byte_orders() {
    for e in BOTH {
        let mut n = ints().unwrap();
        let colors = n.builder.add_enum("color", 4, false, [("RED", 5)]).unwrap();
        let s = n
            .builder
            .add_struct(
                "s",
                8,
                [
                    Field::bitfield("a", colors, 0, 3),
                    Field::bitfield("b", n.i32, 3, 7),
                    Field::bitfield("c", n.u64, 10, 54),
                ],
            )
            .unwrap();
        let b = n.builder.build_as(e).unwrap();
        let (a, minus_nine, c) = (5u64, (-9i64 as u64) & 0x7f, 0x2a_bcde_f012_3456 & ((1 << 54) - 1));
        let word = match e {
            Endian::Little => a | minus_nine << 3 | c << 10,
            Endian::Big => a << 61 | minus_nine << 54 | c,
        };
        assert_eq!(
            b.decode(s, &le_or_be(e, word.into(), 8)).unwrap(),
            Value::Struct(vec![
                ("a", Value::Enum { name: Some("RED"), value: 5 }),
                ("b", Value::Int(-9)),
                ("c", Value::Int(c.into())),
            ])
        );
    }
}

/// Compilers before the kind flag made integers of fewer bits at some bit of the storage.
#[test]
fn bit_fields_of_old_compilers() {
    for e in BOTH {
        let mut b = BtfBuilder::new();
        let five = b.add_int_bits("int", 4, IntEncoding::SIGNED, 3, 5).unwrap();
        let btf = b.build_as(e).unwrap();
        let byte = match e {
            Endian::Little => 0b1011_0111,
            Endian::Big => 0b1111_0110,
        };
        assert_eq!(btf.decode(five, &[byte, 0xff, 0xff, 0xff]).unwrap(), Value::Int(-10));
    }
}

#[test]
fn arrays_of_characters_and_bytes() {
    let mut n = ints().unwrap();
    let comm = n.builder.add_array(n.char, n.i32, 8).unwrap();
    let mac = n.builder.add_array(n.u8, n.i32, 6).unwrap();
    let lines = n.builder.add_array(comm, n.i32, 2).unwrap();
    let flags = n.builder.add_array(n.bool, n.i32, 2).unwrap();
    let typedef = n.builder.add_typedef("letter", n.char).unwrap();
    let word = n.builder.add_array(typedef, n.i32, 4).unwrap();
    let b = n.builder.build().unwrap();
    let str = |s: &str| Value::Str(s.into());
    assert_eq!(b.decode(comm, b"bash\0xyz").unwrap(), str("bash"));
    assert_eq!(b.decode(comm, b"no end..").unwrap(), str("no end.."));
    assert_eq!(b.decode(comm, b"short").unwrap(), str("short"));
    assert_eq!(b.decode(comm, b"caf\xe9\0").unwrap(), str("caf\u{fffd}"));
    assert_eq!(b.decode(comm, b"").unwrap(), Value::Truncated);
    assert_eq!(b.decode(word, b"ab\0\0").unwrap(), str("ab"));
    assert_eq!(b.decode(mac, &[1, 2, 0, 4, 5, 6]).unwrap(), Value::Bytes(vec![1, 2, 0, 4, 5, 6]));
    assert_eq!(b.decode(mac, &[1, 2]).unwrap(), Value::Bytes(vec![1, 2]));
    assert_eq!(b.decode(lines, b"one\0\0\0\0\0two\0").unwrap(), Value::Array(vec![str("one"), str("two")]));
    assert_eq!(b.decode(flags, &[0, 1]).unwrap(), Value::Array(vec![Value::Bool(false), Value::Bool(true)]));
}

#[test]
fn members_of_anonymous_structs_and_unions_are_the_outer_ones() {
    let mut n = ints().unwrap();
    let b = &mut n.builder;
    let inner = b.add_union("", 4, [Field::new("a", n.i32, 0), Field::new("b", n.u8, 0)]).unwrap();
    let hidden = b.add_const(inner).unwrap();
    let middle = b.add_struct("", 8, [Field::new("", hidden, 32)]).unwrap();
    let outer =
        b.add_struct("outer", 12, [Field::new("first", n.i32, 0), Field::new("", middle, 32)]).unwrap();
    let b = n.builder.build_as(Endian::Little).unwrap();
    let v = b.decode(outer, &[1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0]).unwrap();
    let expected = [("first", Value::Int(1)), ("a", Value::Int(258)), ("b", Value::Int(2))];
    assert_eq!(v, Value::Struct(expected.to_vec()));
}

#[test]
fn a_flexible_array_takes_what_is_left() {
    let mut n = ints().unwrap();
    let b = &mut n.builder;
    let rest = b.add_array(n.i32, n.i32, 0).unwrap();
    let text = b.add_array(n.char, n.i32, 0).unwrap();
    let nums = b.add_struct("nums", 4, [Field::new("n", n.i32, 0), Field::new("rest", rest, 32)]).unwrap();
    let named = b.add_struct("named", 4, [Field::new("n", n.u8, 0), Field::new("text", text, 8)]).unwrap();
    // Not at the end: nothing is left for it.
    let middle = b.add_struct("middle", 4, [Field::new("none", rest, 0), Field::new("n", n.i32, 0)]).unwrap();
    let outer = b.add_struct("outer", 8, [Field::new("n", n.i32, 0), Field::new("nums", nums, 32)]).unwrap();
    let b = n.builder.build_as(Endian::Little).unwrap();
    let data = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9];
    let int = Value::Int;
    assert_eq!(
        b.decode(nums, &data).unwrap(),
        Value::Struct(vec![("n", int(1)), ("rest", Value::Array(vec![int(2), int(3)]))])
    );
    assert_eq!(
        b.decode(outer, &data).unwrap(),
        Value::Struct(vec![
            ("n", int(1)),
            ("nums", Value::Struct(vec![("n", int(2)), ("rest", Value::Array(vec![int(3)]))]))
        ])
    );
    assert_eq!(
        b.decode(middle, &data).unwrap(),
        Value::Struct(vec![("none", Value::Array(vec![])), ("n", int(1))])
    );
    assert_eq!(
        b.decode(named, b"\x07hello\0...").unwrap(),
        Value::Struct(vec![("n", int(7)), ("text", Value::Str("hello".into()))])
    );
    assert_eq!(
        b.decode(nums, &data[..4]).unwrap(),
        Value::Struct(vec![("n", int(1)), ("rest", Value::Array(vec![]))])
    );
}

#[test]
fn short_data_is_marked() {
    let k = EveryKind::new();
    let b = k.btf(Endian::Little);
    let int = Value::Int;
    let point = |data: &[u8]| b.decode(k.point, data).unwrap();
    assert_eq!(point(&[]), Value::Truncated);
    assert_eq!(point(&[1, 0, 0]), Value::Struct(vec![("x", Value::Truncated), ("y", Value::Truncated)]));
    assert_eq!(point(&[1, 0, 0, 0, 2]), Value::Struct(vec![("x", int(1)), ("y", Value::Truncated)]));
    assert_eq!(b.decode(k.array, &[1, 0, 0, 0, 2]).unwrap(), Value::Array(vec![int(1), Value::Truncated]));
    assert_eq!(b.decode(k.array, &[1, 0, 0, 0]).unwrap(), Value::Array(vec![int(1), Value::Truncated]));
}

#[test]
fn an_array_of_two_gigabytes_over_eight_bytes() {
    let mut n = ints().unwrap();
    let huge = n.builder.add_array(n.i32, n.i32, 1 << 31).unwrap();
    let bytes = n.builder.add_array(n.u8, n.i32, u32::MAX).unwrap();
    let b = n.builder.build_as(Endian::Little).unwrap();
    let data = [1, 0, 0, 0, 2, 0, 0, 0];
    let expected = vec![Value::Int(1), Value::Int(2), Value::Truncated];
    assert_eq!(b.decode(huge, &data).unwrap(), Value::Array(expected));
    assert_eq!(b.decode(bytes, &data).unwrap(), Value::Bytes(data.to_vec()));
}

#[test]
fn a_section_is_the_struct_of_its_variables() {
    let mut n = ints().unwrap();
    let b = &mut n.builder;
    let pid = b.add_var("target_pid", n.i32, 1).unwrap();
    let on = b.add_var("on", n.bool, 1).unwrap();
    let proto = b.add_func_proto(n.i32, []).unwrap();
    let kfunc = b.add_func("kfunc", 2, proto).unwrap();
    let sec = b
        .add_datasec(
            ".rodata",
            8,
            [
                SecVar { ty: pid, offset: 0, size: 4 },
                SecVar { ty: on, offset: 4, size: 1 },
                SecVar { ty: kfunc, offset: 0, size: 0 },
            ],
        )
        .unwrap();
    let b: Btf = n.builder.build_as(Endian::Little).unwrap();
    assert_eq!(
        b.decode(sec, &[0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0]).unwrap(),
        Value::Struct(vec![("target_pid", Value::Int(-1)), ("on", Value::Bool(true))])
    );
}
