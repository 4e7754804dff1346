//! Bit fields: which bytes are loaded, and how far the bits are shifted, in both byte orders.

use oxbpf_btf::{Endian, Kind};
use oxbpf_obj::{
    CoreTarget,
    insn::Regs,
    relo_core::{Cause, Problem},
};

use crate::decl::Decl;
use crate::run::{
    Got::{Error, Poison, Value},
    K, Object, relocate, target,
};

/// Offset, size, left shift and right shift of `b`, with an instruction that already holds nonsense: clang may
/// load other bytes than we do.
fn place(types: &str, kernel: &str, endian: Endian) -> [i64; 4] {
    let kernel = Decl::new(kernel).builder.build_as(endian).unwrap();
    [(K::FieldByteOffset, 77), (K::FieldByteSize, 77), (K::FieldLshiftU64, 77)]
        .map(|(kind, old)| {
            let object = Object::new(types).endian(endian).relo(kind, "struct s", "0:0");
            (object, old)
        })
        .into_iter()
        .chain([(Object::new(types).endian(endian).relo(K::FieldRshiftU64, "struct s", "0:0"), 61)])
        .map(|(object, old)| {
            match object.against(&[CoreTarget { name: "vmlinux", btf: &kernel }], &[old]).as_slice() {
                [Value(value)] => *value,
                other => panic!("{other:?}"),
            }
        })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

#[test]
fn the_smallest_load_that_has_all_bits() {
    // Three bits here, of which the right shift is 61.
    let object = "struct s { b: u32 : 3 }";
    for (kernel, little, big) in [
        ("struct s { b: u32 : 3 }", [0, 4, 61, 61], [0, 4, 32, 61]),
        ("struct s { x: u32 : 5, b: u32 : 3 }", [0, 4, 56, 61], [0, 4, 37, 61]),
        ("struct s { x: u64, y: u32 : 30, b: u32 : 2 }", [8, 4, 32, 62], [8, 4, 62, 62]),
        // Of bytes.
        ("struct s { x: u8, b: u8 : 7 }", [1, 1, 57, 57], [1, 1, 56, 57]),
        ("struct s { x: [u8; 5], b: u16 : 9 @ 48 }", [6, 2, 55, 55], [6, 2, 48, 55]),
        // It straddles two units of its type: the load doubles.
        ("struct s { x: u32 : 30, b: u32 : 5 @ 30 }", [0, 8, 29, 59], [0, 8, 30, 59]),
        ("struct s { x: u8, b: u8 : 8 @ 12 }", [0, 4, 44, 56], [0, 4, 44, 56]),
        // It became a field of its own, and a much wider one.
        ("struct s { x: u32, b: u32 }", [4, 4, 32, 32], [4, 4, 32, 32]),
        ("struct s { x: u32, b: u8 }", [4, 1, 56, 56], [4, 1, 56, 56]),
        ("struct s { x: u64 : 3, b: u64 : 60 }", [0, 8, 1, 4], [0, 8, 3, 4]),
        ("enum e { A } struct s { x: int, b: enum e : 3 }", [4, 4, 61, 61], [4, 4, 32, 61]),
    ] {
        if kernel.starts_with("enum") {
            let object = "enum e { A } struct s { b: enum e : 3 }";
            assert_eq!(place(object, kernel, Endian::Little), little, "{kernel}");
            assert_eq!(place(object, kernel, Endian::Big), big, "{kernel}");
            continue;
        }
        assert_eq!(place(object, kernel, Endian::Little), little, "{kernel}");
        assert_eq!(place(object, kernel, Endian::Big), big, "{kernel}");
    }
}

#[test]
fn a_field_that_becomes_a_bit_field_is_checked_like_a_field() {
    let (object, kernel) = ("struct s { a: long, b: u32 }", "struct s { b: u32 : 3 }");
    let one = |kind, old| relocate(object, kernel, kind, "struct s", "0:1", old);
    assert_eq!(one(K::FieldByteOffset, 8), Value(0));
    assert_eq!(one(K::FieldByteOffset, 0), Error(Problem::UnexpectedValue { found: 0, expected: 8 }));
    assert_eq!(one(K::FieldLshiftU64, 32), Value(61));
}

#[test]
fn right_shifts_are_checked_and_left_shifts_are_not() {
    let types = "struct s { b: u32 : 3 }";
    assert_eq!(relocate(types, types, K::FieldLshiftU64, "struct s", "0:0", 5), Value(61));
    assert_eq!(
        relocate(types, types, K::FieldRshiftU64, "struct s", "0:0", 5),
        Error(Problem::UnexpectedValue { found: 5, expected: 61 })
    );
}

#[test]
fn more_bits_than_a_load_has() {
    let object = "struct s { b: u64 : 61 }";
    match relocate(
        object,
        "struct s { x: u64 : 4, b: u64 : 61 @ 4 }",
        K::FieldByteOffset,
        "struct s",
        "0:0",
        0,
    ) {
        Error(Problem::Candidate { candidate, problem }) => {
            assert_eq!(*problem, Problem::WideBitfield { bit_offset: 4, bits: 61 });
            assert_eq!((candidate.target.as_str(), candidate.name.as_str()), ("vmlinux", "s"));
        }
        other => panic!("{other:?}"),
    }
    // In the object itself there is no candidate to name.
    let wide = "struct s { x: u64 : 4, b: u64 : 61 @ 4 }";
    assert_eq!(
        relocate(wide, object, K::FieldByteOffset, "struct s", "0:1", 0),
        Error(Problem::WideBitfield { bit_offset: 4, bits: 61 })
    );
}

#[test]
fn what_cannot_be_a_bit_field() {
    for (ty, kind) in [("*int", Kind::Ptr), ("struct { x: int }", Kind::Struct), ("[int; 2]", Kind::Array)] {
        let types = format!("struct s {{ b: {ty} : 3 @ 0 }}");
        match relocate(&types, &types, K::FieldByteSize, "struct s", "0:0", 0) {
            Error(Problem::BitfieldType { kind: found, .. }) => assert_eq!(found, kind),
            other => panic!("{ty}: {other:?}"),
        }
    }
}

#[test]
fn a_load_cannot_be_relocated_between_a_field_and_bits_of_one() {
    use oxbpf_obj::insn::{Insn, opcode};
    use oxbpf_obj::relo_core::{Applied, Relocator};

    let kernel = target("struct s { x: int, a: u32 : 32, b: u32 : 3 }");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = Object::new("struct s { a: u32 }").relo(K::FieldByteOffset, "struct s", "0:0");
    let local = object.btf();
    let mut relocator = Relocator::new(&local, object.relos().iter().copied(), &targets);
    let load =
        Insn { code: opcode::CLASS_LDX | opcode::MEM | opcode::W, regs: Regs::new(1, 2), off: 0, imm: 0 };
    let applied = relocator.apply(&mut [load], 0, &object.relos()[0]).unwrap();
    let Applied::Poisoned(why) = applied else { panic!("{applied:?}") };
    assert_eq!(Poison(why.cause), Poison(Cause::Size { object: 4, target: 0 }));
}
