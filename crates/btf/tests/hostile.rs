//! Bad input is refused with an error that says what is wrong, or taken as the data it is.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use common::{BOTH, EveryKind, header, info, raw};
use oxbpf_btf::{Btf, BtfBuilder, Endian, Error, Field, IntEncoding, Kind, SecVar, TypeId};

const E: Endian = Endian::NATIVE;

#[track_caller]
fn refused(data: &[u8], expected: &str) {
    assert_eq!(Btf::parse(data).unwrap_err().to_string(), expected);
}

/// Types that are refused in either byte order, with the same words.
#[track_caller]
fn refused_types(types: &[u32], expected: &str) {
    for e in BOTH {
        refused(&raw(e, types, b"\0name\0"), expected);
    }
}

#[test]
fn headers() {
    let good = raw(E, &[], b"\0");
    assert!(Btf::parse(&good[..]).is_ok());
    refused(b"", "BTF: header cut short: expected at least 24 bytes, got 0");
    refused(&good[..7], "BTF: header cut short: expected at least 24 bytes, got 7");
    refused(&good[..23], "BTF: header cut short: expected at least 24 bytes, got 23");
    let with = |at: usize, v: u8| {
        let mut d = good.clone();
        d[at] = v;
        d
    };
    let magic = if E == Endian::Little { "0xeb00" } else { "0x009f" };
    refused(&with(0, 0), &format!("BTF: magic is {magic}, expected 0xeb9f in either byte order"));
    refused(&with(2, 2), "BTF: version is 2, expected 1");
    refused(&with(3, 1), "BTF: unknown header flags 0x01");
    let sized = |fields| {
        let mut d = Vec::new();
        header(&mut d, E, fields);
        d.push(0);
        d
    };
    refused(&sized([20, 0, 0, 0, 1]), "BTF: header length is 20, expected at least 24");
    refused(&sized([26, 0, 0, 0, 1]), "BTF: header cut short: expected at least 26 bytes, got 25");
    refused(
        &sized([u32::MAX, 0, 0, 0, 1]),
        "BTF: header cut short: expected at least 4294967295 bytes, got 25",
    );
    refused(
        &sized([24, u32::MAX, u32::MAX, 0, 1]),
        "BTF: type section (0xffffffff+0xffffffff) reaches beyond the data (0x1 bytes)",
    );
    refused(&sized([24, 0, 0, 0, 2]), "BTF: string section (0x0+0x2) reaches beyond the data (0x1 bytes)");
    refused(
        &sized([24, 0, 0, u32::MAX, u32::MAX]),
        "BTF: string section (0xffffffff+0xffffffff) reaches beyond the data (0x1 bytes)",
    );
    refused(&sized([24, 0, 0, 0, 0]), "BTF: string section of 0 bytes has no empty string at its start");
}

#[test]
fn later_header_fields_are_taken_while_zero() {
    let longer = |tail: [u8; 8]| {
        let mut d = Vec::new();
        header(&mut d, E, [32, 0, 12, 12, 6]);
        d.extend(tail);
        for w in [1, info(Kind::Fwd, 0, false), 0] {
            d.extend(common::word(E, w));
        }
        d.extend(b"\0name\0");
        d
    };
    assert_eq!(Btf::parse(longer([0; 8])).unwrap().find("name", Kind::Fwd), Some(TypeId(1)));
    refused(&longer([0, 0, 0, 0, 0, 1, 0, 0]), "BTF: unknown header field at offset 29 is not zero");
}

