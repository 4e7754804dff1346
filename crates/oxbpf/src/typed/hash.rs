//! Hash maps.

use std::fmt;
use std::marker::PhantomData;

use oxbpf_sys::uapi::ElemFlags;

use super::{Evict, Keep, Plain, Resizable, Table, check, debug, get, read, take};
use crate::{Entries, Error, Map};

/// A hash map (`BPF_MAP_TYPE_HASH`) with keys `K` and values `V`.
///
/// Cloning it is cheap; clones are the same map.
pub struct HashMap<K, V, E = Keep> {
    pub(super) map: Map,
    pub(super) types: PhantomData<fn(K, E) -> V>,
}

/// A hash map that throws out the entries that were not used for longest when it is full
/// (`BPF_MAP_TYPE_LRU_HASH`, Linux 4.10).
pub type LruHashMap<K, V> = HashMap<K, V, Evict>;

/// A hash map that grows and shrinks with what is in it (`BPF_MAP_TYPE_RHASH`, Linux 7.2). It is made with
/// [`MapFlags::NO_PREALLOC`](crate::MapFlags::NO_PREALLOC), and with the number of entries to begin with in
/// [`MapCreate::map_extra`](crate::MapCreate::map_extra). An entry that stays may come twice in [`iter`](HashMap::iter)
/// if the table is resized meanwhile.
pub type ResizableHashMap<K, V> = HashMap<K, V, Resizable>;

impl<K: Plain, V: Plain, E: Table> HashMap<K, V, E> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its keys or values have other sizes than
    /// `K` and `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<K, V>(map, E::KIND)?;
        Ok(HashMap { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read.
    #[doc(alias = "bpf_map_lookup_elem")]
    #[inline]
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        get(&self.map, key.as_bytes(), ElemFlags::empty())
    }

    /// As [`get`](Self::get), with flags: [`ElemFlags::LOCK`] holds the value's spin lock meanwhile (5.1).
    ///
    /// # Errors
    /// As [`get`](Self::get); `EINVAL` if the value has no spin lock.
    #[doc(alias = "bpf_map_lookup_elem_flags")]
    pub fn get_flags(&self, key: &K, flags: ElemFlags) -> Result<Option<V>, Error> {
        get(&self.map, key.as_bytes(), flags)
    }

    /// Whether the key has a value. The kernel has no cheaper way to tell than to hand it out.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn contains_key(&self, key: &K) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// Gives the key a value, new or in place of the one it has.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` for a full map (an LRU map is never full), `EPERM` for a read-only or frozen one.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, key: &K, value: &V) -> Result<(), Error> {
        self.update(key, value, ElemFlags::empty())
    }

    /// Gives the key a value if it has none yet ([`ElemFlags::NOEXIST`]), or only if it has one
    /// ([`ElemFlags::EXIST`]), or under the value's spin lock ([`ElemFlags::LOCK`], 5.1), as `flags` say.
    ///
    /// # Errors
    /// [`Error::Map`]: as [`insert`](Self::insert), and `EEXIST` or `ENOENT` as `flags` ask, `EINVAL` for a value without
    /// spin lock.
    #[inline]
    pub fn update(&self, key: &K, value: &V, flags: ElemFlags) -> Result<(), Error> {
        self.map.update(key.as_bytes(), value.as_bytes(), flags)
    }

    /// Takes the key and its value out of the map; tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a read-only or frozen map.
    #[doc(alias = "bpf_map_delete_elem")]
    #[inline]
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        self.map.delete(key.as_bytes())
    }

    /// Takes the key out of the map and gives the value that it had, in one step (5.14).
    ///
    /// # Errors
    /// As [`remove`](Self::remove); `ENOTSUPP` or `EOPNOTSUPP` before 5.14 and for LPM tries.
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    pub fn lookup_and_delete(&self, key: &K) -> Result<Option<V>, Error> {
        take(&self.map, key.as_bytes(), ElemFlags::empty())
    }

    /// All entries, in no order, many with one system call where the kernel can (Linux 5.6).
    ///
    /// Entries that come or go meanwhile may or may not be among them. An entry that stays comes once; only on
    /// kernels before 5.6 can it come twice or not at all if others are deleted meanwhile.
    #[doc(alias = "bpf_map_lookup_batch")]
    #[doc(alias = "bpf_map_get_next_key")]
    pub fn iter(&self) -> HashIter<'_, K, V> {
        HashIter { entries: Entries::new(&self.map, size_of::<V>()), types: PhantomData }
    }

    /// All keys: [`iter`](Self::iter) without the values.
    pub fn keys(&self) -> impl Iterator<Item = Result<K, Error>> {
        self.iter().map(|entry| entry.map(|(key, _)| key))
    }
}

impl<K, V, E> Clone for HashMap<K, V, E> {
    fn clone(&self) -> Self {
        HashMap { map: self.map.clone(), types: PhantomData }
    }
}

impl<K, V, E> fmt::Debug for HashMap<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "HashMap", &self.map)
    }
}

impl<'m, K: Plain, V: Plain, E: Table> IntoIterator for &'m HashMap<K, V, E> {
    type Item = Result<(K, V), Error>;
    type IntoIter = HashIter<'m, K, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The entries of a [`HashMap`]. An error is the last item.
#[derive(Debug)]
pub struct HashIter<'m, K, V> {
    entries: Entries<'m>,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Plain, V: Plain> Iterator for HashIter<'_, K, V> {
    type Item = Result<(K, V), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.entries.next_entry()?.map(|(key, value)| (read(key), read(value))))
    }
}
