//! Every valid instruction goes through text and comes back as it was.

use oxbpf_obj::Endian;
use oxbpf_obj::insn::{Alu, Atomic, Cond, Insn, Regs, Size, Swap, assemble, disassemble, opcode as op};
use proptest::prelude::*;

/// Which fields of an instruction may have any value; the others are as given.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    insn: Insn,
    dst: bool,
    src: bool,
    off: bool,
    imm: bool,
    /// Has a second slot, whose immediate may have any value if this says so.
    second: Option<bool>,
}

fn shape(code: u8) -> Shape {
    Shape { insn: Insn { code, ..Insn::default() }, ..Shape::default() }
}

/// All forms of today's instruction set, what only dumps of a kernel contain included.
fn shapes() -> Vec<Shape> {
    let mut all = Vec::new();
    let with = |shape: Shape, off, imm| Shape { insn: Insn { off, imm, ..shape.insn }, ..shape };
    for class in [op::CLASS_ALU, op::CLASS_ALU64] {
        for alu in Alu::ALL {
            let (bits, off) = alu.bits();
            all.push(with(Shape { dst: true, imm: true, ..shape(class | op::K | bits) }, off, 0));
            all.push(with(Shape { dst: true, src: true, ..shape(class | op::X | bits) }, off, 0));
        }
        let bits: &[i16] = if class == op::CLASS_ALU { &[8, 16] } else { &[8, 16, 32, -1] };
        let moved = Shape { dst: true, src: true, ..shape(class | op::X | op::MOV) };
        all.extend(bits.iter().map(|&off| with(moved, off, 0)));
        all.push(Shape { dst: true, ..shape(class | op::NEG) });
    }
    let cast = Shape { dst: true, src: true, imm: true, ..shape(op::CLASS_ALU64 | op::X | op::MOV) };
    all.push(with(cast, 1, 0));
    for swap in Swap::ALL {
        let swap = Shape { dst: true, ..shape(swap.code()) };
        all.extend([16, 32, 64].map(|bits| with(swap, 0, bits)));
    }
    for size in Size::ALL {
        let at = |class| Shape { dst: true, src: true, off: true, ..shape(class | size as u8) };
        all.extend([at(op::CLASS_LDX | op::MEM), at(op::CLASS_STX | op::MEM)]);
        if size != Size::Dw {
            all.push(at(op::CLASS_LDX | op::MEMSX));
            all.push(Shape { imm: true, ..shape(op::CLASS_LD | op::ABS | size as u8) });
            all.push(Shape { src: true, imm: true, ..shape(op::CLASS_LD | op::IND | size as u8) });
        }
        all.push(Shape { src: false, imm: true, ..at(op::CLASS_ST | op::MEM) });
        let atomic = at(op::CLASS_STX | op::ATOMIC);
        if matches!(size, Size::W | Size::Dw) {
            all.extend(Atomic::ALL.map(|a| with(atomic, 0, a.imm())));
        }
        all.extend([0x100, 0x110].map(|imm| with(atomic, 0, imm)));
    }
    all.push(shape(op::NOSPEC));
    let kinds = [(0, true), (op::PSEUDO_MAP_FD, false), (op::PSEUDO_MAP_VALUE, true)];
    let more = [(op::PSEUDO_BTF_ID, true), (op::PSEUDO_FUNC, false), (op::PSEUDO_MAP_IDX, false)];
    for (src, high) in kinds.into_iter().chain(more).chain([(op::PSEUDO_MAP_IDX_VALUE, true)]) {
        let insn = Insn { code: op::LD_IMM64, regs: Regs::new(0, src), ..Insn::default() };
        all.push(Shape { insn, dst: true, imm: true, second: Some(high), ..Shape::default() });
    }
    for class in [op::CLASS_JMP, op::CLASS_JMP32] {
        for cond in Cond::ALL {
            let jump = |source| Shape { dst: true, off: true, ..shape(class | source | cond as u8) };
            all.extend([Shape { imm: true, ..jump(op::K) }, Shape { src: true, ..jump(op::X) }]);
        }
    }
    all.push(Shape { off: true, ..shape(op::CLASS_JMP | op::JA) });
    all.push(Shape { off: true, ..shape(op::CLASS_JMP | op::JCOND) });
    all.push(Shape { dst: true, ..shape(op::CLASS_JMP | op::JA | op::X) });
    all.push(Shape { imm: true, ..shape(op::CLASS_JMP32 | op::JA) });
    all.push(shape(op::CLASS_JMP | op::EXIT));
    let call = shape(op::CLASS_JMP | op::CALL);
    all.push(Shape { imm: true, ..call });
    all.push(Shape { dst: true, ..shape(op::CLASS_JMP | op::CALL | op::X) });
    let of = |src| Shape { insn: call.insn.with_src(src), imm: true, ..call };
    all.extend([of(op::PSEUDO_CALL), Shape { off: true, ..of(op::PSEUDO_KFUNC_CALL) }]);
    all
}

