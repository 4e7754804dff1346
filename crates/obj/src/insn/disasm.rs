//! Instructions as text, in the style of the kernel's verifier: `r6 = *(u64 *)(r1 +104)`.

use std::fmt::{self, Display, Formatter};

use super::{Insn, helper_name, opcode as op};

/// Atomic operations: bits of the immediate beside an arithmetic operation.
const FETCH: i32 = 0x01;
const XCHG: i32 = 0xe0 | FETCH;
const CMPXCHG: i32 = 0xf0 | FETCH;
const LOAD_ACQUIRE: i32 = 0x100;
const STORE_RELEASE: i32 = 0x110;

/// A program as text, one line an instruction, as verifier logs show it.
///
/// ```
/// use oxbpf_obj::{Insn, insn::disassemble};
///
/// let lines: Vec<_> = disassemble(&[Insn::mov64_imm(0, 1), Insn::exit()]).collect();
/// assert_eq!(lines, ["0: (b7) r0 = 1", "1: (95) exit"]);
/// ```
pub fn disassemble(insns: &[Insn]) -> impl Iterator<Item = String> + '_ {
    let mut index = 0;
    std::iter::from_fn(move || {
        let at: usize = index;
        let [insn, rest @ ..] = insns.get(at..)? else { return None };
        let slots = if insn.is_ldimm64() { 2 } else { 1 };
        index = at.saturating_add(slots);
        Some(format!("{at}: {}", insn.disassemble(rest.first().copied())))
    })
}

impl Insn {
    /// The instruction as text: `(79) r6 = *(u64 *)(r1 +104)`. A 64-bit immediate needs its second slot.
    pub fn disassemble(self, next: Option<Insn>) -> impl Display {
        Text { insn: self, next }
    }
}

struct Text {
    insn: Insn,
    next: Option<Insn>,
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let insn = self.insn;
        write!(f, "({:02x}) ", insn.code)?;
        match insn.class() {
            op::CLASS_ALU | op::CLASS_ALU64 => alu(insn, f),
            op::CLASS_STX => store(insn, f),
            op::CLASS_ST if insn.code & op::MODE_MASK == op::MEM => {
                write!(f, "*({} *)({}) = {}", unsigned(insn), Place(insn.dst, insn.off), insn.imm)
            }
            op::CLASS_LDX => load(insn, f),
            op::CLASS_LD => load_special(insn, self.next, f),
            op::CLASS_JMP | op::CLASS_JMP32 => jump(insn, f),
            _ => unknown(insn, f),
        }
    }
}

fn unknown(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "BUG_{:02x}", insn.code)
}

/// A register: `r1`, or `w1` for its lower half.
struct Register {
    number: u8,
    half: bool,
}

impl Display for Register {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.half { 'w' } else { 'r' }, self.number)
    }
}

fn reg(insn: Insn, number: u8) -> Register {
    Register { number, half: matches!(insn.class(), op::CLASS_ALU | op::CLASS_JMP32) }
}

/// A place in memory: `r10 -8`.
struct Place(u8, i16);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "r{} {:+}", self.0, self.1)
    }
}

fn unsigned(insn: Insn) -> &'static str {
    match insn.code & op::SIZE_MASK {
        op::B => "u8",
        op::H => "u16",
        op::W => "u32",
        _ => "u64",
    }
}

fn alu_symbol(code: u8, signed: bool) -> Option<&'static str> {
    Some(match code & op::OP_MASK {
        op::ADD => "+=",
        op::SUB => "-=",
        op::MUL => "*=",
        op::DIV if signed => "s/=",
        op::DIV => "/=",
        op::OR => "|=",
        op::AND => "&=",
        op::LSH => "<<=",
        op::RSH => ">>=",
        op::MOD if signed => "s%=",
        op::MOD => "%=",
        op::XOR => "^=",
        op::MOV => "=",
        op::ARSH => "s>>=",
        _ => return None,
    })
}

