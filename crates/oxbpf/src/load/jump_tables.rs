//! Tables of indirect jumps: each becomes an instruction array (6.19) of its own, which the verifier follows.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_obj::{FixupKind, JumpTable, MapType, ObjectSpec, ProgramImage};
use oxbpf_sys::{MapCreate, MapFd, SysError, uapi::ElemFlags};

use super::{LoadOptions, hints, memlock};
use crate::error::{Error, Result};

/// What such a map is called.
const NAME: &str = ".jumptables";
/// Bytes of `struct bpf_insn_array_value`: where an instruction is, was put, and is in machine code.
const VALUE_SIZE: u32 = 16;

/// The instruction arrays of a program, by the number of their table. They have to be open until it is loaded.
pub(super) type Arrays = BTreeMap<usize, MapFd>;

/// Makes the instruction arrays that `image` refers to.
pub(super) fn create(spec: &ObjectSpec, options: &LoadOptions, image: &ProgramImage) -> Result<Arrays> {
    let mut arrays = Arrays::new();
    for fixup in &image.fixups {
        if let FixupKind::JumpTable { table } = fixup.kind
            && !arrays.contains_key(&table)
            && let Some(targets) = image.jump_tables.get(table)
        {
            arrays.insert(table, array(spec, options, targets)?);
        }
    }
    Ok(arrays)
}

/// Writes their descriptors into the program.
pub(super) fn write_into(arrays: &Arrays, image: &mut ProgramImage) {
    for fixup in std::mem::take(&mut image.fixups) {
        match fixup.kind {
            FixupKind::JumpTable { table } => {
                if let Some(array) = arrays.get(&table) {
                    image.set_map(fixup.insn, array.as_fd().as_raw_fd());
                }
            }
            _ => image.fixups.push(fixup),
        }
    }
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
