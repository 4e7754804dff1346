//! Changing the instruction.

use super::{
    error::Problem,
    value::{Change, Resize},
};
use crate::insn::{Insn, opcode as op};

/// The helper that poisoned instructions call: there is none of this number, so the verifier refuses the
/// program if it can reach one, with `invalid func unknown#195896080`. In hexadecimal it reads "bad relo".
pub const POISON: i32 = 0xbad2310;

/// Replaces the instruction by one that fails when reached.
pub(super) fn poison(insns: &mut [Insn], index: usize) -> Result<(), Problem> {
    let wide = insn_at(insns, index)?.is_ldimm64();
    *insn_at(insns, index)? = Insn::call_helper(POISON);
    if wide {
        // Otherwise the verifier complains of the second half, which is no instruction of its own.
        *insn_at(insns, index.saturating_add(1))? = Insn::call_helper(POISON);
    }
    Ok(())
}

/// Writes the new value. False if the instruction cannot have it in a way that gives right results: it is to
/// be poisoned.
pub(super) fn patch(insns: &mut [Insn], index: usize, change: &Change) -> Result<bool, Problem> {
    let insn = insn_at(insns, index)?;
    match insn.class() {
        op::CLASS_ALU | op::CLASS_ALU64 if insn.code & op::SRC_MASK == op::K => {
            check(change, i64::from(insn.imm).cast_unsigned())?;
            insn.imm = immediate(change.new)?;
        }
        op::CLASS_LDX | op::CLASS_ST | op::CLASS_STX => {
            check(change, i64::from(insn.off).cast_unsigned())?;
            let offset = i16::try_from(change.new.cast_signed());
            let offset = offset.map_err(|_| Problem::OffsetRange { offset: change.new })?;
            let code = match change.resize {
                None => insn.code,
                Some(Resize { harmless: false, .. }) => return Ok(false),
                Some(Resize { old, new, .. }) => resized(insn.code, old, new)?,
            };
            insn.code = code;
            insn.off = offset;
        }
        op::CLASS_LD => {
            let plain = insn.is_ldimm64() && insn.src() == 0 && insn.off == 0;
            let (low, code) = (insn.imm, insn.code);
            let high = insn_at(insns, index.saturating_add(1))?;
            if !plain || (Insn { imm: 0, ..*high }) != Insn::default() {
                return Err(Problem::BadInsn { code });
            }
            let join =
                |low: i32, high: i32| u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32;
            check(change, join(low, high.imm))?;
            high.imm = ((change.new >> 32) as u32).cast_signed();
            insn_at(insns, index)?.imm = (change.new as u32).cast_signed();
        }
        _ => return Err(Problem::BadInsn { code: insn.code }),
    }
    Ok(true)
}

fn insn_at(insns: &mut [Insn], index: usize) -> Result<&mut Insn, Problem> {
    let count = insns.len();
    insns.get_mut(index).ok_or(Problem::NoSuchInsn { count })
}

fn check(change: &Change, found: u64) -> Result<(), Problem> {
    match change.old {
        Some(expected) if expected != found => Err(Problem::UnexpectedValue { found, expected }),
        _ => Ok(()),
    }
}

/// A value as an immediate, which is 32 bits that some operations extend with the sign and some do not.
fn immediate(value: u64) -> Result<i32, Problem> {
    i32::try_from(value.cast_signed())
        .or_else(|_| u32::try_from(value).map(u32::cast_signed))
        .map_err(|_| Problem::ValueRange { value })
}

fn resized(code: u8, old: u32, new: u32) -> Result<u8, Problem> {
    let found = match code & op::SIZE_MASK {
        op::B => 1,
        op::H => 2,
        op::W => 4,
        _ => 8,
    };
    if found != old {
        return Err(Problem::UnexpectedSize { found, expected: old });
    }
    let size = match new {
        1 => op::B,
        2 => op::H,
        4 => op::W,
        8 => op::DW,
        _ => return Err(Problem::TargetSize { size: new }),
    };
    Ok((code & !op::SIZE_MASK) | size)
}
