//! Writing programs by hand: for tests, for probes.

use std::collections::HashMap;

use super::operand::{Alu, Atomic, Cond, Reg, Size, Swap};
use super::{Insn, Regs, opcode as op};
use crate::Endian;

/// `imm` of an atomic instruction that loads and lets nothing after it come before.
pub(super) const LOAD_ACQUIRE: i32 = 0x100;
/// `imm` of an atomic instruction that stores and lets nothing before it come after.
pub(super) const STORE_RELEASE: i32 = 0x110;

/// Writes a program, instruction by instruction. Jumps go to labels, before or behind.
///
/// It writes what it is told: whether a program makes sense is for the verifier to say.
///
/// ```
/// use oxbpf_obj::insn::{Assembler, Cond, Reg::*, disassemble};
///
/// let program = Assembler::new()
///     .mov64_imm(R0, 0)
///     .if64_imm(Cond::Eq, R1, 0, "out")
///     .mov64_imm(R0, 1)
///     .label("out")
///     .exit()
///     .finish()?;
/// let lines: Vec<_> = disassemble(&program).collect();
/// assert_eq!(
///     lines,
///     ["0: (b7) r0 = 0", "1: (15) if r1 == 0x0 goto pc+1", "2: (b7) r0 = 1", "3: (95) exit"]
/// );
/// # Ok::<(), oxbpf_obj::insn::LabelError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `finish` for the instructions"]
pub struct Assembler {
    insns: Vec<Insn>,
    labels: HashMap<String, usize>,
    jumps: Vec<Jump>,
    twice: Option<String>,
}

/// An instruction that waits for the place of a label.
#[derive(Clone, Debug)]
struct Jump {
    at: usize,
    label: String,
    /// In the immediate, 32 bits, instead of the offset, 16 bits.
    far: bool,
}

/// A label that a program cannot do with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// A jump goes to a label that is nowhere.
    #[error("instruction {insn} goes to the label `{label}`, which is nowhere")]
    Unknown {
        /// The label.
        label: String,
        /// Who wants it.
        insn: usize,
    },
    /// Two places have the same label.
    #[error("the label `{label}` is in two places")]
    Twice {
        /// The label.
        label: String,
    },
    /// A label is farther away than the instruction can say.
    #[error("instruction {insn} is {distance} instructions away from `{label}`: {}", cure(*distance))]
    TooFar {
        /// The label.
        label: String,
        /// Who wants it.
        insn: usize,
        /// How far, counted from the next instruction.
        distance: i64,
    },
}

fn cure(distance: i64) -> &'static str {
    match i32::try_from(distance) {
        Ok(_) => "more than 16 bits; go by way of `jump_far`",
        Err(_) => "more than 32 bits",
    }
}

impl Assembler {
    /// A program without instructions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the place of the next instruction.
    pub fn label(mut self, name: &str) -> Self {
        if self.labels.insert(name.to_owned(), self.insns.len()).is_some() {
            self.twice.get_or_insert_with(|| name.to_owned());
        }
        self
    }

    /// The instructions.
    ///
    /// # Errors
    /// [`LabelError`]. A program without jumps has none.
    pub fn finish(mut self) -> Result<Vec<Insn>, LabelError> {
        if let Some(label) = self.twice {
            return Err(LabelError::Twice { label });
        }
        for Jump { at, label, far } in self.jumps {
            let Some(&to) = self.labels.get(&label) else {
                return Err(LabelError::Unknown { label, insn: at });
            };
            let distance = i64::try_from(to).unwrap_or(i64::MAX).saturating_sub_unsigned(at as u64);
            let distance = distance.saturating_sub(1);
            let Some(insn) = self.insns.get_mut(at) else { continue };
            match (i16::try_from(distance), i32::try_from(distance)) {
                (_, Ok(distance)) if far => insn.imm = distance,
                (Ok(distance), _) if !far => insn.off = distance,
                _ => return Err(LabelError::TooFar { label, insn: at, distance }),
            }
        }
        Ok(self.insns)
    }

