//! Makes other BTF, or C, of whatever was accepted, and checks that the result holds together. The fuzz targets
//! `btf_dedup`, `btf_rebase` and `btf_dump` run this.

use std::collections::HashSet;

use oxbpf_btf::{
    Btf, BtfBuilder, CDump, DedupOptions, DumpOptions, Endian, Error, Selection, TypeDecl, TypeId,
};

/// Two BTFs, the second on the first: a length of two bytes, a BTF of it, and another.
fn base_and_split(input: &[u8]) -> Option<(Btf, Btf)> {
    let (at, rest) = input.split_first_chunk::<2>()?;
    let (a, b) = rest.split_at_checked(usize::from(u16::from_le_bytes(*at)))?;
    let base = Btf::parse(a).ok()?;
    let split = Btf::parse_split(b, &base).ok()?;
    Some((base, split))
}

fn told<T>(result: Result<T, Error>) -> Option<T> {
    result.map_err(|e| assert!(!e.to_string().is_empty())).ok()
}

/// A BTF, or two of which the second continues the first, with each type once.
pub fn dedup(input: &[u8]) {
    if let Ok(btf) = Btf::parse(input) {
        dedup_one(&btf);
        // All of it twice.
        let mut twice = BtfBuilder::from(&btf);
        if told(twice.add_btf(&btf)).is_some()
            && let Ok(twice) = twice.build_as(btf.endian())
        {
            dedup_one(&twice);
        }
    }
    if let Some((_, split)) = base_and_split(input) {
        dedup_one(&split);
    }
}

fn dedup_one(btf: &Btf) {
    for base_typedefs in [false, true] {
        let options = DedupOptions { base_typedefs, ..DedupOptions::default() };
        let Some((small, done)) = told(btf.dedup(options)) else { continue };
        assert_eq!(small.check_all(), Ok(()));
        assert_eq!(small.first_id(), btf.first_id());
        assert!(small.types().len() <= btf.types().len());
        assert_eq!(done.ids.len(), btf.end_id().0 as usize);
        for ty in btf.types() {
            let new = small.get(done.ids[ty.id().0 as usize]).unwrap();
            assert_eq!(new.name_bytes(), ty.name_bytes());
        }
        // A type that stays has come from one.
        let kept: HashSet<TypeId> = done.ids.iter().copied().collect();
        assert!(small.types().all(|ty| kept.contains(&ty.id())));
        if let Some((again, _)) = told(small.dedup(DedupOptions::default())) {
            assert!(again.types().len() <= small.types().len());
        }
    }
}

/// Two BTFs of which the second continues the first, on other bases, in other orders, and in parts.
pub fn rebase(input: &[u8]) {
    if let Ok(btf) = Btf::parse(input) {
        reorder(&btf);
    }
    let Some((base, split)) = base_and_split(input) else { return };
    reorder(&split);
    // As it is: the base may look like a distilled one.
    relocated(&split, &base);
    let Some(distilled) = told(split.distill()) else { return };
    assert_eq!((distilled.base.check_all(), distilled.split.check_all()), (Ok(()), Ok(())));
    assert!(distilled.base.types().len() <= base.types().len());
    same_but_for_ids(&split, &distilled.split);
    // On where it came from, and on something else.
    let other = Btf::parse(BtfBuilder::new().to_vec(Endian::NATIVE).unwrap()).unwrap();
    for base in [&base, &other, &distilled.base, &split] {
        relocated(&distilled.split, base);
    }
}

fn relocated(split: &Btf, base: &Btf) {
    let Some(moved) = told(split.relocate(base)) else { return };
    assert_eq!(moved.check_all(), Ok(()));
    assert_eq!((moved.first_id(), moved.endian()), (base.end_id(), split.endian()));
    assert_eq!(moved.types().len(), split.types().len());
    same_but_for_ids(split, &moved);
}

/// The own types of `a` are the first of `b`.
fn same_but_for_ids(a: &Btf, b: &Btf) {
    assert!(a.types().len() <= b.types().len());
    for (a, b) in a.types().zip(b.types()) {
        assert_eq!(
            (a.kind(), a.name_bytes(), a.vlen(), a.size()),
            (b.kind(), b.name_bytes(), b.vlen(), b.size())
        );
    }
}

fn reorder(btf: &Btf) {
    let own = btf.types().len();
    let first = btf.first_id().0;
    let backwards: Vec<TypeId> = (0..own as u32).map(|i| TypeId(first + own as u32 - 1 - i)).collect();
    if let Some(turned) = told(btf.permute(&backwards)) {
        assert_eq!(turned.check_all(), Ok(()));
        let again = turned.permute(&backwards).unwrap();
        assert!(btf.types().zip(again.types()).all(|(a, b)| a.name_bytes() == b.name_bytes()));
    }
    if let Some((sorted, new_ids)) = told(btf.sorted()) {
        assert!(sorted.check_all().is_ok() && sorted.is_sorted());
        for (old, new) in btf.types().zip(&new_ids).take(200) {
            assert_eq!(
                sorted.get(*new).map(|ty| (ty.kind(), ty.name_bytes())),
                Ok((old.kind(), old.name_bytes()))
            );
            let Ok(name) = std::str::from_utf8(old.name_bytes()) else { continue };
            for btf in [btf, &sorted] {
                let mut same =
                    btf.types().filter(|t| t.kind() == old.kind() && t.name_bytes() == old.name_bytes());
                let first = same.next().map(|ty| ty.id()).filter(|_| !name.is_empty());
                assert_eq!(btf.find_own(name, old.kind()), first);
            }
        }
    }
    let mut selection = Selection::new();
    for ty in btf.types().step_by(2) {
        selection.add(ty.id());
        (0..ty.vlen()).step_by(3).for_each(|index| selection.add_member(ty.id(), index));
    }
    if let Some(subset) = told(btf.subset(&selection)) {
        assert_eq!(subset.check_all(), Ok(()));
        assert_eq!(subset.types().len(), selection.len());
    }
}

/// A BTF as C: as a whole, and a declaration of each of some types.
pub fn dump(input: &[u8]) {
    if let Ok(btf) = Btf::parse(input) {
        dump_one(&btf);
    }
    if let Some((_, split)) = base_and_split(input) {
        dump_one(&split);
    }
}

fn dump_one(btf: &Btf) {
    for options in [DumpOptions::default(), DumpOptions::vmlinux_h()] {
        if let Some(text) = told(btf.dump_c(&options)) {
            let mut pieces = String::new();
            btf.dump_c_to(&options, &mut pieces).unwrap();
            assert_eq!(pieces, text);
        }
    }
    // Who asks for each by number gets the same as who asks for all.
    let mut each = DumpOptions::default();
    each.types = Some((1..btf.end_id().0).map(TypeId).collect());
    if let Some((one_by_one, all)) = told(btf.dump_c(&each)).zip(told(btf.dump_c(&DumpOptions::default()))) {
        assert_eq!(one_by_one, all);
    }
    let mut dump = CDump::new(btf);
    let decl = TypeDecl { name: "value", strip_mods: true, ..TypeDecl::default() };
    for ty in btf.types().take(200) {
        let mut text = String::new();
        told(dump.type_decl(ty.id(), &decl, &mut text));
        told(dump.dump_type(ty.id(), &mut text));
    }
}
