use oxbpf_btf::{Btf, BtfBuilder, Endian, Error, IntEncoding, Kind, TypeId};

use super::common::{EveryKind, raw};
use super::{distill::base_and_split, trees};

#[test]
fn in_the_order_of_names_and_stable() {
    let (_, split) = base_and_split();
    for btf in [EveryKind::new().builder.build().unwrap(), split] {
        assert!(!btf.is_sorted());
        let (sorted, new_ids) = btf.sorted().unwrap();
        assert!(sorted.is_sorted());
        let names: Vec<_> = sorted.types().map(|t| t.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for (old, new) in btf.types().zip(&new_ids) {
            assert_eq!(super::tree(sorted.get(*new).unwrap(), 3), super::tree(old, 3));
        }
        let (again, same) = sorted.sorted().unwrap();
        assert!(same.is_sorted());
        assert_eq!(again.as_bytes(), sorted.as_bytes());
        // Those of one name keep their order.
        let unnamed = btf.types().zip(&new_ids).filter(|(t, _)| t.name().is_empty());
        assert!(unnamed.map(|(_, id)| id).is_sorted());
        assert_eq!(trees(&sorted).len(), trees(&btf).len());
    }
}

#[test]
fn a_sorted_one_is_looked_up_without_an_index() {
    let mut b = BtfBuilder::new();
    for name in ["zebra", "ant", "bee", "bee", "an", "ants"] {
        b.add_int(name, 4, IntEncoding::SIGNED).unwrap();
        b.add_struct(name, 4, []).unwrap();
    }
    b.add_ptr(TypeId(1)).unwrap();
    let (sorted, _) = b.build().unwrap().sorted().unwrap();
    for name in ["zebra", "ant", "bee", "an", "ants", "", "a", "antsy", "zz", "\0"] {
        for kind in Kind::ALL {
            let linear = sorted.types().find(|t| t.name() == name && t.kind() == kind && !name.is_empty());
            assert_eq!(sorted.find(name, kind), linear.map(|t| t.id()), "{name} {kind}");
        }
        let linear = sorted.types().filter(|t| t.name() == name && !name.is_empty()).map(|t| t.id());
        assert_eq!(sorted.find_all(name).collect::<Vec<_>>(), linear.collect::<Vec<_>>());
    }
    assert_eq!(sorted.find("void", Kind::Void), Some(TypeId::VOID));
}

#[test]
fn only_its_own_types() {
    let (base, split) = base_and_split();
    assert!(base.find("int", Kind::Int).is_some());
    assert_eq!(split.find("int", Kind::Int), base.find("int", Kind::Int));
    assert_eq!(split.find_own("int", Kind::Int), None);
    assert_eq!(split.find_own("own", Kind::Struct), Some(split.first_id()));
}

/// A name as long as the file, and thousands of types that start inside it.
#[test]
fn overlapping_names_are_refused() {
    let strs = [&[0], &vec![b'a'; 400_000][..], &[0]].concat();
    let types: Vec<u32> = (1..20_000u32).rev().flat_map(|n| [n * 16, 4 << 24, 4]).collect();
    let btf = Btf::parse(raw(Endian::NATIVE, &types, &strs)).unwrap();
    assert_eq!(btf.sorted().unwrap_err(), Error::TooMuchWork { what: "sorting names" });
    assert!(!btf.is_sorted());
    assert!(btf.find(&"a".repeat(16), Kind::Struct).is_none());
}