fn fill(shape: Shape, (dst, src, off, imm, high): (u8, u8, i16, i32, i32)) -> Vec<Insn> {
    let Shape { insn, .. } = shape;
    let insn = Insn {
        code: insn.code,
        regs: Regs::new(if shape.dst { dst } else { insn.dst() }, if shape.src { src } else { insn.src() }),
        off: if shape.off { off } else { insn.off },
        imm: if shape.imm { imm } else { insn.imm },
    };
    let second = shape.second.map(|any| Insn { imm: if any { high } else { 0 }, ..Insn::default() });
    std::iter::once(insn).chain(second).collect()
}

#[track_caller]
fn comes_back(insns: &[Insn]) {
    let text = disassemble(insns).collect::<Vec<_>>().join("\n");
    let again = assemble(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let bytes = |insns: &[Insn]| Insn::encode_all(insns, Endian::Little);
    assert_eq!(bytes(&again), bytes(insns), "{text}");
    // The numbers and codes in front say nothing that the rest does not.
    let bare: Vec<_> = text.lines().map(|l| l.split_once(") ").expect("a code").1).collect();
    assert_eq!(assemble(&bare.join("\n")).as_deref(), Ok(insns), "{bare:?}");
}

/// The least and the most of each field, for every form.
#[test]
fn every_form_at_its_limits() {
    for shape in shapes() {
        for reg in [0, 1, 10, 15] {
            for (off, imm) in [(0, 0), (i16::MIN, i32::MIN), (i16::MAX, i32::MAX), (-1, -1)] {
                comes_back(&fill(shape, (reg, 15 - reg, off, imm, imm)));
            }
        }
    }
}

/// Of 256 codes, these are valid; no other reads as an instruction.
#[test]
fn no_code_is_forgotten() {
    let known: std::collections::HashSet<u8> = shapes().iter().map(|s| s.insn.code).collect();
    // Arithmetic, memory, the 64-bit immediate, comparisons, other jumps.
    assert_eq!(known.len(), (48 + 2 + 3) + (25 + 1) + 1 + 44 + 7);
    for code in (0..=u8::MAX).filter(|code| !known.contains(code)) {
        let text = Insn { code, ..Insn::default() }.disassemble(None).to_string();
        assert!(assemble(&text).is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_come_back(
        program in prop::collection::vec(
            (prop::sample::select(shapes()), (0u8..=10, 0u8..=10, any::<i16>(), any::<i32>(), any::<i32>())),
            0..50,
        )
    ) {
        let insns: Vec<Insn> = program.into_iter().flat_map(|(shape, values)| fill(shape, values)).collect();
        comes_back(&insns);
    }

    /// Whatever reads as an instruction prints as one that reads the same.
    #[test]
    fn any_slots_print_what_reads_back_or_does_not(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for insn in Insn::decode_all(&bytes, Endian::Little) {
            let text = insn.disassemble(Some(Insn::default())).to_string();
            if let Ok(again) = assemble(&text) {
                let [first, rest @ ..] = &again[..] else { panic!("no instruction: {text}") };
                prop_assert_eq!(first.disassemble(rest.first().copied()).to_string(), text);
            }
        }
    }

    /// No text makes it panic, and what it refuses it names.
    #[test]
    fn any_text_is_read_or_refused(text in "[rw0-9a-z*()+= <>!&|.,:;#\\[\\]\n-]{0,80}|\\PC{0,40}") {
        if let Err(e) = assemble(&text) {
            prop_assert!(e.to_string().starts_with("line "), "{}", e);
        }
    }
}