#[test]
fn sections() {
    let data = |fields, rest: &[u8]| {
        let mut d = Vec::new();
        header(&mut d, E, fields);
        d.extend(rest);
        d
    };
    refused(
        &data([24, 4, 12, 0, 1], &[0; 20]),
        "BTF: the type section ends at 0x10, behind the start of the strings at 0x0",
    );
    refused(&data([24, 2, 0, 4, 1], &[0; 20]), "BTF: type section (0x2+0x0) is not aligned to 4 bytes");
    refused(&data([24, 0, 13, 16, 1], &[0; 20]), "BTF: type section (0x0+0xd) is not aligned to 4 bytes");
    refused(&raw(E, &[], b"\0abc"), "BTF: string section of 4 bytes does not end with a NUL");
    refused(
        &raw(E, &[], b"abc\0"),
        "BTF: string section of 4 bytes does not start with a NUL; a split BTF needs its base",
    );
    // A gap between the sections is no harm.
    let mut gap = Vec::new();
    header(&mut gap, E, [24, 4, 12, 20, 1]);
    gap.extend([0xff; 4]);
    for w in [0, info(Kind::Ptr, 0, false), 0] {
        gap.extend(common::word(E, w));
    }
    gap.extend([0xff, 0xff, 0xff, 0xff, 0]);
    assert_eq!(Btf::parse(gap).unwrap().get(TypeId(1)).unwrap().kind(), Kind::Ptr);
}

#[test]
fn types_that_are_cut_short() {
    refused_types(&[1, 2], "type [1] at offset 0x18: cut short: expected 12 bytes, got 8");
    refused_types(
        &[0, info(Kind::Ptr, 0, false), 0, 9],
        "type [2] at offset 0x24: cut short: expected 12 bytes, got 4",
    );
    refused_types(
        &[1, info(Kind::Struct, 2, false), 8, 0, 0, 0],
        "type [1] STRUCT 'name' at offset 0x18: cut short: expected 36 bytes, got 24",
    );
    refused_types(
        &[1, info(Kind::Enum64, 0xffff, false), 8],
        "type [1] ENUM64 'name' at offset 0x18: cut short: expected 786432 bytes, got 12",
    );
    refused_types(
        &[1, info(Kind::Int, 0, false), 4],
        "type [1] INT 'name' at offset 0x18: cut short: expected 16 bytes, got 12",
    );
}

#[test]
fn info_words() {
    refused_types(&[1, 0, 0], "type [1] 'name' at offset 0x18: unknown kind 0, expected 1 to 19");
    refused_types(&[0, 20 << 24, 0], "type [1] at offset 0x18: unknown kind 20, expected 1 to 19");
    refused_types(&[0, 31 << 24, 0], "type [1] at offset 0x18: unknown kind 31, expected 1 to 19");
    refused_types(
        &[0, info(Kind::Ptr, 0, false) | 1 << 16, 0],
        "type [1] PTR at offset 0x18: info word 0x02010000 has reserved bits set",
    );
    refused_types(
        &[0, info(Kind::Ptr, 0, false) | 1 << 30, 0],
        "type [1] PTR at offset 0x18: info word 0x42000000 has reserved bits set",
    );
    refused_types(
        &[0, info(Kind::Const, 3, false), 0],
        "type [1] CONST at offset 0x18: has 3 entries, but this kind has none",
    );
}

