//! Whether a program asks for what the verifier knows beforehand, so that some of its instructions may never be reached.
//!
//! It errs on one side: a program that is said to ask nothing of the kind asks nothing.

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use oxbpf_btf::CoreReloKind;

use crate::insn::{Insn, opcode as op};
use crate::spec::MapOrigin;
use crate::uapi::MapFlags;
use crate::{FixupKind, ObjectSpec, ProgramImage};

/// What an object's programs may ask.
pub(super) struct Guards<'s> {
    spec: &'s ObjectSpec,
    /// Functions with CO-RE relocations that are a number rather than a place.
    asking: HashSet<&'s str, FixedState>,
}

impl<'s> Guards<'s> {
    pub(super) fn of(spec: &'s ObjectSpec) -> Self {
        let code = &*spec.code;
        let asking = code.core_relos.iter().filter(|(_, relo)| relo.kind != CoreReloKind::FieldByteOffset);
        let names = asking.filter_map(|(section, relo)| {
            let function = code.function_at(section, relo.insn_off as usize)?;
            code.functions.get(function).map(|function| code.name(function))
        });
        Self { spec, asking: names.collect() }
    }

    /// Whether a program asks, it or a function that it reaches.
    pub(super) fn any_in(&self, image: &ProgramImage) -> bool {
        image.functions.iter().any(|(name, _)| self.asking.contains(name.as_str()))
            || image.fixups.iter().any(|fixup| match fixup.kind {
                FixupKind::Ksym { index } | FixupKind::Kfunc { index } => {
                    self.spec.externs.get(index).is_none_or(|symbol| symbol.weak)
                }
                FixupKind::MapValue { map, .. } => {
                    self.is_constant(map) && is_read(image.insns.get(fixup.insn..).unwrap_or_default())
                }
                _ => false,
            })
    }

    /// Whether the verifier knows what is in a map.
    fn is_constant(&self, map: usize) -> bool {
        self.spec.maps.get(map).is_none_or(|map| {
            map.origin == MapOrigin::Kconfig || map.is_frozen() || map.flags.contains(MapFlags::RDONLY_PROG)
        })
    }
}

/// Whether the value may be read whose address the first of these instructions loads: if nothing else becomes of the
/// register before its last use than that helpers get it.
fn is_read(insns: &[Insn]) -> bool {
    /// Instructions that are looked at.
    const FAR: usize = 64;
    let Some(address) = insns.first().map(|load| load.dst()) else { return true };
    for insn in insns.iter().skip(2).take(FAR) {
        let reads = insn.src() == address;
        match insn.class() {
            op::CLASS_JMP | op::CLASS_JMP32 => match insn.code & op::OP_MASK {
                op::EXIT => return false,
                // The callee has it; it may be a function of the program.
                op::CALL if address <= 5 => return !insn.is_helper_call(),
                op::CALL => {}
                _ => return true,
            },
            op::CLASS_LDX | op::CLASS_STX if reads => return true,
            op::CLASS_ALU | op::CLASS_ALU64 if reads && insn.code & op::SRC_MASK == op::X => return true,
            op::CLASS_LDX | op::CLASS_LD if insn.dst() == address => return false,
            op::CLASS_ALU | op::CLASS_ALU64
                if insn.dst() == address && insn.code & op::OP_MASK == op::MOV =>
            {
                return false;
            }
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{Assembler, Cond, Reg::*, Size};

    fn reads(rest: impl Fn(Assembler) -> Assembler) -> bool {
        is_read(&rest(Assembler::new().ld_map_value(R1, 0, 0)).finish().unwrap())
    }

    #[test]
    fn uses_of_a_constant() {
        assert!(reads(|p| p.load(Size::W, R2, R1, 0).exit()));
        assert!(reads(|p| p.mov64_reg(R6, R1).exit()));
        assert!(reads(|p| p.if64_imm(Cond::Eq, R0, 0, "l").label("l").exit()));
        assert!(reads(|p| p.call_label("f").exit().label("f").exit()));
        // The text of a message.
        assert!(!reads(|p| p.mov64_imm(R2, 7).call(6).exit()));
        assert!(!reads(|p| p.mov64_imm(R1, 7).exit()));
        assert!(!reads(Assembler::exit));
        assert!(is_read(&[]));
    }
}
