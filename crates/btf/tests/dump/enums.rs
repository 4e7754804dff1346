//! Enums, whose size C chooses by their values unless told.

use insta::assert_snapshot;

use crate::made;

#[test]
fn values_of_32_bits() {
    let mut m = made();
    m.b.add_enum("color", 4, false, [("RED", 0), ("MANY", 0xffff_ffff)]).unwrap();
    m.b.add_enum("sign", 4, true, [("MINUS", -1), ("LEAST", -0x8000_0000)]).unwrap();
    assert_snapshot!(m.text(), @r"
    enum color {
        RED = 0,
        MANY = 4294967295,
    };

    enum sign {
        MINUS = -1,
        LEAST = -2147483648,
    };
    ");
}

#[test]
fn values_of_64_bits() {
    let mut m = made();
    m.b.add_enum64("large", 8, false, [("MOST", u64::MAX), ("NONE", 0)]).unwrap();
    // There is no such number after a minus.
    m.b.add_enum64("least", 8, true, [("LEAST64", 1 << 63)]).unwrap();
    // These fit in 32 bits, so that C has to be told.
    m.b.add_enum64("small", 8, true, [("LESS", u64::MAX), ("MORE", 1)]).unwrap();
    m.b.add_enum64("unsigned_small", 8, false, [("HALF", 0xffff_ffff)]).unwrap();
    // Neither `int` nor `unsigned int` holds both.
    m.b.add_enum64("both", 8, true, [("BELOW", u64::MAX), ("ABOVE", 0xffff_ffff)]).unwrap();
    assert_snapshot!(m.text(), @r"
    enum large {
        MOST = 18446744073709551615ULL,
        NONE = 0ULL,
    };

    enum least {
        LEAST64 = -9223372036854775807LL - 1,
    };

    enum small {
        LESS = -1LL,
        MORE = 1LL,
    } __attribute__((mode(word)));

    enum unsigned_small {
        HALF = 4294967295ULL,
    } __attribute__((mode(word)));

    enum both {
        BELOW = -1LL,
        ABOVE = 4294967295LL,
    };
    ");
}

#[test]
fn sizes_that_were_asked_for() {
    let mut m = made();
    m.b.add_enum("one", 1, false, [("A", 1)]).unwrap();
    m.b.add_enum("two", 2, false, [("B", 2)]).unwrap();
    m.b.add_enum("eight", 8, false, [("C", 3)]).unwrap();
    assert_snapshot!(m.text(), @r"
    enum one {
        A = 1,
    } __attribute__((mode(byte)));

    enum two {
        B = 2,
    } __attribute__((mode(HI)));

    enum eight {
        C = 3,
    } __attribute__((mode(word)));
    ");
}

#[test]
fn without_a_name() {
    let mut m = made();
    // One that nothing refers to stands for its values; one that a member is of is written there.
    m.b.add_enum("", 4, false, [("LONELY", 1)]).unwrap();
    let used = m.b.add_enum("", 4, false, [("USED", 2)]).unwrap();
    m.record("user", 4, &[("e", used, 0)]);
    assert_snapshot!(m.text(), @r"
    enum {
        LONELY = 1,
    };

    struct user {
        enum {
            USED = 2,
        } e;
    };
    ");
}

#[test]
fn without_values() {
    let mut m = made();
    let declared = m.b.add_enum("declared", 4, false, []).unwrap();
    let pointer = m.ptr(declared);
    m.record("user", 8, &[("p", pointer, 0)]);
    assert_snapshot!(m.text(), @r"
    enum declared;

    struct user {
        enum declared *p;
    };
    ");
}