#[test]
fn names_and_references() {
    refused_types(
        &[6, info(Kind::Ptr, 0, false), 0],
        "type [1] PTR at offset 0x18: name is at string offset 0x6, but there are 0x6 bytes of strings",
    );
    refused_types(
        &[0, info(Kind::Ptr, 0, false), 2],
        "type [1] PTR at offset 0x18: target refers to type [2], but there are types up to [1]",
    );
    refused_types(
        &[1, info(Kind::Struct, 2, false), 8, 1, 1, 0, 9, 1, 0],
        "type [1] STRUCT 'name' at offset 0x18: name of member 1 is at string offset 0x9, but there are \
         0x6 bytes of strings",
    );
    refused_types(
        &[1, info(Kind::Union, 1, false), 8, 1, u32::MAX, 0],
        "type [1] UNION 'name' at offset 0x18: type of member 0 refers to type [4294967295], but there are \
         types up to [1]",
    );
    refused_types(
        &[1, info(Kind::Enum, 2, false), 4, 1, 0, 7, 1],
        "type [1] ENUM 'name' at offset 0x18: name of enumerator 1 is at string offset 0x7, but there are \
         0x6 bytes of strings",
    );
    refused_types(
        &[1, info(Kind::Enum64, 1, false), 8, 7, 0, 0],
        "type [1] ENUM64 'name' at offset 0x18: name of enumerator 0 is at string offset 0x7, but there are \
         0x6 bytes of strings",
    );
    refused_types(
        &[0, info(Kind::Array, 0, false), 0, 2, 0, 4],
        "type [1] ARRAY at offset 0x18: element type refers to type [2], but there are types up to [1]",
    );
    refused_types(
        &[0, info(Kind::Array, 0, false), 0, 0, 2, 4],
        "type [1] ARRAY at offset 0x18: index type refers to type [2], but there are types up to [1]",
    );
    refused_types(
        &[0, info(Kind::FuncProto, 1, false), 0, 9, 0],
        "type [1] FUNC_PROTO at offset 0x18: name of parameter 0 is at string offset 0x9, but there are \
         0x6 bytes of strings",
    );
    refused_types(
        &[0, info(Kind::FuncProto, 1, false), 0, 0, 5],
        "type [1] FUNC_PROTO at offset 0x18: type of parameter 0 refers to type [5], but there are types up \
         to [1]",
    );
    refused_types(
        &[0, info(Kind::FuncProto, 0, false), 7],
        "type [1] FUNC_PROTO at offset 0x18: result refers to type [7], but there are types up to [1]",
    );
    refused_types(
        &[1, info(Kind::Func, 0, false), 0],
        "type [1] FUNC 'name' at offset 0x18: target refers to type [0], a VOID, expected FUNC_PROTO",
    );
    refused_types(
        &[1, info(Kind::Datasec, 1, false), 4, 1, 0, 4],
        "type [1] DATASEC 'name' at offset 0x18: entry 0 refers to type [1], a DATASEC, expected VAR or FUNC",
    );
    refused_types(
        &[1, info(Kind::Datasec, 1, false), 4, 8, 0, 4],
        "type [1] DATASEC 'name' at offset 0x18: entry 0 refers to type [8], but there are types up to [1]",
    );
}

#[test]
fn fields_that_make_no_sense() {
    refused_types(
        &[1, info(Kind::Int, 0, false), 4, 33],
        "type [1] INT 'name' at offset 0x18: integer of 33 bits at bit 0 does not fit in 4 bytes (at most \
         128 bits)",
    );
    refused_types(
        &[1, info(Kind::Int, 0, false), 64, 129],
        "type [1] INT 'name' at offset 0x18: integer of 129 bits at bit 0 does not fit in 64 bytes (at most \
         128 bits)",
    );
    refused_types(
        &[1, info(Kind::Int, 0, false), 1, 4 << 16 | 5],
        "type [1] INT 'name' at offset 0x18: integer of 5 bits at bit 4 does not fit in 1 bytes (at most 128 \
         bits)",
    );
    refused_types(
        &[1, info(Kind::Float, 0, false), 3],
        "type [1] FLOAT 'name' at offset 0x18: size is 3 bytes, expected 2, 4, 8, 12 or 16",
    );
    refused_types(
        &[1, info(Kind::Enum, 0, false), 0x8000_0000],
        "type [1] ENUM 'name' at offset 0x18: size is 2147483648 bytes, expected 1, 2, 4 or 8",
    );
    refused_types(
        &[1, info(Kind::Enum64, 0, false), 3],
        "type [1] ENUM64 'name' at offset 0x18: size is 3 bytes, expected 1, 2, 4 or 8",
    );
    refused_types(
        &[1, info(Kind::Struct, 1, false), 4, 1, 0, 33],
        "type [1] STRUCT 'name' at offset 0x18: member 0 starts at bit 33, behind the end of the 4 bytes",
    );
    refused_types(
        &[1, info(Kind::Struct, 1, true), 4, 1, 0, 1 << 24 | 33],
        "type [1] STRUCT 'name' at offset 0x18: member 0 starts at bit 33, behind the end of the 4 bytes",
    );
    refused_types(
        &[1, info(Kind::Var, 0, false), 0, 3],
        "type [1] VAR 'name' at offset 0x18: linkage is 3, expected 0 (static), 1 (global) or 2 (extern)",
    );
    refused_types(
        &[0, info(Kind::FuncProto, 0, false), 0, 1, info(Kind::Func, 3, false), 1],
        "type [2] FUNC 'name' at offset 0x24: linkage is 3, expected 0 (static), 1 (global) or 2 (extern)",
    );
    refused_types(
        &[1, info(Kind::DeclTag, 0, false), 0, -2i32 as u32],
        "type [1] DECL_TAG 'name' at offset 0x18: component index is -2, expected -1 or more",
    );
}

