//! Sparse memory that programs and user space share.

use std::sync::Arc;

use oxbpf_obj::MapType;
use oxbpf_sys::Mapping;

use super::check_kind;
use crate::{Error, Map};

/// Memory that programs and user space share, with the same pointers (`BPF_MAP_TYPE_ARENA`, Linux 6.9): up to 4 GiB, of
/// which pages come into being when either side asks for them.
///
/// It has [`max_entries`](Map::max_entries) pages. Where it is in this process is what
/// [`MapCreate::map_extra`](crate::MapCreate::map_extra) says, or, for 0, where the first mapping of it came to be: a
/// program that uses an arena can be loaded only once that is known, so that loading an object maps its arena. A clone of
/// the map knows it, too; a map that was opened anew does not.
///
/// Reading or writing a page that is not there makes it; in an arena made with
/// [`MapFlags::SEGV_ON_FAULT`](crate::MapFlags::SEGV_ON_FAULT), and where no memory is left, it ends the process
/// (`SIGSEGV`).
///
/// Clones share the mapping, which goes with the last of them and of the map.
#[derive(Debug, Clone)]
pub struct Arena {
    map: Map,
    memory: Arc<Mapping>,
}

impl Arena {
    /// Maps the whole arena into this process.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type. [`Error::Map`]: `EEXIST` if something is in the way at its
    /// address, `EBUSY` or `EINVAL` if it is mapped elsewhere already, by others than clones of `map`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_kind(map, (MapType::ARENA, "an arena"))?;
        Ok(Arena { map: map.clone(), memory: map.arena()? })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Its memory; offset 0 is [`address`](Self::address).
    pub fn memory(&self) -> &Mapping {
        &self.memory
    }

    /// Where it begins in this process, and what pointers of programs into it are counted from.
    pub fn address(&self) -> u64 {
        self.memory.as_ptr().addr() as u64
    }

    /// The offset in [`memory`](Self::memory) that a pointer of a program means, if it is one into the arena. Programs
    /// may write the lower 32 bits only.
    pub fn offset_of(&self, pointer: u64) -> Option<usize> {
        let low = |number: u64| number as u32;
        let high = pointer >> 32;
        if high != 0 && high != self.address() >> 32 {
            return None;
        }
        let offset = low(pointer).wrapping_sub(low(self.address())) as usize;
        (offset < self.memory.len()).then_some(offset)
    }
}
