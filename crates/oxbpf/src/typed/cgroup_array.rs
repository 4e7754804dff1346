//! Cgroups by index.

use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors};
use crate::{Error, Map};

/// Cgroups by index (`BPF_MAP_TYPE_CGROUP_ARRAY`, Linux 4.8), for `bpf_skb_under_cgroup()` and
/// `bpf_current_task_under_cgroup()`. The kernel does not tell what is in it.
#[derive(Debug, Clone)]
pub struct CgroupArray {
    map: Map,
}

impl CgroupArray {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::CGROUP_ARRAY, "a cgroup array"))?;
        Ok(CgroupArray { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a cgroup at `index`: its directory, opened.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EBADF` for a descriptor of no cgroup (v2).
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, cgroup: impl AsFd) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), cgroup.as_fd(), ElemFlags::empty())
    }

    /// Takes the cgroup at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }
}
