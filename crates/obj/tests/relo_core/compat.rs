//! Which fields may stand for each other: the nature of a field counts, its size and sign do not.

use crate::run::{
    Got::{self, Value},
    K, NO_MATCH, relocate,
};

/// Whether a field `own` of the object is found in a target where it is `other`. What both need is `context`.
fn found(context: &str, own: &str, other: &str) -> Got {
    found_in(context, context, own, other)
}

fn found_in(here: &str, there: &str, own: &str, other: &str) -> Got {
    let object = format!("{here} struct s {{ f: {own} }}");
    let kernel = format!("{there} struct s {{ x: long, f: {other} }}");
    relocate(&object, &kernel, K::FieldExists, "struct s", "0:0", 1)
}

#[test]
fn compatible() {
    let context = "struct a { x: int } struct b { y: long } union u { z: int } enum e { A } enum64 w { B }
        typedef t = const int";
    for (own, other) in [
        ("int", "u64"),
        ("bool", "schar"),
        ("int", "t"),
        ("volatile t", "char"),
        ("*int", "*struct a"),
        ("*void", "*fn(int) -> int"),
        ("float", "double"),
        ("struct a", "struct b"),
        ("struct a", "union u"),
        ("union u", "struct { x: int }"),
        ("[int; 4]", "[u8; 9]"),
        ("[struct a; 4]", "[union u; 1]"),
        ("[[int; 2]; 2]", "[[long; 3]; 1]"),
        ("enum e", "enum e"),
        // One of them has no name.
        ("enum e", "enum { C }"),
        ("enum { C }", "enum w"),
        ("int : 3", "long"),
    ] {
        assert_eq!(found(context, own, other), Value(1), "{own} / {other}");
        assert_eq!(found(context, other, own), Value(1), "{other} / {own}");
    }
}

#[test]
fn incompatible() {
    let context = "struct a { x: int } enum e { A } enum f { B } typedef t = *int";
    for (own, other) in [
        ("int", "*int"),
        ("int", "enum e"),
        ("int", "float"),
        ("int", "struct a"),
        ("int", "[int; 1]"),
        ("t", "u64"),
        ("enum e", "enum f"),
        ("struct a", "*struct a"),
        ("[int; 4]", "[*int; 4]"),
        ("[int; 4]", "[[int; 2]; 2]"),
    ] {
        assert_eq!(found(context, own, other), Value(0), "{own} / {other}");
        assert_eq!(found(context, other, own), Value(0), "{other} / {own}");
    }
}

#[test]
fn enums_of_one_name_go_with_each_other() {
    assert_eq!(found_in("enum e { A }", "enum64 e { A }", "enum e", "enum e"), Value(1));
    assert_eq!(found_in("enum e___old { A }", "enum e { A }", "enum e___old", "enum e"), Value(1));
    assert_eq!(
        found_in("enum e___old { A }", "enum e___new { A }", "enum e___old", "enum e___new"),
        Value(1)
    );
    assert_eq!(found_in("enum e { A }", "enum ee { A }", "enum e", "enum ee"), Value(0));
}

#[test]
fn a_field_of_another_nature_hides_one_behind_it() {
    // The first of that name settles it.
    let kernel = "struct s { f: *int, _: struct { f: int } }";
    let got = relocate("struct s { f: int }", kernel, K::FieldByteOffset, "struct s", "0:0", 0);
    assert_eq!(got, NO_MATCH);
    // Inside an anonymous member it settles it for that member only.
    let kernel = "struct s { _: struct { f: *int }, f: int }";
    let got = relocate("struct s { f: int }", kernel, K::FieldByteOffset, "struct s", "0:0", 0);
    assert_eq!(got, Value(8));
}

#[test]
fn integers_that_begin_inside_a_byte_stand_for_nothing() {
    use crate::run::Object;
    use oxbpf_btf::{BtfBuilder, Field, IntEncoding};
    use oxbpf_obj::CoreTarget;

    let mut builder = BtfBuilder::new();
    let bits = builder.add_int_bits("int", 4, IntEncoding::SIGNED, 3, 5).unwrap();
    builder.add_struct("s", 4, [Field::new("f", bits, 0)]).unwrap();
    let kernel = builder.build().unwrap();
    let object = Object::new("struct s { f: int }").relo(K::FieldExists, "struct s", "0:0");
    let got = object.against(&[CoreTarget { name: "vmlinux", btf: &kernel }], &[1]);
    assert_eq!(got, [Value(0)]);
}
