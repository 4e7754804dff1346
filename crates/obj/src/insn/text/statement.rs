//! Every form that an instruction has.

use super::TextProblem;
use super::cursor::{Cursor, Register};
use crate::insn::assembler::{LOAD_ACQUIRE, STORE_RELEASE};
use crate::insn::operand::{Alu, Atomic, Cond, Size, Swap};
use crate::insn::{Insn, Regs, helper_id, opcode as op};

type Result<T> = std::result::Result<T, TextProblem>;

/// An instruction and, for a 64-bit immediate, its second slot.
pub(super) fn statement(c: &mut Cursor<'_>) -> Result<(Insn, Option<Insn>)> {
    let zero = Insn::default();
    let insn = if c.eat("exit") {
        Insn::exit()
    } else if c.eat("nospec") {
        Insn { code: op::NOSPEC, ..zero }
    } else if c.eat("gotox") {
        Insn { code: op::CLASS_JMP | op::JA | op::X, regs: Regs::new(c.reg()?, 0), ..zero }
    } else if c.eat("gotol") {
        Insn { code: op::CLASS_JMP32 | op::JA, imm: c.far()?, ..zero }
    } else if c.eat("goto") {
        Insn { code: op::CLASS_JMP | op::JA, off: c.near()?, ..zero }
    } else if c.eat("may_goto") {
        Insn { code: op::CLASS_JMP | op::JCOND, off: c.near()?, ..zero }
    } else if c.eat("callx") {
        Insn { code: op::CLASS_JMP | op::CALL | op::X, regs: Regs::new(c.reg()?, 0), ..zero }
    } else if c.eat("call ") {
        call(c)?
    } else if c.eat("if ") {
        branch(c)?
    } else if c.eat("lock") {
        locked(c)?
    } else if c.eat("store_release") {
        c.expect("((")?;
        let size = c.any_unsigned()?;
        let (dst, off) = c.place()?;
        c.expect(",")?;
        let src = c.reg()?;
        c.expect(")")?;
        Insn {
            code: op::CLASS_STX | op::ATOMIC | size as u8,
            regs: Regs::new(dst, src),
            off,
            imm: STORE_RELEASE,
        }
    } else if c.eat("*(") {
        store(c)?
    } else {
        return assignment(c);
    };
    Ok((insn, None))
}

fn call(c: &mut Cursor<'_>) -> Result<Insn> {
    let zero = Insn::call_helper(0);
    if c.eat("pc") {
        return Ok(Insn { imm: c.imm()?, ..zero }.with_src(op::PSEUDO_CALL));
    }
    let name = c.word();
    let numbered = c.eat("#");
    if name == "kernel-function" && numbered {
        let call = Insn { imm: c.imm()?, ..zero }.with_src(op::PSEUDO_KFUNC_CALL);
        if !c.eat("[fd_array:") {
            return Ok(call);
        }
        let off = c.i16()?;
        c.expect("]")?;
        return Ok(Insn { off, ..call });
    }
    match helper_id(name) {
        // In a dump of what runs, the number is another one than the helper's.
        Some(_) if numbered => Ok(Insn::call_helper(c.imm()?)),
        Some(id) => Ok(Insn::call_helper(id.cast_signed())),
        None if numbered && name == "unknown" => Ok(Insn::call_helper(c.imm()?)),
        None => Err(TextProblem::NoHelper { name: name.to_owned() }),
    }
}

/// `r1 s> r2 goto pc+3` after the `if`.
fn branch(c: &mut Cursor<'_>) -> Result<Insn> {
    let dst = c.register().ok_or_else(|| c.expected("a register"))?;
    let found = longest(Cond::ALL, Cond::symbol, c).ok_or_else(|| c.expected("a comparison"))?;
    let class = if dst.half { op::CLASS_JMP32 } else { op::CLASS_JMP };
    let (source, src, imm) = operand(c, dst)?;
    c.expect("goto")?;
    Ok(Insn { code: class | source | found as u8, regs: Regs::new(dst.number, src), off: c.near()?, imm })
}

/// The other operand: a register of the same width, or an immediate.
fn operand(c: &mut Cursor<'_>, dst: Register) -> Result<(u8, u8, i32)> {
    if c.at_register() { Ok((op::X, c.like(dst.half)?, 0)) } else { Ok((op::K, 0, c.imm()?)) }
}

