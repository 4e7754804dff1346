//! What `.BTF.ext` says about sections of code, where it stands in the file.

use oxbpf_btf::{Bytes, ExtRecord, RecordTable, Records};

use crate::insn::Insn;
use crate::order::by_place;
use crate::{CoreRelo, FuncInfo, LineInfo};

const SLOT: u32 = Insn::SIZE as u32;

/// A record about an instruction.
pub(crate) trait Info: ExtRecord + Copy {
    /// The instruction's place.
    fn place(&self) -> u32;
    /// The same with a place that counts instructions, where the file's counts bytes.
    fn by_insn(self) -> Self;
}

impl Info for FuncInfo {
    fn place(&self) -> u32 {
        self.insn_off
    }

    fn by_insn(self) -> Self {
        Self { insn_off: self.insn_off / SLOT, ..self }
    }
}

impl Info for LineInfo {
    fn place(&self) -> u32 {
        self.insn_off
    }

    fn by_insn(self) -> Self {
        Self { insn_off: self.insn_off / SLOT, ..self }
    }
}

impl Info for CoreRelo {
    fn place(&self) -> u32 {
        self.insn_off
    }

    fn by_insn(self) -> Self {
        Self { insn_off: self.insn_off / SLOT, ..self }
    }
}

/// Records about a section, in the order of its instructions.
pub(crate) enum Infos<R> {
    /// As the file has them.
    InFile(RecordTable<R>),
    /// Put in order, from one or several parts of the file.
    Sorted(Vec<R>),
}

impl<R> Default for Infos<R> {
    fn default() -> Self {
        Self::Sorted(Vec::new())
    }
}

impl<R: Info> Infos<R> {
    /// Adds those of a part of the file, which `bytes` is.
    pub(crate) fn add(&mut self, records: Records<'_, R>, bytes: &Bytes) {
        let is_first = matches!(self, Self::Sorted(known) if known.is_empty());
        // As clang leaves them.
        if is_first
            && records.clone().is_sorted_by_key(|record| record.place() / SLOT)
            && let Some(table) = records.table(bytes)
        {
            *self = Self::InFile(table);
            return;
        }
        let mut all: Vec<R> = match std::mem::take(self) {
            Self::InFile(table) => table.iter().map(R::by_insn).collect(),
            Self::Sorted(known) => known,
        };
        all.extend(records.map(R::by_insn));
        *self = Self::Sorted(all);
    }

    /// Puts them in order, when all are there.
    pub(crate) fn sort(&mut self) {
        if let Self::Sorted(all) = self {
            by_place(all, |record| (0, record.place().into()));
        }
    }

    /// Those about instructions from `start` up to `end`.
    pub(crate) fn range(&self, start: u32, end: u32) -> impl Iterator<Item = R> + '_ {
        let (in_file, sorted) = match self {
            Self::InFile(table) => {
                let at = |insn| table.partition_point(|record| record.place() / SLOT < insn);
                (Some(table.range(at(start)..at(end))), &[][..])
            }
            Self::Sorted(all) => {
                let at = |insn| all.partition_point(|record| record.place() < insn);
                (None, all.get(at(start)..at(end)).unwrap_or_default())
            }
        };
        in_file.into_iter().flatten().map(R::by_insn).chain(sorted.iter().copied())
    }

    /// The last one about an instruction or those before it.
    pub(crate) fn last_at(&self, insn: u32) -> Option<R> {
        match self {
            Self::InFile(table) => {
                let next = table.partition_point(|record| record.place() / SLOT <= insn);
                table.get(next.checked_sub(1)?).map(R::by_insn)
            }
            Self::Sorted(all) => {
                let next = all.partition_point(|record| record.place() <= insn);
                all.get(next.checked_sub(1)?).copied()
            }
        }
    }
}

/// CO-RE relocations in the order of the file.
#[derive(Default)]
pub(crate) struct CoreRelos {
    parts: Vec<CorePart>,
}

/// Those about a section.
struct CorePart {
    /// How many are in the parts before it.
    first: usize,
    /// An index in [`Code::sections`](crate::code::Code::sections).
    section: usize,
    table: RecordTable<CoreRelo>,
}

impl CoreRelos {
    /// Adds those about a section.
    pub(crate) fn add(&mut self, section: usize, table: RecordTable<CoreRelo>) {
        if !table.is_empty() {
            self.parts.push(CorePart { first: self.len(), section, table });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.last().map_or(0, |part| part.first.saturating_add(part.table.len()))
    }

    /// Each with its section; `insn_off` counts instructions of the section.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, CoreRelo)> + '_ {
        self.parts.iter().flat_map(|part| part.table.iter().map(|relo| (part.section, relo.by_insn())))
    }

    /// The one at this place of [`iter`](Self::iter).
    pub(crate) fn get(&self, index: usize) -> Option<CoreRelo> {
        let after = self.parts.partition_point(|part| part.first <= index);
        let part = self.parts.get(after.checked_sub(1)?)?;
        part.table.get(index.checked_sub(part.first)?).map(Info::by_insn)
    }
}
