//! Variables and functions of the kernel: looked for once, and written into all programs that refer to them.

use std::collections::BTreeMap;

use oxbpf_btf::Kind;

use super::Plan;
use super::emit::Emitter;
use super::loader::LightStep;
use super::programs::registers;
use crate::insn::opcode;
use crate::link::{FixupKind, ProgramImage};
use crate::relo_core::essential_name;
use crate::spec::{ExternKind, ExternSpec};
use crate::{ProgramSpec, TypeId};

/// What has to be looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// In the types of the kernel and its modules.
    Type { name: String, kind: Kind },
    /// Among the kernel's symbols.
    Address { name: String },
}

impl Wanted {
    /// What this extern is to the kernel.
    pub(super) fn of_extern(symbol: &ExternSpec) -> Option<Self> {
        match symbol.kind {
            ExternKind::KsymVar if symbol.value_type == TypeId(0) => {
                Some(Self::Address { name: symbol.name.clone() })
            }
            ExternKind::KsymVar => Some(Self::Type { name: symbol.name.clone(), kind: Kind::Var }),
            ExternKind::KsymFunc => {
                // Several prototypes of one function are told apart by what follows `___`.
                Some(Self::Type { name: essential_name(&symbol.name).to_owned(), kind: Kind::Func })
            }
            ExternKind::Kconfig { .. } | ExternKind::Unknown => None,
        }
    }

    /// What a program that is attached by its target's type is verified against.
    pub(super) fn of_target(program: &ProgramSpec) -> Option<Self> {
        let target = program.kernel_target()?;
        Some(Self::Type { name: target.btf_name(), kind: target.kind })
    }

    fn name(&self) -> &str {
        match self {
            Self::Type { name, .. } | Self::Address { name } => name,
        }
    }
}

/// Where what is found stands in the data.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Of a type: its id, and where the descriptor of its module's types is. Of an address: that, in 8 bytes.
    value: u32,
    module: Option<Module>,
}

#[derive(Debug, Clone, Copy)]
struct Module {
    /// In the data.
    slot: u32,
    /// In the table of descriptors.
    place: i16,
}

/// What was looked for.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    found: BTreeMap<Wanted, Found>,
    /// By index of the extern.
    externs: BTreeMap<usize, (Wanted, bool)>,
    /// By index among the programs that are loaded.
    targets: BTreeMap<usize, Wanted>,
}

impl Symbols {
    /// Looks for all that programs need.
    pub(super) fn emit(out: &mut Emitter, plan: &Plan<'_>) -> Self {
        let mut all = Self::default();
        for (wanted, weak) in &plan.symbols {
            let kind = match wanted {
                Wanted::Type { kind, .. } => Some(*kind),
                Wanted::Address { .. } => None,
            };
            out.step(LightStep::Symbol { name: wanted.name().to_owned(), kind, weak: *weak });
            let name = out.blob.string(wanted.name());
            let value = out.blob.zeros(8).start;
            let module = plan.module_of(wanted);
            match (kind, module) {
                (Some(kind), Some((slot, _))) => out.find_type(&name, kind as u32, *weak, value, slot),
                _ => out.find_address(&name, *weak, value),
            }
            let module = module.map(|(slot, place)| Module { slot, place });
            all.found.insert(wanted.clone(), Found { value, module });
        }
        for index in &plan.externs {
            let Some(symbol) = plan.spec.externs.get(*index) else { continue };
            if let Some(wanted) = Wanted::of_extern(symbol) {
                all.externs.insert(*index, (wanted, symbol.weak));
            }
        }
        for (index, program) in plan.programs.iter().enumerate() {
            let target = plan.spec.programs.get(*program).and_then(Wanted::of_target);
            all.targets.extend(target.map(|target| (index, target)));
        }
        all
    }

    fn of_extern(&self, index: usize) -> Option<(Found, bool)> {
        let (wanted, weak) = self.externs.get(&index)?;
        Some((*self.found.get(wanted)?, *weak))
    }

    /// Makes of references what they are if everything is found.
    pub(super) fn prepare(&self, image: &mut ProgramImage) {
        for fixup in std::mem::take(&mut image.fixups) {
            match fixup.kind {
                FixupKind::Ksym { index } => match self.of_extern(index) {
                    Some((Found { module: Some(_), .. }, _)) => {
                        image.set_ksym_type(fixup.insn, TypeId(0), None);
                    }
                    _ => image.set_ksym_address(fixup.insn, 0),
                },
                FixupKind::Kfunc { .. } => image.set_kfunc(fixup.insn, TypeId(0), 0),
                _ => {}
            }
            image.fixups.push(fixup);
        }
    }

    /// Writes what was found into a program whose instructions begin at `start` of the data.
    pub(super) fn write(&self, out: &mut Emitter, plan: &Plan<'_>, image: &ProgramImage, start: u32) {
        for fixup in &image.fixups {
            let (FixupKind::Ksym { index } | FixupKind::Kfunc { index }) = fixup.kind else { continue };
            let Some((found, weak)) = self.of_extern(index) else { continue };
            let Some(insn) = image.insns.get(fixup.insn) else { continue };
            let at = u32::try_from(fixup.insn).unwrap_or(u32::MAX).saturating_mul(8).saturating_add(start);
            let field = |offset: u32| at.saturating_add(offset);
            // Of an instruction: registers at 1, offset at 2, immediate at 4; that of the second slot at 12.
            match (fixup.kind, found.module) {
                (FixupKind::Kfunc { .. }, Some(module)) => {
                    out.copy(field(4), found.value);
                    out.half_unless_zero(module.slot, field(2), module.place);
                }
                (FixupKind::Ksym { .. }, Some(module)) => {
                    out.copy(field(4), found.value);
                    out.copy(field(12), module.slot);
                    if weak {
                        // What is not there is the number 0.
                        debug_assert_eq!(insn.src(), opcode::PSEUDO_BTF_ID);
                        out.byte_if_zero(found.value, field(1), registers(*insn, plan.endian()));
                    }
                }
                _ => {
                    // The lower half comes first or last, as the byte order has it.
                    let [low, high] = match plan.endian() {
                        crate::Endian::Little => [0, 4],
                        crate::Endian::Big => [4, 0],
                    };
                    out.copy(field(4), found.value.saturating_add(low));
                    out.copy(field(12), found.value.saturating_add(high));
                }
            }
        }
    }

    /// Writes the target of a program into its attribute.
    pub(super) fn target(&self, out: &mut Emitter, program: usize, id: u32, module: u32) {
        let found = self.targets.get(&program).and_then(|wanted| self.found.get(wanted));
        if let Some(Found { value, module: Some(found) }) = found {
            out.copy(id, *value);
            out.copy(module, found.slot);
        }
    }
}
