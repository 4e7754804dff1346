//! Fields found by name: offset, size, existence, sign, shifts.

use crate::run::{Got::Value, K, NO_MATCH, NO_TYPE, Row, check};

#[test]
fn a_field_is_found_where_it_is() {
    let rows: &[Row<'_>] = &[
        (
            "struct s { a: int, b: int }",
            "struct s { b: int, x: long, a: int }",
            K::FieldByteOffset,
            "struct s",
            "0:0",
            0,
            Value(16),
        ),
        (
            "struct s { a: int, b: int }",
            "struct s { b: int, x: long, a: int }",
            K::FieldByteOffset,
            "struct s",
            "0:1",
            4,
            Value(0),
        ),
        ("struct s { a: int }", "struct s { b: int }", K::FieldByteOffset, "struct s", "0:0", 0, NO_MATCH),
        ("struct s { a: int }", "struct t { a: int }", K::FieldByteOffset, "struct s", "0:0", 0, NO_TYPE),
        ("struct s { a: int }", "union s { a: int }", K::FieldByteOffset, "struct s", "0:0", 0, NO_TYPE),
        (
            "struct s { a: int }",
            "struct sa { a: int } struct S { a: int }",
            K::FieldByteOffset,
            "struct s",
            "0:0",
            0,
            NO_TYPE,
        ),
    ];
    check(rows);
}

#[test]
fn the_way_leads_through_members() {
    let object = "struct in { z: char, y: int } struct s { a: int, i: struct in }";
    let rows: &[Row<'_>] = &[
        (
            object,
            "struct in { y: int } struct s { a: long, i: struct in }",
            K::FieldByteOffset,
            "struct s",
            "0:1:1",
            8,
            Value(8),
        ),
        // The member's type may have another name and be a union.
        (
            object,
            "union other { y: int } struct s { a: long, i: union other }",
            K::FieldByteOffset,
            "struct s",
            "0:1:1",
            8,
            Value(8),
        ),
        (
            object,
            "struct in { x: int } struct s { a: long, i: struct in }",
            K::FieldByteOffset,
            "struct s",
            "0:1:1",
            8,
            NO_MATCH,
        ),
        (object, "struct s { a: long, i: int }", K::FieldByteOffset, "struct s", "0:1:1", 8, NO_MATCH),
        (object, "struct s { a: long, i: *struct in }", K::FieldByteOffset, "struct s", "0:1:1", 8, NO_MATCH),
        // A member that is anonymous here and has a name there is another path.
        (
            "struct s { _: struct { y: int } }",
            "struct s { n: struct { y: int } }",
            K::FieldByteOffset,
            "struct s",
            "0:0:0",
            0,
            NO_MATCH,
        ),
    ];
    check(rows);
}

#[test]
fn anonymous_members_come_and_go() {
    let plain = "struct s { pad: int, y: int }";
    let nested = "struct s { pad: long, _: union { x: int, _: struct { w: int, y: int } } }";
    let rows: &[Row<'_>] = &[
        (plain, nested, K::FieldByteOffset, "struct s", "0:1", 4, Value(12)),
        (nested, plain, K::FieldByteOffset, "struct s", "0:1:1:1", 12, Value(4)),
        (nested, nested, K::FieldByteOffset, "struct s", "0:1:0", 8, Value(8)),
        // One without the name does not stop the search.
        (
            plain,
            "struct s { _: union { x: int }, _: struct { w: int }, y: int }",
            K::FieldByteOffset,
            "struct s",
            "0:1",
            4,
            Value(8),
        ),
        // Nor does one that is no struct: unnamed padding bits.
        (plain, "struct s { _: int : 3, y: int }", K::FieldByteOffset, "struct s", "0:1", 4, Value(4)),
    ];
    check(rows);
}

#[test]
fn typedefs_and_modifiers_are_looked_through() {
    let rows: &[Row<'_>] = &[
        (
            "struct in { y: int } struct s { i: struct in }",
            "struct in { x: int, y: int } typedef t = const volatile struct in typedef u = t struct s { p: long, i: u }",
            K::FieldByteOffset,
            "struct s",
            "0:0:0",
            0,
            Value(12),
        ),
        (
            "struct in { y: int } typedef t = struct in struct s { i: const t }",
            "struct in { x: int, y: int } struct s { i: tagged restrict struct in }",
            K::FieldByteOffset,
            "struct s",
            "0:0:0",
            0,
            Value(4),
        ),
        // A typedef as the root is searched for as a typedef.
        (
            "struct in { y: int } typedef t = struct in",
            "struct other { x: int, y: int } typedef t = const struct other",
            K::FieldByteOffset,
            "t",
            "0:0",
            0,
            Value(4),
        ),
        (
            "struct in { y: int } typedef t = struct in",
            "struct in { y: int }",
            K::FieldByteOffset,
            "t",
            "0:0",
            0,
            NO_TYPE,
        ),
    ];
    check(rows);
}

