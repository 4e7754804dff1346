use object::elf;
use object::read::elf::Rel as _;

use super::{Elf, Section};
use crate::Error;
use crate::error::SectionProblem;

/// One relocation, decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ElfReloc {
    /// Place in the section it is about, in bytes.
    pub(crate) offset: u64,
    /// Index of the symbol.
    pub(crate) symbol: usize,
    /// `R_BPF_*`.
    pub(crate) kind: u32,
}

impl<'d> Elf<'d> {
    /// Relocations of a section of type SHT_REL.
    pub(crate) fn relocs(
        &self,
        section: &Section<'_>,
    ) -> Result<impl ExactSizeIterator<Item = ElfReloc> + use<'d>, Error> {
        let order = self.order;
        let size = size_of::<elf::Rel64<object::Endianness>>();
        let problem = |problem| Error::Section { section: section.name.into(), problem };
        if section.entry_size() != size as u64 {
            return Err(problem(SectionProblem::EntrySize {
                found: section.entry_size(),
                expected: size as u64,
            }));
        }
        let raw: &'d [elf::Rel64<object::Endianness>] =
            object::pod::slice_from_all_bytes(self.claim(section.index)?)
                .map_err(|()| problem(SectionProblem::NotWhole { entry: size }))?;
        Ok(raw.iter().map(move |r| ElfReloc {
            offset: r.r_offset(order),
            symbol: r.r_sym(order) as usize,
            kind: r.r_type(order).0,
        }))
    }
}
