//! Deduplication of any types.

use crate::common::{BOTH, walk};
use crate::model::{as_compiled, built, model, settle};
use oxbpf_btf::{BtfBuilder, DedupOptions, Endian, Kind};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn doing_it_again_changes_nothing(models in prop::collection::vec(model(), 0..40)) {
        let once = built(&as_compiled(models), BtfBuilder::new()).build().unwrap();
        let mut b = BtfBuilder::from(&once);
        b.add_btf(&once).unwrap();
        let first = b.dedup(DedupOptions::default()).unwrap();
        let after = b.to_vec(Endian::NATIVE).unwrap();
        let again = b.dedup(DedupOptions::default()).unwrap();
        prop_assert_eq!(b.to_vec(Endian::NATIVE).unwrap(), after);
        prop_assert!(again.ids.iter().zip(0..).all(|(id, old)| id.0 == old));
        prop_assert!(first.ids.iter().all(|id| *id < b.end_id()));
    }

    #[test]
    fn a_base_takes_what_it_has(models in prop::collection::vec(model(), 0..40)) {
        let all = built(&as_compiled(models), BtfBuilder::new()).build().unwrap();
        let (base, _) = all.dedup(DedupOptions::default()).unwrap();
        let mut split = BtfBuilder::split(&base);
        split.add_btf(&all).unwrap();
        let done = split.dedup(DedupOptions { base_typedefs: true, ..DedupOptions::default() }).unwrap();
        let left = split.build().unwrap();
        for ty in left.types() {
            // Variables are never the same. Structs that contain themselves in odd ways, and enums of one name with
            // and without values, may stay.
            prop_assert!(!matches!(ty.kind(), Kind::Int | Kind::Float), "{ty:?}");
        }
        prop_assert!(done.ids.len() as u32 == base.end_id().0 + all.end_id().0 - 1);
    }

    #[test]
    fn both_byte_orders_come_to_the_same(models in prop::collection::vec(model(), 0..30)) {
        let b = built(&as_compiled(models), BtfBuilder::new());
        let [little, big] = BOTH.map(|endian| b.build_as(endian).unwrap().dedup(DedupOptions::default()).unwrap());
        prop_assert_eq!(little.0.to_endian(Endian::Big), big.0.as_bytes());
        prop_assert_eq!(little.1, big.1);
    }

    /// Whatever refers to what: it is done, or refused and nothing is changed.
    #[test]
    fn any_types(models in prop::collection::vec(model(), 0..40)) {
        let models = settle(models, 1);
        let before = built(&models, BtfBuilder::new()).build().unwrap();
        let mut b = BtfBuilder::from(&before);
        b.add_btf(&before).unwrap();
        let raw = b.to_vec(Endian::NATIVE).unwrap();
        match b.dedup(DedupOptions::default()) {
            Ok(done) => {
                let after = b.build().unwrap();
                prop_assert!(after.types().count() <= 2 * before.types().count());
                prop_assert!(done.ids.iter().all(|id| *id < after.end_id()));
                walk::walk(&after, after.as_bytes());
            }
            Err(_) => prop_assert_eq!(b.to_vec(Endian::NATIVE).unwrap(), raw),
        }
    }
}
