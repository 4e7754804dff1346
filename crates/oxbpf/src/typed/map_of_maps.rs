//! Maps of maps.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{Plain, check_key, debug, descriptors, read};
use crate::{Error, Map};

/// Maps by index (`BPF_MAP_TYPE_ARRAY_OF_MAPS`, Linux 4.12), all of the kind of the one that it was made with.
///
/// A program on its way keeps a map that was replaced: an update waits until none uses it any more.
#[derive(Debug, Clone)]
pub struct ArrayOfMaps {
    map: Map,
}

impl ArrayOfMaps {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::ARRAY_OF_MAPS, "an array of maps"))?;
        Ok(ArrayOfMaps { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a map at `index`, in place of what is there.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EINVAL` for a map unlike the one that this was made with.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, inner: &Map) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), inner.as_fd(), ElemFlags::empty())
    }

    /// Takes the map at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }

    /// The id of the map at `index` (4.14); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn id(&self, index: u32) -> Result<Option<u32>, Error> {
        descriptors::id(&self.map, &index.to_ne_bytes())
    }

    /// The map at `index`, opened by its id (needs `CAP_SYS_ADMIN`); `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Map`]; [`Error::Kernel`]: `EPERM`.
    pub fn get(&self, index: u32) -> Result<Option<Map>, Error> {
        open(&self.map, &index.to_ne_bytes())
    }

    /// The indices that have a map, and its id.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, u32), Error>> + '_ {
        descriptors::ids(&self.map).map(|entry| entry.map(|(key, id)| (descriptors::index(&key), id)))
    }
}

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
        open(&self.map, key.as_bytes())
    }

    /// The keys and the ids of their maps.
    pub fn iter(&self) -> impl Iterator<Item = Result<(K, u32), Error>> + '_ {
        descriptors::ids(&self.map).map(|entry| entry.map(|(key, id)| (read(&key), id)))
    }
}

/// The map at `key`, unless it goes before it is opened.
fn open(outer: &Map, key: &[u8]) -> Result<Option<Map>, Error> {
    match descriptors::id(outer, key)? {
        Some(id) => descriptors::unless_gone(Map::from_id(outer.kernel(), id)),
        None => Ok(None),
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
