//! Progress, cancellation, and what is left after an error.

use std::ops::ControlFlow;

use oxbpf_btf::{BtfBuilder, DedupOptions, Endian, Error, Field, IntEncoding, Progress, TypeId};

/// Two times a thousand types.
fn large() -> BtfBuilder {
    let mut b = BtfBuilder::new();
    for _ in 0..2 {
        let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
        for n in 0..1000 {
            b.add_struct(&format!("s{n}"), 4, [Field::new("a", int, 0)]).unwrap();
        }
    }
    // Read, so that its strings have to be gone through.
    BtfBuilder::from(&b.build().unwrap())
}

#[test]
fn progress_is_told() {
    let mut told: Vec<Progress> = Vec::new();
    let mut note = |p: Progress| {
        told.push(p);
        ControlFlow::Continue(())
    };
    large().dedup(DedupOptions { progress: Some(&mut note), ..DedupOptions::default() }).unwrap();
    let mut phases: Vec<&str> = told.iter().map(|p| p.phase).collect();
    phases.dedup();
    let all =
        ["strings", "base", "primitive types", "structs", "forward declarations", "references", "new ids"];
    assert_eq!(phases, all);
    assert!(told.iter().all(|p| p.done <= p.total), "{told:?}");
    assert!((100..700).contains(&told.len()), "{}", told.len());
}

#[test]
fn it_can_be_stopped_anywhere_and_nothing_is_changed() {
    let before = large().to_vec(Endian::NATIVE).unwrap();
    for stop in [0, 1, 50, 100, 150, 200, 250] {
        let mut calls = 0;
        let mut count = |_: Progress| {
            calls += 1;
            if calls > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut b = large();
        let stopped = b.dedup(DedupOptions { progress: Some(&mut count), ..DedupOptions::default() });
        assert!(matches!(stopped, Err(Error::Cancelled { .. })), "{stop}: {stopped:?}");
        assert_eq!(b.to_vec(Endian::NATIVE).unwrap(), before);
    }
}

#[test]
fn what_is_refused() {
    let mut b = BtfBuilder::new();
    b.add_ptr(TypeId(2)).unwrap();
    b.add_const(TypeId(1)).unwrap();
    let before = b.to_vec(Endian::NATIVE).unwrap();
    let error = b.dedup(DedupOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "type [2] CONST: refers to itself without a struct, union or typedef in between"
    );
    assert_eq!(b.to_vec(Endian::NATIVE).unwrap(), before);

    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    for _ in 0..2 {
        let var = b.add_var("v", int, 0).unwrap();
        b.add_struct("s", 4, [Field::new("a", var, 0)]).unwrap();
    }
    let error = b.dedup(DedupOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "type [4] VAR 'v': cannot be a part of another type");
}
