//! Maps defined by bytes, in sections `maps` and `maps/NAME`: the form before BTF, which aya and iproute2
//! still use.
//!
//! | bytes | layout |
//! |---|---|
//! | 20 | type, key size, value size, entries, flags: the kernel's samples |
//! | 28 | and id, pinning: aya |
//! | 36 | and id, pinning, inner id, inner index: iproute2, cilium |

use super::Parser;
use super::maps::Maps;
use super::sections::Role;
use crate::elf::Symbol;
use crate::error::{MapProblem, SectionProblem};
use crate::order::by_place;
use crate::spec::{Contents, MapOrigin, MapSpec, Pinning, Slot, SlotTarget};
use crate::uapi::{MapFlags, MapType};
use crate::{Endian, Error};

/// Bytes of the smallest layout.
const MIN: usize = 20;
/// Bytes of iproute2's layout.
const IPROUTE2: usize = 36;

/// A definition as it stands in the file.
struct Legacy {
    spec: MapSpec,
    place: (usize, u64),
    /// iproute2: what other maps know it by; 0 for none.
    id: u32,
    /// iproute2: the map that inner maps are like; 0 for none.
    inner_id: u32,
    /// iproute2: its index in the maps that have it as inner map.
    inner_index: u32,
}

impl Parser<'_> {
    pub(super) fn legacy_maps(&mut self, maps: &mut Maps) -> Result<(), Error> {
        let sections: Vec<_> = self.sections.with(|role| role == Role::LegacyMaps).collect();
        if sections.is_empty() {
            return Ok(());
        }
        let mut all = self.symbols.objects.clone();
        all.retain(|s| self.sections.role(s.section) == Role::LegacyMaps);
        by_place(&mut all, |s| (s.section as u64, s.value));
        all.dedup_by_key(|s| (s.section, s.value));
        let mut found = Vec::new();
        for (index, _) in sections {
            let bytes = self.elf.claim(index)?;
            let [start, end] =
                [index, index.saturating_add(1)].map(|i| all.partition_point(|s| s.section < i));
            let symbols = all.get(start..end).unwrap_or_default();
            for (i, symbol) in symbols.iter().enumerate() {
                let next = symbols.get(i.saturating_add(1)).map_or(bytes.len() as u64, |s| s.value);
                found.push(self.legacy_map(symbol, bytes, next)?);
            }
            if symbols.is_empty() {
                return Err(Error::section(self.elf.section_name(index), SectionProblem::NoMapSymbols));
            }
        }
        for i in 0..found.len() {
            self.link_inner(&mut found, i)?;
        }
        for Legacy { spec, place, .. } in found {
            maps.add_defined(place.0, place.1, spec);
        }
        Ok(())
    }

    /// The definition at a symbol, which has no size in objects of old compilers: then it goes up to the next.
    fn legacy_map(&mut self, symbol: &Symbol, bytes: &[u8], next: u64) -> Result<Legacy, Error> {
        let section = self.elf.section_name(symbol.section);
        let name = match self.elf.symbol_name(symbol)? {
            "" => section.strip_prefix("maps/").unwrap_or(section),
            name => name,
        };
        let end = match symbol.size {
            0 => next,
            size => symbol.value.saturating_add(size),
        };
        let size = end.saturating_sub(symbol.value);
        let range = usize::try_from(symbol.value).ok().zip(usize::try_from(end).ok());
        let Some(bytes) = range.and_then(|(start, end)| bytes.get(start..end)) else {
            let section = bytes.len() as u64;
            let problem = MapProblem::OutOfSection { offset: symbol.value, size, section };
            return Err(Error::map(name, problem));
        };
        if bytes.len() < MIN || !bytes.len().is_multiple_of(4) {
            return Err(Error::map(name, MapProblem::LegacySize { size }));
        }
        let mut words = bytes.as_chunks::<4>().0.iter().map(|raw| match self.elf.endian() {
            Endian::Little => u32::from_le_bytes(*raw),
            Endian::Big => u32::from_be_bytes(*raw),
        });
        let mut word = || words.next().unwrap_or_default();
        let mut spec = MapSpec::new(self.names.copy(name)?, MapType(word()), MapOrigin::Legacy);
        spec.key_size = word();
        spec.value_size = word();
        spec.max_entries = word();
        spec.flags = MapFlags::from_bits_retain(word());
        let (id, pinning, inner_id, inner_index) = (word(), word(), word(), word());
        let is_iproute2 = bytes.len() >= IPROUTE2;
        spec.pinning = match (pinning, is_iproute2) {
            (0, _) => Pinning::None,
            (1, false) => Pinning::ByName,
            (1, true) => Pinning::Object,
            (2, true) => Pinning::Global,
            (other, _) => return Err(Error::map(name, MapProblem::LegacyPinning(other))),
        };
        let place = (symbol.section, symbol.value);
        Ok(Legacy { spec, place, id, inner_id, inner_index })
    }

    /// iproute2: gives a map of maps its inner map and its first entries.
    fn link_inner(&mut self, found: &mut [Legacy], outer: usize) -> Result<(), Error> {
        let Some(map) = found.get(outer) else { return Ok(()) };
        let wanted = map.inner_id;
        if wanted == 0 || !map.spec.map_type.is_map_in_map() {
            return Ok(());
        }
        let is_inner = |m: &&Legacy| m.id == wanted && !m.spec.map_type.is_map_in_map();
        let Some(template) = found.iter().find(is_inner) else {
            return Err(Error::map(&map.spec.name, MapProblem::LegacyInner(wanted)));
        };
        let mut inner = template.spec.clone();
        inner.name = format!("{}.inner", map.spec.name);
        inner.pinning = Pinning::None;
        self.names.take(inner.name.len())?;
        let mut slots = Vec::new();
        for map in found.iter().filter(is_inner).filter(|m| m.inner_index != u32::MAX) {
            let target = SlotTarget::Map(self.names.copy(&map.spec.name)?);
            slots.push(Slot { index: map.inner_index, target });
        }
        if let Some(map) = found.get_mut(outer) {
            map.spec.inner = Some(Box::new(inner));
            map.spec.contents = Contents::Slots(slots);
        }
        Ok(())
    }
}