#[test]
fn a_function_before_its_prototype_is_taken() {
    let types = [1, info(Kind::Func, 1, false), 2, 0, info(Kind::FuncProto, 0, false), 0];
    for e in BOTH {
        let b = Btf::parse(raw(e, &types, b"\0name\0")).unwrap();
        assert_eq!(b.get(TypeId(1)).unwrap().target(), Some(TypeId(2)));
    }
}

#[test]
fn a_problem_in_a_split_btf_has_its_own_number() {
    let base = EveryKind::new().btf(E);
    let types = [0, info(Kind::Ptr, 0, false), 1000];
    let e = Btf::parse_split(raw(E, &types, b""), &base).unwrap_err();
    assert_eq!(
        e.to_string(),
        "type [22] PTR at offset 0x18: target refers to type [1000], but there are types up to [22]"
    );
}

#[test]
fn a_hostile_name_makes_no_long_error() {
    let mut strs = vec![0];
    strs.extend([b'A'; 5000]);
    strs.push(0);
    let e = Btf::parse(raw(E, &[1, info(Kind::Const, 1, false), 0], &strs)).unwrap_err().to_string();
    assert!(e.len() < 200 && e.contains("AAAA…'"), "{e}");
}

/// Sizes of 2^31 and more break libbpf, which keeps them in signed integers.
#[test]
fn sizes_of_two_gigabytes_are_numbers() {
    let mut b = BtfBuilder::new();
    let char = b.add_int("char", 1, IntEncoding::SIGNED).unwrap();
    let half = b.add_array(char, char, 1 << 31).unwrap();
    let whole = b.add_array(half, char, 2).unwrap();
    let huge = b.add_struct("huge", u32::MAX, [Field::new("a", half, 0)]).unwrap();
    let huges = b.add_array(huge, char, u32::MAX).unwrap();
    let too_many = b.add_array(huges, char, u32::MAX).unwrap();
    let var = b.add_var("v", half, 1).unwrap();
    let sec = b.add_datasec(".bss", 1 << 31, [SecVar { ty: var, offset: 0, size: 1 << 31 }]).unwrap();
    let b = b.build().unwrap();
    assert_eq!(b.size_of(half), Ok(1 << 31));
    assert_eq!(b.size_of(whole), Ok(1 << 32));
    assert_eq!(b.size_of(sec), Ok(1 << 31));
    assert_eq!(b.size_of(var), Ok(1 << 31));
    assert_eq!(b.size_of(huges), Ok(u64::from(u32::MAX) * u64::from(u32::MAX)));
    assert_eq!(
        b.size_of(too_many).unwrap_err().to_string(),
        format!("type {too_many} ARRAY: is larger than 64 bits can say")
    );
    for id in [half, whole, huge, huges, sec] {
        b.decode(id, b"12345678").unwrap();
    }
    assert!(b.sanitize(&oxbpf_btf::KindSupport::NONE).is_some());
}

