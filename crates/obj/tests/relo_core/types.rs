//! Relocations of whole types: their numbers, existence and size.

use oxbpf_btf::Kind;
use oxbpf_obj::CoreTarget;
use oxbpf_obj::relo_core::Problem;

use crate::decl::Decl;
use crate::run::{
    Got::{Error, Value},
    K, Object, Row, check, relocate, target,
};

#[test]
fn numbers() {
    let object = Decl::new("struct a { x: int } struct s { x: long }");
    let kernel_types = "struct z { y: char } struct y { y: short } struct s { x: long }";
    let kernel = target(kernel_types);
    let there = kernel.find("s", Kind::Struct).unwrap();
    let here = object.id("struct s");
    assert_ne!(here, there);
    let one = |kind, old| {
        relocate("struct a { x: int } struct s { x: long }", kernel_types, kind, "struct s", "0", old)
    };
    assert_eq!(one(K::TypeIdTarget, i64::from(here.0)), Value(i64::from(there.0)));
    assert_eq!(one(K::TypeIdLocal, i64::from(here.0)), Value(i64::from(here.0)));
    // Linkers renumber types, so what the instruction holds is not checked.
    assert_eq!(one(K::TypeIdTarget, 4711), Value(i64::from(there.0)));
    assert_eq!(one(K::TypeIdLocal, 4711), Value(i64::from(here.0)));
}

#[test]
fn a_type_that_is_missing_is_zero() {
    for (kind, old) in [(K::TypeIdTarget, 0), (K::TypeExists, 1), (K::TypeMatches, 1), (K::TypeSize, 4)] {
        let got = relocate("struct s { x: int }", "struct t { x: int }", kind, "struct s", "0", old);
        assert_eq!(got, Value(0), "{kind}");
    }
}

#[test]
fn the_objects_own_number_needs_no_target_and_no_name() {
    let mut object = Object::new("typedef t = *struct { x: int }");
    let anonymous = object.btf().types().find(|ty| ty.kind() == Kind::Struct).unwrap().id();
    object.push(K::TypeIdLocal, anonymous, "0");
    assert_eq!(object.against(&[], &[0]), [Value(i64::from(anonymous.0))]);
    let object = Object::new("struct s { x: int }").relo(K::TypeExists, "struct s", "0");
    assert_eq!(object.against(&[], &[1]), [Error(Problem::NoTarget)]);
}

#[test]
fn existence() {
    let context = "fwd struct fs enum e { A }";
    let exists = |own: &str, other: &str, expected| {
        let object = format!("{context} typedef t = {own}");
        let kernel = format!("{context} struct other {{ y: int }} typedef t = {other}");
        assert_eq!(
            relocate(&object, &kernel, K::TypeExists, "t", "0", 1),
            Value(expected),
            "{own} / {other}"
        );
    };
    for (own, other) in [
        ("int", "u64"),
        ("void", "const void"),
        ("struct { x: int }", "struct other"),
        ("*struct { x: int }", "*struct other"),
        ("*int", "*const char"),
        ("[int; 3]", "[char; 4]"),
        ("enum e", "enum64 { B }"),
        ("*fn(int, *char) -> void", "*fn(long, *const char)"),
        ("*fn() -> int", "*fn() -> char"),
        ("*fn(*fn(int)) -> int", "*fn(*fn(u8)) -> int"),
        ("union { x: int }", "union { y: long }"),
        ("*struct fs", "*struct fs"),
    ] {
        exists(own, other, 1);
    }
    for (own, other) in [
        ("int", "*int"),
        ("int", "enum e"),
        ("void", "int"),
        ("struct { x: int }", "union { x: int }"),
        ("*struct { x: int }", "*union { x: int }"),
        ("*struct fs", "*struct other"),
        ("*int", "*void"),
        ("*int", "**int"),
        ("[int; 3]", "[*int; 3]"),
        ("*fn(int)", "*fn(int, int)"),
        ("*fn(int)", "*fn(*int)"),
        ("*fn() -> int", "*fn() -> void"),
        ("*fn(*fn(int))", "*fn(*fn(*int))"),
        // Floats are no types that a program may ask for.
        ("float", "float"),
    ] {
        exists(own, other, 0);
    }
}

