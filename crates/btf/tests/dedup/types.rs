//! Which types go, and what the others refer to then.

use oxbpf_btf::{BtfBuilder, Error, Field, IntEncoding, Kind, TypeId};

use crate::{dedup, texts};

/// `struct NAME { int n; struct NAME *next; }` as a unit describes it, and a pointer to it.
fn list(b: &mut BtfBuilder, name: &str) -> Result<[TypeId; 3], Error> {
    let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    let ptr = TypeId(int.0 + 2);
    let fields = [Field::new("n", int, 0), Field::new("next", ptr, 64)];
    let list = b.add_struct(name, 16, fields)?;
    b.add_ptr(list)?;
    Ok([int, list, ptr])
}

#[test]
fn a_struct_that_refers_to_itself() {
    let mut b = BtfBuilder::new();
    list(&mut b, "list").unwrap();
    let [int, second, ptr] = list(&mut b, "list").unwrap();
    let (btf, done) = dedup(&mut b);
    assert_eq!(texts(&btf), ["[1] INT 'int' size=4", "[2] STRUCT 'list' size=16 vlen=2", "[3] PTR -> [2]"]);
    let new = |old: TypeId| done.ids[old.0 as usize];
    assert_eq!([new(int), new(second), new(ptr)], [1, 2, 3].map(TypeId));
    assert_eq!(btf.get(TypeId(2)).unwrap().members().map(|m| m.ty.0).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn structs_of_one_name_and_different_members_stay() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let uint = b.add_int("unsigned int", 4, IntEncoding::UNSIGNED).unwrap();
    for ty in [int, uint, int] {
        b.add_struct("s", 4, [Field::new("a", ty, 0)]).unwrap();
    }
    let (btf, done) = dedup(&mut b);
    assert_eq!(btf.find_all("s").collect::<Vec<_>>(), [3, 4].map(TypeId));
    assert_eq!(done.ids[5], TypeId(3));
}

#[test]
fn a_declaration_becomes_the_struct_of_another_unit() {
    let mut b = BtfBuilder::new();
    // One unit knows `inner`, the other only that there is one.
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let inner = b.add_struct("inner", 4, [Field::new("i", int, 0)]).unwrap();
    let ptr = b.add_ptr(inner).unwrap();
    b.add_struct("outer", 8, [Field::new("p", ptr, 0)]).unwrap();
    let fwd = b.add_fwd("inner", false).unwrap();
    let ptr = b.add_ptr(fwd).unwrap();
    let outer = b.add_struct("outer", 8, [Field::new("p", ptr, 0)]).unwrap();
    let (btf, done) = dedup(&mut b);
    assert_eq!(btf.types().count(), 4, "{:?}", texts(&btf));
    assert_eq!(done.ids[fwd.0 as usize], inner);
    assert_eq!(done.ids[outer.0 as usize], TypeId(4));
}

#[test]
fn a_declaration_becomes_the_only_struct_of_its_name() {
    let of = |definitions: &[bool]| {
        let mut b = BtfBuilder::new();
        let fwd = b.add_fwd("s", false).unwrap();
        b.add_ptr(fwd).unwrap();
        for (n, &union) in (0u32..).zip(definitions) {
            let size = 4 + n;
            if union { b.add_union("s", size, []) } else { b.add_struct("s", size, []) }.unwrap();
        }
        let (btf, _) = dedup(&mut b);
        let ptr = btf.types().find(|t| t.kind() == Kind::Ptr).unwrap();
        btf.get(ptr.target().unwrap()).unwrap().kind()
    };
    assert_eq!(of(&[false]), Kind::Struct);
    assert_eq!(of(&[]), Kind::Fwd);
    assert_eq!(of(&[false, false]), Kind::Fwd, "two could be meant");
    assert_eq!(of(&[true]), Kind::Fwd, "a union is no struct");
}

#[test]
fn an_enum_without_values_becomes_the_one_with() {
    for wide_last in [false, true] {
        let mut b = BtfBuilder::new();
        let add = |b: &mut BtfBuilder, wide: bool| {
            if wide {
                b.add_enum64("e", 8, false, [("A", 1)]).unwrap();
            } else {
                b.add_enum("e", 4, false, []).unwrap();
            }
        };
        add(&mut b, !wide_last);
        add(&mut b, wide_last);
        let (btf, done) = dedup(&mut b);
        assert_eq!(texts(&btf), ["[1] ENUM64 'e' size=8 vlen=1"]);
        assert_eq!(done.ids[1..], [TypeId(1); 2]);
    }
}

#[test]
fn every_kind_goes_but_variables_and_sections() {
    let every = crate::common::EveryKind::new();
    let once = every.builder.build().unwrap();
    let mut b = every.builder.clone();
    b.add_btf(&once).unwrap();
    let (btf, done) = dedup(&mut b);
    let added: Vec<Kind> = btf.types().skip(once.types().count()).map(|t| t.kind()).collect();
    assert_eq!(added, [Kind::Var, Kind::Datasec]);
    for t in once.types().filter(|t| !matches!(t.kind(), Kind::Var | Kind::Datasec)) {
        let copy = t.id().0 as usize + once.types().count();
        assert_eq!(done.ids[copy], t.id(), "{t:?}");
    }
}

#[test]
fn arrays_and_prototypes_by_what_they_consist_of() {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    for len in [3, 3, 4] {
        b.add_array(int, int, len).unwrap();
    }
    for name in ["a", "a", "b"] {
        b.add_func_proto(int, [(name, int)]).unwrap();
    }
    let (btf, _) = dedup(&mut b);
    let kinds: Vec<Kind> = btf.types().map(|t| t.kind()).collect();
    assert_eq!(kinds, [Kind::Int, Kind::Array, Kind::Array, Kind::FuncProto, Kind::FuncProto]);
}
