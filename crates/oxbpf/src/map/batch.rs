//! Many elements of a map at once, as bytes.

use oxbpf_sys::{BatchCursor, SysError, uapi::ElemFlags};

use super::Map;
use crate::error::{Error, Result};

/// What a batch of lookups gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// How many elements are in the buffers.
    pub count: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Map {
    /// Reads as many elements as the buffers hold, from `cursor` on, and moves it (5.6): keys of
    /// [`key_size`](Self::key_size) bytes, values of [`value_len`](Self::value_len) bytes, one after the other.
    ///
    /// [`iter`](Self::iter) does this with buffers of the right size, and without batches where the kernel has none.
    ///
    /// # Errors
    /// [`Error::Map`]: `ENOSPC` if not even one bucket of the hash table fits, with the cursor where it was;
    /// `EINVAL`, `ENOTSUPP` for a kind or a kernel without batches; `EAGAIN` if an element went meanwhile (LPM tries);
    /// `EINVAL` too if the buffers are not for equally many whole elements.
    ///
    /// ```
    /// # fn main() -> oxbpf::Result<()> {
    /// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
    /// # use oxbpf::{ElemFlags, Map, MapCreate, MapType, sys::BatchCursor};
    /// # let map = Map::create(&kernel, &MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 8,
    /// #     max_entries: 100, ..MapCreate::default() })?;
    /// map.update_batch(&[0; 4], &[0; 8], ElemFlags::empty())?;
    /// let (mut keys, mut values) = ([0; 4 * 64], [0; 8 * 64]);
    /// let mut cursor = BatchCursor::new();
    /// loop {
    ///     let batch = map.lookup_batch(&mut cursor, &mut keys, &mut values, ElemFlags::empty())?;
    ///     for (key, value) in keys.chunks(4).zip(values.chunks(8)).take(batch.count) {
    ///         assert_eq!((key, value), (&[0; 4][..], &[0; 8][..]));
    ///     }
    ///     if !batch.more {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "bpf_map_lookup_batch")]
    pub fn lookup_batch(
        &self,
        cursor: &mut BatchCursor,
        keys: &mut [u8],
        values: &mut [u8],
        flags: ElemFlags,
    ) -> Result<Batch> {
        self.read(self.kernel().map_lookup_batch(self.map_fd(), cursor, keys, values, flags))
    }

    /// As [`lookup_batch`](Self::lookup_batch), and deletes what it reads (5.6; hash tables).
    ///
    /// # Errors
    /// As there; `EPERM` for a frozen map.
    #[doc(alias = "bpf_map_lookup_and_delete_batch")]
    pub fn lookup_and_delete_batch(
        &self,
        cursor: &mut BatchCursor,
        keys: &mut [u8],
        values: &mut [u8],
        flags: ElemFlags,
    ) -> Result<Batch> {
        self.read(self.kernel().map_lookup_and_delete_batch(self.map_fd(), cursor, keys, values, flags))
    }

    /// Writes elements (5.6), keys and values one after the other. Returns how many.
    ///
    /// # Errors
    /// [`Error::Batch`], which tells how many were written before: as [`update`](Self::update) does.
    #[doc(alias = "bpf_map_update_batch")]
    pub fn update_batch(&self, keys: &[u8], values: &[u8], flags: ElemFlags) -> Result<usize> {
        self.written(keys, self.kernel().map_update_batch(self.map_fd(), keys, values, flags))
    }

    /// Deletes elements (5.6), keys one after the other. Returns how many.
    ///
    /// # Errors
    /// [`Error::Batch`], which tells how many were deleted before: `ENOENT` at the first key that is not there.
    #[doc(alias = "bpf_map_delete_batch")]
    pub fn delete_batch(&self, keys: &[u8], flags: ElemFlags) -> Result<usize> {
        self.written(keys, self.kernel().map_delete_batch(self.map_fd(), keys, flags))
    }

    fn read(&self, outcome: Result<(u32, bool), SysError>) -> Result<Batch> {
        let (count, more) = outcome.map_err(|source| self.failed(source))?;
        Ok(Batch { count: count as usize, more })
    }

    fn written(&self, keys: &[u8], outcome: Result<u32, (u32, SysError)>) -> Result<usize> {
        outcome.map(|count| count as usize).map_err(|(done, source)| Error::Batch {
            map: self.name().to_owned(),
            done: done as usize,
            of: keys.len() / (self.key_size() as usize).max(1),
            source: self.explained(source),
        })
    }
}
