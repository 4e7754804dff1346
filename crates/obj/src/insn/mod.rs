//! BPF instructions: decoded, as text, and written by hand.

mod assembler;
mod disasm;
mod helper;
mod kept;
pub mod opcode;
mod operand;
mod regs;
mod since;
mod text;

pub use assembler::{Assembler, LabelError};
pub use disasm::disassemble;
pub use helper::{helper_id, helper_name, helper_since, helpers};
pub(crate) use kept::Insns;
pub use operand::{Alu, Atomic, Cond, Reg, Size, Swap};
pub use regs::Regs;
pub use since::{TAIL_CALL, TAIL_CALL_BESIDE_FUNCTIONS};
pub use text::{TextError, TextProblem, assemble};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Endian;
use opcode as op;

/// One instruction slot (`struct bpf_insn`), as it lies in the memory of the machine that runs it: 8 bytes.
///
/// The 64-bit immediate load takes two slots: the first holds the low half and what it refers to, the second
/// has code 0 and the high half in `imm`.
#[doc(alias = "bpf_insn")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Insn {
    /// Class, source bit and operation, or class, size and mode.
    pub code: u8,
    /// The two registers; see [`dst`](Self::dst) and [`src`](Self::src).
    pub regs: Regs,
    /// Signed offset of a jump or a memory access, in instructions or bytes.
    pub off: i16,
    /// Signed immediate.
    pub imm: i32,
}

impl Insn {
    /// Bytes of one slot.
    pub const SIZE: usize = 8;

    /// Destination register, 0 to 15 (the kernel takes 0 to 10).
    pub const fn dst(self) -> u8 {
        self.regs.dst()
    }

    /// Source register, 0 to 15, or the kind of a call or of a 64-bit immediate (`PSEUDO_*`).
    pub const fn src(self) -> u8 {
        self.regs.src()
    }

    /// The same with another source register, or another kind of a call or a 64-bit immediate.
    #[must_use]
    pub const fn with_src(self, src: u8) -> Self {
        Self { regs: Regs::new(self.dst(), src), ..self }
    }

    /// Makes the source register, or the kind of a call or a 64-bit immediate, another.
    pub const fn set_src(&mut self, src: u8) {
        self.regs = Regs::new(self.dst(), src);
    }

    /// Reads one slot in the byte order of the object that holds it.
    pub const fn decode(bytes: [u8; 8], endian: Endian) -> Self {
        let insn: Self = zerocopy::transmute!(bytes);
        if endian.is_native() { insn } else { insn.swapped() }
    }

    /// Writes one slot in the byte order of the kernel that will run it.
    pub const fn encode(self, endian: Endian) -> [u8; 8] {
        zerocopy::transmute!(if endian.is_native() { self } else { self.swapped() })
    }

    /// Between the byte orders.
    const fn swapped(self) -> Self {
        Self {
            code: self.code,
            regs: self.regs.swapped(),
            off: self.off.swap_bytes(),
            imm: self.imm.swap_bytes(),
        }
    }

    /// Encodes a whole program, ready for BPF_PROG_LOAD.
    pub fn encode_all(insns: &[Self], endian: Endian) -> Vec<u8> {
        if endian.is_native() {
            return insns.as_bytes().to_vec();
        }
        insns.iter().flat_map(|insn| insn.encode(endian)).collect()
    }

    /// A program as the kernel of this machine takes it, with nothing copied.
    pub fn native_bytes(insns: &[Self]) -> &[u8] {
        insns.as_bytes()
    }

    /// Decodes whole slots; bytes after the last whole slot are left out.
    pub fn decode_all(bytes: &[u8], endian: Endian) -> Vec<Self> {
        let (slots, _) = bytes.as_chunks::<8>();
        match <[Self]>::ref_from_bytes(slots.as_flattened()) {
            Ok(insns) if endian.is_native() => insns.to_vec(),
            // In the other byte order, or not where an instruction may stand in memory.
            _ => slots.iter().map(|slot| Self::decode(*slot, endian)).collect(),
        }
    }

