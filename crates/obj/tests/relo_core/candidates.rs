//! Which types of the target are meant, and what happens when several are.

use oxbpf_btf::{Btf, BtfBuilder, Field, IntEncoding, Kind};
use oxbpf_obj::CoreTarget;
use oxbpf_obj::relo_core::{Applied, Problem, Relocator};

use crate::run::{
    Got::{Error, Value},
    K, NO_MATCH, NO_TYPE, Object, load, relocate, target,
};

#[test]
fn flavors_on_either_side() {
    for (own, other, found) in [
        ("s", "s___x", true),
        ("s___x", "s", true),
        ("s___x", "s___y", true),
        ("s___x___y", "s___x", false),
        ("s___x___y", "s___x___z", true),
        ("s___x___y", "s", false),
        ("s___", "s", false),
        ("s____x", "s", false),
        ("a", "a___1", true),
        ("a", "ab", false),
        ("a", "a_", false),
    ] {
        let object = format!("struct {own} {{ f: int }}");
        let kernel = format!("struct {other} {{ x: int, f: int }}");
        let got = relocate(&object, &kernel, K::FieldByteOffset, &format!("struct {own}"), "0:0", 0);
        assert_eq!(got, if found { Value(4) } else { NO_TYPE }, "{own} / {other}");
    }
}

#[test]
fn candidates_that_agree() {
    let kernel =
        "struct s { x: int, f: int } struct s___2 { y: char, f: short @ 32 } struct s___3 { z: int }";
    let got = relocate("struct s { f: int }", kernel, K::FieldByteOffset, "struct s", "0:0", 0);
    assert_eq!(got, Value(4));
}

#[test]
fn candidates_that_put_a_field_elsewhere() {
    let kernel = "struct s { x: int, f: int } struct s___2 { f: int }";
    let got = relocate("struct s { f: int }", kernel, K::FieldByteOffset, "struct s", "0:0", 0);
    let Error(Problem::AmbiguousOffset { first, first_bits, second, second_bits }) = got else {
        panic!("{got:?}")
    };
    assert_eq!((first.name.as_str(), first_bits), ("s", 32));
    assert_eq!((second.name.as_str(), second_bits), ("s___2", 0));
    assert_eq!(first.to_string(), format!("struct s {} of vmlinux", first.id));
}

#[test]
fn candidates_that_give_other_values() {
    let ambiguous = |kind, root: &str, object: &str, kernel: &str, access: &str, old: i64| {
        let got = relocate(object, kernel, kind, root, access, old);
        match got {
            Error(Problem::AmbiguousValue { first_value, second_value, .. }) => (first_value, second_value),
            other => panic!("{other:?}"),
        }
    };
    let kernel = "struct s { f: int } struct s___2 { f: long }";
    let object = "struct s { f: int }";
    assert_eq!(ambiguous(K::FieldByteSize, "struct s", object, kernel, "0:0", 4), (4, 8));
    assert_eq!(ambiguous(K::TypeSize, "struct s", object, kernel, "0", 4), (4, 8));
    let kernel = "enum e { A = 1 } enum e___2 { A = 2 }";
    assert_eq!(ambiguous(K::EnumvalValue, "enum e", "enum e { A }", kernel, "0", 0), (1, 2));
    // Two types of one name: which number?
    let kernel = "struct s { f: int } struct s___2 { f: int }";
    let (first, second) = ambiguous(K::TypeIdTarget, "struct s", object, kernel, "0", 0);
    assert_ne!(first, second);
}

#[test]
fn an_access_settles_which_candidates_are_meant() {
    let kernel = target("struct s { f: int, only: int } struct s___2 { x: long, f: int }");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = || Object::new("struct s { f: int, only: int }");
    // `f` alone is ambiguous; after `only` the first type is meant.
    let first = object().relo(K::FieldByteOffset, "struct s", "0:0");
    assert!(matches!(first.against(&targets, &[0])[0], Error(Problem::AmbiguousOffset { .. })));
    let settled =
        object().relo(K::FieldByteOffset, "struct s", "0:1").relo(K::FieldByteOffset, "struct s", "0:0");
    assert_eq!(settled.against(&targets, &[4, 0]), [Value(4), Value(0)]);
}

#[test]
fn an_access_that_none_has_settles_nothing() {
    let kernel = target("struct s { f: int } struct s___2 { f: int, g: int }");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = Object::new("struct s { f: int, g: int, none: int }")
        .relo(K::FieldExists, "struct s", "0:2")
        .relo(K::FieldByteOffset, "struct s", "0:2")
        .relo(K::FieldByteOffset, "struct s", "0:1")
        .relo(K::FieldByteOffset, "struct s", "0:0");
    assert_eq!(object.against(&targets, &[1, 8, 4, 0]), [Value(0), NO_MATCH, Value(4), Value(0)]);
}

#[test]
fn two_flavors_in_the_object_are_settled_apart() {
    let kernel = target("struct s { f: int, only: int } struct s___2 { x: long, f: int, last: int }");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = Object::new("struct s___a { f: int, only: int } struct s___b { f: int, last: int }")
        .relo(K::FieldByteOffset, "struct s___a", "0:1")
        .relo(K::FieldByteOffset, "struct s___b", "0:1")
        .relo(K::FieldByteOffset, "struct s___a", "0:0")
        .relo(K::FieldByteOffset, "struct s___b", "0:0");
    assert_eq!(object.against(&targets, &[4, 4, 0, 0]), [Value(4), Value(12), Value(0), Value(8)]);
}

