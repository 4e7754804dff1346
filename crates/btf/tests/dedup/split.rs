//! A split BTF on its base.

use oxbpf_btf::{Btf, BtfBuilder, DedupOptions, Error, Field, IntEncoding, Kind, TypeId};

use crate::{dedup, texts};

fn base() -> Btf {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    b.add_struct("s", 4, [Field::new("a", int, 0)]).unwrap();
    b.add_typedef("t", int).unwrap();
    b.build().unwrap()
}

#[test]
fn what_the_base_has_goes() {
    let base = base();
    let mut b = BtfBuilder::split(&base);
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let s = b.add_struct("s", 4, [Field::new("a", int, 0)]).unwrap();
    b.add_struct("own", 8, [Field::new("a", s, 0), Field::new("b", int, 32)]).unwrap();
    let (btf, done) = dedup(&mut b);
    assert_eq!(texts(&btf), ["[4] STRUCT 'own' size=8 vlen=2"]);
    let members: Vec<u32> = btf.get(TypeId(4)).unwrap().members().map(|m| m.ty.0).collect();
    assert_eq!(members, [2, 1]);
    assert_eq!(done.ids, [0, 1, 2, 3, 1, 2, 4].map(TypeId));
}

#[test]
fn typedefs_of_the_base_are_found_only_if_asked_for() {
    let base = base();
    let mut b = BtfBuilder::split(&base);
    let t = b.add_typedef("t", TypeId(1)).unwrap();
    b.add_ptr(t).unwrap();
    let (as_libbpf, _) = dedup(&mut b.clone());
    assert_eq!(texts(&as_libbpf), ["[4] TYPEDEF 't' -> [1]", "[5] PTR -> [4]"]);
    let found = DedupOptions { base_typedefs: true, ..DedupOptions::default() };
    b.dedup(found).unwrap();
    assert_eq!(texts(&b.build().unwrap()), ["[4] PTR -> [3]"]);
}

#[test]
fn a_declaration_in_the_base_stays_there() {
    let mut b = BtfBuilder::new();
    let fwd = b.add_fwd("s", false).unwrap();
    let ptr = b.add_ptr(fwd).unwrap();
    b.add_struct("holder", 8, [Field::new("p", ptr, 0)]).unwrap();
    let base = b.build().unwrap();
    let mut b = BtfBuilder::split(&base);
    let s = b.add_struct("s", 0, []).unwrap();
    let ptr = b.add_ptr(s).unwrap();
    b.add_struct("holder", 8, [Field::new("p", ptr, 0)]).unwrap();
    let other = b.add_fwd("s", false).unwrap();
    let (btf, done) = dedup(&mut b);
    // The base cannot be changed, so its holder is another; but whoever means `s` gets the struct.
    assert_eq!(
        texts(&btf),
        ["[4] STRUCT 's'  size=0", "[5] PTR -> [4]", "[6] STRUCT 'holder' size=8 vlen=1"]
            .map(|t| t.replace("  ", " "))
    );
    assert_eq!(done.ids[other.0 as usize], TypeId(4));
    assert_eq!(done.ids[fwd.0 as usize], TypeId(4));
}

#[test]
fn strings_of_the_base_are_used() {
    let base = base();
    let mut b = BtfBuilder::split(&base);
    b.add_int("s", 4, IntEncoding::SIGNED).unwrap();
    b.add_int("new", 4, IntEncoding::SIGNED).unwrap();
    let btf = b.build().unwrap();
    assert_eq!(btf.find_str("s"), base.find_str("s"));
    assert_eq!(btf.find_str("new"), Some(base.find_str("t").unwrap() + 2));
    assert_eq!((base.find_str("new"), base.find_str("nt"), base.find_str("")), (None, None, Some(0)));
}

#[test]
fn only_what_is_split_from_the_same_base_is_added() {
    let (base, other) = (base(), base());
    let mut own = BtfBuilder::split(&base);
    own.add_ptr(TypeId(2)).unwrap();
    let own = own.build().unwrap();
    let mut b = BtfBuilder::split(&base);
    b.add_ptr(TypeId(1)).unwrap();
    assert_eq!(b.add_btf(&own), Ok(TypeId(5)));
    assert_eq!(texts(&b.build().unwrap()), ["[4] PTR -> [1]", "[5] PTR -> [2]"]);
    assert_eq!(BtfBuilder::split(&other).add_btf(&own), Err(Error::OtherBase));
    assert_eq!(BtfBuilder::new().add_btf(&own), Err(Error::OtherBase));
    // One that stands on nothing can be added anywhere.
    assert_eq!(b.add_btf(&other), Ok(TypeId(6)));
    assert_eq!(b.build().unwrap().get(TypeId(7)).unwrap().kind(), Kind::Struct);
}
