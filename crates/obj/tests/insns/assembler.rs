//! Programs written by hand.

use oxbpf_obj::Endian;
use oxbpf_obj::insn::{Alu, Assembler, Atomic, Cond, LabelError, Reg::*, Size, Swap, disassemble};

#[track_caller]
fn reads(program: Assembler, expected: &[&str]) {
    let insns = program.finish().expect("labels are there");
    let lines: Vec<_> =
        disassemble(&insns).map(|l| l.split_once(": ").expect("an index").1.to_owned()).collect();
    assert_eq!(lines, expected);
}

#[test]
fn arithmetic() {
    reads(
        Assembler::new()
            .mov64_imm(R1, -1)
            .mov64_reg(R2, R1)
            .mov32_imm(R3, 7)
            .mov32_reg(R4, R3)
            .add64_imm(R1, -8)
            .alu64_reg(Alu::SDiv, R1, R2)
            .alu32_imm(Alu::SMod, R1, 3)
            .alu64_imm(Alu::Arsh, R1, 3)
            .alu32_reg(Alu::Xor, R1, R2)
            .movsx64(R1, R2, 32)
            .movsx32(R1, R2, 8)
            .neg64(R1)
            .neg32(R1)
            .swap(Swap::Be, R1, 16)
            .swap(Swap::Le, R1, 32)
            .swap(Swap::Always, R1, 64)
            .addr_space_cast(R1, R2, 0, 1),
        &[
            "(b7) r1 = -1",
            "(bf) r2 = r1",
            "(b4) w3 = 7",
            "(bc) w4 = w3",
            "(07) r1 += -8",
            "(3f) r1 s/= r2",
            "(94) w1 s%= 3",
            "(c7) r1 s>>= 3",
            "(ac) w1 ^= w2",
            "(bf) r1 = (s32)r2",
            "(bc) w1 = (s8)w2",
            "(87) r1 = -r1",
            "(84) w1 = -w1",
            "(dc) r1 = be16 r1",
            "(d4) r1 = le32 r1",
            "(d7) r1 = bswap64 r1",
            "(bf) r1 = addr_space_cast(r2, 0, 1)",
        ],
    );
}

#[test]
fn memory() {
    reads(
        Assembler::new()
            .load(Size::Dw, R6, R1, 104)
            .load_signed(Size::B, R1, R2, -1)
            .store(Size::W, R10, -4, R1)
            .store_imm(Size::H, R10, -2, 5)
            .atomic(Atomic::Add, Size::Dw, R1, 0, R2)
            .atomic(Atomic::Cmpxchg, Size::W, R1, 4, R2)
            .load_acquire(Size::B, R1, R2, 8)
            .store_release(Size::Dw, R1, 8, R2)
            .load_packet(Size::H, 12)
            .load_packet_at(Size::B, R7, 9)
            .ld_imm64(R1, 0x1_ffff_ffff)
            .ld_map_fd(R1, 5)
            .ld_map_value(R1, 5, 16)
            .ld_map_index(R1, 2)
            .ld_map_index_value(R1, 2, 8)
            .ld_btf_id(R1, 77, 0),
        &[
            "(79) r6 = *(u64 *)(r1 +104)",
            "(91) r1 = *(s8 *)(r2 -1)",
            "(63) *(u32 *)(r10 -4) = r1",
            "(6a) *(u16 *)(r10 -2) = 5",
            "(db) lock *(u64 *)(r1 +0) += r2",
            "(c3) r0 = atomic_cmpxchg((u32 *)(r1 +4), r0, r2)",
            "(d3) r1 = load_acquire((u8 *)(r2 +8))",
            "(db) store_release((u64 *)(r1 +8), r2)",
            "(28) r0 = *(u16 *)skb[12]",
            "(50) r0 = *(u8 *)skb[r7 + 9]",
            "(18) r1 = 0x1ffffffff",
            "(18) r1 = map[fd:5]",
            "(18) r1 = map[fd:5][0]+16",
            "(18) r1 = map[idx:2]",
            "(18) r1 = map[idx:2][0]+8",
            "(18) r1 = btf_id[77]",
        ],
    );
}

#[test]
fn jumps_go_both_ways() {
    reads(
        Assembler::new()
            .label("top")
            .may_goto("out")
            .if64_reg(Cond::SGt, R1, R2, "out")
            .if32_imm(Cond::Set, R1, 4, "top")
            .if32_reg(Cond::Le, R1, R2, "top")
            .call_label("function")
            .jump_far("top")
            .jump("top")
            .label("out")
            .exit()
            .label("function")
            .ld_func(R2, "function")
            .call(181)
            .call_kfunc(99, 0)
            .call_reg(R1)
            .jump_reg(R1),
        &[
            "(e5) may_goto pc+6",
            "(6d) if r1 s> r2 goto pc+5",
            "(46) if w1 & 0x4 goto pc-3",
            "(be) if w1 <= w2 goto pc-4",
            "(85) call pc+3",
            "(06) gotol pc-6",
            "(05) goto pc-7",
            "(95) exit",
            // Counted from its second slot, as the kernel does.
            "(18) r2 = subprog[-1]",
            "(85) call bpf_loop#181",
            "(85) call kernel-function#99",
            "(8d) callx r1",
            "(0d) gotox r1",
        ],
    );
}

#[test]
fn labels_that_cannot_be() {
    let error = |program: Assembler| program.finish().expect_err("it is wrong").to_string();
    let nowhere = Assembler::new().exit().jump("out");
    assert_eq!(error(nowhere), "instruction 1 goes to the label `out`, which is nowhere");
    let twice = Assembler::new().label("a").exit().label("a").exit();
    assert_eq!(error(twice), "the label `a` is in two places");
    // The farthest that 16 bits go, and one more.
    let long = |between: usize| (0..between).fold(Assembler::new().jump("out"), |p, _| p.mov64_imm(R0, 0));
    let farthest = long(32_767).label("out").exit().finish().expect("near enough");
    assert_eq!(farthest[0].off, i16::MAX);
    let error = long(32_768).label("out").exit().finish().expect_err("too far");
    assert_eq!(error, LabelError::TooFar { label: "out".into(), insn: 0, distance: 32_768 });
    assert_eq!(
        error.to_string(),
        "instruction 0 is 32768 instructions away from `out`: more than 16 bits; go by way of `jump_far`"
    );
    let back = (0..32_768).fold(Assembler::new().label("top"), |p, _| p.mov64_imm(R0, 0));
    assert!(matches!(back.jump("top").finish(), Err(LabelError::TooFar { distance: -32_769, .. })));
    assert_eq!(long(32_768).label("out").len(), 32_769);
}

#[test]
fn bytes_in_either_order() {
    let program = || Assembler::new().mov64_imm(R1, 1);
    assert_eq!(program().encode(Endian::Little), Ok(vec![0xb7, 1, 0, 0, 1, 0, 0, 0]));
    assert_eq!(program().encode(Endian::Big), Ok(vec![0xb7, 0x10, 0, 0, 0, 0, 0, 1]));
}
