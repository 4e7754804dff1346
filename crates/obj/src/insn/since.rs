//! Which kernel brought an instruction.

use super::{Insn, helper_since, opcode as op};

/// The number of the helper `bpf_tail_call`.
pub const TAIL_CALL: u32 = 12;
/// The first kernel release that takes tail calls in programs with functions of their own, and what it is: the like of
/// [`Insn::since`] for what only the whole program shows.
pub const TAIL_CALL_BESIDE_FUNCTIONS: ((u16, u16), &str) =
    ((5, 10), "tail call in a program of several functions");

impl Insn {
    /// The first kernel release that takes instructions like this one, as (major, minor), and what they are; `None` for
    /// those that every kernel with bpf(2) takes. A call of a helper is one of its number.
    ///
    /// ```
    /// use oxbpf_obj::insn::{Assembler, Cond, Reg::*};
    ///
    /// let program = Assembler::new().if32_imm(Cond::Eq, R1, 0, "out").label("out").exit().finish()?;
    /// assert_eq!(program[0].since(), Some(((5, 1), "32-bit jump")));
    /// assert_eq!(program[1].since(), None);
    /// # Ok::<(), oxbpf_obj::insn::LabelError>(())
    /// ```
    pub fn since(self) -> Option<((u16, u16), &'static str)> {
        match self.class() {
            op::CLASS_LD => self.wide(),
            op::CLASS_LDX if self.mode() == op::MEMSX => Some(((6, 6), "sign-extending load")),
            op::CLASS_STX if self.mode() == op::ATOMIC => self.atomic(),
            op::CLASS_JMP => self.jump(),
            op::CLASS_JMP32 if self.operation() == op::JA => Some(((6, 6), "long jump")),
            op::CLASS_JMP32 => Some(((5, 1), "32-bit jump")),
            op::CLASS_ALU64 if self.operation() == op::END => Some(((6, 6), "byte swap")),
            op::CLASS_ALU | op::CLASS_ALU64 => self.arithmetic(),
            _ => None,
        }
    }

    const fn mode(self) -> u8 {
        self.code & op::MODE_MASK
    }

    const fn operation(self) -> u8 {
        self.code & op::OP_MASK
    }

    fn wide(self) -> Option<((u16, u16), &'static str)> {
        if !self.is_ldimm64() {
            return None;
        }
        Some(match self.src() {
            op::PSEUDO_MAP_VALUE => ((5, 2), "address of a map's value"),
            op::PSEUDO_BTF_ID => ((5, 10), "address of a kernel variable"),
            op::PSEUDO_FUNC => ((5, 13), "address of a function"),
            op::PSEUDO_MAP_IDX | op::PSEUDO_MAP_IDX_VALUE => ((5, 14), "map by index"),
            _ => return None,
        })
    }

    fn atomic(self) -> Option<((u16, u16), &'static str)> {
        match self.imm {
            // Addition that does not say what was there.
            0 => None,
            imm if imm & 0xff00 != 0 => Some(((6, 15), "load-acquire or store-release")),
            _ => Some(((5, 12), "atomic operation")),
        }
    }

    fn jump(self) -> Option<((u16, u16), &'static str)> {
        let by_register = self.code & op::SRC_MASK == op::X;
        Some(match (self.operation(), self.src()) {
            (op::CALL, op::PSEUDO_CALL) => ((4, 16), "call of a function"),
            (op::CALL, op::PSEUDO_KFUNC_CALL) if self.off != 0 => ((5, 16), "call of a module's function"),
            (op::CALL, op::PSEUDO_KFUNC_CALL) => ((5, 13), "call of a kernel function"),
            (op::CALL, 0) if !by_register => (helper_since(u32::try_from(self.imm).ok()?)?, "helper"),
            (op::JCOND, _) => ((6, 9), "may_goto"),
            (op::JA, _) if by_register => ((6, 19), "indirect jump"),
            (op::JLT | op::JLE | op::JSLT | op::JSLE, _) => ((4, 14), "jump if less"),
            _ => return None,
        })
    }

