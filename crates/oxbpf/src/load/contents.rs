//! What is put into maps when an object is loaded.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_obj::{Contents, Data, MapFlags, MapOrigin, MapSpec, MapType, ObjectSpec, SlotTarget};
use oxbpf_sys::{Prot, uapi::ElemFlags};

use super::externs::Externs;
use super::maps::Maps;
use super::struct_ops::StructOpsMaps;
use crate::error::{Error, Result};
use crate::map::{Map, StructOpsValue};
use crate::program::Program;

/// Bytes of zeros that are written along rather than left out.
const SPARSE: u64 = 1 << 20;

/// Puts the initial values of global variables into their map.
pub(super) fn fill_data(spec: &MapSpec, externs: &Externs<'_>, map: &Map) -> Result<()> {
    if spec.origin == MapOrigin::Kconfig {
        let mut value = externs.kconfig().unwrap_or_default().to_vec();
        // Its size is anyone's to change.
        value.resize(spec.value_size as usize, 0);
        return map.update(&0_u32.to_ne_bytes(), &value, ElemFlags::empty());
    }
    match spec.data() {
        // A new map is all zeros.
        None => Ok(()),
        Some(data) if data.is_zeros() => Ok(()),
        Some(data) if is_sparse(data) && map.flags().contains(MapFlags::MMAPABLE) => fill_runs(map, data),
        Some(data) => map.update(&0_u32.to_ne_bytes(), &data.to_vec(), ElemFlags::empty()),
    }
}

/// Whether there is far more to it than what the file holds.
fn is_sparse(data: &Data) -> bool {
    let stored: usize = data.runs().map(|(_, bytes)| bytes.len()).sum();
    u64::from(data.len()) > stored as u64 + SPARSE
}

/// Writes what is stored to its place, without making up the zeros between.
fn fill_runs(map: &Map, data: &Data) -> Result<()> {
    let mapping = map.mmap(Prot::ReadWrite)?;
    for (at, bytes) in data.runs() {
        if !mapping.write(at as usize, bytes) {
            return Err(Error::MapDefinition {
                map: map.name().to_owned(),
                reason: format!("{} bytes at {at} are beyond its value", bytes.len()),
            });
        }
    }
    Ok(())
}

/// The indices of things by their names: of several with the same name, the first.
pub(super) fn by_name<'s>(named: impl Iterator<Item = (usize, &'s str)>) -> HashMap<&'s str, usize> {
    let mut indices = HashMap::new();
    for (index, name) in named {
        indices.entry(name).or_insert(index);
    }
    indices
}

/// Puts maps, which `named` tells the index of, into a new map of maps.
pub(super) fn fill_map_of_maps(
    named: &HashMap<&str, usize>,
    maps: &Maps,
    map_spec: &MapSpec,
    map: &Map,
) -> Result<()> {
    let Contents::Slots(slots) = &map_spec.contents else { return Ok(()) };
    for slot in slots {
        let SlotTarget::Map(target) = &slot.target else { continue };
        let Some(made) = named.get(&**target).and_then(|index| maps.get(*index)) else {
            return Err(Error::MapDefinition {
                map: map_spec.name.clone(),
                reason: format!("map {target}, for slot {}, was not created", slot.index),
            });
        };
        put(map, slot.index, made.as_fd().as_raw_fd())?;
    }
    Ok(())
}

/// Puts programs, which `loaded` has by their index in the spec, into program arrays. Programs that are not loaded leave
/// their slot empty.
pub(super) fn fill_program_arrays(spec: &ObjectSpec, maps: &Maps, loaded: &[Option<&Program>]) -> Result<()> {
    let named = LazyCell::new(|| {
        let programs = spec.programs.iter().map(|program| &*program.name).enumerate();
        by_name(programs.filter(|(index, _)| loaded.get(*index).is_some_and(Option::is_some)))
    });
    for (index, map_spec) in spec.maps.iter().enumerate() {
        let Contents::Slots(slots) = &map_spec.contents else { continue };
        let Some(map) = maps.get(index).filter(|map| map.map_type() == MapType::PROG_ARRAY) else { continue };
        for slot in slots {
            let SlotTarget::Program(target) = &slot.target else { continue };
            let program = named.get(&**target).and_then(|index| *loaded.get(*index)?);
            if let Some(program) = program {
                put(map, slot.index, program.as_fd().as_raw_fd())?;
            }
        }
    }
    Ok(())
}

/// Tells struct_ops maps their value and programs, for when they are attached.
pub(super) fn fill_struct_ops(
    spec: &ObjectSpec,
    struct_ops: &StructOpsMaps,
    maps: &Maps,
    loaded: &[Option<&Program>],
) {
    for (index, ops) in struct_ops.iter() {
        let Some(map) = maps.get(index) else { continue };
        let slots = ops.slots.iter().filter_map(|(at, index)| Some((*at, (*loaded.get(*index)?)?.clone())));
        let autoattach = spec.maps.get(index).is_some_and(|map| map.autoattach);
        map.set_struct_ops(StructOpsValue {
            value: ops.value.clone(),
            programs: slots.collect(),
            autoattach,
        });
    }
}

fn put(map: &Map, index: u32, fd: i32) -> Result<()> {
    map.update(&index.to_ne_bytes(), &fd.to_ne_bytes(), ElemFlags::empty())
}