#[test]
fn existence_by_kind_and_name() {
    let rows: &[Row<'_>] = &[
        ("struct s { x: int }", "struct s { y: *void }", K::TypeExists, "struct s", "0", 1, Value(1)),
        ("struct s { x: int }", "union s { x: int }", K::TypeExists, "struct s", "0", 1, Value(0)),
        ("struct s { x: int }", "fwd struct s", K::TypeExists, "struct s", "0", 1, Value(0)),
        (
            "struct s { x: int }",
            "struct t { x: int } typedef s = struct t",
            K::TypeExists,
            "struct s",
            "0",
            1,
            Value(0),
        ),
        ("fwd struct s", "fwd union s", K::TypeExists, "struct s", "0", 1, Value(1)),
        ("enum e { A }", "enum64 e { B }", K::TypeExists, "enum e", "0", 1, Value(1)),
        (
            "struct s___mine { x: int }",
            "struct s { y: int }",
            K::TypeExists,
            "struct s___mine",
            "0",
            1,
            Value(1),
        ),
        ("typedef t = int", "typedef t = int", K::TypeExists, "int", "0", 1, Value(1)),
    ];
    check(rows);
}

#[test]
fn sizes() {
    let rows: &[Row<'_>] = &[
        ("struct s { x: int }", "struct s { y: [long; 9] }", K::TypeSize, "struct s", "0", 4, Value(72)),
        ("typedef t = int", "typedef u = u64 typedef t = const u", K::TypeSize, "t", "0", 4, Value(8)),
        ("typedef t = *int", "typedef t = *int", K::TypeSize, "t", "0", 8, Value(8)),
        ("enum e { A }", "enum64 e { A }", K::TypeSize, "enum e", "0", 4, Value(8)),
        ("typedef t = [[short; 2]; 3]", "typedef t = [[short; 5]; 7]", K::TypeSize, "t", "0", 12, Value(70)),
    ];
    check(rows);
}

#[test]
fn what_has_no_size() {
    for types in ["typedef t = void", "typedef t = fn(int)", "typedef t = [u64; 0xffffffff]"] {
        let got = relocate(types, types, K::TypeSize, "t", "0", 0);
        assert!(matches!(got, Error(Problem::NoSize { .. })), "{types}: {got:?}");
    }
    let got = relocate("typedef t = [u64; 2]", "typedef t = [u64; 0xffffffff]", K::TypeSize, "t", "0", 16);
    let Error(Problem::Candidate { problem, .. }) = got else { panic!("{got:?}") };
    assert!(matches!(*problem, Problem::NoSize { .. }));
}

#[test]
fn pointers_have_the_size_of_each_side() {
    use oxbpf_btf::{BtfBuilder, IntEncoding};
    // A kernel of 32 bits; the object's own `long` has no say.
    let mut builder = BtfBuilder::new();
    let long = builder.add_int("long int", 4, IntEncoding::SIGNED).unwrap();
    let pointer = builder.add_ptr(long).unwrap();
    builder.add_typedef("t", pointer).unwrap();
    let kernel = builder.build().unwrap();
    let object = Object::new("typedef t = *int").relo(K::TypeSize, "t", "0");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    assert_eq!(object.against(&targets, &[8]), [Value(4)]);
}

#[test]
fn an_access_into_a_type_makes_no_sense() {
    let types = "struct s { x: int }";
    let got = relocate(types, types, K::TypeExists, "struct s", "0:0", 1);
    assert_eq!(got, Error(Problem::TypeAccessString { text: "0:0".to_owned() }));
}
