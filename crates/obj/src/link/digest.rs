//! What a kernel knows a program by: a hash of its instructions.

use sha2::{Digest as _, Sha256};

use super::ProgramImage;
use crate::Endian;
use crate::insn::{Insn, opcode};

impl ProgramImage {
    /// SHA-256 of the instructions as the kernel computes it when the program is loaded, in the byte order of the machine
    /// that they are for: descriptors of maps and places in their values do not count. It says whose an
    /// [exclusive](crate::MapSpec::exclusive) map is.
    ///
    /// All fixups but those about maps have to be in.
    pub fn digest(&self, endian: Endian) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut after_map = false;
        for mut insn in self.insns.iter().copied() {
            let is_map = !after_map
                && insn.is_ldimm64()
                && matches!(insn.src(), opcode::PSEUDO_MAP_FD | opcode::PSEUDO_MAP_VALUE);
            let is_rest = after_map && Insn { imm: 0, ..insn } == Insn::default();
            if is_map || is_rest {
                insn.imm = 0;
            }
            after_map = is_map;
            hash.update(insn.encode(endian));
        }
        hash.finalize().into()
    }
}