    /// `dst = imm` (64-bit, sign-extended).
    pub const fn mov64_imm(dst: u8, imm: i32) -> Self {
        Self { code: op::CLASS_ALU64 | op::MOV | op::K, regs: Regs::new(dst, 0), off: 0, imm }
    }

    /// `exit`.
    pub const fn exit() -> Self {
        Self { code: op::CLASS_JMP | op::EXIT, regs: Regs::NONE, off: 0, imm: 0 }
    }

    /// `call helper#id`.
    pub const fn call_helper(id: i32) -> Self {
        Self { code: op::CLASS_JMP | op::CALL, regs: Regs::NONE, off: 0, imm: id }
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
        self.is_call() && self.src() == 0 && self.dst() == 0 && self.off == 0
    }

    /// Whether this calls a function of the same program (bpf-to-bpf): `imm` is relative to the next slot.
    pub const fn is_pseudo_call(self) -> bool {
        self.is_call() && self.src() == op::PSEUDO_CALL
    }

    /// Whether this calls a kernel function by BTF id.
    pub const fn is_kfunc_call(self) -> bool {
        self.is_call() && self.src() == op::PSEUDO_KFUNC_CALL
    }

    /// Whether this loads the address of a function of the same program: `imm` is relative to the next slot.
    pub const fn is_pseudo_func(self) -> bool {
        self.is_ldimm64() && self.src() == op::PSEUDO_FUNC
    }

    /// Whether this is arithmetic, 32- or 64-bit.
    pub const fn is_alu(self) -> bool {
        matches!(self.class(), op::CLASS_ALU | op::CLASS_ALU64)
    }

    /// Whether this reads memory into a register (`dst = *(size *)(src + off)`), and no more than that; sign-extending
    /// loads and `load_acquire` included.
    pub const fn is_load(self) -> bool {
        self.class() == op::CLASS_LDX || self.is_load_acquire()
    }

    /// Whether this writes memory (`*(size *)(dst + off) = src` or `= imm`), atomic operations included.
    pub const fn is_store(self) -> bool {
        matches!(self.class(), op::CLASS_ST | op::CLASS_STX)
            && self.code != op::NOSPEC
            && !self.is_load_acquire()
    }

    /// A load, though it is among the atomic operations, which store.
    const fn is_load_acquire(self) -> bool {
        self.code & (op::CLASS_MASK | op::MODE_MASK) == op::CLASS_STX | op::ATOMIC
            && self.imm == assembler::LOAD_ACQUIRE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_round_trip() {
        let insn = Insn { code: op::LD_IMM64, regs: Regs::new(1, 2), off: -2, imm: 0x0102_0304 };
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
        let call = Insn::call_helper(-1).with_src(op::PSEUDO_CALL);
        assert!(call.is_pseudo_call() && !call.is_helper_call() && !call.is_kfunc_call());
        assert!(Insn::mov64_imm(0, 1).is_alu());
        assert_eq!(Insn::mov64_imm(0, 1).code, 0xb7);
        let (b, r1, r2) = (Size::B, Reg::R1, Reg::R2);
        let program = Assembler::new()
            .load(b, r1, r2, 0)
            .load_signed(b, r1, r2, 0)
            .load_acquire(b, r1, r2, 0)
            .store(b, r1, 0, r2)
            .store_imm(b, r1, 0, 1)
            .store_release(b, r1, 0, r2)
            .atomic(Atomic::Add, Size::W, r1, 0, r2)
            .insn(Insn { code: op::NOSPEC, ..Insn::default() })
            .finish()
            .unwrap();
        let places = |what: fn(Insn) -> bool| (0..8).filter(|i| what(program[*i])).collect::<Vec<_>>();
        assert_eq!(places(Insn::is_load), [0, 1, 2]);
        assert_eq!(places(Insn::is_store), [3, 4, 5, 6]);
    }
}
