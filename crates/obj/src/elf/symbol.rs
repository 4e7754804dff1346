use object::elf;
use object::read::elf::Sym as _;

use super::{Elf, names};
use crate::Error;
use crate::error::{NameProblem, SymbolProblem};

/// One symbol, decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol {
    pub(crate) index: usize,
    pub(crate) value: u64,
    pub(crate) size: u64,
    /// The section it is in; 0 for what is undefined, absolute or common.
    pub(crate) section: usize,
    pub(crate) kind: SymbolKind,
    pub(crate) binding: Binding,
    /// Visibility hidden or internal: to be seen by this object only.
    pub(crate) hidden: bool,
    name: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SymbolKind {
    None,
    Object,
    Func,
    Section,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binding {
    Local,
    Global,
    Weak,
}

impl Symbol {
    pub(crate) fn is_global(&self) -> bool {
        self.binding != Binding::Local
    }

    /// Whether it is to be found outside of the object.
    pub(crate) fn is_extern(&self) -> bool {
        self.section == 0 && self.is_global() && self.kind == SymbolKind::None
    }
}

impl<'d> Elf<'d> {
    /// All symbols, the null symbol at index 0 left out.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = Result<Symbol, Error>> + '_ {
        (1..self.symbols.len()).map(|i| self.symbol(i))
    }

    pub(crate) fn symbol(&self, index: usize) -> Result<Symbol, Error> {
        let problem = |problem| Error::Symbol { symbol: format!("#{index}"), problem };
        let raw = self
            .symbols
            .get(index)
            .ok_or_else(|| problem(SymbolProblem::OutOfRange { count: self.symbols.len() }))?;
        let section = match raw.st_shndx(self.order) {
            elf::SHN_XINDEX => match self.symbol_sections.get(index) {
                Some(section) => section.get(self.order) as usize,
                None => return Err(problem(SymbolProblem::NoSectionIndex)),
            },
            reserved if reserved.0 >= elf::SHN_LORESERVE => 0,
            index => usize::from(index.0),
        };
        if section >= self.sections.len() {
            return Err(problem(SymbolProblem::NoSection { section, count: self.sections.len() }));
        }
        Ok(Symbol {
            index,
            value: raw.st_value(self.order),
            size: raw.st_size(self.order),
            section,
            kind: match raw.st_type() {
                elf::STT_NOTYPE => SymbolKind::None,
                elf::STT_OBJECT => SymbolKind::Object,
                elf::STT_FUNC => SymbolKind::Func,
                elf::STT_SECTION => SymbolKind::Section,
                _ => SymbolKind::Other,
            },
            binding: match raw.st_bind() {
                elf::STB_LOCAL => Binding::Local,
                elf::STB_WEAK => Binding::Weak,
                _ => Binding::Global,
            },
            hidden: matches!(raw.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL),
            name: raw.st_name(self.order),
        })
    }

    pub(crate) fn symbol_name(&self, symbol: &Symbol) -> Result<&'d str, Error> {
        self.raw_symbol_name(symbol).map_err(|problem| Error::Symbol {
            symbol: format!("#{}", symbol.index),
            problem: SymbolProblem::Name(problem),
        })
    }

    fn raw_symbol_name(&self, symbol: &Symbol) -> Result<&'d str, NameProblem> {
        names::at(self.symbol_names, symbol.name)
    }

    /// A name for messages: the symbol's own, or that of its section.
    pub(crate) fn describe(&self, symbol: &Symbol) -> &'d str {
        match self.raw_symbol_name(symbol) {
            Ok("") | Err(_) => self.section_name(symbol.section),
            Ok(name) => name,
        }
    }
}
