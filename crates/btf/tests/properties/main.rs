//! Whatever is built reads back the same; whatever is damaged is refused or still consistent.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]
#![allow(unreachable_pub, reason = "modules of a test")]

#[path = "../common/mod.rs"]
mod common;
mod dedup;
mod model;

use common::{BOTH, EveryKind, data_walk, walk};
use model::{Model, built, model, read, settle};
use oxbpf_btf::{Btf, BtfBuilder, Endian, SecVar, TypeId};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn built_written_parsed_is_equal(models in prop::collection::vec(model(), 0..40)) {
        let models = settle(models, 1);
        let b = built(&models, BtfBuilder::new());
        for endian in BOTH {
            let btf = b.build_as(endian).unwrap();
            prop_assert_eq!(btf.endian(), endian);
            let back: Vec<Model> = btf.types().map(read).collect();
            prop_assert_eq!(&back, &models);
            walk::walk(&btf, btf.as_bytes());
        }
    }

    #[test]
    fn a_split_btf_too(base in prop::collection::vec(model(), 0..20), own in prop::collection::vec(model(), 0..20)) {
        let base = built(&settle(base, 1), BtfBuilder::new()).build().unwrap();
        let models = settle(own, base.end_id().0);
        let b = built(&models, BtfBuilder::split(&base));
        for endian in BOTH {
            let btf = b.build_as(endian).unwrap();
            prop_assert_eq!(btf.types().map(read).collect::<Vec<_>>(), models.clone());
            walk::walk(&btf, btf.as_bytes());
        }
    }

    #[test]
    fn data_of_any_type_prints(models in prop::collection::vec(model(), 1..10), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut models = settle(models, 1);
        // As large as the data can be, or nothing would be there to print.
        for m in &mut models {
            match m {
                Model::Array { len, .. } => *len %= 8,
                Model::Composite { size, members, .. } => {
                    *size %= 64;
                    members.iter_mut().for_each(|m| m.2 = (m.2 % (*size * 8 + 1)) & !7);
                }
                _ => {}
            }
        }
        let b = built(&models, BtfBuilder::new());
        for endian in BOTH {
            let btf = b.build_as(endian).unwrap();
            for t in btf.types() {
                data_walk::data(&btf, t.id(), &bytes);
            }
        }
    }

    #[test]
    fn editing_changes_what_it_should(models in prop::collection::vec(model(), 1..20), size: u32, name in "[a-z]{1,8}") {
        let mut models = settle(models, 1);
        let before = built(&models, BtfBuilder::new()).build_as(Endian::Big).unwrap();
        let mut b = BtfBuilder::from(&before);
        for (m, id) in models.iter_mut().zip((1..).map(TypeId)) {
            match m {
                Model::Datasec { size: s, vars, .. } => {
                    *s = size;
                    b.set_datasec_size(id, size).unwrap();
                    for (i, v) in vars.iter_mut().enumerate() {
                        (v.1, v.2) = (i as u32, size);
                        b.set_datasec_var(id, i, SecVar { ty: TypeId(v.0), offset: v.1, size: v.2 }).unwrap();
                    }
                    let none = SecVar { ty: id, offset: 0, size: 0 };
                    prop_assert!(b.set_datasec_var(id, vars.len(), none).is_err());
                }
                Model::Func { linkage, name: n, .. } | Model::Var { linkage, name: n, .. } => {
                    *linkage = 2;
                    n.clone_from(&name);
                    b.set_linkage(id, 2).unwrap();
                    b.set_name(id, &name).unwrap();
                    prop_assert!(b.set_linkage(id, 3).is_err() && b.set_datasec_size(id, 0).is_err());
                }
                Model::To { target, .. } => {
                    *target = 0;
                    b.set_target(id, TypeId::VOID).unwrap();
                }
                _ => prop_assert!(b.set_datasec_size(id, 0).is_err()),
            }
        }
        let after = b.build().unwrap();
        prop_assert_eq!(after.types().map(read).collect::<Vec<_>>(), models);
        // What was a string stays where it was.
        for t in before.types() {
            prop_assert_eq!(after.bytes_at(t.name_off()).unwrap(), t.name_bytes());
        }
    }

    #[test]
    fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..200), good_header: bool) {
        let mut data = data;
        if good_header {
            let len = (data.len() as u32) / 4 * 4;
            let mut raw = Vec::new();
            common::header(&mut raw, Endian::Little, [24, 0, len / 8 * 4, len / 8 * 4, len - len / 8 * 4]);
            raw.extend_from_slice(&data[..len as usize]);
            data = raw;
        }
        walk::btf(&data);
        walk::btf_split(&data);
        walk::btf_ext(&data);
    }
}

#[test]
fn every_bit_flip() {
    for endian in BOTH {
        let good = EveryKind::new().btf(endian).as_bytes().to_vec();
        let mut refused = 0;
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            match Btf::parse(&bad[..]) {
                Ok(b) => walk::walk(&b, &bad),
                Err(e) => {
                    refused += 1;
                    assert!(!e.to_string().is_empty());
                }
            }
        }
        assert!(refused > good.len(), "{refused} flips of {} bytes were refused", good.len());
    }
}

#[test]
fn every_truncation() {
    for endian in BOTH {
        let good = EveryKind::new().btf(endian).as_bytes().to_vec();
        for len in 0..good.len() {
            let e = Btf::parse(&good[..len]).unwrap_err().to_string();
            assert!(e.contains("cut short") || e.contains("beyond the data"), "{len}: {e}");
        }
    }
}
