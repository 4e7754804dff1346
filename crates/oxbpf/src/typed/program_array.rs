//! Programs for tail calls.

use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors};
use crate::{Error, Map, Program};

/// Programs by index (`BPF_MAP_TYPE_PROG_ARRAY`, Linux 4.2), to which others jump with `bpf_tail_call()`.
///
/// When the last descriptor and pin of the map goes, the kernel empties it, whatever programs use it.
#[derive(Debug, Clone)]
pub struct ProgramArray {
    map: Map,
}

impl ProgramArray {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::PROG_ARRAY, "a program array"))?;
        Ok(ProgramArray { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a program at `index`, in place of what is there.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EINVAL` for a program of another type (or with other helpers or JIT) than
    /// those of the map, `EPERM` for a frozen map.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, program: &Program) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), program.as_fd(), ElemFlags::empty())
    }

    /// Takes the program at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EPERM` for a frozen map.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }

    /// The id of the program at `index` (4.17); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn id(&self, index: u32) -> Result<Option<u32>, Error> {
        descriptors::id(&self.map, &index.to_ne_bytes())
    }

    /// The program at `index`, opened by its id (needs `CAP_SYS_ADMIN`); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]; [`Error::Kernel`]: `EPERM`.
    pub fn get(&self, index: u32) -> Result<Option<Program>, Error> {
        match self.id(index)? {
            Some(id) => descriptors::unless_gone(Program::from_id(self.map.kernel(), id)),
            None => Ok(None),
        }
    }

    /// The indices that have a program, and its id.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, u32), Error>> + '_ {
        descriptors::ids(&self.map).map(|entry| entry.map(|(key, id)| (descriptors::index(&key), id)))
    }
}
