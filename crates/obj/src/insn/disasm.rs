//! Instructions as text, in the style of the kernel's verifier: `r6 = *(u64 *)(r1 +104)`.

use std::fmt::{self, Display, Formatter};

use super::assembler::{LOAD_ACQUIRE, STORE_RELEASE};
use super::operand::{Alu, Atomic, Cond, Size, Swap};
use super::{Insn, helper_name, opcode as op};

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
                write!(f, "*({} *)({}) = {}", unsigned(insn), Place(insn.dst(), insn.off), insn.imm)
            }
            op::CLASS_ST if insn.code == op::NOSPEC => f.write_str("nospec"),
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
    Size::of(insn.code).type_name(false)
}

fn alu(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let (dst, src) = (reg(insn, insn.dst()), reg(insn, insn.src()));
    match insn.code & op::OP_MASK {
        op::NEG => return write!(f, "{dst} = -{dst}"),
        op::END => {
            let swap = Swap::ALL.into_iter().find(|s| s.code() == insn.code).unwrap_or(Swap::Always);
            let (number, bits) = (insn.dst(), insn.imm);
            return write!(f, "r{number} = {}{bits} r{number}", swap.symbol());
        }
        _ => {}
    }
    let Some(alu) = Alu::of(insn.code, insn.off) else { return unknown(insn, f) };
    let symbol = alu.symbol();
    if insn.code & op::SRC_MASK == op::K {
        return write!(f, "{dst} {symbol} {}", insn.imm);
    }
    match (alu, insn.class(), insn.off) {
        (Alu::Mov, op::CLASS_ALU64, 1) => {
            let imm = insn.imm.cast_unsigned();
            write!(f, "{dst} = addr_space_cast({src}, {}, {})", imm >> 16, imm & 0xffff)
        }
        (Alu::Mov, op::CLASS_ALU64, op::PERCPU_OFF) => write!(f, "{dst} = &(void __percpu *)({src})"),
        (Alu::Mov, _, bits) if bits != 0 => write!(f, "{dst} = (s{bits}){src}"),
        _ => write!(f, "{dst} {symbol} {src}"),
    }
}

fn store(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let (size, place, src) = (unsigned(insn), Place(insn.dst(), insn.off), insn.src());
    match insn.code & op::MODE_MASK {
        op::MEM => return write!(f, "*({size} *)({place}) = r{src}"),
        op::ATOMIC => {}
        _ => return unknown(insn, f),
    }
    match insn.imm {
        LOAD_ACQUIRE => {
            let place = Place(src, insn.off);
            return write!(f, "r{} = load_acquire(({size} *)({place}))", insn.dst());
        }
        STORE_RELEASE => return write!(f, "store_release(({size} *)({place}), r{src})"),
        _ => {}
    }
    let wide = if insn.code & op::SIZE_MASK == op::DW { "64" } else { "" };
    let Some(atomic) = Atomic::of(insn.imm) else { return unknown(insn, f) };
    let symbol = atomic.symbol();
    match atomic {
        Atomic::Add | Atomic::And | Atomic::Or | Atomic::Xor => {
            write!(f, "lock *({size} *)({place}) {symbol} r{src}")
        }
        Atomic::Cmpxchg => write!(f, "r0 = atomic{wide}_{symbol}(({size} *)({place}), r0, r{src})"),
        _ => write!(f, "r{src} = atomic{wide}_{symbol}(({size} *)({place}), r{src})"),
    }
}

fn load(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let (size, place) = (unsigned(insn), Place(insn.src(), insn.off));
    match insn.code & op::MODE_MASK {
        op::MEM => write!(f, "r{} = *({size} *)({place})", insn.dst()),
        op::MEMSX => write!(f, "r{} = *({} *)({place})", insn.dst(), Size::of(insn.code).type_name(true)),
        _ => unknown(insn, f),
    }
}

fn load_special(insn: Insn, next: Option<Insn>, f: &mut Formatter<'_>) -> fmt::Result {
    let size = unsigned(insn);
    match insn.code & op::MODE_MASK {
        op::ABS => write!(f, "r0 = *({size} *)skb[{}]", insn.imm),
        op::IND => write!(f, "r0 = *({size} *)skb[r{} + {}]", insn.src(), insn.imm),
        op::IMM if insn.is_ldimm64() => {
            let (low, high) = (insn.imm, next.map_or(0, |next| next.imm));
            let wide = u64::from(high.cast_unsigned()) << 32 | u64::from(low.cast_unsigned());
            write!(f, "r{} = ", insn.dst())?;
            match insn.src() {
                op::PSEUDO_MAP_FD => write!(f, "map[fd:{low}]"),
                op::PSEUDO_MAP_VALUE => write!(f, "map[fd:{low}][0]+{}", high.cast_unsigned()),
                op::PSEUDO_MAP_IDX => write!(f, "map[idx:{low}]"),
                op::PSEUDO_MAP_IDX_VALUE => write!(f, "map[idx:{low}][0]+{}", high.cast_unsigned()),
                op::PSEUDO_BTF_ID if high != 0 => write!(f, "btf_id[{low}][fd:{high}]"),
                op::PSEUDO_BTF_ID => write!(f, "btf_id[{low}]"),
                op::PSEUDO_FUNC => write!(f, "subprog[{low:+}]"),
                _ => write!(f, "0x{wide:x}"),
            }
        }
        _ => unknown(insn, f),
    }
}

fn jump(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    let is_wide = insn.class() == op::CLASS_JMP;
    match insn.code & op::OP_MASK {
        op::CALL if is_wide => return call(insn, f),
        op::EXIT if is_wide => return f.write_str("exit"),
        op::JA if is_wide && insn.code & op::SRC_MASK == op::X => return write!(f, "gotox r{}", insn.dst()),
        op::JA if is_wide => return write!(f, "goto pc{:+}", insn.off),
        op::JA => return write!(f, "gotol pc{:+}", insn.imm),
        op::JCOND if is_wide => return write!(f, "may_goto pc{:+}", insn.off),
        _ => {}
    }
    let Some(cond) = Cond::of(insn.code) else { return unknown(insn, f) };
    let symbol = cond.symbol();
    let (dst, src) = (reg(insn, insn.dst()), reg(insn, insn.src()));
    match insn.code & op::SRC_MASK {
        op::X => write!(f, "if {dst} {symbol} {src} goto pc{:+}", insn.off),
        _ => write!(f, "if {dst} {symbol} 0x{:x} goto pc{:+}", insn.imm, insn.off),
    }
}

fn call(insn: Insn, f: &mut Formatter<'_>) -> fmt::Result {
    match insn.src() {
        _ if insn.code & op::SRC_MASK == op::X => write!(f, "callx r{}", insn.dst()),
        op::PSEUDO_CALL => write!(f, "call pc{:+}", insn.imm),
        op::PSEUDO_KFUNC_CALL if insn.off != 0 => {
            write!(f, "call kernel-function#{}[fd_array:{}]", insn.imm, insn.off)
        }
        op::PSEUDO_KFUNC_CALL => write!(f, "call kernel-function#{}", insn.imm),
        _ => {
            let name = u32::try_from(insn.imm).ok().and_then(helper_name).unwrap_or("unknown");
            write!(f, "call {name}#{}", insn.imm)
        }
    }
}
