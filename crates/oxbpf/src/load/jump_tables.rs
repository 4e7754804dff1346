//! Tables of indirect jumps: each becomes an instruction array (6.19) of its own, which the verifier follows.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_obj::{FixupKind, JumpTable, MapType, ObjectSpec, ProgramImage};
use oxbpf_sys::{MapCreate, MapFd, SysError, uapi::ElemFlags};

use super::{LoadOptions, hints, memlock};
use crate::error::{Error, Result};

/// What such a map is called.
const NAME: &str = ".jumptables";
/// Bytes of `struct bpf_insn_array_value`: where an instruction is, was put, and is in machine code.
const VALUE_SIZE: u32 = 16;

/// Makes the instruction arrays of a program and writes them into it. They have to be open until it is loaded.
pub(super) fn create(
    spec: &ObjectSpec,
    options: &LoadOptions,
    image: &mut ProgramImage,
) -> Result<Vec<MapFd>> {
    let mut maps: BTreeMap<usize, MapFd> = BTreeMap::new();
    for fixup in std::mem::take(&mut image.fixups) {
        let FixupKind::JumpTable { table } = fixup.kind else {
            image.fixups.push(fixup);
            continue;
        };
        let map = match maps.entry(table) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => {
                let Some(table) = image.jump_tables.get(table) else { continue };
                place.insert(array(spec, options, table)?)
            }
        };
        let fd = map.as_fd().as_raw_fd();
        image.set_map(fixup.insn, fd);
    }
    Ok(maps.into_values().collect())
}

fn array(spec: &ObjectSpec, options: &LoadOptions, table: &JumpTable) -> Result<MapFd> {
    let kernel = &options.kernel;
    let create = MapCreate {
        map_type: MapType::INSN_ARRAY,
        key_size: 4,
        value_size: VALUE_SIZE,
        max_entries: u32::try_from(table.len()).unwrap_or(u32::MAX),
        name: NAME,
        ..MapCreate::default()
    };
    let map = memlock::retried(kernel, || kernel.map_create(&create)).map_err(|mut error| {
        let hint = hints::map(kernel, hints::needs_of_object(spec), MapType::INSN_ARRAY, &mut error);
        // The name stands before it.
        let source = error.bare();
        Error::MapCreate { map: NAME.to_owned(), map_type: MapType::INSN_ARRAY, source, hint }
    })?;
    let failed = |source: SysError| Error::Map { map: NAME.to_owned(), source };
    for (index, insn) in (0_u32..).zip(table.targets()) {
        let mut value = [0; VALUE_SIZE as usize];
        value[..4].copy_from_slice(&insn.to_ne_bytes());
        kernel.map_update_elem(&map, &index.to_ne_bytes(), &value, ElemFlags::empty()).map_err(failed)?;
    }
    kernel.map_freeze(map.as_fd()).map_err(failed)?;
    Ok(map)
}
