//! Arrays as live memory.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use oxbpf_sys::{Errno, Mapping, Prot};

use super::Plain;
use crate::{Error, Map};

/// The elements of an [`Array`](super::Array) in memory that programs read and write at the same time
/// ([`Array::mmap`](super::Array::mmap)): no access makes a system call.
///
/// A whole number of 1, 2, 4 or 8 bytes is read and written at once, with acquire and release order. A structure is copied
/// number by number: each of them is whole (if it is aligned as in C), but a program that writes meanwhile may be seen in
/// the middle of its work.
///
/// Clones share the memory. While it is mapped for writing, the map cannot be frozen (`EBUSY`).
///
/// ```
/// # fn main() -> oxbpf::Result<()> {
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// # use oxbpf::{Array, Map, MapCreate, MapFlags, MapType};
/// # let map = Map::create(&kernel, &MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 8,
/// #     max_entries: 16, flags: MapFlags::MMAPABLE, ..MapCreate::default() })?;
/// let counters = Array::<u64>::new(&map)?.mmap()?;
/// counters.set(3, &1000)?;
/// assert_eq!(counters.get(3), Some(1000));
/// assert_eq!(counters.iter().sum::<u64>(), 1000);
/// # Ok(())
/// # }
/// ```
pub struct MappedArray<V> {
    map: Map,
    memory: Arc<Mapping>,
    types: PhantomData<fn(V) -> V>,
}

impl<V: Plain> MappedArray<V> {
    /// The elements of a map whose values have the size of `V`.
    pub(super) fn of(map: &Map) -> Result<Self, Error> {
        let memory = match map.mmap(Prot::ReadWrite) {
            // Frozen.
            Err(error) if error.errno() == Some(Errno::EPERM) => map.mmap(Prot::Read)?,
            memory => memory?,
        };
        Ok(MappedArray { map: map.clone(), memory: Arc::new(memory), types: PhantomData })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// How many elements it has.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// Never: the kernel makes no array without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether [`set`](Self::set) works: not for a map that was frozen before.
    pub fn is_writable(&self) -> bool {
        self.memory.is_writable()
    }

    /// The element at `index` now; `None` past the end.
    #[inline]
    pub fn get(&self, index: u32) -> Option<V> {
        let mut value = V::new_zeroed();
        let inside = index < self.len() && self.memory.read(place::<V>(index), value.as_mut_bytes());
        inside.then_some(value)
    }

    /// Replaces the element at `index`.
    ///
    /// # Errors
    /// [`Error::MapDefinition`] past the end, or if it is mapped for reading only.
    #[inline]
    pub fn set(&self, index: u32, value: &V) -> Result<(), Error> {
        if index < self.len() && self.memory.write(place::<V>(index), value.as_bytes()) {
            return Ok(());
        }
        Err(self.refused(index))
    }

    /// All elements in order, each as it is when it is its turn.
    pub fn iter(&self) -> impl Iterator<Item = V> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// The memory itself: element `i` begins at `i` times the size of `V` rounded up to 8.
    pub fn memory(&self) -> &Mapping {
        &self.memory
    }

    #[cold]
    fn refused(&self, index: u32) -> Error {
        let reason = if index < self.len() {
            "it is mapped for reading only, as it was frozen".to_owned()
        } else {
            format!("index {index} is beyond its end, it has {} elements", self.len())
        };
        Error::MapDefinition { map: self.map.name().to_owned(), reason }
    }
}

/// Where an element is. The mapping has that many elements, so there is no overflow.
#[inline]
fn place<V>(index: u32) -> usize {
    (index as usize).saturating_mul(size_of::<V>().next_multiple_of(8))
}

impl<V> Clone for MappedArray<V> {
    fn clone(&self) -> Self {
        MappedArray { map: self.map.clone(), memory: Arc::clone(&self.memory), types: PhantomData }
    }
}

impl<V> fmt::Debug for MappedArray<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::debug(f, "MappedArray", &self.map)
    }
}
