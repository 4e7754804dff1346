use std::sync::Arc;

use super::Parser;
use super::maps::Maps;
use crate::Error;
use crate::code::MapId;
use crate::elf::SymbolKind;
use crate::order::by_place;
use crate::spec::Contents;

/// A variable known from its symbol only, for objects without types.
#[derive(Debug)]
pub(crate) struct SymbolGlobal {
    pub(crate) name: String,
    pub(crate) map: MapId,
    pub(crate) offset: u32,
    pub(crate) size: u32,
}

impl Parser<'_> {
    /// Notes the variables of data sections that BTF says nothing about.
    pub(super) fn globals(&mut self, maps: &Maps) -> Result<Arc<[SymbolGlobal]>, Error> {
        let mut found = Vec::new();
        for symbol in self.symbols.objects.iter().filter(|s| s.kind == SymbolKind::Object) {
            let Some(map) = maps.of_section(symbol.section) else { continue };
            let Some(spec) = maps.get(map).filter(|spec| spec.value_type.0 == 0) else { continue };
            let Contents::Data(data) = &spec.contents else { continue };
            let place = u32::try_from(symbol.value).ok().zip(u32::try_from(symbol.size).ok());
            let Some((offset, size)) = place else { continue };
            let name = self.elf.symbol_name(symbol)?;
            if size != 0 && offset.checked_add(size).is_some_and(|end| end <= data.len()) {
                found.push(SymbolGlobal { name: self.names.copy(name)?, map, offset, size });
            }
        }
        by_place(&mut found, |global| (global.map.0.into(), 0));
        Ok(found.into())
    }
}
