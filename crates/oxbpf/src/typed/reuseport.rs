//! Sockets of a reuseport group.

use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors};
use crate::{Error, Map};

/// Sockets that share a port (`BPF_MAP_TYPE_REUSEPORT_SOCKARRAY`, Linux 4.19), of which a program chooses one for each
/// packet or connection with `bpf_sk_select_reuseport()`. A socket that is closed goes from the map.
#[derive(Debug, Clone)]
pub struct ReuseportSockArray {
    map: Map,
}

impl ReuseportSockArray {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::REUSEPORT_SOCKARRAY, "a reuseport array"))?;
        Ok(ReuseportSockArray { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a socket at `index`, in place of what is there: a UDP socket that is bound, or a TCP socket that listens, with
    /// `SO_REUSEPORT` set before it was bound.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, socket: impl AsFd) -> Result<(), Error> {
        self.update(index, socket, ElemFlags::empty())
    }

    /// As [`set`](Self::set), only if there is none yet, or only if there is one, as `flags` say.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EINVAL` for a socket that does not share a port, `ENOTSUPP` for one
    /// that is neither TCP nor UDP, `EBUSY` for one that is in such a map already, `EEXIST` or `ENOENT` as `flags` ask.
    pub fn update(&self, index: u32, socket: impl AsFd, flags: ElemFlags) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), socket.as_fd(), flags)
    }

    /// Takes the socket at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }

    /// The cookie (`SO_COOKIE`) of the socket at `index`; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]: `ENOSPC` if the map's values have 4 bytes.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn cookie(&self, index: u32) -> Result<Option<u64>, Error> {
        descriptors::cookie(&self.map, &index.to_ne_bytes())
    }
}
