//! The kernel's function tables that programs implement.

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::check_key;
use crate::{Error, Map};

/// The only key.
const KEY: [u8; 4] = [0; 4];

/// A table of the kernel's function pointers that programs implement (`BPF_MAP_TYPE_STRUCT_OPS`, Linux 5.6).
///
/// Its only value is the kernel's `struct bpf_struct_ops_NAME`: a reference count, a state, and the table with
/// descriptors of programs where functions stand.
#[derive(Debug, Clone)]
pub struct StructOps {
    map: Map,
}

/// Where the value of a [`StructOps`] is on its way (`enum bpf_struct_ops_state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StructOpsState {
    /// Nothing was registered yet.
    Init,
    /// The kernel uses it.
    InUse,
    /// It was unregistered and is still used by some.
    ToBeFree,
    /// Complete, for a link to register (6.4).
    Ready,
    /// A state that this crate does not know.
    Other(u32),
}

impl StructOps {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::STRUCT_OPS, "a struct_ops map"))?;
        Ok(StructOps { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The value: reference count and state (4 bytes each), then the table with the ids of programs.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn value(&self) -> Result<Vec<u8>, Error> {
        Ok(self.map.lookup(&KEY)?.unwrap_or_default())
    }

    /// Where it is on its way.
    ///
    /// # Errors
    /// [`Error::Map`].
    pub fn state(&self) -> Result<StructOpsState, Error> {
        let value = self.value()?;
        let state =
            value.get(4..).and_then(<[u8]>::first_chunk).map_or(0, |state| u32::from_ne_bytes(*state));
        Ok(match state {
            0 => StructOpsState::Init,
            1 => StructOpsState::InUse,
            2 => StructOpsState::ToBeFree,
            3 => StructOpsState::Ready,
            other => StructOpsState::Other(other),
        })
    }

    /// Writes the value, which completes the map: the kernel registers it, or, for a map made with
    /// [`MapFlags::LINK`](crate::MapFlags::LINK), a link will. It is [`Map::value_len`] bytes, with reference count and
    /// state zero and the descriptors of programs, as 8 bytes, where functions stand.
    ///
    /// # Errors
    /// [`Error::Map`]: `EINVAL` for a value that the kernel does not accept, `EBUSY` if it has one already, `EEXIST` if the
    /// kernel has a table of that name.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn register(&self, value: &[u8]) -> Result<(), Error> {
        self.map.update(&KEY, value, ElemFlags::empty())
    }

    /// Has the kernel use it no more; tells whether it did. Not for maps made with
    /// [`MapFlags::LINK`](crate::MapFlags::LINK).
    ///
    /// # Errors
    /// [`Error::Map`]: `EOPNOTSUPP` for one that is registered by a link, `EINPROGRESS` if it is on its way out.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn unregister(&self) -> Result<bool, Error> {
        self.map.delete(&KEY)
    }
}
