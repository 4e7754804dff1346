//! Other orders and other bases, of any types.

use crate::common::BOTH;
use crate::model::{Model, built, model, settle};
use crate::trees;
use oxbpf_btf::{Btf, BtfBuilder, TypeId};
use proptest::prelude::*;

/// New ids, in the order of random keys.
fn shuffled(btf: &Btf, keys: &[u64]) -> Vec<TypeId> {
    let first = btf.first_id().0;
    let mut order: Vec<u32> = (0..btf.types().len() as u32).collect();
    order.sort_by_key(|own| keys.get(*own as usize).copied());
    let mut ids = vec![TypeId::VOID; order.len()];
    for (new, own) in (first..).zip(order) {
        ids[own as usize] = TypeId(new);
    }
    ids
}

/// Gives a type a name that no other has, if types of its kind have names.
fn rename(model: &mut Model, n: usize) {
    use Model::*;
    match model {
        Int { name, .. }
        | Float { name, .. }
        | Composite { name, .. }
        | Enum { name, .. }
        | Fwd { name, .. } => {
            *name = format!("t{n}");
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn permuted_and_back_is_the_same(
        base in prop::collection::vec(model(), 0..20),
        own in prop::collection::vec(model(), 0..30),
        keys: [u64; 30],
    ) {
        let base = built(&settle(base, 1), BtfBuilder::new()).build().unwrap();
        let split = built(&settle(own, base.end_id().0), BtfBuilder::split(&base));
        for endian in BOTH {
            let btf = split.build_as(endian).unwrap();
            let ids = shuffled(&btf, &keys);
            let turned = btf.permute(&ids).unwrap();
            let mut back = vec![TypeId::VOID; ids.len()];
            for (old, new) in (btf.first_id().0..).zip(&ids) {
                back[(new.0 - btf.first_id().0) as usize] = TypeId(old);
            }
            let again = turned.permute(&back).unwrap();
            prop_assert_eq!(again.as_bytes(), btf.as_bytes());
            prop_assert_eq!(turned.endian(), endian);
        }
    }

    #[test]
    fn sorted_it_finds_what_a_search_finds(models in prop::collection::vec(model(), 0..40)) {
        let btf = built(&settle(models, 1), BtfBuilder::new()).build().unwrap();
        let (sorted, new_ids) = btf.sorted().unwrap();
        prop_assert!(sorted.is_sorted() || new_ids.is_empty());
        for old in btf.types().filter(|ty| !ty.name().is_empty()) {
            let same = |btf: &Btf| {
                let mut all = btf.types().filter(|t| t.kind() == old.kind() && t.name() == old.name());
                all.next().map(|t| t.id())
            };
            prop_assert_eq!(sorted.find(old.name(), old.kind()), same(&sorted));
            prop_assert_eq!(btf.find(old.name(), old.kind()), same(&btf));
            let all = sorted.types().filter(|t| t.name() == old.name()).map(|t| t.id());
            prop_assert_eq!(sorted.find_all(old.name()).collect::<Vec<_>>(), all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn distilled_and_relocated_to_where_it_was_is_the_same(
        base in prop::collection::vec(model(), 0..30),
        own in prop::collection::vec(model(), 0..20),
    ) {
        let mut base = base;
        base.retain(|m| !matches!(m, Model::Func { .. } | Model::Var { .. } | Model::Datasec { .. } | Model::Tag { decl: true, .. }));
        let mut base = settle(base, 1);
        base.iter_mut().zip(0..).for_each(|(m, n)| rename(m, n));
        let base = built(&base, BtfBuilder::new()).build().unwrap();
        let split = built(&settle(own, base.end_id().0), BtfBuilder::split(&base));
        for endian in BOTH {
            let split = split.build_as(endian).unwrap();
            let distilled = split.distill().unwrap();
            let moved = distilled.split.relocate(&base).unwrap();
            prop_assert_eq!(moved.endian(), endian);
            // Its own types come first, and mean the same; what it needed of the base follows.
            let own = trees(&split);
            prop_assert_eq!(&trees(&moved)[..own.len()], &own[..]);
            let again = moved.distill().unwrap().split.relocate(&base).unwrap();
            prop_assert_eq!(again.as_bytes(), moved.as_bytes());
        }
    }
}