/// The longest operator that comes next: `<` begins `<=` as well.
fn longest<T: Copy, const N: usize>(
    all: [T; N],
    symbol: fn(T) -> &'static str,
    c: &mut Cursor<'_>,
) -> Option<T> {
    let mut all = all;
    all.sort_by_key(|&one| std::cmp::Reverse(symbol(one).len()));
    all.into_iter().find(|&one| c.eat(symbol(one)))
}

/// `*(u64 *)(r1 +0) += r2` after the `lock`.
fn locked(c: &mut Cursor<'_>) -> Result<Insn> {
    c.expect("*(")?;
    let size = c.atomic_type()?;
    let (dst, off) = c.place()?;
    let plain = [Atomic::Add, Atomic::And, Atomic::Or, Atomic::Xor];
    let atomic = longest(plain, Atomic::symbol, c).ok_or_else(|| c.expected("an atomic operator"))?;
    let src = c.reg()?;
    Ok(Insn {
        code: op::CLASS_STX | op::ATOMIC | size as u8,
        regs: Regs::new(dst, src),
        off,
        imm: atomic.imm(),
    })
}

/// `u64 *)(r10 -8) = r1` after the `*(`.
fn store(c: &mut Cursor<'_>) -> Result<Insn> {
    let size = c.any_unsigned()?;
    let (dst, off) = c.place()?;
    c.expect("=")?;
    let (source, src, imm) = operand(c, Register { number: dst, half: false })?;
    let class = if source == op::X { op::CLASS_STX } else { op::CLASS_ST };
    Ok(Insn { code: class | op::MEM | size as u8, regs: Regs::new(dst, src), off, imm })
}

/// What begins with a register.
fn assignment(c: &mut Cursor<'_>) -> Result<(Insn, Option<Insn>)> {
    let dst = c.register().ok_or_else(|| c.expected("an instruction"))?;
    let alu = longest(Alu::ALL, Alu::symbol, c).ok_or_else(|| c.expected("an operator"))?;
    let class = if dst.half { op::CLASS_ALU } else { op::CLASS_ALU64 };
    if alu == Alu::Mov
        && let Some(special) = special(c, dst, class)?
    {
        return Ok(special);
    }
    let (source, src, imm) = operand(c, dst)?;
    let (bits, off) = alu.bits();
    Ok((Insn { code: class | source | bits, regs: Regs::new(dst.number, src), off, imm }, None))
}

/// What can stand behind `=` beside a register and a decimal number.
fn special(c: &mut Cursor<'_>, to: Register, class: u8) -> Result<Option<(Insn, Option<Insn>)>> {
    let dst = to.number;
    let moved = Insn { code: class | op::X | op::MOV, regs: Regs::new(dst, 0), ..Insn::default() };
    // The sign of a number is followed by a digit.
    let mut behind = *c;
    if behind.eat("-") && behind.at_register() {
        c.expect("-")?;
        c.same(to)?;
        return Ok(Some((Insn { code: class | op::NEG, ..moved }, None)));
    }
    if c.eat("(s") {
        let off = c.i16()?;
        c.expect(")")?;
        return Ok(Some((Insn { off, ..moved }.with_src(c.like(to.half)?), None)));
    }
    if to.half {
        return Ok(None);
    }
    let insn = if c.eat("addr_space_cast(") {
        let src = c.reg()?;
        c.expect(",")?;
        let to = c.u16()?;
        c.expect(",")?;
        let from = c.u16()?;
        c.expect(")")?;
        let imm = (u32::from(to) << 16 | u32::from(from)).cast_signed();
        Insn { off: 1, imm, ..moved }.with_src(src)
    } else if c.eat("&(void __percpu *)(") {
        let src = c.reg()?;
        c.expect(")")?;
        Insn { off: op::PERCPU_OFF, ..moved }.with_src(src)
    } else if c.eat("load_acquire((") {
        let size = c.any_unsigned()?;
        let (src, off) = c.place()?;
        c.expect(")")?;
        Insn {
            code: op::CLASS_STX | op::ATOMIC | size as u8,
            regs: Regs::new(dst, src),
            off,
            imm: LOAD_ACQUIRE,
        }
    } else if c.eat("atomic") {
        fetch(c, to)?
    } else if c.eat("*(") {
        load(c, dst)?
    } else if let Some(swap) = Swap::ALL.into_iter().find(|s| c.eat(s.symbol())) {
        let imm = c.imm()?;
        c.same(to)?;
        Insn { code: swap.code(), imm, regs: Regs::new(dst, 0), ..Insn::default() }
    } else {
        return wide(c, dst);
    };
    Ok(Some((insn, None)))
}

