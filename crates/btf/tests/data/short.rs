//! Data that ends too early, and types that mean harm.

use oxbpf_btf::{Cut, Endian, Error, Extent, Field, TypeId};

use super::{
    common::data_walk,
    types::{Types, compact, long},
};

#[test]
fn what_is_missing_is_marked_once() {
    let mut t = Types::new();
    let s = t.structure("s", 16, &[("a", t.int, 0), ("b", t.int, 4), ("c", t.u64, 8)]);
    let three = t.array(t.int, 3);
    let b = t.build();
    assert_eq!(long(&b, s, &[1, 0, 0, 0, 2]), "(struct s){\n\t.a = (int)1,\n\t.b = <truncated>,\n}");
    assert_eq!(compact(&b, three, &[1, 0, 0, 0, 2, 0]), "(int[3])[1,<truncated>,]");
    assert_eq!(compact(&b, t.int, &[1, 0, 0]), "<truncated>");
    assert_eq!(compact(&b, s, &[]), "<truncated>");
    let cut = b.data(s, &[1, 0, 0, 0, 2]).extent().unwrap();
    assert_eq!(cut, Extent { size: 16, cut: Some(Cut::Short { offset: 4, needed: 8 }) });
    assert_eq!(
        cut.cut.unwrap().to_string(),
        "the data ends inside the value at byte 4: it would take 8 bytes"
    );
    assert_eq!(b.data(s, &[0; 20]).extent().unwrap(), Extent { size: 16, cut: None });
}

#[test]
fn strings_that_are_cut() {
    let mut t = Types::new();
    let comm = t.array(t.char, 8);
    let b = t.build();
    assert_eq!(compact(&b, comm, b"foo"), "(char[8])['f','o','o',<truncated>,]");
    assert_eq!(compact(&b, comm, b"f\0"), "(char[8])['f',<truncated>,]");
    assert_eq!(b.data(comm, b"foo").to_json().unwrap(), "\"foo\"");
}

#[test]
fn every_prefix_of_every_kind() {
    let mut t = Types::new();
    let comm = t.array(t.char, 5);
    let mac = t.array(t.u8, 6);
    let e = t.b.add_enum64("e", 8, true, [("MINUS", u64::MAX)]).unwrap();
    let f = t.b.add_float("double", 8).unwrap();
    let p = t.b.add_ptr(TypeId::VOID).unwrap();
    let inner = t.structure("inner", 9, &[("p", p, 0), ("c", t.char, 8)]);
    let inners = t.array(inner, 3);
    let fields = [
        Field::new("comm", comm, 0),
        Field::new("mac", mac, 40),
        Field::bitfield("one", t.u32, 88, 1),
        Field::bitfield("rest", t.u32, 89, 31),
        Field::new("e", e, 120),
        Field::new("f", f, 184),
        Field::new("inners", inners, 248),
        Field::new("wide", t.u128, 464),
    ];
    let s = t.b.add_struct("s", 74, fields).unwrap();
    for endian in [Endian::Little, Endian::Big] {
        let b = t.b.build_as(endian).unwrap();
        for fill in [0, 0x41, 0xff] {
            data_walk::data(&b, s, &[fill; 74]);
            assert_eq!(b.data(s, &[fill; 74]).extent().unwrap().cut, None);
            for len in 0..74 {
                data_walk::data(&b, s, &[fill; 74][..len]);
                assert!(b.data(s, &[fill; 74][..len]).extent().unwrap().cut.is_some(), "{len}");
            }
        }
    }
}

#[test]
fn a_union_of_much_over_little() {
    let mut t = Types::new();
    let many = t.array(t.int, 1 << 14);
    let fields: Vec<_> = (0..2000).map(|_| Field::new("a_name_that_is_not_so_short", many, 0)).collect();
    let u = t.b.add_union("u", 1 << 16, fields).unwrap();
    let mut outer = u;
    for _ in 0..3 {
        outer = t.b.add_union("u", 1 << 16, (0..2000).map(|_| Field::new("again", outer, 0))).unwrap();
    }
    let b = t.build();
    let data = [1; 1 << 12];
    let (text, json) = (long(&b, outer, &data), b.data(outer, &data).to_json().unwrap());
    assert!(text.len() + json.len() < 4 << 20, "{} {}", text.len(), json.len());
    assert!(text.contains("<truncated>"));
    data_walk::data(&b, outer, &data);
}

/// A value of a few bytes that a thousand CPUs have, of a type that shows them again and again.
#[test]
fn many_cpus_share_what_is_allowed() {
    let mut t = Types::new();
    let mut u = t.int;
    for _ in 0..4 {
        u = t.b.add_union("u", 4, (0..1000).map(|_| Field::new("again", u, 0))).unwrap();
    }
    let b = t.build();
    let data = [1; 1 << 13];
    let each = b.data(u, &data).per_cpu().unwrap();
    assert_eq!(each.iter().count(), 1 << 10);
    let (text, json) = (each.to_text(&Default::default()).unwrap(), each.to_json().unwrap());
    assert!(text.len() + json.len() < 32 << 20, "{} {}", text.len(), json.len());
    assert!(text.contains("<truncated>") && data_walk::is_json(&json));
}

#[test]
fn types_that_contain_themselves_are_refused() {
    let mut t = Types::new();
    let own = t.b.end_id();
    t.structure("own", 8, &[("own", own, 0), ("n", t.int, 4)]);
    let b = t.build();
    assert!(matches!(b.data(own, &[1; 8]).to_json(), Err(Error::Type(_))));
    assert!(matches!(b.data(TypeId::VOID, &[1; 8]).to_json(), Err(Error::Type(_))));
}

#[test]
fn names_as_long_as_they_get() {
    let mut t = Types::new();
    let name = "n".repeat(60_000);
    let long_name = t.b.add_typedef(&name, t.u8).unwrap();
    let ptr = t.b.add_ptr(long_name).unwrap();
    let fields: Vec<_> = (0..1000).map(|i| Field::new(&name, ptr, i * 8)).collect();
    let s = t.b.add_struct(&name, 1008, fields).unwrap();
    let b = t.build();
    data_walk::data(&b, s, &[1; 1008]);
}

/// A bit-field can say 255 bits, a number has 128: that is the type's fault, not the data's.
#[test]
fn bit_fields_wider_than_any_number() {
    let mut t = Types::new();
    let s = t.b.add_struct("s", 40, [Field::bitfield("x", t.u32, 0, 129)]).unwrap();
    let b = t.build();
    let error = b.data(s, &[0; 40]).extent().unwrap_err().to_string();
    assert!(
        error.ends_with("integer of 129 bits at bit 0 does not fit in 4 bytes (at most 128 bits)"),
        "{error}"
    );
    assert!(b.data(s, &[0; 40]).to_json().is_err());
}
