//! Types that no compiler makes: they end in an error, soon, and with little memory.

use oxbpf_btf::{Error, Field, TypeError, TypeId, TypeProblem};

use crate::{Made, made};

fn problem(m: &Made) -> TypeProblem {
    match m.try_text() {
        Err(Error::Type(e)) => {
            let TypeError { problem, .. } = *e;
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_struct_in_itself() {
    let mut m = made();
    m.record("s", 4, &[("again", TypeId(5), 0)]);
    assert_eq!(problem(&m), TypeProblem::PartOfItself);
    let e = m.try_text().unwrap_err().to_string();
    assert_eq!(e, "type [5] STRUCT 's': is a part of itself, which C cannot say");
}

#[test]
fn references_that_go_round() {
    // A typedef, a qualifier, a pointer, an array, a function of itself.
    for n in 0..6 {
        let mut m = made();
        let own = TypeId(5);
        match n {
            0 => m.b.add_typedef("t", own).unwrap(),
            1 => m.b.add_const(own).unwrap(),
            2 => m.b.add_ptr(own).unwrap(),
            3 => m.array(own, 1),
            4 => m.proto(own, &[]),
            _ => m.record("", 8, &[("p", TypeId(6), 0)]),
        };
        m.ptr(own);
        assert_eq!(problem(&m), TypeProblem::PartOfItself, "{n}");
    }
}

#[test]
fn chains_as_long_as_there_are_types() {
    const LONG: u32 = 100_000;
    // Pointers, then typedefs, then structs one in the other: none of them is a loop.
    let mut m = made();
    let mut of = m.int;
    for _ in 0..LONG {
        of = m.ptr(of);
    }
    assert_eq!(m.text(), "");
    let mut m = made();
    for n in 0..LONG {
        m.b.add_typedef(&format!("t{n}"), TypeId(n + 6)).unwrap();
    }
    m.b.add_fwd("end", false).unwrap();
    assert!(m.text().ends_with("typedef t1 t0;\n\n"));
    let mut m = made();
    for n in 0..LONG {
        m.record(&format!("s{n}"), 4, &[("in", TypeId(n + 6), 0)]);
    }
    m.record("end", 4, &[("a", m.int, 0)]);
    assert!(m.text().starts_with("struct end {\n    int a;\n};\n\nstruct s99999 {\n"));
}

#[test]
fn nested_deeper_than_compilers_go() {
    let mut m = made();
    let mut of = m.int;
    for _ in 0..10_000 {
        of = m.record("", 4, &[("a", of, 0)]);
    }
    m.record("deep", 4, &[("a", of, 0)]);
    assert!(matches!(problem(&m), TypeProblem::Nesting { .. }));
    // Parameters of parameters too.
    let mut m = made();
    let mut of = m.int;
    for _ in 0..10_000 {
        let function = m.proto(TypeId::VOID, &[("", of)]);
        of = m.ptr(function);
    }
    m.record("deep", 8, &[("call", of, 0)]);
    assert!(matches!(problem(&m), TypeProblem::Nesting { .. }));
}

#[test]
fn types_that_mean_endless_text() {
    // Each holds the one before twice: 2^60 members.
    let mut m = made();
    let mut of = m.int;
    for _ in 0..60 {
        of = m.record("", 0, &[("a", of, 0), ("b", of, 0)]);
    }
    m.record("bomb", 0, &[("a", of, 0)]);
    let e = m.try_text().unwrap_err();
    assert!(matches!(e, Error::DumpTooLarge { .. } | Error::TooMuchWork { .. }), "{e}");
    // Functions of functions, which write nothing by themselves: each of the one behind it.
    let mut m = made();
    let first = m.proto(TypeId::VOID, &[]).0;
    for next in first + 2..first + 62 {
        m.proto(TypeId(next), &[("", TypeId(next))]);
    }
    m.proto(TypeId::VOID, &[]);
    assert!(matches!(m.try_text().unwrap_err(), Error::TooMuchWork { .. }));
    // Each of the one before it is known to be there.
    let mut m = made();
    let mut of = m.int;
    for _ in 0..60 {
        of = m.proto(of, &[("", of)]);
    }
    assert_eq!(m.text(), "");
    // A gap of 512 MiB.
    let mut m = made();
    m.record("gap", u32::MAX, &[("a", m.int, 0)]);
    assert!(matches!(m.try_text().unwrap_err(), Error::DumpTooLarge { .. }));
}

#[test]
fn pointers_to_a_function_of_thousands_of_parameters() {
    const POINTERS: u32 = 20_000;
    let params = |m: &Made| vec![("", m.int); 60_000];
    let mut m = made();
    let function = TypeId(m.ptr(TypeId::VOID).0 + POINTERS + 1);
    for _ in 0..POINTERS {
        m.ptr(function);
    }
    m.proto(TypeId::VOID, &params(&m));
    assert!(matches!(m.try_text().unwrap_err(), Error::TooMuchWork { .. }));
    // Those that come behind the function cost nothing.
    let mut m = made();
    let function = m.proto(TypeId::VOID, &params(&m));
    for _ in 0..POINTERS {
        m.ptr(function);
    }
    assert_eq!(m.text(), "");
}

#[test]
fn members_where_they_cannot_be() {
    // Over each other, and behind the end: as much is said as C can.
    let mut m = made();
    m.b.add_struct("s", 4, [Field::new("a", m.long, 0), Field::new("b", m.int, 0)]).unwrap();
    let text = m.text();
    assert_eq!(text, "struct s {\n    long int a;\n    int b;\n} __attribute__((packed));\n\n");
}
