//! Maps that are created.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use oxbpf_sys::{Kernel, ObjectKind, OpenFlags};

use super::Loaded;
use crate::error::Result;
use crate::map::{Map, Shape};

/// Maps from elsewhere.
impl Map {
    /// The map behind a descriptor, whatever made it.
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel) if it is no map.
    #[doc(alias = "bpf_map__reuse_fd")]
    pub fn from_fd(kernel: &Kernel, fd: OwnedFd) -> Result<Self> {
        let info = kernel.map_info(fd.as_fd())?;
        Ok(Self::new(kernel.map_from_fd(fd)?, kernel.clone(), Shape::of(&info), None))
    }

    /// The map with this id (needs `CAP_SYS_ADMIN`).
    ///
    /// # Errors
    /// [`Error::Kernel`](crate::Error::Kernel): `ENOENT` if there is none.
    #[doc(alias = "bpf_map_get_fd_by_id")]
    pub fn from_id(kernel: &Kernel, id: u32) -> Result<Self> {
        Self::from_id_with(kernel, id, OpenFlags::empty())
    }

    /// As [`from_id`](Self::from_id), for reading or for writing only (4.15): the other is refused with `EPERM` then.
    ///
    /// # Errors
    /// As there.
    #[doc(alias = "bpf_map_get_fd_by_id_opts")]
    pub fn from_id_with(kernel: &Kernel, id: u32, flags: OpenFlags) -> Result<Self> {
        Self::from_fd(kernel, kernel.fd_by_id(ObjectKind::Map, id, flags)?)
    }

    /// The map pinned at `path`.
    ///
    /// # Errors
    /// [`Error::Pin`](crate::Error::Pin): `ENOENT` if nothing is there, `EINVAL` if something else is.
    #[doc(alias = "bpf_obj_get")]
    pub fn from_pinned(kernel: &Kernel, path: impl AsRef<Path>) -> Result<Self> {
        Self::from_pinned_with(kernel, path, OpenFlags::empty())
    }

    /// As [`from_pinned`](Self::from_pinned), for reading or for writing only (4.15).
    ///
    /// # Errors
    /// As there; `EACCES` if the file's mode does not allow it.
    #[doc(alias = "bpf_obj_get_opts")]
    pub fn from_pinned_with(kernel: &Kernel, path: impl AsRef<Path>, flags: OpenFlags) -> Result<Self> {
        super::from_pinned(kernel, "map", path.as_ref(), flags, Self::from_fd)
    }

    /// All maps that the kernel has, whoever created them (needs `CAP_SYS_ADMIN`); see [`Loaded`] for what the items are.
    ///
    /// ```
    /// # fn main() -> Result<(), oxbpf::Error> {
    /// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
    /// use oxbpf::{Map, MapCreate, MapType};
    ///
    /// let array = MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 8, max_entries: 1, ..Default::default() };
    /// let _map = Map::create(&kernel, &array)?;
    /// let memory: u64 = Map::iter_loaded(&kernel)
    ///     .map(|map| Ok(map?.info()?.memlock.unwrap_or(0)))
    ///     .sum::<Result<_, oxbpf::Error>>()?;
    /// println!("maps hold {memory} bytes");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "bpf_map_get_next_id")]
    pub fn iter_loaded(kernel: &Kernel) -> Loaded<Self> {
        Loaded::new(kernel, ObjectKind::Map, Self::from_fd)
    }
}
