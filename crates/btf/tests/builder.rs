//! What a builder refuses, and what it keeps.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use common::{BOTH, EveryKind};
use oxbpf_btf::{Btf, BtfBuilder, Endian, Error, Field, IntEncoding, Kind, SecVar, TypeId};

#[track_caller]
fn refused<T: std::fmt::Debug>(r: Result<T, Error>, expected: &str) {
    assert_eq!(r.unwrap_err().to_string(), expected);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    refused(b.add_typedef("a\0b", int), "a BTF string cannot hold a NUL: \"a\\0b\"");
    refused(
        b.add_int("big", 17, IntEncoding::UNSIGNED),
        "type [2] INT 'big': size is 17 bytes, expected 1, 2, 4, 8 or 16",
    );
    refused(
        b.add_int("huge", u32::MAX, IntEncoding::UNSIGNED),
        "type [2] INT 'huge': size is 4294967295 bytes, expected 1, 2, 4, 8 or 16",
    );
    refused(
        b.add_struct("s", 1 << 30, [Field::bitfield("f", int, 0, 3), Field::new("far", int, 1 << 24)]),
        "type [2] STRUCT 's': bit offset is 16777216, but BTF holds at most 16777215",
    );
    refused(
        b.add_struct("s", 4, [Field::bitfield("f", int, 0, 256)]),
        "type [2] STRUCT 's': width of a bit-field is 256, but BTF holds at most 255",
    );
    refused(
        b.add_enum("e", 4, false, [("minus", -1)]),
        "type [2] ENUM 'e': magnitude of a value is 1, but BTF holds at most 4294967295",
    );
    refused(
        b.add_enum("e", 4, true, [("big", 1 << 31)]),
        "type [2] ENUM 'e': magnitude of a value is 2147483648, but BTF holds at most 2147483647",
    );
    refused(
        b.add_enum("e", 4, true, (0..65_536).map(|v| ("x", v))),
        "type [2] ENUM 'e': number of entries is 65536, but BTF holds at most 65535",
    );
    refused(
        b.add_var("v", int, 3),
        "type [2] VAR 'v': linkage is 3, expected 0 (static), 1 (global) or 2 (extern)",
    );
    refused(
        b.add_func("f", 7, int),
        "type [2] FUNC 'f': linkage is 7, expected 0 (static), 1 (global) or 2 (extern)",
    );
    assert_eq!(b.end_id(), TypeId(2), "nothing was added");
    // Far offsets are fine where there are no bit-fields.
    b.add_struct("s", 1 << 30, [Field::new("far", int, !7)]).unwrap();
    b.build().unwrap();
}

#[test]
fn a_reference_to_nothing_is_noticed_in_the_end() {
    let mut b = BtfBuilder::new();
    let ptr = b.add_ptr(TypeId(2)).unwrap();
    refused(
        b.build(),
        "type [1] PTR at offset 0x18: target refers to type [2], but there are types up to [1]",
    );
    // It may be added later.
    b.add_const(ptr).unwrap();
    assert!(b.build().is_ok());
}

#[test]
fn edits_of_what_is_not_there() {
    let k = EveryKind::new();
    let mut b = k.builder;
    let var = SecVar { ty: k.var, offset: 0, size: 4 };
    refused(b.set_datasec_var(k.data, 1, var), "type [17] DATASEC '.data': has no entry 1: it has 1");
    refused(b.set_datasec_size(k.point, 4), "type [4] STRUCT 'point': is not a section");
    refused(b.set_linkage(k.int, 1), "type [1] INT 'int': is not a function or variable");
    refused(
        b.set_linkage(k.var, 3),
        "type [16] VAR 'counter': linkage is 3, expected 0 (static), 1 (global) or 2 (extern)",
    );
    refused(b.set_target(k.int, k.int), "type [1] INT 'int': is not a type that refers to another");
    refused(b.set_name(TypeId(0), "void"), "no type [0]: the BTF has types up to [21]");
    refused(b.set_name(TypeId(22), "x"), "no type [22]: the BTF has types up to [21]");

    // A split BTF cannot change its base.
    let base = b.build().unwrap();
    let mut split = BtfBuilder::split(&base);
    refused(split.set_datasec_size(k.data, 4), "no type [17]: the BTF has types up to [21]");
}