    fn arithmetic(self) -> Option<((u16, u16), &'static str)> {
        // Moves and divisions that mind signs have an offset.
        match (self.operation(), self.off) {
            (op::ARSH, _) if self.class() == op::CLASS_ALU => Some(((5, 0), "32-bit arithmetic shift")),
            (_, 0) => None,
            (op::MOV, 1) if self.class() == op::CLASS_ALU64 && self.imm != 0 => {
                Some(((6, 9), "cast of an arena's pointer"))
            }
            (op::MOV, op::PERCPU_OFF) => Some(((6, 10), "address of this CPU's data")),
            _ => Some(((6, 6), "signed operation")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Alu, Assembler, Atomic, Cond, Reg::*, Size, Swap};

    fn of(program: Assembler) -> Option<(u16, u16)> {
        let insns = program.label("l").exit().finish().unwrap();
        insns.first().unwrap().since().map(|(release, _)| release)
    }

    #[test]
    fn instruction_sets() {
        let new = Assembler::new;
        assert_eq!(of(new().if64_imm(Cond::Eq, R1, 0, "l")), None);
        assert_eq!(of(new().if64_imm(Cond::Lt, R1, 0, "l")), Some((4, 14)));
        assert_eq!(of(new().if32_imm(Cond::Eq, R1, 0, "l")), Some((5, 1)));
        assert_eq!(of(new().jump("l")), None);
        assert_eq!(of(new().jump_far("l")), Some((6, 6)));
        assert_eq!(of(new().may_goto("l")), Some((6, 9)));
        assert_eq!(of(new().jump_reg(R1)), Some((6, 19)));
        assert_eq!(of(new().alu64_imm(Alu::Arsh, R0, 3)), None);
        assert_eq!(of(new().alu32_imm(Alu::Arsh, R0, 3)), Some((5, 0)));
        assert_eq!(of(new().alu32_imm(Alu::Rsh, R0, 3)), None);
        assert_eq!(of(new().load(Size::W, R0, R1, 0)), None);
        assert_eq!(of(new().load_signed(Size::W, R0, R1, 0)), Some((6, 6)));
        assert_eq!(of(new().movsx64(R0, R1, 8)), Some((6, 6)));
        assert_eq!(of(new().swap(Swap::Always, R0, 16)), Some((6, 6)));
        assert_eq!(of(new().swap(Swap::Be, R0, 16)), None);
        assert_eq!(of(new().addr_space_cast(R0, R1, 0, 1)), Some((6, 9)));
        assert_eq!(of(new().atomic(Atomic::Add, Size::W, R1, 0, R0)), None);
        assert_eq!(of(new().atomic(Atomic::Xchg, Size::W, R1, 0, R0)), Some((5, 12)));
        assert_eq!(of(new().load_acquire(Size::W, R0, R1, 0)), Some((6, 15)));
        assert_eq!(of(new().mov64_imm(R0, 1)), None);
    }

    #[test]
    fn calls_and_addresses() {
        let new = Assembler::new;
        assert_eq!(of(new().call(1)), Some((3, 19)));
        assert_eq!(of(new().call(130)), Some((5, 8)));
        assert_eq!(of(new().call(4000)), None);
        assert_eq!(of(new().call_label("l")), Some((4, 16)));
        assert_eq!(of(new().call_kfunc(7, 0)), Some((5, 13)));
        assert_eq!(of(new().call_kfunc(7, 1)), Some((5, 16)));
        assert_eq!(of(new().ld_imm64(R0, 7)), None);
        assert_eq!(of(new().ld_map_fd(R0, 7)), None);
        assert_eq!(of(new().ld_map_value(R0, 7, 0)), Some((5, 2)));
        assert_eq!(of(new().ld_btf_id(R0, 7, 0)), Some((5, 10)));
        assert_eq!(of(new().ld_func(R0, "l")), Some((5, 13)));
    }
}
