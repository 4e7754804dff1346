//! Which definitions and declarations come first.

use insta::assert_snapshot;
use oxbpf_btf::{DumpOptions, TypeId};

use crate::{dump, made};

#[test]
fn a_part_comes_before_the_whole() {
    let mut m = made();
    m.record("whole", 4, &[("part", TypeId(6), 0)]);
    m.record("part", 4, &[("a", m.int, 0)]);
    assert_snapshot!(m.text(), @r"
    struct part {
        int a;
    };

    struct whole {
        struct part part;
    };
    ");
}

#[test]
fn pointers_that_go_round() {
    let mut m = made();
    let to_b = m.ptr(TypeId(7));
    let a = m.record("a", 8, &[("b", to_b, 0)]);
    assert_eq!(a, TypeId(6));
    let to_a = m.ptr(a);
    assert_eq!(to_a, TypeId(7));
    // [7] is a pointer, so the pointer above is one to a pointer: put it right.
    let b = m.record("b", 16, &[("a", to_a, 0), ("self", to_b, 8)]);
    m.b.set_target(to_b, b).unwrap();
    assert_snapshot!(m.text(), @r"
    struct b;

    struct a {
        struct b *b;
    };

    struct b {
        struct a *a;
        struct b *self;
    };
    ");
}

#[test]
fn a_typedef_that_its_struct_uses() {
    let mut m = made();
    let typedef = m.b.add_typedef("node_t", TypeId(7)).unwrap();
    let pointer = m.ptr(typedef);
    m.record("node", 8, &[("next", pointer, 0)]);
    assert_snapshot!(m.text(), @r"
    struct node;

    typedef struct node node_t;

    struct node {
        node_t *next;
    };
    ");
}

#[test]
fn a_function_that_takes_what_holds_it() {
    let mut m = made();
    let ops = TypeId(8);
    let function = m.proto(m.int, &[("ops", ops)]);
    let typedef = m.b.add_typedef("call_t", function).unwrap();
    let pointer = m.ptr(typedef);
    m.record("ops", 8, &[("call", pointer, 0)]);
    assert_snapshot!(m.text(), @r"
    struct ops;

    typedef int call_t(struct ops ops);

    struct ops {
        call_t *call;
    };
    ");
}

#[test]
fn what_a_struct_without_a_name_holds_comes_first_even_behind_a_pointer() {
    let mut m = made();
    let inner = m.record("", 4, &[("part", TypeId(8), 0)]);
    let pointer = m.ptr(inner);
    m.record("outer", 8, &[("p", pointer, 0)]);
    m.record("part", 4, &[("a", m.int, 0)]);
    assert_snapshot!(m.text(), @r"
    struct part {
        int a;
    };

    struct outer {
        struct {
            struct part part;
        } *p;
    };
    ");
}

#[test]
fn one_type_with_what_it_needs() {
    let mut m = made();
    let part = m.record("part", 4, &[("a", m.int, 0)]);
    let other = m.record("other", 4, &[("a", m.int, 0)]);
    let pointer = m.ptr(other);
    let whole = m.record("whole", 16, &[("part", part, 0), ("other", pointer, 8)]);
    m.record("unrelated", 4, &[("a", m.int, 0)]);
    let mut options = DumpOptions::default();
    options.types = Some(vec![whole, part]);
    let text = m.b.build().unwrap().dump_c(&options).unwrap().replace('\t', "    ");
    assert_snapshot!(text, @r"
    struct part {
        int a;
    };

    struct other;

    struct whole {
        struct part part;
        struct other *other;
    };
    ");
}

#[test]
fn a_module_and_its_base() {
    use oxbpf_btf::{BtfBuilder, Field};
    let mut m = made();
    m.record("of_base", 4, &[("a", m.int, 0)]);
    let base = m.b.build().unwrap();
    let mut b = BtfBuilder::split(&base);
    b.add_struct("of_module", 4, [Field::new("in", TypeId(5), 0)]).unwrap();
    let split = b.build().unwrap();
    assert_eq!(
        dump(&split).unwrap(),
        "struct of_base {\n    int a;\n};\n\nstruct of_module {\n    struct of_base in;\n};\n\n"
    );
}

/// A prototype by itself is not written, but what it takes or gives is, before what comes behind the prototype. Nothing is
/// left to be done for one that comes last.
#[test]
fn what_a_prototype_takes_and_gives() {
    let text = |result, params: &[(&str, TypeId)]| {
        let mut m = made();
        m.b.add_func_proto(result, params.iter().copied()).unwrap();
        m.record("record", 4, &[("a", m.int, 0)]);
        m.b.add_enum("values", 4, false, [("A", 10), ("B", 1234)]).unwrap();
        m.b.add_func_proto(result, params.iter().copied()).unwrap();
        m.text()
    };
    let values = TypeId(7);
    assert_eq!(text(values, &[]), text(TypeId(0), &[("", values)]));
    assert_snapshot!(text(values, &[]), @r"
    enum values {
        A = 10,
        B = 1234,
    };

    struct record {
        int a;
    };
    ");
}