fn alu(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let (dst, src) = (reg(insn, insn.dst), reg(insn, insn.src));
    match insn.code & op::OP_MASK {
        op::NEG => return write!(f, "{dst} = -{dst}"),
        op::END => {
            let (number, bits) = (insn.dst, insn.imm);
            let order = match (insn.class(), insn.code & op::SRC_MASK) {
                (op::CLASS_ALU64, _) => "bswap",
                (_, op::X) => "be",
                _ => "le",
            };
            return write!(f, "r{number} = {order}{bits} r{number}");
        }
        _ => {}
    }
    let is_mov = insn.code & op::OP_MASK == op::MOV;
    let Some(symbol) = alu_symbol(insn.code, insn.off == 1) else { return unknown(insn, f) };
    match insn.code & op::SRC_MASK {
        op::X if is_mov && insn.off == 1 && insn.class() == op::CLASS_ALU64 => {
            let imm = insn.imm.cast_unsigned();
            write!(f, "{dst} = addr_space_cast({src}, {}, {})", imm >> 16, imm & 0xffff)
        }
        op::X if is_mov && insn.off != 0 => write!(f, "{dst} = (s{}){src}", insn.off),
        op::X => write!(f, "{dst} {symbol} {src}"),
        _ => write!(f, "{dst} {symbol} {}", insn.imm),
    }
}

fn store(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let (size, place, src) = (unsigned(insn), Place(insn.dst, insn.off), insn.src);
    match insn.code & op::MODE_MASK {
        op::MEM => return write!(f, "*({size} *)({place}) = r{src}"),
        op::ATOMIC => {}
        _ => return unknown(insn, f),
    }
    let wide = if insn.code & op::SIZE_MASK == op::DW { "64" } else { "" };
    let arithmetic = insn.imm.to_le_bytes()[0] & !1;
    match insn.imm {
        XCHG => write!(f, "r{src} = atomic{wide}_xchg(({size} *)({place}), r{src})"),
        CMPXCHG => write!(f, "r0 = atomic{wide}_cmpxchg(({size} *)({place}), r0, r{src})"),
        LOAD_ACQUIRE => {
            let place = Place(src, insn.off);
            write!(f, "r{} = load_acquire(({size} *)({place}))", insn.dst)
        }
        STORE_RELEASE => write!(f, "store_release(({size} *)({place}), r{src})"),
        imm if !matches!(arithmetic, op::ADD | op::AND | op::OR | op::XOR) || imm >> 8 != 0 => {
            unknown(insn, f)
        }
        imm if imm & FETCH != 0 => {
            let name = match arithmetic {
                op::AND => "and",
                op::OR => "or",
                op::XOR => "xor",
                _ => "add",
            };
            write!(f, "r{src} = atomic{wide}_fetch_{name}(({size} *)({place}), r{src})")
        }
        _ => {
            let symbol = alu_symbol(arithmetic, false).unwrap_or_default();
            write!(f, "lock *({size} *)({place}) {symbol} r{src}")
        }
    }
}

fn load(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let (size, place) = (unsigned(insn), Place(insn.src, insn.off));
    match insn.code & op::MODE_MASK {
        op::MEM => write!(f, "r{} = *({size} *)({place})", insn.dst),
        op::MEMSX => write!(f, "r{} = *({} *)({place})", insn.dst, size.replace('u', "s")),
        _ => unknown(insn, f),
    }
}

fn load_special(insn: Insn, next: Option<Insn>, f: &mut Formatter<'_>) -> fmt::Result {
    let size = unsigned(insn);
    match insn.code & op::MODE_MASK {
        op::ABS => write!(f, "r0 = *({size} *)skb[{}]", insn.imm),
        op::IND => write!(f, "r0 = *({size} *)skb[r{} + {}]", insn.src, insn.imm),
        op::IMM if insn.is_ldimm64() => {
            let (low, high) = (insn.imm, next.map_or(0, |next| next.imm));
            let wide = u64::from(high.cast_unsigned()) << 32 | u64::from(low.cast_unsigned());
            write!(f, "r{} = ", insn.dst)?;
            match insn.src {
                op::PSEUDO_MAP_FD => write!(f, "map[fd:{low}]"),
                op::PSEUDO_MAP_VALUE => write!(f, "map[fd:{low}][0]+{high}"),
                op::PSEUDO_MAP_IDX => write!(f, "map[idx:{low}]"),
                op::PSEUDO_MAP_IDX_VALUE => write!(f, "map[idx:{low}][0]+{high}"),
                op::PSEUDO_BTF_ID => write!(f, "btf_id[{low}]"),
                op::PSEUDO_FUNC => write!(f, "func[{low:+}]"),
                _ => write!(f, "0x{wide:x}"),
            }
        }
        _ => unknown(insn, f),
    }
}

