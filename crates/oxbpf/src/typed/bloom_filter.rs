//! Bloom filters.

use std::fmt;
use std::marker::PhantomData;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{Plain, check, debug};
use crate::{Error, Map};

/// A set that says "no" for sure and "yes" with some chance to be wrong (`BPF_MAP_TYPE_BLOOM_FILTER`, Linux 5.16).
///
/// Values cannot be taken out or listed. [`MapCreate::map_extra`](crate::MapCreate::map_extra) is the number of hash
/// functions (up to 15; 0 for 5), `max_entries` how many values it is laid out for: it takes more, and is wrong more
/// often then.
pub struct BloomFilter<V> {
    map: Map,
    types: PhantomData<fn(V) -> V>,
}

impl<V: Plain> BloomFilter<V> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its values have another size than `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<(), V>(map, (MapType::BLOOM_FILTER, "a bloom filter"))?;
        Ok(BloomFilter { map: map.clone(), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts a value in.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a read-only or frozen map.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, value: &V) -> Result<(), Error> {
        self.map.update(&[], value.as_bytes(), ElemFlags::empty())
    }

    /// False: the value was never put in. True: it may have been.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn contains(&self, value: &V) -> Result<bool, Error> {
        // The kernel reads the value to ask for where it otherwise writes one.
        self.map.lookup_into(&[], &mut value.as_bytes().to_vec(), ElemFlags::empty())
    }
}

impl<V> Clone for BloomFilter<V> {
    fn clone(&self) -> Self {
        BloomFilter { map: self.map.clone(), types: PhantomData }
    }
}

impl<V> fmt::Debug for BloomFilter<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "BloomFilter", &self.map)
    }
}
