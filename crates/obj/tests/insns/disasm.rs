//! What instructions read as.

use oxbpf_obj::insn::{Insn, Regs, disassemble, opcode as op};

fn text(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> String {
    Insn { code, regs: Regs::new(dst, src), off, imm }.disassemble(None).to_string()
}

#[test]
fn as_the_verifier_shows_it() {
    assert_eq!(text(0x79, 6, 1, 104, 0), "(79) r6 = *(u64 *)(r1 +104)");
    assert_eq!(text(0x7b, 10, 1, -8, 0), "(7b) *(u64 *)(r10 -8) = r1");
    assert_eq!(text(0x62, 10, 0, -4, 7), "(62) *(u32 *)(r10 -4) = 7");
    assert_eq!(text(0x91, 1, 2, 0, 0), "(91) r1 = *(s8 *)(r2 +0)");
    assert_eq!(text(0x07, 2, 0, 0, -8), "(07) r2 += -8");
    assert_eq!(text(0xb4, 0, 0, 0, 0), "(b4) w0 = 0");
    assert_eq!(text(0xbf, 1, 10, 0, 0), "(bf) r1 = r10");
    assert_eq!(text(0xbf, 1, 2, 8, 0), "(bf) r1 = (s8)r2");
    assert_eq!(text(0xbc, 1, 2, 16, 0), "(bc) w1 = (s16)w2");
    assert_eq!(text(0xbf, 1, 2, 1, 1 << 16), "(bf) r1 = addr_space_cast(r2, 1, 0)");
    assert_eq!(text(0xbf, 1, 2, -1, 0), "(bf) r1 = &(void __percpu *)(r2)");
    assert_eq!(text(0xc2, 0, 0, 0, 0), "(c2) nospec");
    assert_eq!(text(0x3f, 1, 2, 1, 0), "(3f) r1 s/= r2");
    assert_eq!(text(0x87, 1, 0, 0, 0), "(87) r1 = -r1");
    assert_eq!(text(0xdc, 1, 0, 0, 16), "(dc) r1 = be16 r1");
    assert_eq!(text(0xd7, 1, 0, 0, 32), "(d7) r1 = bswap32 r1");
    assert_eq!(text(0x15, 0, 0, 3, 0), "(15) if r0 == 0x0 goto pc+3");
    assert_eq!(text(0x16, 0, 0, -3, -1), "(16) if w0 == 0xffffffff goto pc-3");
    assert_eq!(text(0x6d, 1, 2, 3, 0), "(6d) if r1 s> r2 goto pc+3");
    assert_eq!(text(0x05, 0, 0, -2, 0), "(05) goto pc-2");
    assert_eq!(text(0x06, 0, 0, 0, 70_000), "(06) gotol pc+70000");
    assert_eq!(text(0x0d, 3, 0, 0, 0), "(0d) gotox r3");
    assert_eq!(text(0xe5, 0, 0, 7, 0), "(e5) may_goto pc+7");
    assert_eq!(text(0x8d, 2, 0, 0, 0), "(8d) callx r2");
    assert_eq!(text(0x85, 0, 0, 0, 1), "(85) call bpf_map_lookup_elem#1");
    assert_eq!(text(0x85, 0, 0, 0, 195_896_080), "(85) call unknown#195896080");
    assert_eq!(text(0x85, 0, 1, 0, 3), "(85) call pc+3");
    assert_eq!(text(0x85, 0, 2, 0, 99), "(85) call kernel-function#99");
    assert_eq!(text(0x85, 0, 2, 1, 99), "(85) call kernel-function#99[fd_array:1]");
    assert_eq!(text(0x95, 0, 0, 0, 0), "(95) exit");
    assert_eq!(text(0x30, 0, 0, 0, 23), "(30) r0 = *(u8 *)skb[23]");
}

#[test]
fn atomics() {
    assert_eq!(text(0xdb, 1, 2, 0, 0), "(db) lock *(u64 *)(r1 +0) += r2");
    assert_eq!(text(0xc3, 1, 2, 4, 0x50), "(c3) lock *(u32 *)(r1 +4) &= r2");
    assert_eq!(text(0xdb, 1, 2, 0, 1), "(db) r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)");
    assert_eq!(text(0xc3, 1, 2, 0, 0xe1), "(c3) r2 = atomic_xchg((u32 *)(r1 +0), r2)");
    assert_eq!(text(0xdb, 1, 2, 0, 0xf1), "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)");
    assert_eq!(text(0xdb, 1, 2, 8, 0x100), "(db) r1 = load_acquire((u64 *)(r2 +8))");
    assert_eq!(text(0xdb, 1, 2, 8, 0x110), "(db) store_release((u64 *)(r1 +8), r2)");
    assert_eq!(text(0xdb, 1, 2, 8, 0x30), "(db) BUG_db");
}

#[test]
fn wide_immediates_take_two_slots() {
    let first = Insn { code: op::LD_IMM64, regs: Regs::new(1, 0), off: 0, imm: -1 };
    let second = Insn { imm: 1, ..Insn::default() };
    let lines: Vec<_> = disassemble(&[first, second, Insn::exit()]).collect();
    assert_eq!(lines, ["0: (18) r1 = 0x1ffffffff", "2: (95) exit"]);
    let map = Insn { imm: 5, ..first }.with_src(op::PSEUDO_MAP_VALUE);
    assert_eq!(map.disassemble(Some(second)).to_string(), "(18) r1 = map[fd:5][0]+1");
    let variable = Insn { imm: 7, ..first }.with_src(op::PSEUDO_BTF_ID);
    assert_eq!(variable.disassemble(None).to_string(), "(18) r1 = btf_id[7]");
    assert_eq!(variable.disassemble(Some(second)).to_string(), "(18) r1 = btf_id[7][fd:1]");
    let function = Insn { imm: 3, ..first }.with_src(op::PSEUDO_FUNC);
    assert_eq!(function.disassemble(None).to_string(), "(18) r1 = subprog[+3]");
}

#[test]
fn every_instruction_has_a_text() {
    for code in 0..=u8::MAX {
        for (src, imm) in [(0, 0), (1, -1), (15, i32::MIN)] {
            assert!(text(code, 15, src, i16::MIN, imm).len() > 5);
        }
    }
}
