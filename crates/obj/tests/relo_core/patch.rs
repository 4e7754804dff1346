//! How a value gets into each class of instruction.

use oxbpf_obj::CoreTarget;
use oxbpf_obj::insn::{Insn, Regs, opcode as op};
use oxbpf_obj::relo_core::{Applied, Cause, CoreError, POISON, Problem, Relocator};

use crate::run::{K, Object, load, target};

/// Relocates the first of `insns` to the field `f`.
fn apply(types: &str, kernel: &str, kind: K, insns: &mut [Insn]) -> Result<Applied, CoreError> {
    let kernel = target(kernel);
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let root = if types.starts_with("enum") { "enum e" } else { "struct s" };
    let access = if types.starts_with("enum") { "0" } else { "0:1" };
    let object = Object::new(types).relo(kind, root, access);
    let local = object.btf();
    Relocator::new(&local, object.relos().iter().copied(), &targets).apply(insns, 0, &object.relos()[0])
}

fn problem(result: Result<Applied, CoreError>) -> Problem {
    result.unwrap_err().problem
}

const OBJECT: &str = "struct s { x: int, f: int }";
const KERNEL: &str = "struct s { x: [int; 5], f: int }";

fn mem(class: u8, size: u8, off: i16) -> Insn {
    let src = if class == op::CLASS_ST { 0 } else { 2 };
    Insn { code: class | op::MEM | size, regs: Regs::new(1, src), off, imm: 7 }
}

#[test]
fn arithmetic_with_an_immediate() {
    for class in [op::CLASS_ALU, op::CLASS_ALU64] {
        for operation in [op::MOV, op::ADD, op::RSH] {
            let before = Insn { code: class | operation | op::K, regs: Regs::new(3, 0), off: 0, imm: 4 };
            let mut insns = [before];
            assert_eq!(apply(OBJECT, KERNEL, K::FieldByteOffset, &mut insns).unwrap(), Applied::Patched);
            assert_eq!(insns, [Insn { imm: 20, ..before }]);
        }
    }
}

#[test]
fn loads_and_stores() {
    for class in [op::CLASS_LDX, op::CLASS_ST, op::CLASS_STX] {
        // The size of the access is not the object's to have right if nothing changes.
        for size in [op::B, op::H, op::W, op::DW] {
            let before = mem(class, size, 4);
            let mut insns = [before];
            assert_eq!(apply(OBJECT, KERNEL, K::FieldByteOffset, &mut insns).unwrap(), Applied::Patched);
            assert_eq!(insns, [Insn { off: 20, ..before }]);
        }
    }
}

#[test]
fn wide_loads() {
    let kernel = "enum64 e { A = 0x1122334480000000 }";
    let mut insns = load(5);
    assert_eq!(apply("enum e { A = 5 }", kernel, K::EnumvalValue, &mut insns).unwrap(), Applied::Patched);
    assert_eq!(insns, load(0x1122_3344_8000_0000));
}

#[test]
fn instructions_that_have_no_place_for_a_value() {
    let one = |insns: &mut [Insn]| problem(apply(OBJECT, KERNEL, K::FieldByteOffset, insns));
    for code in [
        op::CLASS_ALU64 | op::MOV | op::X,
        op::CLASS_JMP | op::JEQ | op::K,
        op::CLASS_JMP32 | op::JA,
        op::CLASS_JMP | op::CALL,
        op::CLASS_LD | op::ABS | op::W,
    ] {
        let mut insns = [Insn { code, imm: 4, ..Insn::default() }, Insn::default()];
        assert_eq!(one(&mut insns), Problem::BadInsn { code });
    }
    let code = op::LD_IMM64;
    for (first, second) in [
        (load(4)[0].with_src(op::PSEUDO_MAP_FD), load(4)[1]),
        (Insn { off: 1, ..load(4)[0] }, load(4)[1]),
        (load(4)[0], Insn::exit()),
        (load(4)[0], Insn { off: 1, ..load(4)[1] }),
    ] {
        assert_eq!(one(&mut [first, second]), Problem::BadInsn { code });
    }
    // The second half is missing, and the first.
    assert_eq!(one(&mut [load(4)[0]]), Problem::NoSuchInsn { count: 1 });
    assert_eq!(one(&mut []), Problem::NoSuchInsn { count: 0 });
}

