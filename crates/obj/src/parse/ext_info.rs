use foldhash::fast::FixedState;
use hashbrown::HashMap;
use oxbpf_btf::{Bytes, ExtView};

use super::Parser;
use crate::code::Code;
use crate::error::SectionProblem;
use crate::insn::Insn;
use crate::{Btf, Error};

const SLOT: u32 = Insn::SIZE as u32;

impl Parser<'_> {
    /// Puts the records of `.BTF.ext` to the sections they are about, by instruction.
    ///
    /// Records of sections that hold no code are left out: static linkers leave them behind for functions that
    /// they dropped.
    pub(super) fn ext_info(&self, bytes: &Bytes, btf: &Btf, code: &mut Code) -> Result<(), Error> {
        let ext = ExtView::parse(bytes, btf).map_err(|source| Error::Btf { section: ".BTF.ext", source })?;
        let mut by_name = HashMap::with_capacity_and_hasher(code.sections.len(), FixedState::default());
        for (i, section) in code.sections.iter().enumerate() {
            by_name.entry(self.elf.section_name(section.elf_index)).or_insert(i);
        }
        for part in ext.func_info() {
            if let Some(section) = by_name.get(part.name).and_then(|i| code.sections.get_mut(*i)) {
                section.func_info.add(part.records, bytes);
            }
        }
        for part in ext.line_info() {
            if let Some(section) = by_name.get(part.name).and_then(|i| code.sections.get_mut(*i)) {
                section.line_info.add(part.records, bytes);
            }
        }
        for part in ext.core_relos() {
            let Some(&section) = by_name.get(part.name) else { continue };
            if let Some(relo) = part.records.clone().find(|relo| !relo.insn_off.is_multiple_of(SLOT)) {
                let problem = SectionProblem::Unaligned { offset: relo.insn_off };
                return Err(Error::section(".BTF.ext", problem));
            }
            if let Some(table) = part.records.table(bytes) {
                code.core_relos.add(section, table);
            }
        }
        for section in &mut code.sections {
            section.func_info.sort();
            section.line_info.sort();
        }
        Ok(())
    }
}
