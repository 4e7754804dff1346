//! What older kernels are given.

mod common;

use common::{BOTH, EveryKind, walk};
use oxbpf_btf::{Btf, BtfBuilder, Endian, IntEncoding, Kind, KindSupport, SecVar, TypeId};

const NONE: KindSupport = KindSupport::NONE;
const ALL: KindSupport = KindSupport::ALL;

#[test]
fn a_kernel_that_knows_all_gets_it_as_it_is() {
    for e in BOTH {
        assert_eq!(EveryKind::new().btf(e).sanitize(&ALL), None);
    }
}

#[test]
fn each_kind_becomes_an_older_one_in_its_place() {
    for e in BOTH {
        let k = EveryKind::new();
        let before = k.btf(e);
        let b = Btf::parse(before.sanitize(&NONE).unwrap()).unwrap();
        assert_eq!(b.endian(), e);
        let get = |id| b.get(id).unwrap();

        for (id, name) in [(k.var, "counter"), (k.decl_tag, "decl_tag")] {
            let t = get(id);
            assert_eq!((t.kind(), t.name(), t.size()), (Kind::Int, name, Some(1)));
            assert_eq!(t.int().map(|i| (i.bits, i.bit_offset, i.signed)), Some((8, 0, false)));
        }
        let data = get(k.data);
        assert_eq!((data.kind(), data.name(), data.size()), (Kind::Struct, "_data", Some(8)));
        let members: Vec<_> = data.members().map(|m| (m.name, m.ty, m.bit_offset)).collect();
        assert_eq!(members, [("counter", k.var, 32)]);

        let proto = get(k.proto);
        assert_eq!((proto.kind(), proto.size()), (Kind::Enum, Some(4)));
        let names: Vec<_> = proto.enumerators().map(|e| e.name).collect();
        assert_eq!(names, ["first", "second", "arg"]);
        let func = get(k.func);
        assert_eq!((func.kind(), func.name(), func.target()), (Kind::Typedef, "main", Some(k.proto)));

        let double = get(k.double);
        assert_eq!((double.kind(), double.name(), double.size()), (Kind::Struct, "", Some(8)));
        let tag = get(k.type_tag);
        assert_eq!((tag.kind(), tag.name(), tag.target()), (Kind::Const, "", Some(k.int)));
        assert!(!get(k.signed).is_signed_enum());

        let wide = get(k.wide);
        assert_eq!((wide.kind(), wide.name(), wide.size()), (Kind::Union, "wide", Some(8)));
        let placeholder = before.end_id();
        let members: Vec<_> = wide.members().map(|m| (m.name, m.ty, m.bit_offset)).collect();
        assert_eq!(members, [("BIG", placeholder, 0), ("MINUS", placeholder, 0)]);
        assert_eq!((get(placeholder).kind(), get(placeholder).size()), (Kind::Int, Some(1)));

        // Everything else is what it was, and string offsets still hold.
        for t in before.types() {
            assert_eq!(b.bytes_at(t.name_off()).unwrap(), t.name_bytes());
        }
        assert_eq!(get(k.point).members().len(), 2);
        assert_eq!(b.sanitize(&NONE), None, "once is enough");
        walk::walk(&b, b.as_bytes());
    }
}

/// Each feature alone changes its kinds and no other.
#[test]
fn only_what_is_missing_is_replaced() {
    use Kind::*;
    let cases = [
        (KindSupport { datasec: false, ..ALL }, vec![Var, Datasec]),
        (KindSupport { func_global: false, ..ALL }, vec![Func]),
        (KindSupport { float: false, ..ALL }, vec![Float]),
        (KindSupport { decl_tag: false, ..ALL }, vec![DeclTag]),
        (KindSupport { type_tag: false, ..ALL }, vec![TypeTag]),
        (KindSupport { enum64: false, ..ALL }, vec![Enum, Enum64]),
    ];
    let before = EveryKind::new().btf(Endian::NATIVE);
    for (kernel, kinds) in cases {
        let after = Btf::parse(before.sanitize(&kernel).unwrap()).unwrap();
        let raw = |b: &Btf, t: oxbpf_btf::Type<'_>| {
            (t.kind(), t.vlen(), t.kind_flag(), b.bytes_at(t.name_off()).unwrap().to_vec())
        };
        let changed: Vec<Kind> = before
            .types()
            .zip(after.types())
            .filter(|&(x, y)| raw(&before, x) != raw(&after, y))
            .map(|(x, _)| x.kind())
            .collect();
        let mut unique = changed.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique, kinds, "{kernel:?}");
    }
}

#[test]
fn a_global_function_becomes_static() {
    let k = EveryKind::new();
    let kernel = KindSupport { func_global: false, ..ALL };
    let b = Btf::parse(k.btf(Endian::NATIVE).sanitize(&kernel).unwrap()).unwrap();
    let f = b.get(k.func).unwrap();
    assert_eq!((f.kind(), f.linkage(), f.target()), (Kind::Func, Some(0), Some(k.proto)));
    let clean = b.sanitize(&kernel);
    assert_eq!(clean, None);
}

#[test]
fn sections_named_with_a_question_mark() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let var = b.add_var("ops", int, 1).unwrap();
    let sec = b.add_datasec("?.struct_ops.x", 4, [SecVar { ty: var, offset: 0, size: 4 }]).unwrap();
    // The same string as a name elsewhere has to stay.
    let tag = b.add_decl_tag("?.struct_ops.x", int, None, false).unwrap();
    let b = b.build().unwrap();
    let name = |kernel, id: TypeId| {
        let after = Btf::parse(b.sanitize(&kernel).unwrap()).unwrap();
        let t = after.get(id).unwrap();
        (t.kind(), t.name().to_owned())
    };
    let kernel = KindSupport { qmark_datasec: false, ..ALL };
    assert_eq!(name(kernel, sec), (Kind::Datasec, "_.struct_ops.x".into()));
    assert_eq!(name(kernel, tag), (Kind::DeclTag, "?.struct_ops.x".into()));
    assert_eq!(name(NONE, sec), (Kind::Struct, "__struct_ops_x".into()));
}

#[test]
fn tags_with_the_kind_flag() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let plain = b.add_type_tag("user", int, false).unwrap();
    let attribute = b.add_type_tag("address_space(1)", int, true).unwrap();
    let decl = b.add_decl_tag("weak", int, None, true).unwrap();
    let b = b.build().unwrap();
    let kernel = KindSupport { tag_kflag: false, ..ALL };
    let after = Btf::parse(b.sanitize(&kernel).unwrap()).unwrap();
    let kind = |id| after.get(id).unwrap().kind();
    assert_eq!((kind(plain), kind(attribute), kind(decl)), (Kind::TypeTag, Kind::Const, Kind::Int));
}
