use foldhash::fast::FixedState;
use hashbrown::HashMap;
use oxbpf_btf::Type;

use super::Parser;
use super::datasec::Datasecs;
use super::maps::Maps;
use crate::code::Code;
use crate::elf::{ElfReloc, Symbol};
use crate::error::MapProblem;
use crate::insn::Insn;
use crate::order::by_place;
use crate::spec::{Contents, Slot, SlotTarget};
use crate::uapi::MapType;
use crate::{Btf, Error};

/// Bytes of a pointer in the definition of a map.
const POINTER: u64 = 8;
const SLOT: u64 = Insn::SIZE as u64;

/// Where the variable of a map is, and where its `values` are in it.
struct Place {
    start: u64,
    end: u64,
    /// Index of the map.
    map: usize,
    values: Option<u64>,
}

impl Parser<'_> {
    /// Reads the initial entries of maps of maps and program arrays: `.values = { [2] = &other }` leaves
    /// relocations of `.maps`.
    pub(super) fn map_slots(
        &mut self,
        btf: Option<&Btf>,
        datasecs: &Datasecs<'_>,
        code: &Code,
        maps: &mut Maps,
    ) -> Result<(), Error> {
        let (Some(btf), Some(section)) = (btf, self.sections.maps) else { return Ok(()) };
        let is_about_maps = |i: &usize| self.elf.section(*i).is_some_and(|s| s.info() == section);
        let relocs: Vec<usize> = self.sections.relocs.iter().copied().filter(is_about_maps).collect();
        let mut places = None;
        for index in relocs {
            let Some(relocation) = self.elf.section(index).copied() else { continue };
            let places = match &places {
                Some(places) => places,
                None => places.insert(map_places(btf, datasecs)?),
            };
            for reloc in self.elf.relocs(&relocation)? {
                let symbol = self.elf.symbol(reloc.symbol)?;
                self.map_slot(reloc, &symbol, places, section, code, maps)?;
            }
        }
        Ok(())
    }

    fn map_slot(
        &mut self,
        reloc: ElfReloc,
        symbol: &Symbol,
        places: &[Place],
        section: usize,
        code: &Code,
        maps: &mut Maps,
    ) -> Result<(), Error> {
        let offset = reloc.offset;
        let bad = |map: &str, problem| Error::map(map, MapProblem::Slot { offset, problem });
        let before = places.partition_point(|p| p.start <= offset);
        let place = before.checked_sub(1).and_then(|i| places.get(i));
        let Some(place) = place.filter(|p| offset.saturating_add(POINTER) <= p.end) else {
            return Err(bad(".maps", "no map is there"));
        };
        let Some(map) = maps.specs.get(place.map) else { return Err(bad(".maps", "no map is there")) };
        let name = self.elf.describe(symbol);
        let slot = place.values.and_then(|values| offset.checked_sub(place.start.saturating_add(values)));
        let Some(slot) = slot else { return Err(bad(&map.name, "it is not among the values")) };
        let index = u32::try_from(slot / POINTER).ok().filter(|_| slot.is_multiple_of(POINTER));
        let index = index.ok_or_else(|| bad(&map.name, "it is between two values"))?;
        let wrong =
            |expected| Error::map(&map.name, MapProblem::SlotTarget { name: name.to_owned(), expected });
        let target = if map.map_type.is_map_in_map() {
            if map.map_type == MapType::HASH_OF_MAPS && map.key_size != 4 {
                return Err(bad(&map.name, "hash tables with initial entries need keys of 4 bytes"));
            }
            let id = maps.at(symbol.section, symbol.value).filter(|_| symbol.section == section);
            let inner = id.and_then(|id| maps.get(id)).ok_or_else(|| wrong("map of .maps"))?;
            SlotTarget::Map(self.names.copy(&inner.name)?)
        } else if map.map_type == MapType::PROG_ARRAY {
            let (program, _) = program_at(code, symbol).ok_or_else(|| wrong("program"))?;
            SlotTarget::Program(self.names.copy(program)?)
        } else {
            return Err(bad(&map.name, "only maps of maps and program arrays have values"));
        };
        let Some(map) = maps.specs.get_mut(place.map) else { return Ok(()) };
        match &mut map.contents {
            Contents::Slots(slots) => slots.push(Slot { index, target }),
            contents => *contents = Contents::Slots(vec![Slot { index, target }]),
        }
        Ok(())
    }
}

/// The program that begins at a symbol, and the name of its section.
pub(super) fn program_at<'c>(code: &'c Code, symbol: &Symbol) -> Option<(&'c str, &'c str)> {
    let section = code.section_of(symbol.section)?;
    let insn = usize::try_from(symbol.value / SLOT).ok()?;
    let function = code.functions.get(code.function_at(section, insn)?)?;
    let is_start = function.start == insn && symbol.value.is_multiple_of(SLOT);
    let section = code.sections.get(section)?;
    (is_start && !function.subprogram).then_some((code.name(function), section.name.as_str()))
}

/// Where the maps of `.maps` are, by offset.
fn map_places(btf: &Btf, datasecs: &Datasecs<'_>) -> Result<Vec<Place>, Error> {
    let Some(sec) = datasecs.get(".maps") else { return Ok(Vec::new()) };
    let sec = btf.get(sec).map_err(Error::btf)?;
    let mut places = Vec::new();
    let mut seen: HashMap<_, _, FixedState> = HashMap::default();
    for (map, var) in sec.variables().enumerate() {
        let values = match seen.get(&var.ty) {
            Some(known) => *known,
            None => {
                let def = btf.get(var.ty).ok().and_then(|ty| btf.resolve(ty.target()?).ok());
                let values = def.and_then(values_offset);
                seen.insert(var.ty, values);
                values
            }
        };
        let start = u64::from(var.offset);
        places.push(Place { start, end: start.saturating_add(var.size.into()), map, values });
    }
    by_place(&mut places, |p| (0, p.start));
    Ok(places)
}

/// Offset of the last field, in bytes, if that is `values`.
fn values_offset(def: Type<'_>) -> Option<u64> {
    let last = def.members().last()?;
    (last.name == "values").then(|| u64::from(last.bit_offset) / 8)
}
