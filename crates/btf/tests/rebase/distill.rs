use oxbpf_btf::{Btf, BtfBuilder, Error, Field, IntEncoding, Kind, TypeId};

use super::{common::BOTH, trees};

/// A base with something of every kind, and a split BTF that refers to most of it.
pub(super) fn base_and_split() -> (Btf, Btf) {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    b.add_int("unused", 8, IntEncoding::UNSIGNED).unwrap();
    let float = b.add_float("float", 4).unwrap();
    let fwd = b.add_fwd("elsewhere", false).unwrap();
    let pair = b.add_struct("pair", 8, [Field::new("a", int, 0), Field::new("f", float, 32)]).unwrap();
    let unnamed = b.add_union("", 4, [Field::new("i", int, 0)]).unwrap();
    let number = b.add_union("number", 16, [Field::new("pair", pair, 0)]).unwrap();
    let color = b.add_enum("color", 4, false, [("RED", 0)]).unwrap();
    let wide = b.add_enum64("wide", 8, false, [("BIG", 1 << 40)]).unwrap();
    let nameless = b.add_enum("", 4, false, [("ONE", 1)]).unwrap();
    let array = b.add_array(pair, int, 4).unwrap();
    let typedef = b.add_typedef("number_t", number).unwrap();
    let constant = b.add_const(typedef).unwrap();
    let tag = b.add_type_tag("rcu", fwd, false).unwrap();
    let ptr = b.add_ptr(tag).unwrap();
    let proto = b.add_func_proto(int, [("color", color), ("", wide)]).unwrap();
    let func = b.add_func("call", 1, proto).unwrap();
    let base = b.build().unwrap();
    assert!(func < base.end_id());

    let mut s = BtfBuilder::split(&base);
    s.add_struct(
        "own",
        64,
        [
            Field::new("pairs", array, 0),
            Field::new("number", constant, 256),
            Field::new("", unnamed, 384),
            Field::new("ptr", ptr, 448),
        ],
    )
    .unwrap();
    let own_proto = s.add_func_proto(nameless, [("call", proto), ("self", base.end_id())]).unwrap();
    s.add_func("own_func", 0, own_proto).unwrap();
    (base, s.build().unwrap())
}

#[test]
fn keeps_names_and_sizes_in_the_base_and_the_rest_in_the_split() {
    let (base, split) = base_and_split();
    let distilled = split.distill().unwrap();
    let kept: Vec<_> = distilled.base.types().map(|t| (t.kind(), t.name(), t.size(), t.vlen())).collect();
    assert_eq!(
        kept,
        [
            (Kind::Int, "int", Some(4), 0),
            (Kind::Fwd, "elsewhere", None, 0),
            (Kind::Struct, "pair", Some(8), 0),
            (Kind::Union, "number", Some(16), 0),
            (Kind::Enum, "color", Some(4), 0),
            (Kind::Enum, "wide", Some(8), 0),
        ]
    );
    // Its own types come first, in their order; what was the base's follows.
    let kinds: Vec<_> = distilled.split.types().map(|t| t.kind()).collect();
    let own = [Kind::Struct, Kind::FuncProto, Kind::Func];
    let moved = [
        Kind::Union,
        Kind::Enum,
        Kind::Array,
        Kind::Typedef,
        Kind::Const,
        Kind::TypeTag,
        Kind::Ptr,
        Kind::FuncProto,
    ];
    assert_eq!(kinds, [&own[..], &moved[..]].concat());
    assert!(distilled.split.base().is_some());
    // Names that the distilled base has are not written again.
    let own = distilled.split.as_bytes();
    assert!(!own.windows(4).any(|w| w == b"pair\0"), "{own:?}");

    let back = distilled.split.relocate(&base).unwrap();
    assert_eq!(trees(&back)[..3], trees(&split)[..]);
}

#[test]
fn either_byte_order() {
    let (base, split) = base_and_split();
    let native = split.distill().unwrap();
    for endian in BOTH {
        let base = Btf::parse(base.to_endian(endian)).unwrap();
        let split = Btf::parse_split(split.to_endian(endian), &base).unwrap();
        let distilled = split.distill().unwrap();
        assert_eq!(distilled.base.endian(), endian);
        assert_eq!(distilled.base.as_bytes(), native.base.to_endian(endian));
        assert_eq!(distilled.split.as_bytes(), native.split.to_endian(endian));
    }
}

#[test]
fn a_chain_of_bases_counts_as_one() {
    let (_, middle) = base_and_split();
    let own = middle.find("own", Kind::Struct).unwrap();
    let int = middle.find("int", Kind::Int).unwrap();
    let mut top = BtfBuilder::split(&middle);
    top.add_struct("top", 72, [Field::new("own", own, 0), Field::new("int", int, 512)]).unwrap();
    let top = top.build().unwrap();
    let distilled = top.distill().unwrap();
    assert_eq!(distilled.base.types().map(|t| t.name()).collect::<Vec<_>>(), ["int", "own"]);
    assert_eq!(trees(&distilled.split.relocate(&middle).unwrap()), trees(&top));
}

#[test]
fn what_cannot_be_distilled() {
    let (base, _) = base_and_split();
    assert_eq!(base.distill().unwrap_err(), Error::NotSplit);
    let func = base.find("call", Kind::Func).unwrap();
    let mut s = BtfBuilder::split(&base);
    s.add_decl_tag("tag", func, None, false).unwrap();
    let e = s.build().unwrap().distill().unwrap_err().to_string();
    assert_eq!(
        e,
        "type [18] DECL_TAG 'tag': a reference refers to type [17], a FUNC, expected a type of values or a prototype"
    );
}

#[test]
fn a_long_chain_takes_no_stack() {
    let mut b = BtfBuilder::new();
    let mut id = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    for _ in 0..200_000 {
        id = b.add_const(id).unwrap();
    }
    let base = b.build().unwrap();
    let mut s = BtfBuilder::split(&base);
    s.add_struct("s", 4, [Field::new("m", id, 0)]).unwrap();
    let split = s.build().unwrap();
    let distilled = split.distill().unwrap();
    assert_eq!(distilled.base.end_id(), TypeId(2));
    assert_eq!(distilled.split.end_id(), TypeId(200_003));
    distilled.split.relocate(&base).unwrap();
}

/// Names that are each other's ends would take the square of their length.
#[test]
fn overlapping_names_are_refused() {
    let strs = [&[0], &vec![b'a'; 400_000][..], &[0]].concat();
    let types: Vec<u32> = (1..20_000u32).flat_map(|n| [n * 16, 4 << 24, 4]).collect();
    let base = Btf::parse(super::common::raw(oxbpf_btf::Endian::NATIVE, &types, &strs)).unwrap();
    let mut s = BtfBuilder::split(&base);
    s.add_struct("s", 4, (1..20_000u32).map(|n| Field::new("m", TypeId(n), 0))).unwrap();
    let e = s.build().unwrap().distill().unwrap_err();
    assert_eq!(e, Error::TooMuchWork { what: "copying strings" });
}
