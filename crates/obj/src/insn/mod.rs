//! BPF instructions: decoded, as text, and written by hand.

mod assembler;
mod disasm;
mod helper;
pub mod opcode;
mod operand;
mod text;

pub use assembler::{Assembler, LabelError};
pub use disasm::disassemble;
pub use helper::{helper_id, helper_name};
pub use operand::{Alu, Atomic, Cond, Reg, Size, Swap};
pub use text::{TextError, TextProblem, assemble};

use crate::Endian;
use opcode as op;

/// One instruction slot (`struct bpf_insn`, 8 bytes), decoded.
///
/// The 64-bit immediate load takes two slots: the first holds the low half and what it refers to, the second
/// has code 0 and the high half in `imm`.
#[doc(alias = "bpf_insn")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Insn {
    /// Class, source bit and operation, or class, size and mode.
    pub code: u8,
    /// Destination register, 0 to 15 (the kernel takes 0 to 10).
    pub dst: u8,
    /// Source register, 0 to 15, or the kind of a call or of a 64-bit immediate (`PSEUDO_*`).
    pub src: u8,
    /// Signed offset of a jump or a memory access, in instructions or bytes.
    pub off: i16,
    /// Signed immediate.
    pub imm: i32,
}

impl Insn {
    /// Bytes of one slot.
    pub const SIZE: usize = 8;

    /// Reads one slot in the byte order of the object that holds it.
    pub const fn decode(bytes: [u8; 8], endian: Endian) -> Self {
        let [code, regs, o0, o1, i0, i1, i2, i3] = bytes;
        match endian {
            Endian::Little => Self {
                code,
                dst: regs & 0xf,
                src: regs >> 4,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            // The two registers are bit fields, so they swap places too.
            Endian::Big => Self {
                code,
                dst: regs >> 4,
                src: regs & 0xf,
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }

    /// Writes one slot in the byte order of the kernel that will run it.
    pub const fn encode(self, endian: Endian) -> [u8; 8] {
        let (regs, [o0, o1], [i0, i1, i2, i3]) = match endian {
            Endian::Little => {
                ((self.src << 4) | (self.dst & 0xf), self.off.to_le_bytes(), self.imm.to_le_bytes())
            }
            Endian::Big => {
                ((self.dst << 4) | (self.src & 0xf), self.off.to_be_bytes(), self.imm.to_be_bytes())
            }
        };
        [self.code, regs, o0, o1, i0, i1, i2, i3]
    }

    /// Encodes a whole program, ready for BPF_PROG_LOAD.
    pub fn encode_all(insns: &[Self], endian: Endian) -> Vec<u8> {
        let mut out = Vec::with_capacity(insns.len().saturating_mul(Self::SIZE));
        for insn in insns {
            out.extend_from_slice(&insn.encode(endian));
        }
        out
    }

    /// Decodes whole slots; bytes after the last whole slot are left out.
    pub fn decode_all(bytes: &[u8], endian: Endian) -> Vec<Self> {
        bytes.as_chunks::<8>().0.iter().map(|slot| Self::decode(*slot, endian)).collect()
    }

    /// `dst = imm` (64-bit, sign-extended).
    pub const fn mov64_imm(dst: u8, imm: i32) -> Self {
        Self { code: op::CLASS_ALU64 | op::MOV | op::K, dst, src: 0, off: 0, imm }
    }

    /// `exit`.
    pub const fn exit() -> Self {
        Self { code: op::CLASS_JMP | op::EXIT, dst: 0, src: 0, off: 0, imm: 0 }
    }

    /// `call helper#id`.
    pub const fn call_helper(id: i32) -> Self {
        Self { code: op::CLASS_JMP | op::CALL, dst: 0, src: 0, off: 0, imm: id }
    }

    /// The class: one of the `CLASS_*` constants of [`opcode`].
    pub const fn class(self) -> u8 {
        self.code & op::CLASS_MASK
    }

    /// Whether this is the first slot of a 64-bit immediate load.
    pub const fn is_ldimm64(self) -> bool {
        self.code == op::LD_IMM64
    }

    /// Whether this is any call: helper, function of the same program, kernel function.
    pub const fn is_call(self) -> bool {
        self.code == (op::CLASS_JMP | op::CALL)
    }

    /// Whether this calls a helper by number.
    pub const fn is_helper_call(self) -> bool {
        self.is_call() && self.src == 0 && self.dst == 0 && self.off == 0
    }

    /// Whether this calls a function of the same program (bpf-to-bpf): `imm` is relative to the next slot.
    pub const fn is_pseudo_call(self) -> bool {
        self.is_call() && self.src == op::PSEUDO_CALL
    }

    /// Whether this calls a kernel function by BTF id.
    pub const fn is_kfunc_call(self) -> bool {
        self.is_call() && self.src == op::PSEUDO_KFUNC_CALL
    }

    /// Whether this loads the address of a function of the same program: `imm` is relative to the next slot.
    pub const fn is_pseudo_func(self) -> bool {
        self.is_ldimm64() && self.src == op::PSEUDO_FUNC
    }

    /// Whether this is arithmetic, 32- or 64-bit.
    pub const fn is_alu(self) -> bool {
        matches!(self.class(), op::CLASS_ALU | op::CLASS_ALU64)
    }

    /// Whether this reads memory into a register (`dst = *(size *)(src + off)`).
    pub const fn is_load(self) -> bool {
        self.class() == op::CLASS_LDX
    }

    /// Whether this writes memory (`*(size *)(dst + off) = src` or `= imm`, atomics included).
    pub const fn is_store(self) -> bool {
        matches!(self.class(), op::CLASS_ST | op::CLASS_STX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_round_trip() {
        let insn = Insn { code: op::LD_IMM64, dst: 1, src: 2, off: -2, imm: 0x0102_0304 };
        assert_eq!(insn.encode(Endian::Little), [0x18, 0x21, 0xfe, 0xff, 4, 3, 2, 1]);
        assert_eq!(insn.encode(Endian::Big), [0x18, 0x12, 0xff, 0xfe, 1, 2, 3, 4]);
        for endian in [Endian::Little, Endian::Big] {
            assert_eq!(Insn::decode(insn.encode(endian), endian), insn);
        }
    }

    #[test]
    fn classes_are_told_apart() {
        assert!(Insn::exit().class() == op::CLASS_JMP && !Insn::exit().is_call());
        assert!(Insn::call_helper(1).is_helper_call());
        let call = Insn { src: op::PSEUDO_CALL, ..Insn::call_helper(-1) };
        assert!(call.is_pseudo_call() && !call.is_helper_call() && !call.is_kfunc_call());
        assert!(Insn::mov64_imm(0, 1).is_alu());
        assert_eq!(Insn::mov64_imm(0, 1).code, 0xb7);
    }
}
