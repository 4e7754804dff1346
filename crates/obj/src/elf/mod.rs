//! The ELF file below an object: sections, symbols and relocations, by index.
//!
//! `object` reads the headers and checks that they lie in the file; here every index and offset that one
//! structure holds about another is checked when it is followed. Nothing is allocated but one small record a
//! section.

mod machine;
mod names;
mod object_file;
mod raw;
mod reloc;
mod stripped;
mod symbol;

pub(crate) use names::{MAX_NAME, NameBudget};
pub use object_file::ObjectFile;
pub(crate) use raw::PlainSymbol;
pub(crate) use reloc::ElfReloc;
pub(crate) use stripped::Stripped;
pub(crate) use symbol::{Binding, Symbol, SymbolKind};

use std::cell::Cell;

use object::Endianness;
use object::elf;
use object::read::ReadRef as _;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use oxbpf_btf::Bytes;

use crate::error::{ElfProblem, SectionProblem};
use crate::{Endian, Error};

type Header = elf::FileHeader64<Endianness>;
type RawSection = elf::SectionHeader64<Endianness>;
type RawSymbol = elf::Sym64<Endianness>;

/// An ELF file that may be a BPF object.
pub(crate) struct Elf<'d> {
    bytes: &'d [u8],
    /// The same bytes if what is kept of them may have a share in them.
    shared: Option<&'d Bytes>,
    order: Endianness,
    sections: Vec<Section<'d>>,
    symbols: &'d [RawSymbol],
    /// Extended section indexes of symbols, in files with more sections than 16 bits count.
    symbol_sections: &'d [object::U32<Endianness>],
    symbol_names: &'d [u8],
    /// Bytes of the whole file: what allocations are measured against.
    file_len: u64,
    /// Bytes of the file that may still be copied out of it.
    left: Cell<u64>,
}

/// One section: its header, with the name looked up.
#[derive(Clone, Copy)]
pub(crate) struct Section<'d> {
    pub(crate) index: usize,
    pub(crate) name: &'d str,
    raw: &'d RawSection,
    order: Endianness,
}

impl<'d> Section<'d> {
    pub(crate) fn kind(&self) -> elf::SectionType {
        self.raw.sh_type(self.order)
    }

    /// Bytes it stands for: a claim, which may be far more than the file has for `.bss`.
    pub(crate) fn size(&self) -> u64 {
        self.raw.sh_size(self.order)
    }

    pub(crate) fn is_code(&self) -> bool {
        self.kind() == elf::SHT_PROGBITS && self.raw.sh_flags(self.order).0 & elf::SHF_EXECINSTR.0 != 0
    }

    pub(crate) fn entry_size(&self) -> u64 {
        self.raw.sh_entsize(self.order)
    }

    /// For relocations: the section they are about.
    pub(crate) fn info(&self) -> usize {
        self.raw.sh_info(self.order) as usize
    }
}

impl<'d> Elf<'d> {
    pub(crate) fn parse(bytes: &'d [u8]) -> Result<Self, Error> {
        machine::check(bytes)?;
        let header = Header::parse(bytes).map_err(|_| ElfProblem::Header)?;
        let order = header.endian().map_err(|_| ElfProblem::Header)?;
        let raw = header.section_headers(order, bytes).map_err(|_| ElfProblem::SectionHeaders)?;
        let strings = match header.section_strings_index(order, bytes) {
            Ok(index) => raw.get(index.0).and_then(|s| section_bytes(s, order, bytes)),
            Err(_) => None,
        };
        let strings = strings.ok_or(ElfProblem::SectionNames)?;

        let mut sections = Vec::with_capacity(raw.len());
        for (index, header) in raw.iter().enumerate() {
            let name = names::at(strings, header.sh_name(order))
                .map_err(|problem| Error::SectionName { index, problem })?;
            sections.push(Section { index, name, raw: header, order });
        }
        let mut file = Self {
            bytes,
            shared: None,
            order,
            sections,
            symbols: &[],
            symbol_sections: &[],
            symbol_names: &[],
            file_len: bytes.len() as u64,
            left: Cell::new(bytes.len() as u64),
        };
        file.find_symbols()?;
        Ok(file)
    }

