use oxbpf_btf::{Btf, BtfBuilder, Error, Field, IntEncoding, Kind, TypeId};

use super::distill::base_and_split;

/// A distilled base and a split BTF with a pointer to each of its types.
fn pointers<R>(add: impl FnOnce(&mut BtfBuilder) -> R) -> Btf {
    let mut b = BtfBuilder::new();
    add(&mut b);
    let base = b.build().unwrap();
    let mut s = BtfBuilder::split(&base);
    for ty in base.types() {
        s.add_ptr(ty.id()).unwrap();
    }
    s.build().unwrap()
}

fn base<R>(add: impl FnOnce(&mut BtfBuilder) -> R) -> Btf {
    let mut b = BtfBuilder::new();
    b.add_int("something before", 4, IntEncoding::UNSIGNED).unwrap();
    add(&mut b);
    b.build().unwrap()
}

/// What the pointers of `split` lead to on `base`.
fn leads_to(split: &Btf, base: &Btf) -> Result<Vec<(Kind, u32)>, Error> {
    let moved = split.relocate(base)?;
    assert_eq!(moved.first_id(), base.end_id());
    assert_eq!(moved.endian(), split.endian());
    let targets = moved.types().map(|p| moved.get(p.target().unwrap()).unwrap());
    Ok(targets.map(|t| (t.kind(), t.size().unwrap_or(0))).collect())
}

#[test]
fn integers_by_size_and_encoding() {
    let split = pointers(|b| b.add_int("int", 4, IntEncoding::SIGNED));
    let both = base(|b| {
        b.add_int("int", 4, IntEncoding::UNSIGNED).unwrap();
        b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    });
    assert_eq!(leads_to(&split, &both).unwrap(), [(Kind::Int, 4)]);
    assert_eq!(split.relocate(&both).unwrap().get(TypeId(4)).unwrap().target(), Some(TypeId(3)));
    let larger = base(|b| b.add_int("int", 8, IntEncoding::SIGNED));
    let e = leads_to(&split, &larger).unwrap_err().to_string();
    assert_eq!(
        e,
        "type [1] INT 'int': the new base has no type of that name that could stand for it (size 4 in the distilled base)"
    );
    let twice = base(|b| {
        b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
        b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    });
    let e = leads_to(&split, &twice).unwrap_err().to_string();
    assert_eq!(e, "type [1] INT 'int': types [2] and [3] of the new base could both stand for it");
}

#[test]
fn enums_of_either_width() {
    let split = pointers(|b| b.add_enum("e", 8, false, []));
    let wide = base(|b| b.add_enum64("e", 8, false, [("A", 1 << 40)]));
    assert_eq!(leads_to(&split, &wide).unwrap(), [(Kind::Enum64, 8)]);
    let small = base(|b| b.add_enum("e", 4, false, [("A", 1)]));
    assert!(leads_to(&split, &small).is_err());
}

#[test]
fn structs_by_size_only_where_names_do_not_do() {
    let split = pointers(|b| b.add_struct("s", 8, []));
    let grown = base(|b| b.add_struct("s", 16, []));
    assert_eq!(leads_to(&split, &grown).unwrap(), [(Kind::Struct, 16)]);
    let two = base(|b| {
        b.add_struct("s", 16, []).unwrap();
        b.add_struct("s", 8, []).unwrap();
    });
    assert_eq!(leads_to(&split, &two).unwrap(), [(Kind::Struct, 8)]);
    let neither = base(|b| {
        b.add_struct("s", 16, []).unwrap();
        b.add_struct("s", 32, []).unwrap();
    });
    assert!(leads_to(&split, &neither).is_err());
}

#[test]
fn embedded_structs_keep_their_size() {
    let of_size = |size| base(|b| b.add_struct("s", size, []));
    let mut old = BtfBuilder::new();
    let s = old.add_struct("s", 8, []).unwrap();
    let old = old.build().unwrap();
    let mut split = BtfBuilder::split(&old);
    let typedef = split.add_typedef("s_t", s).unwrap();
    let array = split.add_array(typedef, typedef, 2).unwrap();
    split.add_struct("own", 16, [Field::new("m", array, 0)]).unwrap();
    let split = split.build().unwrap();
    assert!(split.relocate(&of_size(8)).is_ok());
    assert!(split.relocate(&of_size(16)).is_err());
}

#[test]
fn declarations_find_declarations_and_types() {
    let split = pointers(|b| b.add_fwd("s", false));
    let fwd = |union| base(|b| b.add_fwd("s", union));
    assert_eq!(leads_to(&split, &fwd(false)).unwrap(), [(Kind::Fwd, 0)]);
    assert!(leads_to(&split, &fwd(true)).is_err());
    let whole = base(|b| b.add_struct("s", 8, []));
    assert_eq!(leads_to(&split, &whole).unwrap(), [(Kind::Struct, 8)]);
}

#[test]
fn only_a_distilled_base_will_do() {
    let (whole, split) = base_and_split();
    assert_eq!(whole.relocate(&whole).unwrap_err(), Error::NotSplit);
    let e = split.relocate(&whole).unwrap_err().to_string();
    assert!(e.starts_with("type [6] UNION: does not belong in a distilled base"), "{e}");
    let top = BtfBuilder::split(&split).build().unwrap();
    assert_eq!(top.relocate(&whole).unwrap_err(), Error::SplitBase);
}

#[test]
fn names_that_name_no_type_of_the_base_are_refused() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let field = b.add_str("field").unwrap();
    let old = b.build().unwrap();
    let words = [field, 4 << 24 | 1, 4, field, int.0, 0];
    let split = Btf::parse_split(super::common::raw(oxbpf_btf::Endian::NATIVE, &words, &[]), &old).unwrap();
    let e = split.relocate(&old).unwrap_err().to_string();
    assert_eq!(
        e,
        "type [2] STRUCT 'field': the string at offset 0x5 is in the distilled base, but names no type there"
    );
}

/// Types that contain each other, and thousands of one name.
#[test]
fn hostile_types_take_no_time() {
    let split = pointers(|b| {
        for n in 0..20_000 {
            b.add_struct("s", n, []).unwrap();
        }
    });
    let base = base(|b| {
        for _ in 0..20_000 {
            b.add_int("s", 4, IntEncoding::SIGNED).unwrap();
        }
    });
    assert!(leads_to(&split, &base).is_err());
    let mut b = BtfBuilder::new();
    b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let old = b.build().unwrap();
    let mut s = BtfBuilder::split(&old);
    let (one, two) = (old.end_id(), TypeId(old.end_id().0 + 1));
    s.add_const(two).unwrap();
    s.add_volatile(one).unwrap();
    s.add_struct("s", 4, [Field::new("m", one, 0)]).unwrap();
    s.build().unwrap().relocate(&old).unwrap();
}