fn jump(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let is_wide = insn.class() == op::CLASS_JMP;
    let symbol = match insn.code & op::OP_MASK {
        op::CALL if is_wide => return call(insn, f),
        op::EXIT if is_wide => return f.write_str("exit"),
        op::JA if is_wide && insn.code & op::SRC_MASK == op::X => return write!(f, "gotox r{}", insn.dst),
        op::JA if is_wide => return write!(f, "goto pc{:+}", insn.off),
        op::JA => return write!(f, "gotol pc{:+}", insn.imm),
        op::JCOND if is_wide => return write!(f, "may_goto pc{:+}", insn.off),
        op::JEQ => "==",
        op::JGT => ">",
        op::JGE => ">=",
        op::JSET => "&",
        op::JNE => "!=",
        op::JSGT => "s>",
        op::JSGE => "s>=",
        op::JLT => "<",
        op::JLE => "<=",
        op::JSLT => "s<",
        op::JSLE => "s<=",
        _ => return unknown(insn, f),
    };
    let (dst, src) = (reg(insn, insn.dst), reg(insn, insn.src));
    match insn.code & op::SRC_MASK {
        op::X => write!(f, "if {dst} {symbol} {src} goto pc{:+}", insn.off),
        _ => write!(f, "if {dst} {symbol} 0x{:x} goto pc{:+}", insn.imm, insn.off),
    }
}

fn call(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    match insn.src {
        op::PSEUDO_CALL => write!(f, "call pc{:+}", insn.imm),
        op::PSEUDO_KFUNC_CALL => write!(f, "call kernel-function#{}", insn.imm),
        _ => {
            let name = u32::try_from(insn.imm).ok().and_then(helper_name).unwrap_or("unknown");
            write!(f, "call {name}#{}", insn.imm)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> String {
        Insn { code, dst, src, off, imm }.disassemble(None).to_string()
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
        assert_eq!(text(0x3f, 1, 2, 1, 0), "(3f) r1 s/= r2");
        assert_eq!(text(0x87, 1, 0, 0, 0), "(87) r1 = -r1");
        assert_eq!(text(0xdc, 1, 0, 0, 16), "(dc) r1 = be16 r1");
        assert_eq!(text(0xd7, 1, 0, 0, 32), "(d7) r1 = bswap32 r1");
        assert_eq!(text(0x15, 0, 0, 3, 0), "(15) if r0 == 0x0 goto pc+3");
        assert_eq!(text(0x16, 0, 0, -3, -1), "(16) if w0 == 0xffffffff goto pc-3");
        assert_eq!(text(0x6d, 1, 2, 3, 0), "(6d) if r1 s> r2 goto pc+3");
        assert_eq!(text(0x05, 0, 0, -2, 0), "(05) goto pc-2");
        assert_eq!(text(0x06, 0, 0, 0, 70_000), "(06) gotol pc+70000");
        assert_eq!(text(0x85, 0, 0, 0, 1), "(85) call bpf_map_lookup_elem#1");
        assert_eq!(text(0x85, 0, 0, 0, 195_896_080), "(85) call unknown#195896080");
        assert_eq!(text(0x85, 0, 1, 0, 3), "(85) call pc+3");
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
        let first = Insn { code: op::LD_IMM64, dst: 1, src: 0, off: 0, imm: -1 };
        let second = Insn { imm: 1, ..Insn::default() };
        let lines: Vec<_> = disassemble(&[first, second, Insn::exit()]).collect();
        assert_eq!(lines, ["0: (18) r1 = 0x1ffffffff", "2: (95) exit"]);
        let map = Insn { src: op::PSEUDO_MAP_VALUE, imm: 5, ..first };
        assert_eq!(map.disassemble(Some(second)).to_string(), "(18) r1 = map[fd:5][0]+1");
    }

    #[test]
    fn every_instruction_has_a_text() {
        for code in 0..=u8::MAX {
            for (src, imm) in [(0, 0), (1, -1), (15, i32::MIN)] {
                assert!(text(code, 15, src, i16::MIN, imm).len() > 5);
            }
        }
    }
}
