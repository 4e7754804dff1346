//! Maps of global variables made larger and smaller.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

mod common;

use common::spec;
use oxbpf_btf::Kind;
use oxbpf_obj::{Error, MapProblem, ObjectSpec, ResizeProblem, TypeId};

/// What the types say of the last variable of a section.
fn last(spec: &ObjectSpec, section: &str) -> (String, u32, u32, u32) {
    let btf = spec.btf.as_ref().unwrap();
    let sec = btf.get(spec.map(section).unwrap().value_type).unwrap();
    let var = sec.variables().last().unwrap();
    let ty = btf.get(var.ty).unwrap();
    let array = btf.resolve(ty.target().unwrap()).unwrap();
    let len = array.array().map_or(0, |array| array.len);
    (ty.name().to_owned(), sec.size().unwrap(), var.size, len)
}

#[test]
fn the_last_array_takes_what_there_is() {
    let mut spec = spec("tests/resized.bpf.o");
    assert_eq!(last(&spec, ".data.samples"), ("samples".into(), 8, 4, 1));
    assert!(spec.set_value_size(".data.samples", 4 + 4000).unwrap().is_none());
    assert_eq!(last(&spec, ".data.samples"), ("samples".into(), 4004, 4000, 1000));
    let map = spec.map(".data.samples").unwrap();
    assert_eq!((map.value_size, map.data().unwrap().len()), (4004, 4004));
    // What was there stays, what is new is zero.
    let mut values = [1; 12];
    map.data().unwrap().read(0, &mut values);
    assert_eq!(values, [3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    spec.set_global_bytes("samples", &[9; 4000]).unwrap();
    assert!(spec.set_value_size(".data.samples", 12).unwrap().is_none());
    assert_eq!(last(&spec, ".data.samples"), ("samples".into(), 12, 8, 2));
    assert_eq!(spec.global("samples").unwrap().size, 8);
    assert_eq!(spec.map(".data.samples").unwrap().data().unwrap().to_vec()[8..], [9; 4]);
    // No elements at all.
    assert!(spec.set_value_size(".data.samples", 4).unwrap().is_none());
    assert_eq!(last(&spec, ".data.samples"), ("samples".into(), 4, 0, 0));
}

/// Programs have the types that they had: what is new comes after.
#[test]
fn other_types_stay() {
    let mut spec = spec("tests/resized.bpf.o");
    let before = spec.btf.clone().unwrap();
    assert!(spec.set_value_size(".bss", 8 + 8 * 512).unwrap().is_none());
    assert_eq!(last(&spec, ".bss"), ("pairs".into(), 8 + 8 * 512, 8 * 512, 512));
    let after = spec.btf.as_ref().unwrap();
    assert_eq!(after.end_id(), TypeId(before.end_id().0 + 1));
    let changed: Vec<_> = before
        .types()
        .filter(|ty| format!("{ty:?}") != format!("{:?}", after.get(ty.id()).unwrap()))
        .map(|ty| ty.kind())
        .collect();
    assert_eq!(changed, [Kind::Var, Kind::Datasec]);
    assert_eq!(spec.map(".bss").unwrap().data().unwrap().runs().count(), 0, "a number, no bytes");
}

#[test]
fn types_are_left_out_where_they_do_not_fit() {
    for (section, size, says) in [
        (".data.fixed", 100, "its last variable, number, is no array but of kind INT"),
        (
            ".data.samples",
            11,
            "11 bytes leave no whole number of elements, of 4 bytes each, for the array samples at 0x4",
        ),
        (
            ".data.samples",
            3,
            "3 bytes leave no whole number of elements, of 4 bytes each, for the array samples at 0x4",
        ),
    ] {
        let mut spec = spec("tests/resized.bpf.o");
        let why: ResizeProblem = spec.set_value_size(section, size).unwrap().expect(section);
        assert_eq!(why.to_string(), says);
        let map = spec.map(section).unwrap();
        assert_eq!((map.value_size, map.value_type, map.data().unwrap().len()), (size, TypeId(0), size));
        // Once more, without types from the start.
        assert!(spec.set_value_size(section, 64).unwrap().is_none());
        assert_eq!(spec.map(section).unwrap().value_size, 64);
    }
}

#[test]
fn maps_of_other_kinds() {
    let mut spec = spec("tests/arena.bpf.o");
    let error = spec.set_value_size("arena", 4096).unwrap_err();
    assert!(matches!(error, Error::Map { problem: MapProblem::ArenaSize, .. }), "{error}");
    let error = spec.set_value_size("no_such", 4096).unwrap_err();
    assert_eq!(error.to_string(), "map no_such: the object has no such map");
    let mut spec = common::spec("tests/maps.bpf.o");
    assert!(spec.set_value_size("hash", 400).unwrap().is_none());
    assert_eq!(spec.map("hash").unwrap().value_size, 400);
}
