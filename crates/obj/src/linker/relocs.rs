//! Relocations, and what instructions hold of the places of sections.

use object::elf;
use object::pod::bytes_of;
use object::{Endianness, U64};

use super::input::{Input, InputKind, InputSection};
use super::jump_tables::Moved;
use super::{SYMTAB, StaticLinker};
use crate::Endian;
use crate::elf::ElfReloc;
use crate::error::{LinkerProblem, RelocClash, SectionClash};
use crate::insn::Insn;

/// A 64-bit number in data.
const R_BPF_64_ABS64: u32 = 2;
/// A 32-bit number in data.
const R_BPF_64_ABS32: u32 = 3;
/// These, those of instructions that load 64 bits, and calls.
const KINDS: [u32; 4] = [elf::R_BPF_64_64.0, R_BPF_64_ABS64, R_BPF_64_ABS32, elf::R_BPF_64_32.0];

impl StaticLinker {
    /// Appends relocations; `symbols` has the new index of each symbol.
    pub(super) fn append_relocs(
        &mut self,
        input: &mut Input<'_>,
        symbols: &[u32],
    ) -> Result<(), LinkerProblem> {
        let mut tables = Moved::default();
        for index in 0..input.sections.len() {
            let Some(section) = input.sections.get_mut(index) else { continue };
            if section.kind != InputKind::Relocs {
                continue;
            }
            // They follow each other without gaps.
            section.align = 8;
            let (Some(section), Some(raw)) = (input.sections.get(index), input.elf.section(index)) else {
                continue;
            };
            let target = input.sections.get(raw.info()).filter(|target| {
                section.name.strip_prefix(".rel") == Some(target.name)
                    && !matches!(target.kind, InputKind::Relocs | InputKind::Shell)
            });
            let problem = SectionClash::RelocTarget { target: raw.info() };
            let target = target.ok_or_else(|| section.clash(problem))?;
            let Some(to) = target.out.filter(|_| target.kind != InputKind::Skipped) else { continue };
            let relocs = input.elf.relocs(raw)?;
            let out = self.out_section(section)?;
            let to_index = self.sections.get(to).map_or(0, super::OutSection::index);
            self.extend(out, section)?;
            for reloc in relocs {
                let fail = |problem| {
                    let symbol = input.symbols.get(reloc.symbol);
                    LinkerProblem::Reloc {
                        section: target.name.into(),
                        offset: reloc.offset,
                        symbol: symbol.map_or("?", |symbol| symbol.name).into(),
                        problem,
                    }
                };
                let symbol = self.check_reloc(input, target, &reloc, symbols).map_err(fail)?;
                self.move_place(input, (target, to), &reloc).map_err(fail)?;
                tables.note(input, target, &reloc);
                self.put_reloc(out, target.offset, &reloc, symbol);
            }
            if let Some(header) = self.sections.get_mut(out).and_then(|section| section.header.as_mut()) {
                header.link = (SYMTAB as u32).saturating_add(1);
                header.info = to_index.into();
            }
        }
        self.move_tables(tables);
        Ok(())
    }

    /// The new index of the symbol that a relocation is against, if all is right with it.
    fn check_reloc(
        &self,
        input: &Input<'_>,
        target: &InputSection<'_>,
        reloc: &ElfReloc,
        symbols: &[u32],
    ) -> Result<u32, RelocClash> {
        if !KINDS.contains(&reloc.kind) {
            return Err(RelocClash::Kind { found: reloc.kind });
        }
        let width = if target.is_code() { 8 } else { 4 };
        let whole = !target.is_code() || reloc.offset.is_multiple_of(8);
        if !whole || reloc.offset.checked_add(width).is_none_or(|end| end > target.size) {
            return Err(RelocClash::Place);
        }
        match symbols.get(reloc.symbol) {
            _ if reloc.symbol == 0 || reloc.symbol >= input.symbols.len() => Err(RelocClash::NoSymbol),
            None | Some(0) => Err(RelocClash::LeftOut),
            Some(&symbol) => Ok(symbol),
        }
    }

    /// An instruction that refers to a place in a section has it counted from the section's start, which was that of
    /// the object's own part.
    fn move_place(
        &mut self,
        input: &Input<'_>,
        (target, to): (&InputSection<'_>, usize),
        reloc: &ElfReloc,
    ) -> Result<(), RelocClash> {
        let symbol = input.symbols.get(reloc.symbol).filter(|symbol| symbol.kind() == elf::STT_SECTION);
        let Some(section) = symbol.and_then(|symbol| input.section_of(symbol)) else { return Ok(()) };
        if !target.is_code() {
            return Err(RelocClash::DataToSection);
        }
        // Both lie in the section, which fits into 32 bits.
        let at = target.offset.saturating_add(reloc.offset) as usize;
        let data = self.sections.get_mut(to).map(|section| &mut section.data);
        let slot = data.and_then(|data| data.get_mut(at..)?.first_chunk_mut::<8>());
        let slot = slot.ok_or(RelocClash::Place)?;
        let endian = self.endian.unwrap_or(Endian::NATIVE);
        let mut insn = Insn::decode(*slot, endian);
        // Calls count in slots of 8 bytes.
        let moved = if insn.is_call() { section.offset >> 3 } else { section.offset };
        insn.imm = insn.imm.wrapping_add_unsigned(moved as u32);
        *slot = insn.encode(endian);
        Ok(())
    }

    fn put_reloc(&mut self, out: usize, offset: u64, reloc: &ElfReloc, symbol: u32) {
        let order = self.order();
        let kind = elf::RelocationType(reloc.kind);
        let raw = elf::Rel64::<Endianness> {
            r_offset: U64::new(order, offset.saturating_add(reloc.offset)),
            r_info: elf::Rel64::r_info(order, symbol, kind),
        };
        if let Some(section) = self.sections.get_mut(out) {
            section.data.extend_from_slice(bytes_of(&raw));
        }
    }

    /// The byte order as `object` has it.
    pub(super) fn order(&self) -> Endianness {
        match self.endian {
            Some(Endian::Big) => Endianness::Big,
            _ => Endianness::Little,
        }
    }
}
