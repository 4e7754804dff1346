//! Arrays.

use std::fmt;
use std::marker::PhantomData;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::IntoBytes;

use super::{MappedArray, Plain, check, debug, get, read};
use crate::{Entries, Error, Map};

/// An array (`BPF_MAP_TYPE_ARRAY`) of values `V`, by index from 0. All its elements exist from the start, zeroed.
///
/// Cloning it is cheap; clones are the same map.
pub struct Array<V> {
    map: Map,
    types: PhantomData<fn(V) -> V>,
}

impl<V: Plain> Array<V> {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type, [`Error::Size`] if its values have another size than `V`.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check::<u32, V>(map, (MapType::ARRAY, "an array"))?;
        Ok(Array { map: map.clone(), types: PhantomData })
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

    /// The element at `index`; `None` past the end.
    ///
    /// # Errors
    /// [`Error::Map`]: `EPERM` for a map that user space may not read.
    #[doc(alias = "bpf_map_lookup_elem")]
    #[inline]
    pub fn get(&self, index: u32) -> Result<Option<V>, Error> {
        get(&self.map, index.as_bytes(), ElemFlags::empty())
    }

    /// As [`get`](Self::get), with flags: [`ElemFlags::LOCK`] holds the value's spin lock meanwhile (5.1).
    ///
    /// # Errors
    /// As [`get`](Self::get); `EINVAL` if the value has no spin lock.
    #[doc(alias = "bpf_map_lookup_elem_flags")]
    pub fn get_flags(&self, index: u32, flags: ElemFlags) -> Result<Option<V>, Error> {
        get(&self.map, index.as_bytes(), flags)
    }

    /// Replaces the element at `index`.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EPERM` for a read-only or frozen map.
    #[doc(alias = "bpf_map_update_elem")]
    #[inline]
    pub fn set(&self, index: u32, value: &V) -> Result<(), Error> {
        self.set_flags(index, value, ElemFlags::empty())
    }

    /// As [`set`](Self::set), with flags: [`ElemFlags::LOCK`] holds the value's spin lock meanwhile (5.1).
    ///
    /// # Errors
    /// As [`set`](Self::set); `EINVAL` if the value has no spin lock, `EEXIST` with [`ElemFlags::NOEXIST`].
    #[inline]
    pub fn set_flags(&self, index: u32, value: &V, flags: ElemFlags) -> Result<(), Error> {
        self.map.update(index.as_bytes(), value.as_bytes(), flags)
    }

    /// Replaces the elements from `first` on, with one system call (5.6). Returns how many.
    ///
    /// # Errors
    /// [`Error::Batch`], which tells how many were replaced before: `E2BIG` past the end, `EINVAL` before 5.6.
    #[doc(alias = "bpf_map_update_batch")]
    pub fn set_all(&self, first: u32, values: &[V]) -> Result<usize, Error> {
        let indices: Vec<u32> = (first..=u32::MAX).take(values.len()).collect();
        self.map.update_batch(indices.as_bytes(), values.as_bytes(), ElemFlags::empty())
    }

    /// The elements as live memory, which reads and writes without a system call, where the map was made with
    /// [`MapFlags::MMAPABLE`](crate::MapFlags::MMAPABLE) (5.5). For reading only, if the map is frozen.
    ///
    /// # Errors
    /// [`Error::Map`]: `ENOTSUPP` for a map that was made without, `EPERM` for one that is write-only.
    pub fn mmap(&self) -> Result<MappedArray<V>, Error> {
        MappedArray::of(&self.map)
    }

    /// All elements in order, many with one system call where the kernel can (Linux 5.6).
    #[doc(alias = "bpf_map_lookup_batch")]
    pub fn iter(&self) -> ArrayIter<'_, V> {
        ArrayIter { entries: Entries::new(&self.map, size_of::<V>()), types: PhantomData }
    }
}

impl<V> Clone for Array<V> {
    fn clone(&self) -> Self {
        Array { map: self.map.clone(), types: PhantomData }
    }
}

impl<V> fmt::Debug for Array<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Array", &self.map)
    }
}

impl<'m, V: Plain> IntoIterator for &'m Array<V> {
    type Item = Result<V, Error>;
    type IntoIter = ArrayIter<'m, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The elements of an [`Array`]. An error is the last item.
#[derive(Debug)]
pub struct ArrayIter<'m, V> {
    entries: Entries<'m>,
    types: PhantomData<fn() -> V>,
}

impl<V: Plain> Iterator for ArrayIter<'_, V> {
    type Item = Result<V, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.entries.next_entry()?.map(|(_, value)| read(value)))
    }
}
