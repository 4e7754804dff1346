//! What a loader has to make, and where its descriptors are while it works.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::symbols::Wanted;
use super::{LightOptions, maps};
use crate::error::LightProblem;
use crate::link::FixupKind;
use crate::spec::{Contents, MapOrigin, Slot, SlotTarget};
use crate::uapi::ProgramType;
use crate::{Btf, Endian, Error, Linker, MapSpec, ObjectSpec};

/// What a loader has to make.
///
/// The table of descriptors has the object's types first, then the types of modules that symbols are found in (so that
/// 16 bits can say where), then maps, the patterns of inner maps, and programs.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a ObjectSpec,
    /// Maps that are created, by their index in the spec.
    pub(super) maps: Vec<usize>,
    /// Programs that are loaded, by their index in the spec.
    pub(super) programs: Vec<usize>,
    /// Externs that the programs refer to.
    pub(super) externs: BTreeSet<usize>,
    /// What is looked for in the kernel, and whether it may be missing.
    pub(super) symbols: BTreeMap<Wanted, bool>,
    /// Those of them that may be of a module, in order.
    typed: BTreeMap<Wanted, usize>,
    map_places: BTreeMap<usize, usize>,
    maps_by_name: BTreeMap<&'a str, usize>,
    programs_by_name: BTreeMap<&'a str, usize>,
    /// Maps of maps, by place in `maps`: which of the patterns is theirs.
    inner: BTreeMap<usize, usize>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        spec: &'a ObjectSpec,
        linker: &Linker<'_>,
        options: &LightOptions<'_>,
    ) -> Result<Self, Error> {
        let maps: Vec<usize> =
            spec.maps.iter().enumerate().filter(|(_, map)| map.autocreate).map(|(i, _)| i).collect();
        let programs: Vec<usize> = spec.loaded_programs().map(|(index, _)| index).collect();
        let mut plan = Self {
            spec,
            map_places: maps.iter().enumerate().map(|(place, index)| (*index, place)).collect(),
            maps,
            programs,
            externs: BTreeSet::new(),
            symbols: BTreeMap::new(),
            typed: BTreeMap::new(),
            maps_by_name: BTreeMap::new(),
            programs_by_name: BTreeMap::new(),
            inner: BTreeMap::new(),
        };
        for (place, map) in plan.maps.iter().enumerate().rev() {
            let Some(map) = spec.maps.get(*map) else { continue };
            plan.maps_by_name.insert(&map.name, place);
        }
        for (place, program) in plan.programs.iter().enumerate().rev() {
            let Some(program) = spec.programs.get(*program) else { continue };
            plan.programs_by_name.insert(&program.name, place);
        }
        let with_inner = plan.maps.iter().enumerate().filter(|(_, map)| {
            spec.maps.get(**map).is_some_and(|map| map.map_type.is_map_in_map() && map.inner.is_some())
        });
        plan.inner = with_inner.enumerate().map(|(n, (place, _))| (place, n)).collect();
        let mut problems = plan.problems(options);
        problems.extend(plan.find_symbols(linker)?);
        if problems.is_empty() { Ok(plan) } else { Err(plan.fail(problems)) }
    }

    /// Everything that a loader cannot do for this object.
    fn problems(&self, options: &LightOptions<'_>) -> Vec<LightProblem> {
        let mut all = Vec::new();
        for map in self.maps.iter().filter_map(|index| self.spec_of_map(*index)) {
            let named = |reason| LightProblem::Map { map: map.name.clone(), reason };
            all.extend(maps::problem(map).map(named));
            if map.origin == MapOrigin::Kconfig && options.kconfig.is_none() {
                all.push(LightProblem::Kconfig);
            }
            for Slot { index, target } in slots(map) {
                // A program that is not loaded leaves its slot empty.
                if matches!(target, SlotTarget::Map(name) if self.slot_of_map(name).is_none()) {
                    all.push(LightProblem::Slot { map: map.name.clone(), index: *index });
                }
            }
        }
        for program in self.programs.iter().filter_map(|index| self.spec.programs.get(*index)) {
            let reason = match program.prog_type {
                ProgramType::UNSPEC => "its section names no program type; set it before",
                ProgramType::EXT => "it replaces a function of another program, which is not there yet",
                _ if program.needs_target() && program.kernel_target().is_none() => {
                    "its section names no target; set attach_to before"
                }
                _ => continue,
            };
            all.push(LightProblem::Program { program: program.name.clone(), reason });
        }
        if Context::new(self.maps.len(), self.programs.len()).size() > Context::MAX {
            all.push(LightProblem::TooMany);
        }
        all
    }

    /// Finds out which symbols of the kernel the programs refer to; what stands against them.
    fn find_symbols(&mut self, linker: &Linker<'_>) -> Result<Vec<LightProblem>, Error> {
        let mut problems = Vec::new();
        for program in &self.programs {
            let image = linker.image(*program)?;
            for fixup in image.fixups {
                if let FixupKind::Ksym { index } | FixupKind::Kfunc { index } = fixup.kind {
                    self.externs.insert(index);
                }
            }
            if let (false, Some(spec)) = (image.jump_tables.is_empty(), self.spec.programs.get(*program)) {
                let reason = "it has jump tables (compile it with -fno-jump-tables)";
                problems.push(LightProblem::Program { program: spec.name.clone(), reason });
            }
        }
        let externs = self.externs.iter().filter_map(|index| self.spec.externs.get(*index));
        let externs = externs.filter_map(|symbol| Some((Wanted::of_extern(symbol)?, symbol.weak)));
        let programs = self.programs.iter().filter_map(|index| self.spec.programs.get(*index));
        let targets = programs.filter_map(|program| Some((Wanted::of_target(program)?, false)));
        for (wanted, weak) in externs.chain(targets) {
            // It may be missing if nobody insists on it.
            *self.symbols.entry(wanted).or_insert(true) &= weak;
        }
        let typed = self.symbols.keys().filter(|wanted| matches!(wanted, Wanted::Type { .. }));
        self.typed = typed.cloned().enumerate().map(|(n, wanted)| (wanted, n)).collect();
        if i16::try_from(self.typed.len().saturating_add(1)).is_err() {
            problems.push(LightProblem::TooMany);
        }
        Ok(problems)
    }

    pub(super) fn fail(&self, problems: Vec<LightProblem>) -> Error {
        Error::Light { object: self.spec.name.clone(), problems }
    }

    pub(super) fn endian(&self) -> Endian {
        self.spec.endian
    }

    pub(super) fn btf(&self) -> Option<&'a Btf> {
        self.spec.btf.as_ref()
    }

    pub(super) fn spec_of_map(&self, index: usize) -> Option<&'a MapSpec> {
        self.spec.maps.get(index)
    }

    /// Where the table of descriptors begins in the data.
    pub(super) fn table(&self) -> u32 {
        0
    }

    /// How many descriptors the table has room for.
    pub(super) fn descriptors(&self) -> usize {
        self.programs_at().saturating_add(self.programs.len())
    }

    fn maps_at(&self) -> usize {
        self.typed.len().saturating_add(1)
    }

    fn inner_at(&self) -> usize {
        self.maps_at().saturating_add(self.maps.len())
    }

    fn programs_at(&self) -> usize {
        self.inner_at().saturating_add(self.inner.len())
    }

    fn slot(&self, place: usize) -> u32 {
        // Less than what the context has room for.
        u32::try_from(place).unwrap_or(0).saturating_mul(4).saturating_add(self.table())
    }

    /// Where the descriptor of the object's types is in the data.
    pub(super) fn btf_slot(&self) -> u32 {
        self.slot(0)
    }

    /// Where the descriptor of the module is that a symbol is found in: in the data, and in the table.
    pub(super) fn module_of(&self, wanted: &Wanted) -> Option<(u32, i16)> {
        let place = self.typed.get(wanted)?.saturating_add(1);
        Some((self.slot(place), i16::try_from(place).ok()?))
    }

    /// Where the descriptor of a map is in the data, by its place among those that are created.
    pub(super) fn map_slot(&self, map: usize) -> u32 {
        self.slot(self.maps_at().saturating_add(map))
    }

    /// Where the descriptor of the pattern of inner maps is.
    pub(super) fn inner_slot(&self, map: usize) -> Option<u32> {
        let inner = self.inner.get(&map)?;
        Some(self.slot(self.inner_at().saturating_add(*inner)))
    }

    pub(super) fn program_slot(&self, program: usize) -> u32 {
        self.slot(self.programs_at().saturating_add(program))
    }

    /// The place in the table of a map of the spec.
    pub(super) fn place_of_map(&self, index: usize) -> Option<i32> {
        let place = self.maps_at().saturating_add(*self.map_places.get(&index)?);
        i32::try_from(place).ok()
    }

    pub(super) fn slot_of_map(&self, name: &str) -> Option<u32> {
        Some(self.map_slot(*self.maps_by_name.get(name)?))
    }

    pub(super) fn slot_of_program(&self, name: &str) -> Option<u32> {
        Some(self.program_slot(*self.programs_by_name.get(name)?))
    }
}

fn slots(map: &MapSpec) -> &[Slot] {
    match &map.contents {
        Contents::Slots(slots) => slots,
        _ => &[],
    }
}
