//! Tables of indirect jumps, in section `.jumptables`: each a symbol, each entry of 8 bytes the place of an instruction
//! in the section of the function that jumps, in bytes.

use super::Parser;
use super::sections::Role;
use crate::code::{Code, JumpTable};
use crate::error::SymbolProblem;
use crate::insn::Insn;
use crate::order::by_place;
use crate::{Endian, Error};

/// Bytes of an entry.
const ENTRY: usize = 8;

impl Parser<'_> {
    pub(super) fn jump_tables(&mut self, code: &mut Code) -> Result<(), Error> {
        let mut symbols = std::mem::take(&mut self.symbols.jump_tables);
        let first = self.sections.with(|role| role == Role::JumpTables).next();
        let Some((index, _)) = first else { return Ok(()) };
        let bytes = self.elf.claim(index)?;
        symbols.retain(|symbol| symbol.section == index);
        by_place(&mut symbols, |symbol| (symbol.value, symbol.size));
        symbols.dedup_by_key(|symbol| (symbol.value, symbol.size));
        let mut end = 0;
        for symbol in symbols {
            let fail = |problem| Error::Symbol { symbol: self.elf.describe(&symbol).to_owned(), problem };
            let place = (symbol.value, symbol.size);
            let range = usize::try_from(place.0).ok().zip(usize::try_from(place.1).ok());
            let table = range.and_then(|(start, len)| bytes.get(start..)?.get(..len));
            // Tables that share entries would cost more than the file has of them.
            let table = table.filter(|_| place.0 >= end);
            let table = table.and_then(|table| targets(table, self.elf.endian()));
            let targets = table.ok_or_else(|| fail(SymbolProblem::JumpTable))?;
            end = place.0.saturating_add(place.1);
            let range = (targets.iter().min().copied(), targets.iter().max().copied());
            let range = (range.0.unwrap_or_default(), range.1.unwrap_or_default());
            code.jump_tables.push(JumpTable { place, targets: targets.into(), range });
        }
        Ok(())
    }
}

/// Which instructions the entries mean; `None` if one means none.
fn targets(table: &[u8], endian: Endian) -> Option<Vec<u32>> {
    let (entries, rest) = table.as_chunks::<ENTRY>();
    let insn = |raw: &[u8; ENTRY]| {
        let at = match endian {
            Endian::Little => u64::from_le_bytes(*raw),
            Endian::Big => u64::from_be_bytes(*raw),
        };
        let size = Insn::SIZE as u64;
        u32::try_from(at.checked_div(size)?).ok().filter(|_| at.is_multiple_of(size))
    };
    if !rest.is_empty() {
        return None;
    }
    entries.iter().map(insn).collect()
}
