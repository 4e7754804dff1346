use oxbpf_btf::{Btf, BtfBuilder, Error, TypeId};

use super::common::{BOTH, EveryKind};
use super::{distill::base_and_split, trees};

/// The other way round.
fn inverse(ids: &[TypeId], first: TypeId) -> Vec<TypeId> {
    let mut back = vec![TypeId::VOID; ids.len()];
    for (old, new) in (first.0..).zip(ids) {
        back[(new.0 - first.0) as usize] = TypeId(old);
    }
    back
}

fn reversed(btf: &Btf) -> Vec<TypeId> {
    (btf.first_id().0..btf.end_id().0).rev().map(TypeId).collect()
}

#[test]
fn there_and_back_is_the_same() {
    let (_, split) = base_and_split();
    for btf in [EveryKind::new().builder.build().unwrap(), split] {
        let ids = reversed(&btf);
        let turned = btf.permute(&ids).unwrap();
        let mut expected = trees(&btf);
        expected.reverse();
        assert_eq!(trees(&turned), expected);
        let back = turned.permute(&inverse(&ids, btf.first_id())).unwrap();
        assert_eq!(back.as_bytes(), btf.as_bytes());
    }
}

#[test]
fn either_byte_order() {
    let ids = reversed(&EveryKind::new().builder.build().unwrap());
    let [little, big] = BOTH.map(|endian| EveryKind::new().btf(endian).permute(&ids).unwrap());
    assert_eq!(little.to_endian(big.endian()), big.as_bytes());
}

#[test]
fn new_ids_are_checked() {
    let btf = EveryKind::new().builder.build().unwrap();
    let good = reversed(&btf);
    assert_eq!(btf.permute(&good[1..]).unwrap_err(), Error::NewIds { got: 20, expected: 21 });
    for (bad, text) in [
        (TypeId(0), "type [1] INT 'int': cannot become type [0]: that is not in [1] to [21], or given twice"),
        (
            TypeId(22),
            "type [1] INT 'int': cannot become type [22]: that is not in [1] to [21], or given twice",
        ),
    ] {
        let mut ids = good.clone();
        ids[0] = bad;
        assert_eq!(btf.permute(&ids).unwrap_err().to_string(), text);
    }
    let mut ids = good;
    ids[1] = ids[0];
    let e = btf.permute(&ids).unwrap_err().to_string();
    assert!(e.starts_with("type [2] PTR: cannot become type [21]"), "{e}");
    assert_eq!(BtfBuilder::new().build().unwrap().permute(&[]).unwrap().end_id(), TypeId(1));
}
