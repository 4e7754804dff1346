use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::code::MapId;
use crate::spec::MapSpec;

/// The maps found so far, and where programs refer to them.
#[derive(Default)]
pub(super) struct Maps {
    pub(super) specs: Vec<MapSpec>,
    /// Defined maps by section and offset.
    by_place: HashMap<(usize, u64), MapId, FixedState>,
    /// Maps of data by section.
    by_section: HashMap<usize, MapId, FixedState>,
}

impl Maps {
    fn add(&mut self, mut spec: MapSpec) -> MapId {
        // Each takes more than one byte of a file whose offsets of names have 32 bits.
        let id = MapId(u32::try_from(self.specs.len()).unwrap_or(u32::MAX));
        spec.id = Some(id);
        self.specs.push(spec);
        id
    }

    pub(super) fn add_defined(&mut self, section: usize, offset: u64, spec: MapSpec) {
        let id = self.add(spec);
        self.by_place.entry((section, offset)).or_insert(id);
    }

    pub(super) fn add_data(&mut self, section: usize, spec: MapSpec) {
        let id = self.add(spec);
        self.by_section.insert(section, id);
    }

    /// Says that the variables of a section are in a map that is there already.
    pub(super) fn hold_section(&mut self, section: usize, map: MapId) {
        self.by_section.insert(section, map);
    }

    /// Adds a map that programs find by other means than a place in the file, if at all.
    pub(super) fn add_other(&mut self, spec: MapSpec) {
        self.add(spec);
    }

    pub(super) fn at(&self, section: usize, offset: u64) -> Option<MapId> {
        self.by_place.get(&(section, offset)).copied()
    }

    pub(super) fn of_section(&self, section: usize) -> Option<MapId> {
        self.by_section.get(&section).copied()
    }

    pub(super) fn get(&self, id: MapId) -> Option<&MapSpec> {
        self.specs.get(id.0 as usize)
    }
}
