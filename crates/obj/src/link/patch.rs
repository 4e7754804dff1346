//! Writing into an image what only a kernel can give.

use super::{Poisoned, ProgramImage};
use crate::TypeId;
use crate::insn::{Insn, opcode};

/// Helper numbers that no kernel has: these bases and the index of the map or extern. libbpf uses the same, so
/// that people and tools recognize them in verifier logs.
const POISON_MAP: i32 = 2_001_000_000;
const POISON_KFUNC: i32 = 2_002_000_000;

/// The call that takes the place of what needs the map at this index of the spec, which is not there.
pub(super) fn missing_map(index: usize) -> Insn {
    Insn::call_helper(numbered(POISON_MAP, index))
}

fn numbered(base: i32, index: usize) -> i32 {
    base.saturating_add(i32::try_from(index).unwrap_or(i32::MAX))
}

/// Each takes the place that a [`Fixup`](super::Fixup) of that kind names; a place that is none is left alone.
impl ProgramImage {
    /// Writes the descriptor of a map.
    pub fn set_map(&mut self, insn: usize, fd: i32) {
        if let Some(first) = self.insns.get_mut(insn) {
            first.imm = fd;
        }
    }

    /// Writes the descriptor of a map and the place in its value.
    pub fn set_map_value(&mut self, insn: usize, fd: i32, offset: u32) {
        if let Some([first, second]) = self.pair(insn) {
            first.imm = fd;
            second.imm = offset.cast_signed();
        }
    }

    /// Makes an instruction that needs the map at this index of the spec one that the verifier refuses if it can be
    /// reached.
    pub fn poison_map(&mut self, insn: usize, index: usize, name: &str) {
        let call = missing_map(index);
        if let Some(slots) = self.pair(insn) {
            slots.fill(call);
            let description = format!("map {name} is used but was not created");
            self.poisoned.push(Poisoned { insn, imm: call.imm, description });
        }
    }

    /// Writes the address of a symbol; 0 if there is none.
    pub fn set_ksym_address(&mut self, insn: usize, address: u64) {
        if let Some([first, second]) = self.pair(insn) {
            first.set_src(0);
            // The lower and the upper half.
            first.imm = (address as u32).cast_signed();
            second.imm = ((address >> 32) as u32).cast_signed();
        }
    }

    /// Writes what the kernel calls a symbol: its id in the kernel's types, or in those of the module whose BTF this
    /// is the descriptor of.
    pub fn set_ksym_type(&mut self, insn: usize, id: TypeId, module: Option<i32>) {
        if let Some([first, second]) = self.pair(insn) {
            first.set_src(opcode::PSEUDO_BTF_ID);
            first.imm = id.0.cast_signed();
            second.imm = module.unwrap_or(0);
        }
    }

    /// Makes a call one of a kernel function: its id in the kernel's types, or (not 0) the place in the program's
    /// array of descriptors where the BTF of its module is.
    pub fn set_kfunc(&mut self, insn: usize, id: TypeId, module: i16) {
        if let Some(call) = self.insns.get_mut(insn) {
            call.set_src(opcode::PSEUDO_KFUNC_CALL);
            call.imm = id.0.cast_signed();
            call.off = module;
        }
    }

    /// Makes a call of a kernel function that is missing, the extern at this index of the spec, one that the verifier
    /// refuses if it can be reached.
    pub fn poison_kfunc(&mut self, insn: usize, index: usize, name: &str) {
        if let Some(call) = self.insns.get_mut(insn) {
            *call = Insn::call_helper(numbered(POISON_KFUNC, index));
            let description = format!("kernel function {name} is missing");
            self.poisoned.push(Poisoned { insn, imm: call.imm, description });
        }
    }

    /// Both slots of a 64-bit immediate.
    fn pair(&mut self, insn: usize) -> Option<&mut [Insn; 2]> {
        self.insns.get_mut(insn..)?.first_chunk_mut()
    }
}
