use foldhash::fast::FixedState;
use hashbrown::HashMap;
use oxbpf_btf::ExtView;

use super::Parser;
use crate::code::Code;
use crate::error::SectionProblem;
use crate::insn::Insn;
use crate::{Error, FuncInfo, LineInfo};

const SLOT: u32 = Insn::SIZE as u32;

impl Parser<'_> {
    /// Puts the records of `.BTF.ext` to the sections they are about, by instruction.
    ///
    /// Records of sections that hold no code are left out: static linkers leave them behind for functions that
    /// they dropped.
    pub(super) fn ext_info(&self, ext: ExtView<'_>, code: &mut Code) -> Result<(), Error> {
        let mut by_name = HashMap::with_capacity_and_hasher(code.sections.len(), FixedState::default());
        for (i, section) in code.sections.iter().enumerate() {
            by_name.entry(self.elf.section_name(section.elf_index)).or_insert(i);
        }
        for part in ext.func_info() {
            if let Some(section) = by_name.get(part.name).and_then(|i| code.sections.get_mut(*i)) {
                section.func_info.extend(part.records.map(|r| FuncInfo { insn_off: r.insn_off / SLOT, ..r }));
            }
        }
        for part in ext.line_info() {
            if let Some(section) = by_name.get(part.name).and_then(|i| code.sections.get_mut(*i)) {
                section.line_info.extend(part.records.map(|r| LineInfo { insn_off: r.insn_off / SLOT, ..r }));
            }
        }
        code.core_relos.reserve_exact(ext.core_relos().map(|part| part.records.len()).sum());
        for part in ext.core_relos() {
            let Some(&section) = by_name.get(part.name) else { continue };
            for mut relo in part.records {
                if !relo.insn_off.is_multiple_of(SLOT) {
                    let problem = SectionProblem::Unaligned { offset: relo.insn_off };
                    return Err(Error::section(".BTF.ext", problem));
                }
                relo.insn_off /= SLOT;
                code.core_relos.push((section, relo));
            }
        }
        for section in &mut code.sections {
            // Next to nothing for what is sorted already, as clang leaves it.
            section.func_info.sort_by_key(|r| r.insn_off);
            section.line_info.sort_by_key(|r| r.insn_off);
        }
        Ok(())
    }
}
