//! Arrays with a value for each CPU.

use std::fmt;
use std::marker::PhantomData;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::IntoBytes;

use super::per_cpu::Layout;
use super::{Plain, check, debug, get};
use crate::{Entries, Error, Map};

/// An array whose elements have a value `V` for each CPU (`BPF_MAP_TYPE_PERCPU_ARRAY`, Linux 4.6): a program sees the
/// value of the CPU that it runs on.
///
/// Here an element is a `Vec` with one `V` for each CPU that the kernel may ever have (its possible CPUs), in their order.
pub struct PerCpuArray<V> {
    map: Map,
    layout: Layout,
    types: PhantomData<fn(V) -> V>,
}

impl<V: Plain> PerCpuArray<V> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its values have another size than `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<u32, V>(map, (MapType::PERCPU_ARRAY, "a per-CPU array"))?;
        Ok(PerCpuArray { map: map.clone(), layout: Layout::new::<V>(map)?, types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// How many elements it has: always the same.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// Never: the kernel makes no array without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values an element has.
    pub fn cpus(&self) -> usize {
        self.layout.cpus
    }

    /// The values of the element at `index`, one for each possible CPU; `None` past the end.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read.
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, index: u32) -> Result<Option<Vec<V>>, Error> {
        self.layout.fetch(|bytes| self.map.lookup_into(index.as_bytes(), bytes, ElemFlags::empty()))
    }

    /// Replaces the values of the element at `index`, one for each possible CPU.
    ///
    /// # Errors
    /// [`Error::CpuCount`] if there are more or fewer values than possible CPUs. [`Error::Map`]: `E2BIG` past the end,
    /// `EPERM` for a read-only or frozen map.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, values: &[V]) -> Result<(), Error> {
        self.layout
            .store(&self.map, values, |bytes| self.map.update(index.as_bytes(), bytes, ElemFlags::empty()))
    }

    /// One CPU's value of the element at `index`; `None` past the end (7.0).
    ///
    /// # Errors
    /// As [`get`](Self::get); `ERANGE` for no possible CPU, `EINVAL` before 7.0.
    #[doc(alias = "BPF_F_CPU")]
    pub fn get_on(&self, index: u32, cpu: u32) -> Result<Option<V>, Error> {
        get(&self.map, index.as_bytes(), ElemFlags::on_cpu(cpu))
    }

    /// Replaces one CPU's value of the element at `index` (7.0).
    ///
    /// # Errors
    /// As [`set`](Self::set); `ERANGE` for no possible CPU, `EINVAL` before 7.0.
    #[doc(alias = "BPF_F_CPU")]
    pub fn set_on(&self, index: u32, cpu: u32, value: &V) -> Result<(), Error> {
        self.map.update(index.as_bytes(), value.as_bytes(), ElemFlags::on_cpu(cpu))
    }

    /// Replaces the value of the element at `index` on all CPUs by the same (7.0).
    ///
    /// # Errors
    /// As [`set`](Self::set); `EINVAL` before 7.0.
    #[doc(alias = "BPF_F_ALL_CPUS")]
    pub fn set_on_all(&self, index: u32, value: &V) -> Result<(), Error> {
        self.map.update(index.as_bytes(), value.as_bytes(), ElemFlags::ALL_CPUS)
    }

    /// All elements in order, many with one system call where the kernel can (Linux 5.13).
    #[doc(alias = "bpf_map_lookup_batch")]
    pub fn iter(&self) -> PerCpuArrayIter<'_, V> {
        let entries = Entries::new(&self.map, self.layout.len());
        PerCpuArrayIter { entries, layout: self.layout, types: PhantomData }
    }
}

impl<V> Clone for PerCpuArray<V> {
    fn clone(&self) -> Self {
        PerCpuArray { map: self.map.clone(), layout: self.layout, types: PhantomData }
    }
}

impl<V> fmt::Debug for PerCpuArray<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "PerCpuArray", &self.map)
    }
}

impl<'m, V: Plain> IntoIterator for &'m PerCpuArray<V> {
    type Item = Result<Vec<V>, Error>;
    type IntoIter = PerCpuArrayIter<'m, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The elements of a [`PerCpuArray`]. An error is the last item.
#[derive(Debug)]
pub struct PerCpuArrayIter<'m, V> {
    entries: Entries<'m>,
    layout: Layout,
    types: PhantomData<fn() -> V>,
}

impl<V: Plain> Iterator for PerCpuArrayIter<'_, V> {
    type Item = Result<Vec<V>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let layout = self.layout;
        Some(self.entries.next_entry()?.map(|(_, values)| layout.unpack(values)))
    }
}