    /// The instructions as bytes.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn encode(self, endian: Endian) -> Result<Vec<u8>, LabelError> {
        Ok(Insn::encode_all(&self.finish()?, endian))
    }

    /// How many slots there are so far.
    #[allow(clippy::len_without_is_empty)] // nobody asks for an empty program
    pub fn len(&self) -> usize {
        self.insns.len()
    }

    /// Any instruction.
    pub fn insn(mut self, insn: Insn) -> Self {
        self.insns.push(insn);
        self
    }

    fn push(self, code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Self {
        self.insn(Insn { code, regs: Regs::new(dst, src), off, imm })
    }

    /// The instruction that was just written gets the distance to `label`.
    fn to(mut self, label: &str, far: bool) -> Self {
        let at = self.insns.len().saturating_sub(1);
        self.jumps.push(Jump { at, label: label.to_owned(), far });
        self
    }

    /// `dst = imm`, sign-extended to 64 bits.
    pub fn mov64_imm(self, dst: Reg, imm: i32) -> Self {
        self.alu64_imm(Alu::Mov, dst, imm)
    }

    /// `dst = src`.
    pub fn mov64_reg(self, dst: Reg, src: Reg) -> Self {
        self.alu64_reg(Alu::Mov, dst, src)
    }

    /// `dst = imm` in the lower half, zeros in the upper.
    pub fn mov32_imm(self, dst: Reg, imm: i32) -> Self {
        self.alu32_imm(Alu::Mov, dst, imm)
    }

    /// `dst = src` of the lower half, zeros in the upper.
    pub fn mov32_reg(self, dst: Reg, src: Reg) -> Self {
        self.alu32_reg(Alu::Mov, dst, src)
    }

    /// `dst += imm`.
    pub fn add64_imm(self, dst: Reg, imm: i32) -> Self {
        self.alu64_imm(Alu::Add, dst, imm)
    }

    /// An operation on 64 bits with a sign-extended immediate.
    pub fn alu64_imm(self, alu: Alu, dst: Reg, imm: i32) -> Self {
        let (bits, off) = alu.bits();
        self.push(op::CLASS_ALU64 | op::K | bits, dst as u8, 0, off, imm)
    }

    /// An operation on 64 bits of two registers.
    pub fn alu64_reg(self, alu: Alu, dst: Reg, src: Reg) -> Self {
        let (bits, off) = alu.bits();
        self.push(op::CLASS_ALU64 | op::X | bits, dst as u8, src as u8, off, 0)
    }

    /// An operation on the lower half with an immediate; the upper becomes zero.
    pub fn alu32_imm(self, alu: Alu, dst: Reg, imm: i32) -> Self {
        let (bits, off) = alu.bits();
        self.push(op::CLASS_ALU | op::K | bits, dst as u8, 0, off, imm)
    }

    /// An operation on the lower halves of two registers; the upper half of `dst` becomes zero.
    pub fn alu32_reg(self, alu: Alu, dst: Reg, src: Reg) -> Self {
        let (bits, off) = alu.bits();
        self.push(op::CLASS_ALU | op::X | bits, dst as u8, src as u8, off, 0)
    }

    /// `dst = src` of the lower 8, 16 or 32 bits, sign-extended to 64 (instruction set v4).
    pub fn movsx64(self, dst: Reg, src: Reg, bits: i16) -> Self {
        self.push(op::CLASS_ALU64 | op::X | op::MOV, dst as u8, src as u8, bits, 0)
    }

    /// `dst = src` of the lower 8 or 16 bits, sign-extended to 32 (instruction set v4).
    pub fn movsx32(self, dst: Reg, src: Reg, bits: i16) -> Self {
        self.push(op::CLASS_ALU | op::X | op::MOV, dst as u8, src as u8, bits, 0)
    }

    /// `dst = -dst`.
    pub fn neg64(self, dst: Reg) -> Self {
        self.push(op::CLASS_ALU64 | op::NEG, dst as u8, 0, 0, 0)
    }

    /// `dst = -dst` of the lower half.
    pub fn neg32(self, dst: Reg) -> Self {
        self.push(op::CLASS_ALU | op::NEG, dst as u8, 0, 0, 0)
    }

    /// Brings the lower 16, 32 or 64 bits into a byte order; the others become zero.
    pub fn swap(self, swap: Swap, dst: Reg, bits: i32) -> Self {
        self.push(swap.code(), dst as u8, 0, 0, bits)
    }

    /// `dst = src`, a pointer of address space `from` as one of `to`: 1 is an arena's (6.9).
    pub fn addr_space_cast(self, dst: Reg, src: Reg, to: u16, from: u16) -> Self {
        let imm = (u32::from(to) << 16 | u32::from(from)).cast_signed();
        self.push(op::CLASS_ALU64 | op::X | op::MOV, dst as u8, src as u8, 1, imm)
    }

    /// `dst = *(size *)(src + off)`.
    pub fn load(self, size: Size, dst: Reg, src: Reg, off: i16) -> Self {
        self.push(op::CLASS_LDX | op::MEM | size as u8, dst as u8, src as u8, off, 0)
    }

    /// `dst = *(size *)(src + off)`, sign-extended; not for 8 bytes (instruction set v4).
    pub fn load_signed(self, size: Size, dst: Reg, src: Reg, off: i16) -> Self {
        self.push(op::CLASS_LDX | op::MEMSX | size as u8, dst as u8, src as u8, off, 0)
    }

    /// `*(size *)(dst + off) = src`.
    pub fn store(self, size: Size, dst: Reg, off: i16, src: Reg) -> Self {
        self.push(op::CLASS_STX | op::MEM | size as u8, dst as u8, src as u8, off, 0)
    }

    /// `*(size *)(dst + off) = imm`.
    pub fn store_imm(self, size: Size, dst: Reg, off: i16, imm: i32) -> Self {
        self.push(op::CLASS_ST | op::MEM | size as u8, dst as u8, 0, off, imm)
    }

    /// An atomic operation on `*(size *)(dst + off)` and `src`, of 4 or 8 bytes.
    pub fn atomic(self, atomic: Atomic, size: Size, dst: Reg, off: i16, src: Reg) -> Self {
        self.push(op::CLASS_STX | op::ATOMIC | size as u8, dst as u8, src as u8, off, atomic.imm())
    }

    /// `dst = *(size *)(src + off)`, and nothing after it comes before (6.14).
    pub fn load_acquire(self, size: Size, dst: Reg, src: Reg, off: i16) -> Self {
        self.push(op::CLASS_STX | op::ATOMIC | size as u8, dst as u8, src as u8, off, LOAD_ACQUIRE)
    }

    /// `*(size *)(dst + off) = src`, and nothing before it comes after (6.14).
    pub fn store_release(self, size: Size, dst: Reg, off: i16, src: Reg) -> Self {
        self.push(op::CLASS_STX | op::ATOMIC | size as u8, dst as u8, src as u8, off, STORE_RELEASE)
    }

    /// R0 gets 1, 2 or 4 bytes of the packet at `at` in host order; the program ends if there are none.
    pub fn load_packet(self, size: Size, at: i32) -> Self {
        self.push(op::CLASS_LD | op::ABS | size as u8, 0, 0, 0, at)
    }

    /// As [`load_packet`](Self::load_packet), at `src + at`.
    pub fn load_packet_at(self, size: Size, src: Reg, at: i32) -> Self {
        self.push(op::CLASS_LD | op::IND | size as u8, 0, src as u8, 0, at)
    }

    /// `dst = value`, 64 bits in two slots.
    pub fn ld_imm64(self, dst: Reg, value: u64) -> Self {
        let [low, high] = [value as u32, (value >> 32) as u32].map(u32::cast_signed);
        self.wide(dst, 0, low, high)
    }

    /// `dst` points to the map behind a descriptor.
    pub fn ld_map_fd(self, dst: Reg, fd: i32) -> Self {
        self.wide(dst, op::PSEUDO_MAP_FD, fd, 0)
    }

    /// `dst` points into the first value of the array map behind a descriptor (5.2).
    pub fn ld_map_value(self, dst: Reg, fd: i32, at: u32) -> Self {
        self.wide(dst, op::PSEUDO_MAP_VALUE, fd, at.cast_signed())
    }

    /// `dst` points to the map that has this place in the load's `fd_array` (5.14).
    pub fn ld_map_index(self, dst: Reg, index: i32) -> Self {
        self.wide(dst, op::PSEUDO_MAP_IDX, index, 0)
    }

    /// `dst` points into the first value of the array map with this place in `fd_array` (5.14).
    pub fn ld_map_index_value(self, dst: Reg, index: i32, at: u32) -> Self {
        self.wide(dst, op::PSEUDO_MAP_IDX_VALUE, index, at.cast_signed())
    }

    /// `dst` points to a variable of the kernel by its BTF id (5.10), or of the module whose BTF has the
    /// descriptor `module`; 0 for none.
    pub fn ld_btf_id(self, dst: Reg, id: i32, module: i32) -> Self {
        self.wide(dst, op::PSEUDO_BTF_ID, id, module)
    }

    /// `dst` points to the function at `label`, a callback for helpers that take one (5.13).
    pub fn ld_func(self, dst: Reg, label: &str) -> Self {
        let mut program = self.push(op::LD_IMM64, dst as u8, op::PSEUDO_FUNC, 0, 0).to(label, true);
        program.insns.push(Insn::default());
        program
    }

    fn wide(self, dst: Reg, src: u8, low: i32, high: i32) -> Self {
        self.push(op::LD_IMM64, dst as u8, src, 0, low).push(0, 0, 0, 0, high)
    }

    /// Goes to `label`, at most 32,767 instructions away.
    pub fn jump(self, label: &str) -> Self {
        self.push(op::CLASS_JMP | op::JA, 0, 0, 0, 0).to(label, false)
    }

    /// Goes to `label`, however far away (instruction set v4).
    pub fn jump_far(self, label: &str) -> Self {
        self.push(op::CLASS_JMP32 | op::JA, 0, 0, 0, 0).to(label, true)
    }

    /// Goes to `label`, sooner or later: the verifier makes a counter of it that ends loops (6.9).
    pub fn may_goto(self, label: &str) -> Self {
        self.push(op::CLASS_JMP | op::JCOND, 0, 0, 0, 0).to(label, false)
    }

    /// Goes to where the register says, an entry of an instruction array (6.19).
    pub fn jump_reg(self, dst: Reg) -> Self {
        self.push(op::CLASS_JMP | op::JA | op::X, dst as u8, 0, 0, 0)
    }

    /// Goes to `label` if the comparison with a sign-extended immediate holds.
    pub fn if64_imm(self, cond: Cond, dst: Reg, imm: i32, label: &str) -> Self {
        self.push(op::CLASS_JMP | op::K | cond as u8, dst as u8, 0, 0, imm).to(label, false)
    }

    /// Goes to `label` if the comparison of two registers holds.
    pub fn if64_reg(self, cond: Cond, dst: Reg, src: Reg, label: &str) -> Self {
        self.push(op::CLASS_JMP | op::X | cond as u8, dst as u8, src as u8, 0, 0).to(label, false)
    }

    /// Goes to `label` if the comparison of the lower half with an immediate holds (instruction set v3).
    pub fn if32_imm(self, cond: Cond, dst: Reg, imm: i32, label: &str) -> Self {
        self.push(op::CLASS_JMP32 | op::K | cond as u8, dst as u8, 0, 0, imm).to(label, false)
    }

    /// Goes to `label` if the comparison of two lower halves holds (instruction set v3).
    pub fn if32_reg(self, cond: Cond, dst: Reg, src: Reg, label: &str) -> Self {
        self.push(op::CLASS_JMP32 | op::X | cond as u8, dst as u8, src as u8, 0, 0).to(label, false)
    }

    /// Calls a helper by its number: [`helper_id`](super::helper_id) has those of names.
    pub fn call(self, helper: u32) -> Self {
        self.insn(Insn::call_helper(helper.cast_signed()))
    }

    /// Calls the function at `label` (4.16).
    pub fn call_label(self, label: &str) -> Self {
        self.push(op::CLASS_JMP | op::CALL, 0, op::PSEUDO_CALL, 0, 0).to(label, true)
    }

    /// Calls a function of the kernel by its BTF id (5.13), or of the module whose BTF has this place in the
    /// load's `fd_array`; 0 for none.
    pub fn call_kfunc(self, id: i32, module: i16) -> Self {
        self.push(op::CLASS_JMP | op::CALL, 0, op::PSEUDO_KFUNC_CALL, module, id)
    }

    /// Calls what a register points to. Compilers write it; no kernel takes it yet.
    pub fn call_reg(self, dst: Reg) -> Self {
        self.push(op::CLASS_JMP | op::CALL | op::X, dst as u8, 0, 0, 0)
    }

    /// Returns R0.
    pub fn exit(self) -> Self {
        self.insn(Insn::exit())
    }
}
