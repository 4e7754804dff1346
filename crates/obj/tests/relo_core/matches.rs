//! Does a type of the target have all that the object declares of it?

use crate::run::{Got::Value, K, relocate};

#[track_caller]
fn matches(object: &str, kernel: &str, root: &str, expected: i64) {
    let got = relocate(object, kernel, K::TypeMatches, root, "0", 1);
    assert_eq!(got, Value(expected), "{object} / {kernel}");
}

/// A member of this type here, and of that type there.
#[track_caller]
fn members(context: &str, own: &str, other: &str, expected: i64) {
    let side = |ty: &str| format!("{context} struct s {{ m: {ty} }}");
    matches(&side(own), &side(other), "struct s", expected);
}

#[test]
fn every_member_of_the_object_is_there() {
    let object = "struct s { a: int, b: long }";
    matches(object, "struct s { x: char, b: long, y: char, a: int }", "struct s", 1);
    matches(object, "struct s { b: long, a: int }", "struct s", 1);
    matches(object, "struct s { a: int, c: long }", "struct s", 0);
    matches(object, "struct s { a: int, b: int }", "struct s", 0);
    matches(object, "struct s { a: int }", "struct s", 0);
    matches(object, "union s { a: int, b: long }", "struct s", 0);
    matches("struct s___mine { a: int }", "struct s { a: int, b: int }", "struct s___mine", 1);
    matches("struct s { }", "struct s { a: int }", "struct s", 1);
    matches("union u { a: int }", "union u { b: long, a: int }", "union u", 1);
    // Flavors of members are none either.
    matches("struct s { a___x: int }", "struct s { a: int }", "struct s", 1);
}

#[test]
fn integers_by_name_size_and_sign() {
    members("", "int", "const int", 1);
    members("typedef t = int", "int", "t", 1);
    members("", "int", "s32", 0);
    members("", "int", "u32", 0);
    matches("typedef t = int", "typedef t = int", "t", 1);
    matches("typedef t = int", "typedef t = long", "t", 0);
}

#[test]
fn arrays_by_length_and_element() {
    members("", "[int; 3]", "[int; 3]", 1);
    members("", "[int; 3]", "[int; 4]", 0);
    members("", "[int; 3]", "[long; 3]", 0);
    members("", "[[int; 3]; 2]", "[[int; 3]; 2]", 1);
    members("", "[int; 3]", "*int", 0);
}

#[test]
fn structs_behind_a_pointer_by_name_and_kind() {
    let object = "struct t { x: int } struct s { p: *struct t }";
    matches(object, "struct t { other: char } struct s { p: *struct t }", "struct s", 1);
    matches(object, "fwd struct t struct s { p: *struct t }", "struct s", 1);
    matches(object, "fwd union t struct s { p: *union t }", "struct s", 0);
    matches(object, "union t { x: int } struct s { p: *union t }", "struct s", 0);
    matches(object, "struct v { x: int } struct s { p: *struct v }", "struct s", 0);
    matches(
        "union t { x: int } struct s { p: *union t }",
        "fwd union t struct s { p: *union t }",
        "struct s",
        1,
    );
    // Embedded ones by what is in them.
    let object = "struct t { x: int } struct s { p: struct t }";
    matches(object, "struct t { other: char } struct s { p: struct t }", "struct s", 0);
    matches(object, "struct t { y: int, x: int } struct s { p: struct t }", "struct s", 1);
}

#[test]
fn forward_declarations() {
    let object = "fwd struct t struct s { p: *struct t }";
    matches(object, "fwd struct t struct s { p: *struct t }", "struct s", 1);
    matches(object, "struct t { x: int } struct s { p: *struct t }", "struct s", 1);
    matches(object, "union t { x: int } struct s { p: *union t }", "struct s", 0);
    matches(object, "fwd union t struct s { p: *union t }", "struct s", 0);
    matches(
        "fwd union t struct s { p: *union t }",
        "union t { x: int } struct s { p: *union t }",
        "struct s",
        1,
    );
    matches("fwd struct s", "fwd struct s", "struct s", 1);
    matches("fwd struct s", "fwd union s", "struct s", 0);
}

#[test]
fn enums_by_size_and_names() {
    matches("enum e { A, B }", "enum e { B, C, A = 7 }", "enum e", 1);
    matches("enum e { A, B }", "enum e { A, C }", "enum e", 0);
    matches("enum e { A, B }", "enum e { A }", "enum e", 0);
    matches("enum e { A___x }", "enum e { A___y }", "enum e", 1);
    matches("enum e { A }", "enum64 e { A }", "enum e", 0);
    matches("enum64 e { A }", "enum64 e { B, A }", "enum e", 1);
    members("enum e { A }", "enum e", "int", 0);
}

#[test]
fn functions_by_parameters_and_result() {
    members("", "*fn(int, *char) -> int", "*fn(int, *char) -> int", 1);
    members("", "*fn(int)", "*fn(int, int)", 0);
    members("", "*fn(int)", "*fn(long)", 0);
    members("", "*fn() -> int", "*fn() -> long", 0);
    members("", "*fn() -> int", "*fn()", 0);
    members("", "*fn(*fn(int)) -> int", "*fn(*fn(long)) -> int", 0);
}

#[test]
fn anonymous_members_are_tried_in_turn() {
    let object = "struct s { _: struct { b: int } }";
    matches(object, "struct s { _: struct { a: int }, _: struct { b: int } }", "struct s", 1);
    matches(object, "struct s { _: struct { a: int }, _: union { b: int } }", "struct s", 0);
    // A member that is anonymous on one side only is another member.
    matches(object, "struct s { b: int }", "struct s", 0);
}

#[test]
fn void_and_floats() {
    members("", "*void", "*const void", 1);
    members("", "*void", "*char", 0);
    members("", "*char", "*void", 0);
    members("", "float", "float", 0);
}
