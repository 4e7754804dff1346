//! Types copied from another BTF.

use oxbpf_btf::{Btf, BtfBuilder, Endian, IntEncoding, Kind, TypeId};

use crate::common::{BOTH, EveryKind};

#[test]
fn a_copy_is_equal() {
    let every = EveryKind::new();
    for endian in BOTH {
        let other = every.btf(endian);
        let mut whole = BtfBuilder::new();
        assert_eq!(whole.add_btf(&other), Ok(TypeId(1)));
        let mut one_by_one = BtfBuilder::new();
        for (ty, id) in other.types().zip(1..) {
            assert_eq!(one_by_one.add_type(ty), Ok(TypeId(id)));
        }
        let native = every.builder.to_vec(Endian::NATIVE).unwrap();
        assert_eq!(whole.to_vec(Endian::NATIVE).unwrap(), native);
        assert_eq!(one_by_one.to_vec(Endian::NATIVE).unwrap(), native);
    }
}

#[test]
fn references_move_along_in_a_whole_and_stay_in_one() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    b.add_ptr(int).unwrap();
    let other = b.build().unwrap();
    b.add_btf(&other).unwrap();
    b.add_type(other.get(TypeId(2)).unwrap()).unwrap();
    let targets: Vec<_> = b.build().unwrap().types().filter_map(|t| t.target()).collect();
    assert_eq!(targets, [1, 3, 1].map(TypeId));
}

#[test]
fn strings_are_there_once() {
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let other = b.build().unwrap();
    b.add_btf(&other).unwrap();
    let raw = b.to_vec(Endian::NATIVE).unwrap();
    assert!(raw.ends_with(b"\0int\0") && !raw.ends_with(b"int\0int\0"));
}

#[test]
fn void_cannot_be_copied() {
    let btf: Btf = EveryKind::new().btf(Endian::NATIVE);
    let mut b = BtfBuilder::new();
    let error = b.add_type(btf.get(TypeId::VOID).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "type [0]: is not a type that can be copied");
    assert_eq!(b.build().unwrap().find("int", Kind::Int), None);
}