/// `64_fetch_add((u64 *)(r1 +0), r2)` after the `atomic`.
fn fetch(c: &mut Cursor<'_>, to: Register) -> Result<Insn> {
    let wide = c.eat("64");
    c.expect("_")?;
    let before = *c;
    let name = c.word();
    let atomic = Atomic::ALL.into_iter().find(|a| a.symbol() == name);
    let atomic = atomic.ok_or_else(|| before.expected("an atomic operation"))?;
    c.expect("((")?;
    let size = if wide {
        c.unsigned("u64", |size| size == Size::Dw)?
    } else {
        c.unsigned("u32", |size| size == Size::W)?
    };
    let (dst, off) = c.place()?;
    c.expect(",")?;
    let src = if atomic == Atomic::Cmpxchg {
        // What memory is compared with is where its value goes.
        c.same(to)?;
        if to.number != 0 {
            return Err(before.expected("r0 as the result of"));
        }
        c.expect(",")?;
        c.reg()?
    } else {
        c.same(to)?;
        to.number
    };
    c.expect(")")?;
    Ok(Insn {
        code: op::CLASS_STX | op::ATOMIC | size as u8,
        regs: Regs::new(dst, src),
        off,
        imm: atomic.imm(),
    })
}

/// `u64 *)(r1 +104)` or `u8 *)skb[23]` after the `*(`.
fn load(c: &mut Cursor<'_>, dst: u8) -> Result<Insn> {
    let before = *c;
    let (size, signed) = c.pointer_type()?;
    if !c.eat("skb[") {
        let mode = match (signed, size) {
            (false, _) => op::MEM,
            (true, Size::Dw) => return Err(before.expected("a type, s8 to s32 or u64")),
            (true, _) => op::MEMSX,
        };
        let (src, off) = c.place()?;
        return Ok(Insn { code: op::CLASS_LDX | mode | size as u8, regs: Regs::new(dst, src), off, imm: 0 });
    }
    if dst != 0 || signed || size == Size::Dw {
        return Err(before.expected("u8 to u32 of a packet into r0"));
    }
    let (mode, src) = if c.at_register() {
        let src = c.reg()?;
        c.expect("+")?;
        (op::IND, src)
    } else {
        (op::ABS, 0)
    };
    let imm = c.imm()?;
    c.expect("]")?;
    Ok(Insn { code: op::CLASS_LD | mode | size as u8, regs: Regs::new(dst, src), off: 0, imm })
}

/// A 64-bit immediate: a number in hexadecimal, or what it stands for.
fn wide(c: &mut Cursor<'_>, dst: u8) -> Result<Option<(Insn, Option<Insn>)>> {
    let (src, low, high) = if c.at_hex() {
        let value = c.u64()?;
        (0, (value as u32).cast_signed(), ((value >> 32) as u32).cast_signed())
    } else if c.eat("map[fd:") {
        in_map(c, op::PSEUDO_MAP_FD, op::PSEUDO_MAP_VALUE)?
    } else if c.eat("map[idx:") {
        in_map(c, op::PSEUDO_MAP_IDX, op::PSEUDO_MAP_IDX_VALUE)?
    } else if c.eat("btf_id[") {
        let id = c.imm()?;
        c.expect("]")?;
        let mut module = 0;
        if c.eat("[fd:") {
            module = c.imm()?;
            c.expect("]")?;
        }
        (op::PSEUDO_BTF_ID, id, module)
    } else if c.eat("subprog[") {
        let distance = c.imm()?;
        c.expect("]")?;
        (op::PSEUDO_FUNC, distance, 0)
    } else {
        return Ok(None);
    };
    let first = Insn { code: op::LD_IMM64, regs: Regs::new(dst, src), off: 0, imm: low };
    Ok(Some((first, Some(Insn { imm: high, ..Insn::default() }))))
}

/// `5]` or `5][0]+8` after the `map[fd:`.
fn in_map(c: &mut Cursor<'_>, map: u8, value: u8) -> Result<(u8, i32, i32)> {
    let number = c.imm()?;
    c.expect("]")?;
    if !c.eat("[0]+") {
        return Ok((map, number, 0));
    }
    Ok((value, number, c.imm()?))
}
