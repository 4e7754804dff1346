//! Instructions of a program, for indirect jumps.

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{check, get};
use crate::{Error, Map};

/// Instructions of a program by index (`BPF_MAP_TYPE_INSN_ARRAY`, Linux 6.19): the verifier keeps book of where they go
/// to. It is filled and [frozen](Map::freeze) before the program is loaded.
#[derive(Debug, Clone)]
pub struct InsnArray {
    map: Map,
}

/// Where an instruction is (`struct bpf_insn_array_value`).
#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct InsnOffsets {
    /// Its number in the program as it was loaded.
    pub original: u32,
    /// Its number after the verifier's changes; `u32::MAX` if it was removed.
    pub xlated: u32,
    /// Its place in the machine code, in bytes.
    pub jited: u32,
    /// Zero.
    pub padding: u32,
}

impl InsnArray {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<u32, InsnOffsets>(map, (MapType::INSN_ARRAY, "an instruction array"))?;
        Ok(InsnArray { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Has `index` follow the instruction with this number.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EPERM` if it is frozen.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, original: u32) -> Result<(), Error> {
        let value = InsnOffsets { original, ..InsnOffsets::default() };
        self.map.update(&index.to_ne_bytes(), value.as_bytes(), ElemFlags::empty())
    }

    /// Where the instruction at `index` is; `None` past the end.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, index: u32) -> Result<Option<InsnOffsets>, Error> {
        get(&self.map, &index.to_ne_bytes(), ElemFlags::empty())
    }
}
