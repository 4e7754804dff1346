//! Enumerators: existence and value, of 32 and 64 bits.

use oxbpf_btf::Kind;
use oxbpf_obj::relo_core::Problem;

use crate::run::{
    Got::{Error, Value},
    K, NO_MATCH, NO_TYPE, Row, check, relocate,
};

#[test]
fn by_name() {
    let rows: &[Row<'_>] = &[
        ("enum e { A, B }", "enum e { X, B, A = 9 }", K::EnumvalValue, "enum e", "0", 0, Value(9)),
        ("enum e { A, B }", "enum e { X, B, A = 9 }", K::EnumvalValue, "enum e", "1", 1, Value(1)),
        ("enum e { A, B }", "enum e { B }", K::EnumvalValue, "enum e", "0", 0, NO_MATCH),
        ("enum e { A, B }", "enum f { A }", K::EnumvalValue, "enum e", "0", 0, NO_TYPE),
        ("enum e { A, B }", "enum e { B }", K::EnumvalExists, "enum e", "0", 1, Value(0)),
        ("enum e { A, B }", "enum e { B }", K::EnumvalExists, "enum e", "1", 1, Value(1)),
        ("enum e { A, B }", "enum f { A }", K::EnumvalExists, "enum e", "0", 1, Value(0)),
        // Flavors of the enum and of the enumerator.
        ("enum e___x { A___old = 3 }", "enum e { A = 4 }", K::EnumvalValue, "enum e___x", "0", 3, Value(4)),
        ("enum e { A }", "enum e { A___2 = 4 }", K::EnumvalValue, "enum e", "0", 0, Value(4)),
        // Through a typedef, which then is what is searched for.
        (
            "enum e { A } typedef t = enum e",
            "typedef t = enum { Z, A }",
            K::EnumvalValue,
            "t",
            "0",
            0,
            Value(1),
        ),
        ("enum e { A } typedef t = enum e", "typedef t = int", K::EnumvalExists, "t", "0", 1, Value(0)),
    ];
    check(rows);
}

#[test]
fn values_of_both_widths() {
    let rows: &[Row<'_>] = &[
        ("enum e { A = -3 }", "enum e { A = -4 }", K::EnumvalValue, "enum e", "0", -3, Value(-4)),
        (
            "enum64 e { A = 0x123456789a }",
            "enum64 e { A = -2 }",
            K::EnumvalValue,
            "enum e",
            "0",
            0x12_3456_789a,
            Value(-2),
        ),
        (
            "enum e { A = 1 }",
            "enum64 e { A = 0xfedcba9876543210 }",
            K::EnumvalValue,
            "enum e",
            "0",
            1,
            Value(0xfedc_ba98_7654_3210_u64 as i64),
        ),
        (
            "enum64 e { A = 0x123456789a }",
            "enum e { A = 7 }",
            K::EnumvalValue,
            "enum e",
            "0",
            0x12_3456_789a,
            Value(7),
        ),
        // Kernels before 6.0 have negative values in enums that do not say that they are signed.
        ("enum e { A = -4 }", "enum e { A = 0xfffffffc }", K::EnumvalValue, "enum e", "0", -4, Value(-4)),
    ];
    check(rows);
}

#[test]
fn what_is_no_enumerator() {
    let one =
        |types: &str, root: &str, access: &str| relocate(types, types, K::EnumvalValue, root, access, 0);
    assert!(matches!(
        one("enum e { A }", "enum e", "1"),
        Error(Problem::NoSuchEntry { what: "enumerator", index: 1, len: 1, .. })
    ));
    assert!(matches!(
        one("enum e { A }", "enum e", "4294967295"),
        Error(Problem::NoSuchEntry { what: "enumerator", index: u32::MAX, .. })
    ));
    assert!(matches!(
        one("struct s { a: int }", "struct s", "0"),
        Error(Problem::NotEnum { kind: Kind::Struct, .. })
    ));
    assert_eq!(
        one("enum e { A }", "enum e", "0:0"),
        Error(Problem::BadAccessString { text: "0:0".to_owned() })
    );
}

#[test]
fn the_value_in_the_instruction_is_checked() {
    let got = relocate("enum e { A = 5 }", "enum e { A = 6 }", K::EnumvalValue, "enum e", "0", 4);
    assert_eq!(got, Error(Problem::UnexpectedValue { found: 4, expected: 5 }));
}