#[test]
fn the_value_before_is_checked() {
    let unexpected = |found: i64| Problem::UnexpectedValue { found: found as u64, expected: 4 };
    let one = |insn: Insn| problem(apply(OBJECT, KERNEL, K::FieldByteOffset, &mut [insn, Insn::default()]));
    assert_eq!(one(Insn::mov64_imm(1, 5)), unexpected(5));
    assert_eq!(one(Insn::mov64_imm(1, -4)), unexpected(-4));
    assert_eq!(one(mem(op::CLASS_LDX, op::W, -8)), unexpected(-8));
    assert_eq!(one(load(8)[0]), unexpected(8));
    let error = apply(OBJECT, KERNEL, K::FieldByteOffset, &mut [Insn::mov64_imm(1, -4)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CO-RE relocation byte_off of struct s.f (0:1) at instruction 0: \
         the instruction holds -4, expected 4 by the types of the object"
    );
}

#[test]
fn offsets_of_loads_have_16_bits() {
    let far = |bytes: u32| format!("struct s {{ x: [char; {bytes}], f: int }}");
    let mut insns = [mem(op::CLASS_LDX, op::W, 4)];
    apply(OBJECT, &far(32764), K::FieldByteOffset, &mut insns).unwrap();
    assert_eq!(insns[0].off, 32764);
    let mut insns = [mem(op::CLASS_LDX, op::W, 4)];
    assert_eq!(
        problem(apply(OBJECT, &far(32768), K::FieldByteOffset, &mut insns)),
        Problem::OffsetRange { offset: 32768 }
    );
    // An immediate takes it.
    let mut insns = [Insn::mov64_imm(1, 4)];
    apply(OBJECT, &far(32768), K::FieldByteOffset, &mut insns).unwrap();
    assert_eq!(insns[0].imm, 32768);
}

#[test]
fn immediates_have_32_bits() {
    let one = |kernel: &str| {
        let mut insns = [Insn::mov64_imm(1, 5)];
        apply("enum e { A = 5 }", kernel, K::EnumvalValue, &mut insns).map(|_| insns[0].imm)
    };
    assert_eq!(one("enum e { A = -1 }").unwrap(), -1);
    assert_eq!(one("enum64 e { A = 0xfffffffe }").unwrap(), -2);
    assert_eq!(
        one("enum64 e { A = 0x100000000 }").unwrap_err().problem,
        Problem::ValueRange { value: 1 << 32 }
    );
}

#[test]
fn accesses_change_size_with_unsigned_integers_and_pointers() {
    for (own, other, size, expected) in [
        ("u32", "u64", op::W, Some(op::DW)),
        ("u64", "u8", op::DW, Some(op::B)),
        ("u8", "u16", op::B, Some(op::H)),
        ("u16", "u32", op::H, Some(op::W)),
        ("bool", "u32", op::B, Some(op::W)),
        ("schar", "u32", op::B, Some(op::W)),
        ("int", "u64", op::W, None),
        ("u32", "long", op::W, None),
        ("float", "double", op::W, None),
        ("[u32; 2]", "[u64; 2]", op::W, None),
        ("struct { a: int }", "struct { a: long }", op::W, None),
        ("*int", "*char", op::DW, Some(op::DW)),
        ("int", "u32", op::W, Some(op::W)),
        ("[u32; 2]", "[u32; 7]", op::W, Some(op::W)),
    ] {
        for class in [op::CLASS_LDX, op::CLASS_STX, op::CLASS_ST] {
            let object = format!("struct s {{ x: int, f: {own} @ 32 }}");
            let kernel = format!("struct s {{ f: {other} }}");
            let mut insns = [mem(class, size, 4)];
            let applied = apply(&object, &kernel, K::FieldByteOffset, &mut insns).unwrap();
            match expected {
                Some(expected) => {
                    assert_eq!(applied, Applied::Patched, "{own} / {other}");
                    assert_eq!(insns, [mem(class, expected, 0)], "{own} / {other}");
                }
                None => {
                    let Applied::Poisoned(why) = applied else { panic!("{own} / {other}: {applied:?}") };
                    assert!(matches!(why.cause, Cause::Size { .. }), "{own} / {other}");
                    assert_eq!(insns, [Insn::call_helper(POISON)]);
                }
            }
        }
        // Where only the offset is asked for, sizes do not matter.
        let object = format!("struct s {{ x: int, f: {own} @ 32 }}");
        let kernel = format!("struct s {{ f: {other} }}");
        let mut insns = [Insn::mov64_imm(1, 4)];
        assert_eq!(apply(&object, &kernel, K::FieldByteOffset, &mut insns).unwrap(), Applied::Patched);
    }
}

#[test]
fn pointers_of_32_bit_kernels() {
    use oxbpf_btf::{BtfBuilder, Field, IntEncoding};
    let mut builder = BtfBuilder::new();
    let long = builder.add_int("long int", 4, IntEncoding::SIGNED).unwrap();
    let pointer = builder.add_ptr(long).unwrap();
    builder.add_struct("s", 16, [Field::new("f", pointer, 96)]).unwrap();
    let kernel = builder.build().unwrap();
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = Object::new("struct s { f: *int }").relo(K::FieldByteOffset, "struct s", "0:0");
    let local = object.btf();
    let mut insns = [mem(op::CLASS_LDX, op::DW, 0)];
    let mut relocator = Relocator::new(&local, object.relos().iter().copied(), &targets);
    assert_eq!(relocator.apply(&mut insns, 0, &object.relos()[0]).unwrap(), Applied::Patched);
    assert_eq!(insns, [mem(op::CLASS_LDX, op::W, 12)]);
}

#[test]
fn elements_change_size_too() {
    let kernel = target("struct s { x: int, f: [u64; 4] }");
    let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
    let object = Object::new("struct s { f: [u32; 4] }").relo(K::FieldByteOffset, "struct s", "0:0:3");
    let local = object.btf();
    let mut insns = [mem(op::CLASS_LDX, op::W, 12)];
    let mut relocator = Relocator::new(&local, object.relos().iter().copied(), &targets);
    assert_eq!(relocator.apply(&mut insns, 0, &object.relos()[0]).unwrap(), Applied::Patched);
    assert_eq!(insns, [mem(op::CLASS_LDX, op::DW, 32)]);
}

#[test]
fn sizes_that_do_not_fit() {
    // The instruction accesses another size than the object's field has.
    let mut insns = [mem(op::CLASS_LDX, op::DW, 4)];
    let got = apply("struct s { x: int, f: u32 }", "struct s { f: u64 }", K::FieldByteOffset, &mut insns);
    assert_eq!(problem(got), Problem::UnexpectedSize { found: 8, expected: 4 });
    // The target's has a size that no instruction has.
    let mut insns = [mem(op::CLASS_LDX, op::W, 4)];
    let got = apply("struct s { x: int, f: u32 }", "struct s { f: u128 }", K::FieldByteOffset, &mut insns);
    assert_eq!(problem(got), Problem::TargetSize { size: 16 });
}

#[test]
fn poison() {
    let lost = "struct s { x: int }";
    let mut insns = [mem(op::CLASS_LDX, op::W, 4), Insn::exit()];
    let applied = apply(OBJECT, lost, K::FieldByteOffset, &mut insns).unwrap();
    assert_eq!(insns, [Insn::call_helper(195_896_080), Insn::exit()]);
    let Applied::Poisoned(why) = applied else { panic!("{applied:?}") };
    assert_eq!(why.to_string(), "byte_off of struct s.f (0:1): the kernel's type has nothing that matches");
    // Both halves, lest the verifier complain of the second.
    let [low, high] = load(4);
    let mut insns = [low, high, Insn::exit()];
    apply(OBJECT, lost, K::FieldByteOffset, &mut insns).unwrap();
    assert_eq!(insns, [Insn::call_helper(POISON), Insn::call_helper(POISON), Insn::exit()]);
    // What the instruction was does not matter then.
    let mut insns = [Insn::exit()];
    apply(OBJECT, lost, K::FieldByteOffset, &mut insns).unwrap();
    assert_eq!(insns, [Insn::call_helper(POISON)]);
    // Nor what the other half was, but there has to be one.
    assert_eq!(
        problem(apply(OBJECT, lost, K::FieldByteOffset, &mut [low])),
        Problem::NoSuchInsn { count: 1 }
    );
}
