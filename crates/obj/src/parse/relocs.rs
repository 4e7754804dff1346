use object::elf::SHN_UNDEF;

use super::Parser;
use super::externs::Externs;
use super::maps::Maps;
use super::sections::Role;
use crate::Error;
use crate::code::{Code, MapId, Reloc, Target};
use crate::elf::{ElfReloc, Section, Symbol, SymbolKind};
use crate::error::RelocProblem;
use crate::insn::{Insn, opcode};
use crate::order::by_place;

const SLOT: u64 = Insn::SIZE as u64;

impl Parser<'_> {
    /// Reads what instructions refer to.
    pub(super) fn relocs(&self, maps: &Maps, externs: &Externs, code: &mut Code) -> Result<(), Error> {
        for &index in &self.sections.relocs {
            let Some(section) = self.elf.section(index) else { continue };
            let Some(target) = code.section_of(section.info()) else { continue };
            let relocs = self.section_relocs(section, target, maps, externs, code)?;
            if let Some(section) = code.sections.get_mut(target) {
                section.relocs.extend(relocs);
            }
        }
        for section in &mut code.sections {
            by_place(&mut section.relocs, |r| (0, r.insn as u64));
            let pairs = section.relocs.iter().zip(section.relocs.iter().skip(1));
            if let Some((reloc, _)) = pairs.into_iter().find(|(a, b)| a.insn == b.insn) {
                return Err(Error::Reloc {
                    section: section.name.as_str().into(),
                    offset: (reloc.insn as u64).saturating_mul(SLOT),
                    symbol: "two symbols".into(),
                    problem: RelocProblem::Twice,
                });
            }
        }
        Ok(())
    }

    fn section_relocs(
        &self,
        section: &Section<'_>,
        target: usize,
        maps: &Maps,
        externs: &Externs,
        code: &Code,
    ) -> Result<Vec<Reloc>, Error> {
        let Some(target) = code.sections.get(target) else { return Ok(Vec::new()) };
        let raw = self.elf.relocs(section)?;
        let mut relocs = Vec::with_capacity(raw.len());
        for reloc in raw {
            let fail = |symbol: &str, problem| Error::Reloc {
                section: target.name.as_str().into(),
                offset: reloc.offset,
                symbol: symbol.into(),
                problem,
            };
            let symbol = match self.elf.symbol(reloc.symbol) {
                Ok(symbol) => symbol,
                Err(Error::Symbol { problem, .. }) => {
                    let problem = RelocProblem::Symbol { index: reloc.symbol, problem };
                    return Err(fail("?", problem));
                }
                Err(other) => return Err(other),
            };
            let at = usize::try_from(reloc.offset / SLOT).ok().filter(|_| reloc.offset.is_multiple_of(SLOT));
            let insn = at.and_then(|at| Some((at, target.insns.get(at..)?)));
            let Some((at, [insn, rest @ ..])) = insn else {
                return Err(fail(self.elf.describe(&symbol), RelocProblem::NoInstruction));
            };
            match self.target(&symbol, reloc, insn, rest.first(), maps, externs, code) {
                Ok(target) => relocs.push(Reloc { insn: at, target }),
                Err(problem) => return Err(fail(self.elf.describe(&symbol), problem)),
            }
        }
        Ok(relocs)
    }

    #[allow(clippy::too_many_arguments, reason = "each is a thing of its own")]
    fn target(
        &self,
        symbol: &Symbol,
        reloc: ElfReloc,
        insn: &Insn,
        next: Option<&Insn>,
        maps: &Maps,
        externs: &Externs,
        code: &Code,
    ) -> Result<Target, RelocProblem> {
        if !insn.is_call() && !insn.is_ldimm64() {
            return Err(RelocProblem::Instruction { code: insn.code });
        }
        if insn.is_ldimm64() && next.is_none() {
            return Err(RelocProblem::HalfImmediate);
        }
        if let Some(&i) = externs.by_symbol.get(&reloc.symbol) {
            return Ok(Target::Extern(i));
        }
        let far = || RelocProblem::TooFar { offset: symbol.value };
        let section = code.section_of(symbol.section);
        if insn.is_call() {
            if insn.src() != opcode::PSEUDO_CALL {
                return Err(RelocProblem::NotAFunctionCall { src: insn.src() });
            }
            if symbol.section == usize::from(SHN_UNDEF.0) {
                return Err(RelocProblem::Undefined);
            }
            let Some(section) = section else {
                let section = self.elf.section_name(symbol.section).to_owned();
                return Err(RelocProblem::CallOfData { section });
            };
            if !symbol.value.is_multiple_of(SLOT) {
                return Err(RelocProblem::Unaligned { offset: symbol.value });
            }
            let insn = u32::try_from(symbol.value / SLOT).map_err(|_| far())?;
            return Ok(Target::Call { section, insn });
        }
        if symbol.section == usize::from(SHN_UNDEF.0) {
            return Err(RelocProblem::Undefined);
        }
        let offset = u32::try_from(symbol.value).map_err(|_| far())?;
        if let Some(section) = section {
            let all = i64::from(offset).saturating_add(insn.imm.into());
            if !all.unsigned_abs().is_multiple_of(SLOT) {
                return Err(RelocProblem::Unaligned { offset: all.unsigned_abs() });
            }
            return Ok(Target::Func { section, offset });
        }
        if self.sections.role(symbol.section) == Role::JumpTables {
            let place = (symbol.value, symbol.size);
            let found = code.jump_tables.binary_search_by_key(&place, |table| table.place);
            return found.map(Target::JumpTable).map_err(|_| RelocProblem::NoJumpTable { offset });
        }
        self.map_target(symbol, offset, insn, maps)
    }

    fn map_target(
        &self,
        symbol: &Symbol,
        offset: u32,
        insn: &Insn,
        maps: &Maps,
    ) -> Result<Target, RelocProblem> {
        let section = || self.elf.section_name(symbol.section).to_owned();
        let defined = |at: u64| {
            let missing = || RelocProblem::NoMapAt { section: section(), offset: at };
            maps.at(symbol.section, at).map(Target::Map).ok_or_else(missing)
        };
        match self.sections.role(symbol.section) {
            Role::Maps => defined(symbol.value),
            // Of static maps the compiler knows the place in the section.
            Role::LegacyMaps if symbol.kind == SymbolKind::Section => {
                defined(symbol.value.wrapping_add_signed(insn.imm.into()))
            }
            Role::LegacyMaps => defined(symbol.value),
            _ => {
                let map: Option<MapId> = maps.of_section(symbol.section);
                let map = map.ok_or_else(|| RelocProblem::NoMap { section: section() })?;
                Ok(Target::Data { map, offset })
            }
        }
    }
}
