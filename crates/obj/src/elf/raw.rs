//! What only matters to those who write the file's sections and symbols again.

use object::elf;
use object::read::elf::{SectionHeader as _, Sym as _};

use super::{Elf, Section, names};
use crate::Error;
use crate::error::SymbolProblem;

/// One symbol with its fields as they are in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainSymbol<'d> {
    pub(crate) name: &'d str,
    pub(crate) info: elf::SymbolInfo,
    pub(crate) other: elf::SymbolOther,
    pub(crate) shndx: u16,
    pub(crate) value: u64,
    pub(crate) size: u64,
}

impl PlainSymbol<'_> {
    pub(crate) fn kind(&self) -> elf::SymbolType {
        self.info.st_type()
    }

    pub(crate) fn binding(&self) -> elf::SymbolBind {
        self.info.st_bind()
    }

    pub(crate) fn is_local(&self) -> bool {
        self.binding() == elf::STB_LOCAL
    }

    pub(crate) fn visibility(&self) -> elf::SymbolVisibility {
        self.other.visibility()
    }

    /// Whether it is to be found in another object, or in the kernel.
    pub(crate) fn is_extern(&self) -> bool {
        self.shndx == 0
    }
}

impl Section<'_> {
    pub(crate) fn flags(&self) -> u64 {
        self.raw.sh_flags(self.order).0
    }

    pub(crate) fn align(&self) -> u64 {
        self.raw.sh_addralign(self.order)
    }
}

impl<'d> Elf<'d> {
    /// All symbols, the null symbol first.
    pub(crate) fn plain_symbols(&self) -> Result<Vec<PlainSymbol<'d>>, Error> {
        let order = self.order;
        let plain = |(index, raw): (usize, &super::RawSymbol)| {
            let name = names::at(self.symbol_names, raw.st_name(order)).map_err(|problem| Error::Symbol {
                symbol: format!("#{index}"),
                problem: SymbolProblem::Name(problem),
            })?;
            Ok(PlainSymbol {
                name,
                info: raw.st_info,
                other: raw.st_other,
                shndx: raw.st_shndx(order).0,
                value: raw.st_value(order),
                size: raw.st_size(order),
            })
        };
        self.symbols.iter().enumerate().map(plain).collect()
    }
}
