//! Tables of indirect jumps: their entries count from the start of the section of code that they lead into, which was
//! that of the object's own part. No relocations tell of them.

use std::collections::BTreeMap;

use object::elf;

use super::StaticLinker;
use super::input::{Input, InputSection};
use crate::Endian;
use crate::elf::ElfReloc;

/// The section of the tables. Its symbols have no types.
pub(super) const JUMP_TABLES: &str = ".jumptables";

/// Bytes of an entry.
const ENTRY: usize = 8;

/// The tables of an object that instructions of a part refer to which does not come first in its section.
#[derive(Default)]
pub(super) struct Moved {
    /// Section, start and size there; and how far the code was moved.
    tables: BTreeMap<(usize, u64, u64), u64>,
}

impl Moved {
    /// Notes the table that a relocation is against, if it is one.
    pub(super) fn note(&mut self, input: &Input<'_>, code: &InputSection<'_>, reloc: &ElfReloc) {
        if !code.is_code() || code.offset == 0 {
            return;
        }
        let Some(symbol) = input.symbols.get(reloc.symbol) else { return };
        let section = input.section_of(symbol).filter(|section| section.name == JUMP_TABLES);
        let Some((section, out)) = section.and_then(|section| Some((section, section.out?))) else { return };
        if symbol.kind() != elf::STT_SECTION {
            let start = section.offset.saturating_add(symbol.value);
            self.tables.insert((out, start, symbol.size), code.offset);
        }
    }
}

impl StaticLinker {
    /// Has the tables lead to where the code is now.
    pub(super) fn move_tables(&mut self, moved: Moved) {
        let endian = self.endian.unwrap_or(Endian::NATIVE);
        // Each entry is moved once, also where tables overlap.
        let mut done = (0, 0);
        for ((section, start, size), by) in moved.tables {
            let end = start.saturating_add(size);
            let from = if done.0 == section { start.max(done.1) } else { start };
            done = (section, from.max(end));
            let data = self.sections.get_mut(section).map(|section| &mut section.data);
            let range = usize::try_from(from).ok().zip(usize::try_from(end).ok());
            let Some(table) = data.zip(range).and_then(|(data, (from, end))| data.get_mut(from..end)) else {
                continue;
            };
            for entry in table.as_chunks_mut::<ENTRY>().0 {
                *entry = match endian {
                    Endian::Little => u64::from_le_bytes(*entry).wrapping_add(by).to_le_bytes(),
                    Endian::Big => u64::from_be_bytes(*entry).wrapping_add(by).to_be_bytes(),
                };
            }
        }
    }
}