#[test]
fn sizes() {
    let rows: &[Row<'_>] = &[
        ("struct s { a: int }", "struct s { a: long }", K::FieldByteSize, "struct s", "0:0", 4, Value(8)),
        (
            "struct s { a: [char; 4] }",
            "struct s { a: [char; 9] }",
            K::FieldByteSize,
            "struct s",
            "0:0",
            4,
            Value(9),
        ),
        (
            "struct s { a: [[short; 2]; 3] }",
            "struct s { a: [[short; 4]; 5] }",
            K::FieldByteSize,
            "struct s",
            "0:0",
            12,
            Value(40),
        ),
        ("struct s { a: *int }", "struct s { a: *char }", K::FieldByteSize, "struct s", "0:0", 8, Value(8)),
        (
            "struct i { x: int } struct s { a: struct i }",
            "struct i { x: u128 } struct s { a: struct i }",
            K::FieldByteSize,
            "struct s",
            "0:0",
            4,
            Value(16),
        ),
        // The root itself.
        ("struct s { a: int }", "struct s { a: [long; 5] }", K::FieldByteSize, "struct s", "0", 4, Value(40)),
        ("struct s { a: int }", "struct s { b: int }", K::FieldByteSize, "struct s", "0:0", 4, NO_MATCH),
    ];
    check(rows);
}

#[test]
fn existence_is_never_poison() {
    let rows: &[Row<'_>] = &[
        ("struct s { a: int }", "struct s { a: u64 }", K::FieldExists, "struct s", "0:0", 1, Value(1)),
        ("struct s { a: int }", "struct s { b: int }", K::FieldExists, "struct s", "0:0", 1, Value(0)),
        ("struct s { a: int }", "struct t { a: int }", K::FieldExists, "struct s", "0:0", 1, Value(0)),
        ("struct s { a: int }", "struct s { a: *int }", K::FieldExists, "struct s", "0:0", 1, Value(0)),
        (
            "struct s { a: int : 3 }",
            "struct s { a: int : 4 }",
            K::FieldExists,
            "struct s",
            "0:0",
            1,
            Value(1),
        ),
        (
            "struct s { a: [int; 4] }",
            "struct s { a: [int; 2] }",
            K::FieldExists,
            "struct s",
            "0:0:1",
            1,
            Value(1),
        ),
        (
            "struct s { a: [int; 4] }",
            "struct s { a: [int; 2] }",
            K::FieldExists,
            "struct s",
            "0:0:2",
            1,
            Value(0),
        ),
    ];
    check(rows);
}

#[test]
fn signs() {
    let rows: &[Row<'_>] = &[
        ("struct s { a: int }", "struct s { a: u32 }", K::FieldSigned, "struct s", "0:0", 1, Value(0)),
        (
            "struct s { a: u32 }",
            "struct s { a: const short }",
            K::FieldSigned,
            "struct s",
            "0:0",
            0,
            Value(1),
        ),
        ("struct s { a: int }", "struct s { a: schar }", K::FieldSigned, "struct s", "0:0", 1, Value(1)),
        ("struct s { a: u8 }", "struct s { a: bool }", K::FieldSigned, "struct s", "0:0", 0, Value(0)),
        (
            "enum e { A } struct s { a: enum e }",
            "enum e { A = -1 } struct s { a: enum e }",
            K::FieldSigned,
            "struct s",
            "0:0",
            0,
            Value(1),
        ),
        (
            "enum e { A } struct s { a: enum e }",
            "enum64 e { A = -1 } struct s { a: enum e }",
            K::FieldSigned,
            "struct s",
            "0:0",
            0,
            Value(1),
        ),
        ("struct s { a: *int }", "struct s { a: *int }", K::FieldSigned, "struct s", "0:0", 0, Value(0)),
        // Clang and we cannot disagree on the sign, even of a bit field.
        (
            "struct s { a: int : 3 }",
            "struct s { a: u32 : 7 }",
            K::FieldSigned,
            "struct s",
            "0:0",
            1,
            Value(0),
        ),
        ("struct s { a: int }", "struct s { b: int }", K::FieldSigned, "struct s", "0:0", 1, NO_MATCH),
    ];
    check(rows);
}

#[test]
fn shifts_of_whole_fields() {
    let rows: &[Row<'_>] = &[
        (
            "struct s { a: int }",
            "struct s { x: char, a: short }",
            K::FieldLshiftU64,
            "struct s",
            "0:0",
            32,
            Value(48),
        ),
        (
            "struct s { a: int }",
            "struct s { x: char, a: short }",
            K::FieldRshiftU64,
            "struct s",
            "0:0",
            32,
            Value(48),
        ),
        ("struct s { a: char }", "struct s { a: u64 }", K::FieldLshiftU64, "struct s", "0:0", 56, Value(0)),
        ("struct s { a: char }", "struct s { a: u64 }", K::FieldRshiftU64, "struct s", "0:0", 56, Value(0)),
        ("struct s { a: int }", "struct s { b: int }", K::FieldRshiftU64, "struct s", "0:0", 32, NO_MATCH),
    ];
    check(rows);
}
