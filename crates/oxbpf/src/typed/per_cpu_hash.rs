//! Hash maps with a value for each CPU.

use std::fmt;
use std::marker::PhantomData;

use oxbpf_sys::uapi::ElemFlags;

use super::per_cpu::Layout;
use super::{Evict, Keep, PerCpuTable, Plain, check, debug, get, read};
use crate::{Entries, Error, Map};

/// A hash map whose entries have a value `V` for each CPU (`BPF_MAP_TYPE_PERCPU_HASH`, Linux 4.6): a program sees
/// the value of the CPU that it runs on.
///
/// Here a value is a `Vec` with one `V` for each CPU that the kernel may ever have (its possible CPUs), in their order.
pub struct PerCpuHashMap<K, V, E = Keep> {
    map: Map,
    layout: Layout,
    types: PhantomData<fn(K, E) -> V>,
}

/// A [`PerCpuHashMap`] that throws out the entries that were not used for longest when it is full
/// (`BPF_MAP_TYPE_LRU_PERCPU_HASH`, Linux 4.10).
pub type LruPerCpuHashMap<K, V> = PerCpuHashMap<K, V, Evict>;

impl<K: Plain, V: Plain, E: PerCpuTable> PerCpuHashMap<K, V, E> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its keys or values have other sizes than
    /// `K` and `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<K, V>(map, E::PER_CPU)?;
        Ok(PerCpuHashMap { map: map.clone(), layout: Layout::new::<V>(map)?, types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// How many values an entry has.
    pub fn cpus(&self) -> usize {
        self.layout.cpus
    }

    /// The values of a key, if it has any, one for each possible CPU.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, key: &K) -> Result<Option<Vec<V>>, Error> {
        self.layout.fetch(|bytes| self.map.lookup_into(key.as_bytes(), bytes, ElemFlags::empty()))
    }

    /// Gives the key its values, one for each possible CPU.
    ///
    /// # Errors
    /// [`Error::CpuCount`] if there are more or fewer values than possible CPUs. [`Error::Map`]: `E2BIG` for a full
    /// map (an LRU map is never full), `EPERM` for a read-only or frozen one.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn insert(&self, key: &K, values: &[V]) -> Result<(), Error> {
        self.update(key, values, ElemFlags::empty())
    }

    /// Gives the key values if it has none yet, or only if it has some, as `flags` say.
    ///
    /// # Errors
    /// As [`insert`](Self::insert), and `EEXIST` or `ENOENT` as `flags` ask.
    pub fn update(&self, key: &K, values: &[V], flags: ElemFlags) -> Result<(), Error> {
        self.layout.store(&self.map, values, |bytes| self.map.update(key.as_bytes(), bytes, flags))
    }

    /// One CPU's value of a key, if it has any (7.0).
    ///
    /// # Errors
    /// As [`get`](Self::get); `ERANGE` for no possible CPU, `EINVAL` before 7.0.
    #[doc(alias = "BPF_F_CPU")]
    pub fn get_on(&self, key: &K, cpu: u32) -> Result<Option<V>, Error> {
        get(&self.map, key.as_bytes(), ElemFlags::on_cpu(cpu))
    }

    /// Gives the key one CPU's value (7.0); those of the others are as they were, or zero if it is new.
    ///
    /// # Errors
    /// As [`update`](Self::update); `ERANGE` for no possible CPU, `EINVAL` before 7.0.
    #[doc(alias = "BPF_F_CPU")]
    pub fn insert_on(&self, key: &K, cpu: u32, value: &V) -> Result<(), Error> {
        self.map.update(key.as_bytes(), value.as_bytes(), ElemFlags::on_cpu(cpu))
    }

    /// Gives the key the same value on all CPUs (7.0).
    ///
    /// # Errors
    /// As [`update`](Self::update); `EINVAL` before 7.0.
    #[doc(alias = "BPF_F_ALL_CPUS")]
    pub fn insert_on_all(&self, key: &K, value: &V) -> Result<(), Error> {
        self.map.update(key.as_bytes(), value.as_bytes(), ElemFlags::ALL_CPUS)
    }

    /// Takes the key out of the map and gives the values that it had, in one step (5.14).
    ///
    /// # Errors
    /// As [`remove`](Self::remove); `ENOTSUPP` or `EOPNOTSUPP` before 5.14.
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    pub fn lookup_and_delete(&self, key: &K) -> Result<Option<Vec<V>>, Error> {
        self.layout.fetch(|bytes| self.map.lookup_and_delete(key.as_bytes(), bytes))
    }

    /// Takes the key and its values out of the map; tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a read-only or frozen map.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        self.map.delete(key.as_bytes())
    }

    /// All entries, in no order. What [`HashMap::iter`](super::HashMap::iter) says holds here too.
    #[doc(alias = "bpf_map_lookup_batch")]
    pub fn iter(&self) -> PerCpuHashIter<'_, K, V> {
        let entries = Entries::new(&self.map, self.layout.len());
        PerCpuHashIter { entries, layout: self.layout, types: PhantomData }
    }
}

impl<K, V, E> Clone for PerCpuHashMap<K, V, E> {
    fn clone(&self) -> Self {
        PerCpuHashMap { map: self.map.clone(), layout: self.layout, types: PhantomData }
    }
}

impl<K, V, E> fmt::Debug for PerCpuHashMap<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "PerCpuHashMap", &self.map)
    }
}

impl<'m, K: Plain, V: Plain, E: PerCpuTable> IntoIterator for &'m PerCpuHashMap<K, V, E> {
    type Item = Result<(K, Vec<V>), Error>;
    type IntoIter = PerCpuHashIter<'m, K, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The entries of a [`PerCpuHashMap`]. An error is the last item.
#[derive(Debug)]
pub struct PerCpuHashIter<'m, K, V> {
    entries: Entries<'m>,
    layout: Layout,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Plain, V: Plain> Iterator for PerCpuHashIter<'_, K, V> {
    type Item = Result<(K, Vec<V>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let layout = self.layout;
        Some(self.entries.next_entry()?.map(|(key, values)| (read(key), layout.unpack(values))))
    }
}
