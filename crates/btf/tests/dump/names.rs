//! Names: each only once, and only those that C takes.

use insta::assert_snapshot;
use oxbpf_btf::IntEncoding;

use crate::made;

#[test]
fn types_of_the_same_name() {
    let mut m = made();
    // Tags are one space, whatever is tagged; typedefs and values of enums are another.
    m.record("same", 4, &[("a", m.int, 0)]);
    m.union("same", 4, &[("b", m.int)]);
    m.b.add_enum("same", 4, false, [("same", 1), ("other", 2)]).unwrap();
    let typedef = m.b.add_typedef("same", m.int).unwrap();
    m.b.add_enum("more", 4, false, [("other", 3)]).unwrap();
    m.record("user", 4, &[("t", typedef, 0)]);
    assert_snapshot!(m.text(), @r"
    struct same {
        int a;
    };

    union same___2 {
        int b;
    };

    enum same___3 {
        same = 1,
        other = 2,
    };

    typedef int same___2;

    enum more {
        other___2 = 3,
    };

    struct user {
        same___2 t;
    };
    ");
}

#[test]
fn a_name_that_looks_like_one_of_ours() {
    let mut m = made();
    m.record("a___2", 4, &[("a", m.int, 0)]);
    m.record("a", 4, &[("a", m.int, 0)]);
    m.record("a", 4, &[("b", m.int, 0)]);
    assert_snapshot!(m.text(), @r"
    struct a___2 {
        int a;
    };

    struct a {
        int a;
    };

    struct a___3 {
        int b;
    };
    ");
}

#[test]
fn declarations_share_the_name_of_the_definition() {
    let mut m = made();
    let declared = m.b.add_fwd("known", false).unwrap();
    let pointer = m.ptr(declared);
    let wrong = m.b.add_fwd("known", true).unwrap();
    let other = m.ptr(wrong);
    m.record("known", 16, &[("p", pointer, 0), ("q", other, 8)]);
    assert_snapshot!(m.text(), @r"
    struct known;

    union known___2;

    struct known {
        struct known *p;
        union known___2 *q;
    };
    ");
}

#[test]
fn names_that_c_does_not_take() {
    let mut m = made();
    m.record("Option<&str>", 4, &[("type", m.int, 0)]);
    m.record("Option__str_", 4, &[("default", m.int, 0)]);
    m.b.add_enum("while", 4, false, [("return", 1), ("7up", 2)]).unwrap();
    m.b.add_typedef("größe", m.int).unwrap();
    assert_snapshot!(m.text(), @r"
    struct Option__str_ {
        int type;
    };

    struct Option__str____2 {
        int default_;
    };

    enum while_ {
        return_ = 1,
        _7up = 2,
    };

    typedef int gr____e;
    ");
}

#[test]
fn numbers_that_compilers_do_not_know() {
    let mut m = made();
    let poly = m.b.add_int("__Poly16_t", 2, IntEncoding::UNSIGNED).unwrap();
    let bool = m.b.add_int("bool", 1, IntEncoding::BOOL).unwrap();
    let odd = m.b.add_int_bits("u24", 3, IntEncoding::UNSIGNED, 0, 24).unwrap();
    let half = m.b.add_float("half", 2).unwrap();
    let nameless = m.b.add_int_bits("", 4, IntEncoding::SIGNED, 0, 32).unwrap();
    // What nothing refers to needs no typedef: clang's index of arrays.
    m.b.add_int("__ARRAY_SIZE_TYPE__", 4, IntEncoding::UNSIGNED).unwrap();
    m.record("s", 12, &[("a", poly, 0), ("b", bool, 2), ("c", odd, 3), ("d", half, 6), ("e", nameless, 8)]);
    assert_snapshot!(m.text(), @r"
    typedef unsigned short __Poly16_t;

    typedef _Bool bool;

    typedef unsigned char u24[3];

    typedef _Float16 half;

    struct s {
        __Poly16_t a;
        bool b;
        u24 c;
        half d;
        int e;
    };
    ");
}
