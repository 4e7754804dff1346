//! Many entries of a hash map at once.

use oxbpf_sys::BatchCursor;
use oxbpf_sys::uapi::ElemFlags;
use zerocopy::IntoBytes;

use super::{HashMap, Plain, Table};
use crate::{Batch, Error};

impl<K: Plain, V: Plain, E: Table> HashMap<K, V, E> {
    /// Gives the keys the values beside them, with one system call (5.6). Returns how many.
    ///
    /// # Errors
    /// [`Error::Batch`], which tells how many were written before; as [`update`](Self::update), and `EINVAL` for
    /// different numbers of keys and values.
    #[doc(alias = "bpf_map_update_batch")]
    pub fn update_batch(&self, keys: &[K], values: &[V], flags: ElemFlags) -> Result<usize, Error> {
        self.map.update_batch(keys.as_bytes(), values.as_bytes(), flags)
    }

    /// Takes the keys out of the map, with one system call (5.6). Returns how many.
    ///
    /// # Errors
    /// [`Error::Batch`], which tells how many went before: `ENOENT` at the first key that is not there.
    #[doc(alias = "bpf_map_delete_batch")]
    pub fn remove_batch(&self, keys: &[K]) -> Result<usize, Error> {
        self.map.delete_batch(keys.as_bytes(), ElemFlags::empty())
    }

    /// Reads as many entries as the buffers hold, from `cursor` on, and moves it (5.6). [`iter`](Self::iter) does so with
    /// buffers of the right size.
    ///
    /// # Errors
    /// As [`Map::lookup_batch`](crate::Map::lookup_batch): `ENOSPC` if not even one bucket of the table fits.
    ///
    /// ```
    /// # fn main() -> oxbpf::Result<()> {
    /// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
    /// # use oxbpf::{ElemFlags, HashMap, Map, MapCreate, MapType, sys::BatchCursor};
    /// # let map = Map::create(&kernel, &MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 8,
    /// #     max_entries: 100, ..MapCreate::default() })?;
    /// let sums = HashMap::<u32, u64>::new(&map)?;
    /// sums.update_batch(&[1, 2, 3], &[10, 20, 30], ElemFlags::empty())?;
    /// let (mut keys, mut values) = ([0; 64], [0; 64]);
    /// let mut cursor = BatchCursor::new();
    /// let mut sum = 0;
    /// loop {
    ///     let batch = sums.lookup_batch(&mut cursor, &mut keys, &mut values, ElemFlags::empty())?;
    ///     sum += values[..batch.count].iter().sum::<u64>();
    ///     if !batch.more {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(sum, 60);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "bpf_map_lookup_batch")]
    pub fn lookup_batch(
        &self,
        cursor: &mut BatchCursor,
        keys: &mut [K],
        values: &mut [V],
        flags: ElemFlags,
    ) -> Result<Batch, Error> {
        self.map.lookup_batch(cursor, keys.as_mut_bytes(), values.as_mut_bytes(), flags)
    }

    /// As [`lookup_batch`](Self::lookup_batch), and takes out of the map what it reads (5.6).
    ///
    /// # Errors
    /// As there; `EPERM` for a frozen map.
    #[doc(alias = "bpf_map_lookup_and_delete_batch")]
    pub fn lookup_and_delete_batch(
        &self,
        cursor: &mut BatchCursor,
        keys: &mut [K],
        values: &mut [V],
        flags: ElemFlags,
    ) -> Result<Batch, Error> {
        self.map.lookup_and_delete_batch(cursor, keys.as_mut_bytes(), values.as_mut_bytes(), flags)
    }
}
