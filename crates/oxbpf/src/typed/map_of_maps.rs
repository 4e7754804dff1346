//! Maps of maps by key; [`ArrayOfMaps`](super::ArrayOfMaps) has them by index.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{Plain, check_key, debug, descriptors, read};
use crate::{Error, Map};

/// Maps by key (`BPF_MAP_TYPE_HASH_OF_MAPS`, Linux 4.12), all of the kind of the one that it was made with.
pub struct HashOfMaps<K> {
    map: Map,
    types: PhantomData<fn(K)>,
}

impl<K: Plain> HashOfMaps<K> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its keys have another size than `K`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<K>(map, (MapType::HASH_OF_MAPS, "a hash of maps"))?;
        Ok(HashOfMaps { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Gives the key a map, in place of the one it has.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, key: &K, inner: &Map) -> Result<(), Error> {
        self.update(key, inner, ElemFlags::empty())
    }

    /// Gives the key a map if it has none yet, or only if it has one, as `flags` say.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` if it is full, `EINVAL` for a map unlike the one that this was made with, `EEXIST` or
    /// `ENOENT` as `flags` ask.
    pub fn update(&self, key: &K, inner: &Map, flags: ElemFlags) -> Result<(), Error> {
        descriptors::put(&self.map, key.as_bytes(), inner.as_fd(), flags)
    }

    /// Takes the map with this key out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        self.map.delete(key.as_bytes())
    }

    /// The id of the map with this key (4.14); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn id(&self, key: &K) -> Result<Option<u32>, Error> {
        descriptors::id(&self.map, key.as_bytes())
    }

    /// The map with this key, opened by its id (needs `CAP_SYS_ADMIN`); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]; [`Error::Kernel`]: `EPERM`.
    pub fn get(&self, key: &K) -> Result<Option<Map>, Error> {
        descriptors::get(&self.map, key.as_bytes(), Map::from_id)
    }

    /// The keys and the ids of their maps.
    pub fn iter(&self) -> impl Iterator<Item = Result<(K, u32), Error>> + '_ {
        descriptors::ids(&self.map).map(|entry| entry.map(|(key, id)| (read(&key), id)))
    }
}

impl<K> Clone for HashOfMaps<K> {
    fn clone(&self) -> Self {
        HashOfMaps { map: self.map.clone(), types: PhantomData }
    }
}

impl<K> fmt::Debug for HashOfMaps<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "HashOfMaps", &self.map)
    }
}
