//! Sockets for redirection.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{Plain, check_key, debug, descriptors};
use crate::{Error, Map};

/// Sockets by index (`BPF_MAP_TYPE_SOCKMAP`, Linux 4.14), between which programs redirect what is sent and received.
///
/// A socket that is closed goes from the map. What is there is told by its cookie (`SO_COOKIE`), if the map's values
/// have 8 bytes.
#[derive(Debug, Clone)]
pub struct SockMap {
    map: Map,
}

impl SockMap {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::SOCKMAP, "a sockmap"))?;
        Ok(SockMap { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a socket at `index`, in place of what is there.
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
    /// [`Error::Map`]: `E2BIG` past the end, `EOPNOTSUPP` for a socket that is neither connected (TCP, Unix) nor listening
    /// nor UDP, `EEXIST` or `ENOENT` as `flags` ask, `ENOTSOCK` for no socket.
    pub fn update(&self, index: u32, socket: impl AsFd, flags: ElemFlags) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), socket.as_fd(), flags)
    }

    /// Takes the socket at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`]: `EINVAL` if there is none or it is past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }

    /// The cookie of the socket at `index` (5.7); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]: `ENOSPC` if the map's values have 4 bytes.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn cookie(&self, index: u32) -> Result<Option<u64>, Error> {
        descriptors::cookie(&self.map, &index.to_ne_bytes())
    }
}

/// Sockets by key (`BPF_MAP_TYPE_SOCKHASH`, Linux 4.18): as [`SockMap`], with keys of any kind.
pub struct SockHash<K> {
    map: Map,
    types: PhantomData<fn(K)>,
}

impl<K: Plain> SockHash<K> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its keys have another size than `K`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<K>(map, (MapType::SOCKHASH, "a sockhash"))?;
        Ok(SockHash { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Gives the key a socket, in place of the one it has.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, key: &K, socket: impl AsFd) -> Result<(), Error> {
        self.update(key, socket, ElemFlags::empty())
    }

    /// As [`insert`](Self::insert), only if it has none yet, or only if it has one, as `flags` say.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` if it is full, otherwise as [`SockMap::update`].
    pub fn update(&self, key: &K, socket: impl AsFd, flags: ElemFlags) -> Result<(), Error> {
        descriptors::put(&self.map, key.as_bytes(), socket.as_fd(), flags)
    }

    /// Takes the socket with this key out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        self.map.delete(key.as_bytes())
    }

    /// The cookie of the socket with this key (5.7); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]: `ENOSPC` if the map's values have 4 bytes.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn cookie(&self, key: &K) -> Result<Option<u64>, Error> {
        descriptors::cookie(&self.map, key.as_bytes())
    }
}

impl<K> Clone for SockHash<K> {
    fn clone(&self) -> Self {
        SockHash { map: self.map.clone(), types: PhantomData }
    }
}

impl<K> fmt::Debug for SockHash<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "SockHash", &self.map)
    }
}
