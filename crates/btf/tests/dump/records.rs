//! Where members are.

use insta::assert_snapshot;
use oxbpf_btf::{Field, TypeId};

use crate::made;

#[test]
fn what_alignment_explains_needs_no_padding() {
    let mut m = made();
    m.record("plain", 24, &[("a", m.char, 0), ("b", m.int, 4), ("c", m.char, 8), ("d", m.long, 16)]);
    assert_snapshot!(m.text(), @r"
    struct plain {
        char a;
        int b;
        char c;
        long int d;
    };
    ");
}

#[test]
fn gaps_that_alignment_does_not_explain_are_filled() {
    let mut m = made();
    // 4 bytes at 4 are less than a whole `long`; 8 at 16 are one.
    m.record("gaps", 40, &[("a", m.char, 0), ("b", m.char, 8), ("c", m.long, 24), ("d", m.char, 36)]);
    assert_snapshot!(m.text(), @r"
    struct gaps {
        char a;
        long: 0;
        char b;
        long: 64;
        long int c;
        int: 32;
        char d;
    };
    ");
}

#[test]
fn padding_at_the_end() {
    let mut m = made();
    m.record("aligned_to_64", 64, &[("a", m.int, 0)]);
    m.record("nothing_but_room", 12, &[]);
    m.record("empty", 0, &[]);
    assert_snapshot!(m.text(), @r"
    struct aligned_to_64 {
        int a;
        long: 64;
        long: 64;
        long: 64;
        long: 64;
        long: 64;
        long: 64;
        long: 64;
    };

    struct nothing_but_room {
        long: 64;
        int: 32;
    };

    struct empty {};
    ");
}

#[test]
fn packed() {
    let mut m = made();
    m.record("by_offset", 5, &[("a", m.char, 0), ("b", m.int, 1)]);
    m.record("by_size", 9, &[("a", m.long, 0), ("b", m.char, 8)]);
    // Packed, it is aligned to a byte, so its place needs no gap.
    let inner = m.record("inner", 5, &[("a", m.int, 0), ("b", m.char, 4)]);
    m.record("outer", 8, &[("x", m.char, 0), ("in", inner, 1), ("y", m.char, 6)]);
    m.union("overlay", 5, &[("a", m.int), ("in", inner)]);
    assert_snapshot!(m.text(), @r"
    struct by_offset {
        char a;
        int b;
    } __attribute__((packed));

    struct by_size {
        long int a;
        char b;
    } __attribute__((packed));

    struct inner {
        int a;
        char b;
    } __attribute__((packed));

    struct outer {
        char x;
        struct inner in;
        char y;
        long: 0;
    };

    union overlay {
        int a;
        struct inner in;
    } __attribute__((packed));
    ");
}

#[test]
fn bit_fields() {
    let mut m = made();
    let bits = |name, at, width| Field::bitfield(name, m.u32, at, width);
    m.b.add_struct("flags", 8, [bits("a", 0, 3), bits("b", 3, 5), bits("c", 12, 4), bits("d", 32, 1)])
        .unwrap();
    m.b.add_struct("only_bits", 4, [bits("a", 0, 1)]).unwrap();
    // The second would cross a multiple of 32, which C does only in packed structs; nothing else tells.
    m.b.add_struct("across", 8, [bits("a", 0, 20), bits("b", 20, 20), bits("c", 40, 24)]).unwrap();
    m.b.add_struct("mixed", 4, [bits("a", 0, 4), Field::new("b", m.char, 8), bits("c", 16, 9)]).unwrap();
    assert_snapshot!(m.text(), @r"
    struct flags {
        unsigned int a: 3;
        unsigned int b: 5;
        char: 4;
        unsigned int c: 4;
        int: 16;
        unsigned int d: 1;
    };

    struct only_bits {
        unsigned int a: 1;
    };

    struct across {
        unsigned int a: 20;
        unsigned int b: 20;
        unsigned int c: 24;
    } __attribute__((packed));

    struct mixed {
        unsigned int a: 4;
        char b;
        unsigned int c: 9;
    };
    ");
}

#[test]
fn bit_fields_as_old_compilers_told_them() {
    use oxbpf_btf::IntEncoding;
    let mut m = made();
    let three = m.b.add_int_bits("unsigned int", 4, IntEncoding::UNSIGNED, 0, 3).unwrap();
    m.b.add_struct("old", 4, [Field::new("a", three, 0), Field::new("b", three, 3)]).unwrap();
    assert_snapshot!(m.text(), @r"
    struct old {
        unsigned int a: 3;
        unsigned int b: 3;
    };
    ");
}

#[test]
fn numbers_of_16_bytes_are_aligned_to_16() {
    use oxbpf_btf::IntEncoding;
    let mut m = made();
    let wide = m.b.add_int("__int128", 16, IntEncoding::SIGNED).unwrap();
    m.record("natural", 32, &[("a", m.long, 0), ("b", wide, 16)]);
    m.record("not", 24, &[("a", m.long, 0), ("b", wide, 8)]);
    assert_snapshot!(m.text(), @r"
    struct natural {
        long int a;
        long: 64;
        __int128 b;
    };

    struct not {
        long int a;
        __int128 b;
    } __attribute__((packed));
    ");
}

#[test]
fn unions_of_more_bytes_than_their_members() {
    let mut m = made();
    m.union("aligned", 64, &[("a", m.int), ("b", m.long)]);
    m.union("room", 8, &[]);
    m.union("odd", 12, &[("a", m.char)]);
    assert_snapshot!(m.text(), @r"
    union aligned {
        int a;
        long int b;
    } __attribute__((aligned(64)));

    union room {
        long: 64;
    } __attribute__((packed));

    union odd {
        char a;
        struct {
            long: 64;
            int: 32;
        };
    } __attribute__((packed));
    ");
}

#[test]
fn structs_without_a_name_are_written_where_they_are() {
    let mut m = made();
    let parts = m.record("", 8, &[("lo", m.int, 0), ("hi", m.int, 4)]);
    let either = m.union("", 8, &[("all", m.long), ("", parts)]);
    let constant = m.b.add_const(parts).unwrap();
    let pointer = m.ptr(parts);
    let list = m.array(either, 2);
    m.record(
        "outer",
        48,
        &[("", either, 0), ("ro", constant, 8), ("list", list, 16), ("p", pointer, 32), ("n", m.int, 40)],
    );
    assert_snapshot!(m.text(), @r"
    struct outer {
        union {
            long int all;
            struct {
                int lo;
                int hi;
            };
        };
        const struct {
            int lo;
            int hi;
        } ro;
        union {
            long int all;
            struct {
                int lo;
                int hi;
            };
        } list[2];
        struct {
            int lo;
            int hi;
        } *p;
        int n;
    };
    ");
}

#[test]
fn a_tag_on_a_member_without_a_name_is_left_out() {
    // `struct inner;` as a member is C only with -fms-extensions.
    let mut m = made();
    let inner = m.record("inner", 4, &[("a", m.int, 0)]);
    let typedef = m.b.add_typedef("inner_t", inner).unwrap();
    m.record("outer", 4, &[("", typedef, 0)]);
    assert_snapshot!(m.text(), @r"
    struct inner {
        int a;
    };

    typedef struct inner inner_t;

    struct outer {
        struct {
            int a;
        };
    };
    ");
}

#[test]
fn flexible_arrays() {
    let mut m = made();
    let flexible = m.array(m.long, 0);
    m.record("buffer", 8, &[("len", m.int, 0), ("data", flexible, 8)]);
    assert_snapshot!(m.text(), @r"
    struct buffer {
        int len;
        long int data[0];
    };
    ");
}

#[test]
fn pointers_of_four_bytes() {
    let mut m = made();
    let pointer = m.ptr(TypeId::VOID);
    m.record("small", 12, &[("p", pointer, 0), ("q", pointer, 8)]);
    let btf = m.b.build().unwrap().with_pointer_size(4).unwrap();
    assert_snapshot!(crate::dump(&btf).unwrap(), @r"
    struct small {
        void *p;
        long: 32;
        void *q;
    };
    ");
}
