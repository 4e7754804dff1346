use super::patch::missing_map;
use super::{Fixup, FixupKind, Linker, Poisoned};
use crate::code::{MapId, Target};
use crate::error::LinkProblem;
use crate::insn::{Insn, opcode};
use crate::spec::{ExternKind, ExternSpec, MapOrigin};

/// What came of a reference.
#[derive(Default)]
pub(super) struct Made {
    fixup: Option<FixupKind>,
    poison: Option<(i32, String)>,
}

impl Made {
    pub(super) fn fixup(&self, insn: usize) -> Option<Fixup> {
        self.fixup.map(|kind| Fixup { insn, kind })
    }

    pub(super) fn poisoned(self, insn: usize) -> Option<Poisoned> {
        self.poison.map(|(imm, description)| Poisoned { insn, imm, description })
    }

    fn only(kind: FixupKind) -> Self {
        Self { fixup: Some(kind), poison: None }
    }
}

/// Writes into an instruction what it refers to, as far as no kernel is needed.
pub(super) fn refer(
    linker: &Linker<'_>,
    target: Target,
    insn: &mut Insn,
    next: Option<&mut Insn>,
) -> Result<Made, LinkProblem> {
    match target {
        Target::Map(map) => {
            let map = match find(linker, map, insn, next)? {
                Found::Map(map) => map,
                Found::Poisoned(made) => return Ok(made),
            };
            insn.set_src(opcode::PSEUDO_MAP_FD);
            Ok(Made::only(FixupKind::MapFd { map }))
        }
        Target::Data { map, offset } => {
            let Some(next) = next else { return Err(LinkProblem::Mismatch) };
            let map = match find(linker, map, insn, Some(next))? {
                Found::Map(map) => map,
                Found::Poisoned(made) => return Ok(made),
            };
            // The instruction holds what is to be added to the symbol's place; sums wrap as in the kernel.
            let offset = offset.wrapping_add_signed(insn.imm);
            next.imm = offset.cast_signed();
            insn.set_src(opcode::PSEUDO_MAP_VALUE);
            Ok(Made::only(FixupKind::MapValue { map, offset }))
        }
        Target::Extern(index) => refer_extern(linker, index, insn, next),
        Target::Call { .. } | Target::Func { .. } | Target::JumpTable(_) => Err(LinkProblem::Mismatch),
    }
}

enum Found {
    Map(usize),
    Poisoned(Made),
}

/// The map with this id; the instruction is poisoned if the map is not to be created.
fn find(
    linker: &Linker<'_>,
    id: MapId,
    insn: &mut Insn,
    next: Option<&mut Insn>,
) -> Result<Found, LinkProblem> {
    if !insn.is_ldimm64() {
        return Err(LinkProblem::Mismatch);
    }
    let index = *linker.maps.get(&id).ok_or(LinkProblem::MapRemoved)?;
    let map = linker.spec.maps.get(index).ok_or(LinkProblem::MapRemoved)?;
    if map.autocreate {
        return Ok(Found::Map(index));
    }
    *insn = missing_map(index);
    if let Some(next) = next {
        *next = *insn;
    }
    let description = format!("map {} is not created (autocreate is off)", map.name);
    Ok(Found::Poisoned(Made { fixup: None, poison: Some((insn.imm, description)) }))
}

/// What is outside is the loader's to find; but where the kernel's configuration will stand is known.
fn refer_extern(
    linker: &Linker<'_>,
    index: usize,
    insn: &mut Insn,
    next: Option<&mut Insn>,
) -> Result<Made, LinkProblem> {
    let unnamed = || LinkProblem::Extern { name: "?".to_owned() };
    let ExternSpec { name, kind, .. } = linker.spec.externs.get(index).ok_or_else(unnamed)?;
    match kind {
        ExternKind::Kconfig { offset, .. } => {
            let map = linker.spec.maps.iter().find(|map| map.origin == MapOrigin::Kconfig);
            let id = map.and_then(|map| map.id).ok_or(LinkProblem::MapRemoved)?;
            insn.imm = 0;
            refer(linker, Target::Data { map: id, offset: *offset }, insn, next)
        }
        ExternKind::KsymFunc if insn.is_call() => Ok(Made::only(FixupKind::Kfunc { index })),
        ExternKind::KsymVar | ExternKind::KsymFunc if insn.is_ldimm64() => {
            Ok(Made::only(FixupKind::Ksym { index }))
        }
        ExternKind::KsymVar | ExternKind::KsymFunc => Err(LinkProblem::Mismatch),
        ExternKind::Unknown => Err(LinkProblem::Extern { name: name.clone() }),
    }
}
