//! Array elements, the root as an array, flexible arrays.

use oxbpf_btf::TypeId;
use oxbpf_obj::relo_core::Problem;

use crate::run::{
    Got::{Error, Value},
    K, NO_MATCH, Row, check, relocate,
};

#[test]
fn elements() {
    let rows: &[Row<'_>] = &[
        (
            "struct s { a: [int; 4] }",
            "struct s { x: long, a: [int; 4] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:2",
            8,
            Value(16),
        ),
        // Elements of another size.
        (
            "struct s { a: [int; 4] }",
            "struct s { a: [u64; 4] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:2",
            8,
            Value(16),
        ),
        // Fewer, and none.
        (
            "struct s { a: [int; 4] }",
            "struct s { a: [int; 3] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:2",
            8,
            Value(8),
        ),
        (
            "struct s { a: [int; 4] }",
            "struct s { a: [int; 2] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:2",
            8,
            NO_MATCH,
        ),
        (
            "struct s { a: [int; 4] }",
            "struct s { a: int }",
            K::FieldByteOffset,
            "struct s",
            "0:0:2",
            8,
            NO_MATCH,
        ),
        // Structs as elements, and a field of one.
        (
            "struct i { x: int, y: int } struct s { a: [struct i; 4] }",
            "struct i { y: int, x: [char; 8] } struct s { p: int, a: [struct i; 4] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:3:1",
            28,
            Value(40),
        ),
        // Several dimensions.
        (
            "struct s { a: [[int; 3]; 2] }",
            "struct s { a: [[int; 5]; 2] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:1:2",
            20,
            Value(28),
        ),
        (
            "struct s { a: [[int; 3]; 2] }",
            "struct s { a: [[int; 5]; 2] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:1",
            12,
            Value(20),
        ),
        (
            "struct s { a: [int; 4] }",
            "struct s { a: [u16; 4] }",
            K::FieldByteSize,
            "struct s",
            "0:0:1",
            4,
            Value(2),
        ),
        // Typedefs of arrays and of elements.
        (
            "struct s { a: [int; 4] }",
            "typedef t = long typedef a = [const t; 4] struct s { a: const a }",
            K::FieldByteOffset,
            "struct s",
            "0:0:3",
            12,
            Value(24),
        ),
    ];
    check(rows);
}

#[test]
fn the_root_may_be_indexed() {
    let (object, kernel) = ("struct s { a: int, b: int }", "struct s { x: long, b: int }");
    let rows: &[Row<'_>] = &[
        (object, kernel, K::FieldByteOffset, "struct s", "3:1", 28, Value(56)),
        (object, kernel, K::FieldByteOffset, "struct s", "2", 16, Value(32)),
        // p[-1] and p[-2].
        (object, kernel, K::FieldByteOffset, "struct s", "4294967295:1", -4, Value(-8)),
        (object, kernel, K::FieldByteOffset, "struct s", "4294967294", -16, Value(-32)),
        (object, kernel, K::FieldExists, "struct s", "4294967295:1", 1, Value(1)),
    ];
    check(rows);
}

#[test]
fn flexible_arrays() {
    let flexible = "struct s { n: int, a: [int; 0] }";
    let rows: &[Row<'_>] = &[
        (
            flexible,
            "struct s { n: long, a: [int; 0] }",
            K::FieldByteOffset,
            "struct s",
            "0:1:5",
            24,
            Value(28),
        ),
        // Fixed here and flexible there, and the other way round.
        (
            "struct s { n: int, a: [int; 8] }",
            "struct s { n: long, a: [int; 0] }",
            K::FieldByteOffset,
            "struct s",
            "0:1:5",
            24,
            Value(28),
        ),
        (
            flexible,
            "struct s { n: long, a: [int; 8] }",
            K::FieldByteOffset,
            "struct s",
            "0:1:5",
            24,
            Value(28),
        ),
        (
            flexible,
            "struct s { n: long, a: [int; 4] }",
            K::FieldByteOffset,
            "struct s",
            "0:1:5",
            24,
            NO_MATCH,
        ),
        // No longer the last member there: an array of nothing.
        (
            flexible,
            "struct s { n: long, a: [int; 0], x: int }",
            K::FieldByteOffset,
            "struct s",
            "0:1:5",
            24,
            NO_MATCH,
        ),
        (
            flexible,
            "struct s { n: long, a: [int; 0], x: int }",
            K::FieldByteOffset,
            "struct s",
            "0:1",
            4,
            Value(8),
        ),
        // The last member of an anonymous struct will do.
        (
            flexible,
            "struct s { n: long, _: struct { k: int, a: [int; 0] } }",
            K::FieldByteOffset,
            "struct s",
            "0:1:5",
            24,
            Value(32),
        ),
        (
            "struct i { x: int, y: int } struct s { a: [struct i; 0] }",
            "struct i { z: int, x: int, y: int } struct s { a: [struct i; 0] }",
            K::FieldByteOffset,
            "struct s",
            "0:0:2:1",
            20,
            Value(32),
        ),
    ];
    check(rows);
}

#[test]
fn an_index_beyond_the_objects_own_array_is_an_error() {
    let error = |types: &str, access: &str| relocate(types, types, K::FieldByteOffset, "struct s", access, 0);
    let no_element = |index, len| {
        move |got| match got {
            Error(Problem::NoSuchEntry { what: "element", index: i, len: l, ty: TypeId(_) }) => {
                (i, l) == (index, len)
            }
            _ => false,
        }
    };
    assert!(no_element(4, 4)(error("struct s { a: [int; 4] }", "0:0:4")));
    assert!(no_element(0, 0)(error("struct s { a: [int; 0], b: int }", "0:0:0")));
    // A dimension inside another is not flexible.
    assert!(no_element(0, 0)(error("struct s { a: [[int; 0]; 2] }", "0:0:1:0")));
    // Clang writes a[-1] so.
    assert!(no_element(u32::MAX, 4)(error("struct s { a: [int; 4] }", "0:0:4294967295")));
}

#[test]
fn elements_have_no_sign_and_no_shifts() {
    for kind in [K::FieldSigned, K::FieldLshiftU64, K::FieldRshiftU64] {
        let types = "struct s { a: [int; 4] }";
        assert_eq!(
            relocate(types, types, kind, "struct s", "0:0:1", 0),
            Error(Problem::ArrayElement),
            "{kind}"
        );
        assert_eq!(relocate(types, types, kind, "struct s", "0", 0), Error(Problem::ArrayElement), "{kind}");
    }
}
