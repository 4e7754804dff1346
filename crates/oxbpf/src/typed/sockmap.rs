//! Sockets: those that data is redirected between, and those of which one is chosen.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{Kind, Plain, check_key, debug, descriptors};
use crate::{Error, Map};

/// Sockets by index: [`SockMap`] and [`ReuseportSockArray`].
///
/// A socket that is closed goes from the map. What is there is told by its cookie (`SO_COOKIE`), if the map's values
/// have 8 bytes.
pub struct SockArray<U> {
    map: Map,
    types: PhantomData<fn(U)>,
}

/// Sockets by index (`BPF_MAP_TYPE_SOCKMAP`, Linux 4.14), between which programs redirect what is sent and received.
pub type SockMap = SockArray<Redirected>;

/// Sockets that share a port (`BPF_MAP_TYPE_REUSEPORT_SOCKARRAY`, Linux 4.19), of which a program chooses one for each
/// packet or connection with `bpf_sk_select_reuseport()`.
pub type ReuseportSockArray = SockArray<Chosen>;

/// What the sockets of a [`SockArray`] are there for: see [`Redirected`] and [`Chosen`].
pub trait Use: sealed::Sealed + 'static {
    #[doc(hidden)]
    const KIND: Kind;
}

/// Data is redirected between them.
#[derive(Debug, Clone, Copy)]
pub enum Redirected {}

/// One of them is chosen.
#[derive(Debug, Clone, Copy)]
pub enum Chosen {}

impl Use for Redirected {
    const KIND: Kind = (MapType::SOCKMAP, "a sockmap");
}

impl Use for Chosen {
    const KIND: Kind = (MapType::REUSEPORT_SOCKARRAY, "a reuseport array");
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Redirected {}
    impl Sealed for super::Chosen {}
}

impl<U: Use> SockArray<U> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, U::KIND)?;
        Ok(SockArray { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a socket at `index`, in place of what is there. A [`ReuseportSockArray`] takes UDP sockets that are bound and
    /// TCP sockets that listen, with `SO_REUSEPORT` set before they were bound.
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
    /// [`Error::Map`]: `E2BIG` past the end, `EEXIST` or `ENOENT` as `flags` ask, `ENOTSOCK` for no socket.
    /// - [`SockMap`]: `EOPNOTSUPP` for a socket that is neither connected (TCP, Unix) nor listening nor UDP
    /// - [`ReuseportSockArray`]: `EINVAL` for a socket that does not share a port, `ENOTSUPP` for one that is neither TCP
    ///   nor UDP, `EBUSY` for one that is in such a map already
    pub fn update(&self, index: u32, socket: impl AsFd, flags: ElemFlags) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), socket.as_fd(), flags)
    }

    /// Takes the socket at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`], of a [`SockMap`]: `EINVAL` if there is none or it is past the end; of a [`ReuseportSockArray`]:
    /// `E2BIG` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }

    /// The cookie of the socket at `index` (of a [`SockMap`] 5.7); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]: `ENOSPC` if the map's values have 4 bytes.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn cookie(&self, index: u32) -> Result<Option<u64>, Error> {
        descriptors::cookie(&self.map, &index.to_ne_bytes())
    }
}

impl<U> Clone for SockArray<U> {
    fn clone(&self) -> Self {
        SockArray { map: self.map.clone(), types: PhantomData }
    }
}

impl<U> fmt::Debug for SockArray<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "SockArray", &self.map)
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