#[test]
fn types_that_contain_themselves() {
    let types = [
        // [1] typedef of itself, [2] and [3] const of one another
        [1, info(Kind::Typedef, 0, false), 1].to_vec(),
        [0, info(Kind::Const, 0, false), 3].to_vec(),
        [0, info(Kind::Volatile, 0, false), 2].to_vec(),
        // [4] a struct in itself, [5] an array of itself
        [1, info(Kind::Struct, 1, false), 4, 1, 4, 0].to_vec(),
        [0, info(Kind::Array, 0, false), 0, 5, 5, 1].to_vec(),
        // [6] a variable of its own type
        [1, info(Kind::Var, 0, false), 6, 0].to_vec(),
    ]
    .concat();
    let b = Btf::parse(raw(E, &types, b"\0name\0")).unwrap();
    let text = |r: Result<u64, Error>| r.unwrap_err().to_string();
    let typedef = "type [1] TYPEDEF 'name': contains itself, or refers through more than 64 other types";
    assert_eq!(text(b.size_of(TypeId(1))), typedef);
    assert_eq!(text(b.align_of(TypeId(1))), typedef);
    assert_eq!(b.resolve(TypeId(1)).unwrap_err().to_string(), typedef);
    assert!(b.resolve(TypeId(2)).is_err() && b.size_of(TypeId(3)).is_err());
    // Its size is what it says.
    assert_eq!(b.size_of(TypeId(4)), Ok(4));
    assert!(text(b.align_of(TypeId(4))).starts_with("type [4] STRUCT 'name': contains itself"));
    assert!(text(b.size_of(TypeId(5))).starts_with("type [5] ARRAY: contains itself"));
    assert!(text(b.size_of(TypeId(6))).starts_with("type [6] VAR 'name': contains itself"));
    for id in 1..=6 {
        assert!(b.decode(TypeId(id), &[1; 64]).is_err(), "[{id}]");
    }
}

/// Structs that each hold the next one twice, 60 deep: 2^60 ways to the bottom.
#[test]
fn questions_take_no_exponential_time() {
    let mut b = BtfBuilder::new();
    let mut inner = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let bottom = b.add_struct("empty", 0, []).unwrap();
    let mut empty = bottom;
    for _ in 0..30 {
        inner = b.add_struct("s", 4, [Field::new("a", inner, 0), Field::new("b", inner, 0)]).unwrap();
        empty = b.add_struct("e", 0, [Field::new("a", empty, 0), Field::new("b", empty, 0)]).unwrap();
    }
    let many = b.add_array(empty, inner, u32::MAX).unwrap();
    let bottoms = b.add_array(bottom, inner, u32::MAX).unwrap();
    let b = b.build().unwrap();
    assert_eq!(b.align_of(inner), Ok(4));
    assert_eq!(b.align_of(empty), Ok(1));
    for id in [inner, empty, many, bottoms] {
        assert!(count(&b.decode(id, &[1; 4]).unwrap()) < 100_000);
    }
}

fn count(v: &oxbpf_btf::Value<'_>) -> usize {
    use oxbpf_btf::Value;
    1 + match v {
        Value::Array(a) => a.iter().map(count).sum(),
        Value::Struct(s) => s.iter().map(|(_, v)| count(v)).sum(),
        _ => 0,
    }
}

#[test]
fn types_that_have_no_size() {
    let k = EveryKind::new();
    let b = k.btf(E);
    for (id, what) in [
        (k.proto, "type [14] FUNC_PROTO: has no size"),
        (k.func, "type [15] FUNC 'main': has no size"),
        (k.fwd, "type [9] FWD 'later': has no size"),
        (TypeId::VOID, "type [0]: has no size"),
        (TypeId(100), "no type [100]: the BTF has types up to [21]"),
    ] {
        assert_eq!(b.size_of(id).unwrap_err().to_string(), what);
        assert_eq!(b.align_of(id).unwrap_err().to_string(), what);
        assert_eq!(b.decode(id, &[]).unwrap_err().to_string(), what);
    }
}

/// A hundred thousand types that share one name of a megabyte: looking names up reads each name's start only.
#[test]
fn one_long_name_for_all() {
    let mut types = Vec::new();
    for i in 0..100_000 {
        types.extend([1 + i % 1000, info(Kind::Fwd, 0, false), 0]);
    }
    let mut strs = vec![0];
    strs.extend(vec![b'a'; 1_000_000]);
    strs.push(0);
    let start = std::time::Instant::now();
    let b = Btf::parse(raw(E, &types, &strs)).unwrap();
    assert_eq!(b.find("aaa", Kind::Fwd), None);
    assert!(start.elapsed().as_secs() < 5, "took {:?}", start.elapsed());
}
