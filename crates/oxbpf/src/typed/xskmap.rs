//! AF_XDP sockets.

use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors};
use crate::{Error, Map};

/// AF_XDP sockets by the number of the receive queue (`BPF_MAP_TYPE_XSKMAP`, Linux 4.18), to which
/// `bpf_redirect_map()` in XDP programs hands packets. The kernel does not tell what is in it; a socket that is closed
/// goes from it.
#[derive(Debug, Clone)]
pub struct XskMap {
    map: Map,
}

impl XskMap {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::XSKMAP, "an xskmap"))?;
        Ok(XskMap { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a socket at `queue`, in place of what is there.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EOPNOTSUPP` for a socket of another family or one that is not set up.
    #[doc(alias = "bpf_map_update_elem")]
    #[doc(alias = "xsk_socket__update_xskmap")]
    pub fn set(&self, queue: u32, socket: impl AsFd) -> Result<(), Error> {
        descriptors::put(&self.map, &queue.to_ne_bytes(), socket.as_fd(), ElemFlags::empty())
    }

    /// Takes the socket at `queue` out, if there is one.
    ///
    /// # Errors
    /// [`Error::Map`]: `EINVAL` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, queue: u32) -> Result<(), Error> {
        self.map.delete(&queue.to_ne_bytes()).map(drop)
    }
}