fn module(base: &Btf, name: &str, offset: u32) -> Btf {
    let mut builder = BtfBuilder::split(base);
    let int = builder.add_int("mod_int", 4, IntEncoding::SIGNED).unwrap();
    builder.add_struct(name, offset / 8 + 4, [Field::new("f", int, offset)]).unwrap();
    builder.build().unwrap()
}

#[test]
fn modules_are_asked_for_what_vmlinux_lacks() {
    let vmlinux = target("struct s { f: int }");
    let (one, two) = (module(&vmlinux, "s", 64), module(&vmlinux, "m", 96));
    let targets = [
        CoreTarget { name: "vmlinux", btf: &vmlinux },
        CoreTarget { name: "one", btf: &one },
        CoreTarget { name: "two", btf: &two },
    ];
    let object = Object::new("struct s { f: int } struct m { f: int } struct n { f: int }")
        .relo(K::FieldByteOffset, "struct s", "0:0")
        .relo(K::FieldByteOffset, "struct m", "0:0")
        .relo(K::FieldExists, "struct n", "0:0")
        .relo(K::TypeIdTarget, "struct m", "0");
    let number = two.find("m", Kind::Struct).unwrap();
    assert!(number >= vmlinux.end_id());
    assert_eq!(
        object.against(&targets, &[0, 0, 1, 0]),
        [Value(0), Value(12), Value(0), Value(i64::from(number.0))]
    );
}

#[test]
fn modules_may_disagree() {
    let vmlinux = target("struct s { f: int }");
    let (one, two) = (module(&vmlinux, "m", 64), module(&vmlinux, "m", 96));
    let targets = [
        CoreTarget { name: "vmlinux", btf: &vmlinux },
        CoreTarget { name: "one", btf: &one },
        CoreTarget { name: "two", btf: &two },
    ];
    let object = Object::new("struct m { f: int }").relo(K::FieldByteOffset, "struct m", "0:0");
    match object.against(&targets, &[0]).remove(0) {
        Error(Problem::AmbiguousOffset { first, second, .. }) => {
            assert_eq!((first.target.as_str(), second.target.as_str()), ("one", "two"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn modules_can_be_brought_later() {
    let vmlinux = target("struct s { f: int }");
    let one = module(&vmlinux, "m", 64);
    let (main, modules) =
        ([CoreTarget { name: "vmlinux", btf: &vmlinux }], [CoreTarget { name: "one", btf: &one }]);
    let complete = Object::new("struct s { f: int }").relo(K::FieldByteOffset, "struct s", "0:0");
    let local = complete.btf();
    assert!(!Relocator::new(&local, complete.relos().iter().copied(), &main).lacks_types());

    let object = Object::new("struct m { f: int }").relo(K::FieldByteOffset, "struct m", "0:0");
    let local = object.btf();
    let mut relocator = Relocator::new(&local, object.relos().iter().copied(), &main);
    assert!(relocator.lacks_types());
    relocator.search_modules(&modules);
    assert!(!relocator.lacks_types());
    let mut insns = load(0);
    assert_eq!(relocator.apply(&mut insns, 0, &object.relos()[0]).unwrap(), Applied::Patched);
    assert_eq!(insns[0].imm, 8);
}

#[test]
fn a_relocation_that_was_not_announced_is_found_all_the_same() {
    let vmlinux = target("struct s { x: int, f: int }");
    let main = [CoreTarget { name: "vmlinux", btf: &vmlinux }];
    let object = Object::new("struct s { f: int }").relo(K::FieldByteOffset, "struct s", "0:0");
    let local = object.btf();
    let mut relocator = Relocator::new(&local, [], &main);
    let mut insns = load(0);
    assert_eq!(relocator.apply(&mut insns, 0, &object.relos()[0]).unwrap(), Applied::Patched);
    assert_eq!(insns[0].imm, 4);
}

#[test]
fn a_root_without_a_name_cannot_be_searched_for() {
    let mut object = Object::new("typedef t = *struct { x: int }");
    let anonymous = object.btf().types().find(|ty| ty.kind() == Kind::Struct).unwrap().id();
    object.push(K::FieldExists, anonymous, "0:0");
    let kernel = target("struct s { x: int }");
    let got = object.against(&[CoreTarget { name: "vmlinux", btf: &kernel }], &[1]);
    assert_eq!(got, [Error(Problem::Anonymous { ty: anonymous })]);
}

#[test]
fn many_roots_in_one_pass() {
    let names: Vec<String> = (0..500).map(|i| format!("r{i}_{}", i * 7919 % 101)).collect();
    let all = |pad: &str| -> String {
        names.iter().map(|name| format!("struct {name} {{ {pad} f: int }} ")).collect()
    };
    let kernel = target(&all("pad: long,"));
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let mut object = Object::new(&all(""));
    for name in &names {
        object = object.relo(K::FieldByteOffset, &format!("struct {name}"), "0:0");
    }
    assert_eq!(object.against(&targets, &[0; 500]), vec![Value(8); 500]);
}
