use super::sections::{Role, Sections};
use crate::Error;
use crate::elf::{Elf, Symbol, SymbolKind};

/// The symbols that matter, sorted out in one pass.
#[derive(Default)]
pub(super) struct Symbols {
    /// Functions in code sections.
    pub(super) functions: Vec<Symbol>,
    /// Variables: static ones of legacy maps and of data too.
    pub(super) objects: Vec<Symbol>,
    /// Tables of indirect jumps.
    pub(super) jump_tables: Vec<Symbol>,
    /// What is to be found outside of the object.
    pub(super) externs: Vec<Symbol>,
}

impl Symbols {
    pub(super) fn collect(elf: &Elf<'_>, sections: &Sections) -> Result<Self, Error> {
        let mut all = Self::default();
        for symbol in elf.symbols() {
            let symbol = symbol?;
            match symbol.kind {
                SymbolKind::Object | SymbolKind::None
                    if sections.role(symbol.section) == Role::JumpTables && symbol.size != 0 =>
                {
                    all.jump_tables.push(symbol);
                }
                SymbolKind::Func if sections.role(symbol.section) == Role::Code => all.functions.push(symbol),
                SymbolKind::Object if symbol.section != 0 => all.objects.push(symbol),
                // Definitions in `maps` of old compilers have no type.
                SymbolKind::None if sections.role(symbol.section) == Role::LegacyMaps => {
                    all.objects.push(symbol);
                }
                _ if symbol.is_extern() => all.externs.push(symbol),
                _ => {}
            }
        }
        Ok(all)
    }
}