    /// A file whose parts are kept where they are rather than copied; with its length, if that is not all of it.
    pub(crate) fn parse_shared(bytes: &'d Bytes, len: Option<u64>) -> Result<Self, Error> {
        let file_len = len.unwrap_or(bytes.len() as u64);
        Ok(Self { shared: Some(bytes), file_len, left: Cell::new(file_len), ..Self::parse(bytes)? })
    }

    fn find_symbols(&mut self) -> Result<(), Error> {
        let mut tables = self.sections.iter().filter(|s| s.kind() == elf::SHT_SYMTAB);
        let Some(table) = tables.next() else { return Err(ElfProblem::NoSymbols.into()) };
        if tables.next().is_some() {
            return Err(ElfProblem::SeveralSymbolTables.into());
        }
        let problem = |problem| Error::Section { section: table.name.into(), problem };
        if table.raw.sh_entsize(self.order) != size_of::<RawSymbol>() as u64 {
            return Err(problem(SectionProblem::EntrySize {
                found: table.raw.sh_entsize(self.order),
                expected: size_of::<RawSymbol>() as u64,
            }));
        }
        self.symbols = object::pod::slice_from_all_bytes(self.data(table.index)?)
            .map_err(|()| problem(SectionProblem::NotWhole { entry: size_of::<RawSymbol>() }))?;
        let names = table.raw.sh_link(self.order) as usize;
        self.symbol_names = self.data(names).map_err(|_| problem(SectionProblem::NoStrings))?;
        let extended = self
            .sections
            .iter()
            .find(|s| s.kind() == elf::SHT_SYMTAB_SHNDX && s.raw.sh_link(self.order) as usize == table.index);
        if let Some(extended) = extended {
            let bytes = self.data(extended.index)?;
            self.symbol_sections = object::pod::slice_from_all_bytes(bytes).map_err(|()| Error::Section {
                section: extended.name.into(),
                problem: SectionProblem::NotWhole { entry: 4 },
            })?;
        }
        Ok(())
    }

    pub(crate) fn endian(&self) -> Endian {
        match self.order {
            Endianness::Little => Endian::Little,
            Endianness::Big => Endian::Big,
        }
    }

    /// Bytes of the whole file: what allocations are measured against.
    pub(crate) fn file_len(&self) -> u64 {
        self.file_len
    }

    /// All sections, the null section at index 0 first.
    pub(crate) fn sections(&self) -> &[Section<'d>] {
        &self.sections
    }

    pub(crate) fn section(&self, index: usize) -> Option<&Section<'d>> {
        self.sections.get(index)
    }

    pub(crate) fn section_name(&self, index: usize) -> &'d str {
        self.sections.get(index).map_or("?", |s| s.name)
    }

    /// The bytes of a section, to be copied. Sections of honest files do not overlap, so that all copies together
    /// are no more than the file; a thousand headers that claim the same bytes are refused.
    pub(crate) fn claim(&self, index: usize) -> Result<&'d [u8], Error> {
        let data = self.data(index)?;
        self.charge(data.len())?;
        Ok(data)
    }

    /// Allows for so many bytes of the file.
    pub(crate) fn charge(&self, len: usize) -> Result<(), Error> {
        let left = self.left.get().checked_sub(len as u64).ok_or(ElfProblem::Overlap)?;
        self.left.set(left);
        Ok(())
    }

    /// The bytes of a section, to be kept: where they are in the file if that may be, otherwise as a copy.
    pub(crate) fn keep(&self, index: usize) -> Result<Bytes, Error> {
        let data = self.claim(index)?;
        let share = self.shared.and_then(|all| all.slice_of(data));
        Ok(share.unwrap_or_else(|| data.into()))
    }

    /// The bytes of a section; none for `.bss`.
    pub(crate) fn data(&self, index: usize) -> Result<&'d [u8], Error> {
        let section = self.sections.get(index).ok_or(ElfProblem::NoSection { index })?;
        section_bytes(section.raw, self.order, self.bytes).ok_or_else(|| Error::Section {
            section: section.name.into(),
            problem: SectionProblem::OutOfFile {
                offset: section.raw.sh_offset(self.order),
                size: section.size(),
                file: self.file_len,
            },
        })
    }
}

fn section_bytes<'d>(header: &RawSection, order: Endianness, bytes: &'d [u8]) -> Option<&'d [u8]> {
    match header.file_range(order) {
        Some((offset, size)) => bytes.read_bytes_at(offset, size).ok(),
        None => Some(&[]),
    }
}