#[test]
fn each_string_is_there_once() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("name", 4, IntEncoding::SIGNED).unwrap();
    let s = b.add_struct("name", 4, [Field::new("name", int, 0)]).unwrap();
    b.add_typedef("other", s).unwrap();
    let first = b.build().unwrap();
    assert_eq!(first.get(int).unwrap().name_off(), first.get(s).unwrap().name_off());
    // Also those that were read are found again, in whichever order they come.
    let mut b = BtfBuilder::from(&first);
    assert_eq!(b.add_str("other"), Ok(6));
    assert_eq!(b.add_str("name"), Ok(1));
    assert_eq!(b.add_str(""), Ok(0));
    assert_eq!(b.add_str("new"), Ok(12));
    assert_eq!(b.add_str("new"), Ok(12));
    let second = b.build().unwrap();
    assert_eq!(second.as_bytes().len(), first.as_bytes().len() + 4);
}

#[test]
fn reading_and_writing_changes_nothing() {
    for e in BOTH {
        let raw = EveryKind::new().btf(e).as_bytes().to_vec();
        let btf = Btf::parse(&raw[..]).unwrap();
        assert_eq!(BtfBuilder::from(&btf).to_vec(e).unwrap(), raw);
        assert_eq!(btf.to_endian(e), raw);
        let other = Btf::parse(btf.to_endian(e.other())).unwrap();
        assert_eq!(other.to_endian(e), raw, "there and back");
    }
}

#[test]
fn encodings_of_integers() {
    let mut b = BtfBuilder::new();
    let both = b.add_int("char", 1, IntEncoding::SIGNED.and(IntEncoding::CHAR)).unwrap();
    let bool = b.add_int("_Bool", 1, IntEncoding::BOOL).unwrap();
    let b = b.build_as(Endian::Big).unwrap();
    let int = |id| b.get(id).unwrap().int().unwrap();
    assert!(int(both).signed && int(both).char && !int(both).bool);
    assert!(!int(bool).signed && !int(bool).char && int(bool).bool);
    assert_eq!(b.get(bool).unwrap().kind(), Kind::Int);
}

#[test]
fn what_libbpf_refuses() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let proto = b.add_func_proto(int, []).unwrap();
    let far = TypeId(0x8000_0000);
    let before = b.end_id();
    let field = |bit_offset| [Field::new("a", int, bit_offset)];
    let refused = [
        (b.add_int("", 4, IntEncoding::SIGNED), "type [3] INT: it needs a name"),
        (
            b.add_int("i", 3, IntEncoding::SIGNED),
            "type [3] INT 'i': size is 3 bytes, expected 1, 2, 4, 8 or 16",
        ),
        (b.add_float("", 4), "type [3] FLOAT: it needs a name"),
        (b.add_float("f", 5), "type [3] FLOAT 'f': size is 5 bytes, expected 2, 4, 8, 12 or 16"),
        (b.add_ptr(far), "type [3] PTR: type id is 2147483648, but BTF holds at most 2147483647"),
        (b.add_array(int, far, 1), "type [3] ARRAY: type id is 2147483648, but BTF holds at most 2147483647"),
        (
            b.add_union("u", 8, field(8)),
            "type [3] UNION 'u': member 0 starts at bit 8, but members of a union start at 0",
        ),
        (
            b.add_struct("s", 8, field(4)),
            "type [3] STRUCT 's': member 0 starts at bit 4, where only a bit-field can",
        ),
        (b.add_enum("e", 3, false, []), "type [3] ENUM 'e': size is 3 bytes, expected 1, 2, 4 or 8"),
        (b.add_enum("e", 4, false, [("", 1)]), "type [3] ENUM 'e': an enumerator needs a name"),
        (b.add_enum64("e", 16, false, []), "type [3] ENUM64 'e': size is 16 bytes, expected 1, 2, 4 or 8"),
        (b.add_enum64("e", 8, false, [("", 1)]), "type [3] ENUM64 'e': an enumerator needs a name"),
        (b.add_fwd("", true), "type [3] FWD: it needs a name"),
        (b.add_typedef("", int), "type [3] TYPEDEF: it needs a name"),
        (b.add_type_tag("", int, true), "type [3] TYPE_TAG: it needs a name"),
        (b.add_decl_tag("", int, None, false), "type [3] DECL_TAG: it needs a name"),
        (b.add_func("", 1, proto), "type [3] FUNC: it needs a name"),
        (b.add_var("", int, 1), "type [3] VAR: it needs a name"),
        (b.add_datasec("", 0, []), "type [3] DATASEC: it needs a name"),
    ];
    for (result, text) in refused {
        assert_eq!(result.unwrap_err().to_string(), text);
    }
    assert_eq!(b.end_id(), before, "nothing of it was added");
    // What compilers do without names.
    b.add_struct("", 4, [Field::bitfield("", int, 1, 3)]).unwrap();
    b.add_enum("", 1, true, []).unwrap();
    b.add_int_bits("", 3, IntEncoding::UNSIGNED, 4, 20).unwrap();
    b.build().unwrap();
}
