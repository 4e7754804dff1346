//! A map's descriptor together with the sizes that make access to it safe.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::Kernel;
use crate::uapi::{ElemFlags, MapType};
use crate::{Result, SysError};

/// The descriptor of a map, and how long its keys and values are.
///
/// For an element the kernel copies as many bytes as the map says, whatever the caller's buffer has. This
/// type owns the descriptor together with the true sizes, so that [`Kernel`] can refuse a buffer of the wrong
/// size before the kernel writes past it.
#[derive(Debug)]
pub struct MapFd {
    fd: OwnedFd,
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    value_len: usize,
}

impl MapFd {
    /// The kind of map.
    pub fn map_type(&self) -> MapType {
        self.map_type
    }

    /// How long a key is, in bytes; 0 for maps without keys.
    #[inline]
    pub fn key_size(&self) -> usize {
        self.key_size as usize
    }

    /// How long a value is as the map was made, in bytes.
    pub fn value_size(&self) -> usize {
        self.value_size as usize
    }

    /// How many bytes a lookup or update moves: for a per-CPU map the value rounded up to 8, once for every
    /// possible CPU; 4 for a map of descriptors; the value's size otherwise.
    #[inline]
    pub fn value_len(&self) -> usize {
        self.value_len
    }

    /// How many bytes a lookup or update with these flags moves: [`value_len`](Self::value_len), but of a per-CPU map
    /// with flags that name a CPU, or all of them, one value, not rounded up.
    #[inline]
    pub fn value_len_with(&self, flags: ElemFlags) -> usize {
        if flags.intersects(ElemFlags::CPU.union(ElemFlags::ALL_CPUS)) && self.map_type.is_per_cpu() {
            self.value_size()
        } else {
            self.value_len
        }
    }

    /// A second descriptor of the same map.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn try_clone(&self) -> Result<Self> {
        let fd = self.fd.try_clone().map_err(|e| {
            SysError::new("fcntl(F_DUPFD_CLOEXEC)", crate::Errno(e.raw_os_error().unwrap_or(libc::EIO)))
        })?;
        Ok(Self { fd, ..*self })
    }

    pub(super) fn new(kernel: &Kernel, fd: OwnedFd, map_type: MapType, key: u32, value: u32) -> Result<Self> {
        let value_len = match map_type {
            t if t.is_per_cpu() => (value as usize).next_multiple_of(8) * kernel.possible_cpus()? as usize,
            MapType::PROG_ARRAY
            | MapType::PERF_EVENT_ARRAY
            | MapType::CGROUP_ARRAY
            | MapType::ARRAY_OF_MAPS
            | MapType::HASH_OF_MAPS => 4,
            _ => value as usize,
        };
        Ok(Self { fd, map_type, key_size: key, value_size: value, value_len })
    }
}

impl Kernel {
    /// Takes a map's descriptor from elsewhere (pinned, by id, inherited) and asks the kernel for its sizes.
    ///
    /// # Errors
    /// Those of [`Kernel::map_info`]: `EINVAL` for a descriptor of something else.
    pub fn map_from_fd(&self, fd: OwnedFd) -> Result<MapFd> {
        let info = self.map_info(fd.as_fd())?;
        MapFd::new(self, fd, info.map_type, info.key_size, info.value_size)
    }
}

impl AsFd for MapFd {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for MapFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<MapFd> for OwnedFd {
    fn from(map: MapFd) -> Self {
        map.fd
    }
}
