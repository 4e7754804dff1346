//! Many elements of a map at once.

use std::mem::offset_of;
use std::os::fd::AsFd;

use super::map_elem::explained;
use super::{Kernel, MapFd};
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, ElemFlags, MapBatchAttr};
use crate::{Errno, Result, SysError};

/// Where a batch of lookups stands; the kernel's own business, other than that it starts at the beginning.
#[derive(Debug, Clone, Default)]
pub struct BatchCursor {
    /// Empty before the first batch.
    position: Vec<u8>,
}

impl BatchCursor {
    /// From the beginning.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Kernel {
    /// Copies out as many elements as `keys` and `values` have room for, from `cursor` on, and moves it. Returns
    /// how many there were and whether there may be more. Since Linux 5.6, per-CPU arrays 5.13.
    ///
    /// A hash table is copied bucket by bucket, so each element that is there all the time is seen once; what comes
    /// and goes meanwhile is seen or not. A batch has as many whole buckets as fit.
    ///
    /// # Errors
    /// - `ENOSPC`: there is not even room for the elements of one bucket of the hash table. The cursor stays where it
    ///   is: try again with larger buffers
    /// - `EINVAL`: buffers that hold different numbers of elements; a cursor of another map; a flag other than
    ///   [`ElemFlags::LOCK`]; a kernel before 5.6
    /// - `ENOTSUPP` (524): a kind of map without batches
    /// - `EAGAIN`: the next element went while it was to be read (LPM tries, before 6.14): try again
    /// - `EPERM`, `EBADF`, `ENOMEM` as for single elements
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let hash = MapCreate { map_type: MapType::HASH, key_size: 4, value_size: 4, max_entries: 9, ..Default::default() };
    /// use oxbpf_sys::{BatchCursor, ElemFlags};
    ///
    /// let map = kernel.map_create(&hash)?;
    /// kernel.map_update_batch(&map, b"key1key2key3", b"onetwo__tree", ElemFlags::empty()).map_err(|(_, e)| e)?;
    /// let (mut keys, mut values, mut cursor, mut all) = ([0; 8], [0; 8], BatchCursor::new(), 0);
    /// loop {
    ///     let (n, more) = kernel.map_lookup_batch(&map, &mut cursor, &mut keys, &mut values, ElemFlags::empty())?;
    ///     all += n;
    ///     if !more {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(all, 3);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_map_lookup_batch")]
    #[doc(alias = "BPF_MAP_LOOKUP_BATCH")]
    pub fn map_lookup_batch(
        &self,
        map: &MapFd,
        cursor: &mut BatchCursor,
        keys: &mut [u8],
        values: &mut [u8],
        flags: ElemFlags,
    ) -> Result<(u32, bool)> {
        self.read_batch(Cmd::MAP_LOOKUP_BATCH, map, cursor, keys, values, flags)
    }

    /// As [`map_lookup_batch`](Self::map_lookup_batch), and deletes what it copies out, each bucket in one step.
    ///
    /// # Errors
    /// As there, and `EPERM` for a frozen map or a descriptor that is not for reading and writing. What was copied
    /// out before an error is deleted all the same.
    #[doc(alias = "bpf_map_lookup_and_delete_batch")]
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_BATCH")]
    pub fn map_lookup_and_delete_batch(
        &self,
        map: &MapFd,
        cursor: &mut BatchCursor,
        keys: &mut [u8],
        values: &mut [u8],
        flags: ElemFlags,
    ) -> Result<(u32, bool)> {
        self.read_batch(Cmd::MAP_LOOKUP_AND_DELETE_BATCH, map, cursor, keys, values, flags)
    }

    fn read_batch(
        &self,
        cmd: Cmd,
        map: &MapFd,
        cursor: &mut BatchCursor,
        keys: &mut [u8],
        values: &mut [u8],
        flags: ElemFlags,
    ) -> Result<(u32, bool)> {
        let count = count(cmd, map, keys.len(), Some(values.len()), flags)?;
        // A hash table's position has 4 bytes, another map's is a key.
        let mut next = vec![0; map.key_size().max(4)];
        let layout = batch(map, count, flags);
        let (answer, done) = {
            let mut attr = Attr::new(cmd, &layout);
            if !cursor.position.is_empty() && cursor.position.len() != next.len() {
                return Err(SysError::invalid(cmd.name(), "a cursor of another map"));
            }
            attr.input("in_batch", offset_of!(MapBatchAttr, in_batch), &cursor.position);
            attr.output("out_batch", offset_of!(MapBatchAttr, out_batch), &mut next);
            attr.output("keys", offset_of!(MapBatchAttr, keys), keys);
            attr.output("values", offset_of!(MapBatchAttr, values), values);
            let result = self.bpf(&mut attr);
            let answer = attr.view::<MapBatchAttr>().count.min(count);
            let done = match result {
                Ok(()) => false,
                Err(e) if e.errno == Errno::ENOENT => true,
                // An element went while it was to be read: those before it are here.
                Err(e) if e.errno == Errno::EAGAIN && answer > 0 && answer < count => false,
                Err(e) => return Err(explained(cmd, map, flags, e)),
            };
            (answer, done)
        };
        cursor.position = next;
        Ok((answer, !done))
    }

    /// Writes elements one after another, as many as `keys` has. Returns how many; fewer than all only with an
    /// error. Not one step: others see some written and some not. Of the flags only [`ElemFlags::LOCK`] is taken. Since
    /// Linux 5.6.
    ///
    /// # Errors
    /// The number written so far, and why the next was not, as for single elements
    /// ([`map_update_elem`](Self::map_update_elem)); `ENOTSUPP` (524) for a kind of map without batches.
    #[doc(alias = "bpf_map_update_batch")]
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub fn map_update_batch(
        &self,
        map: &MapFd,
        keys: &[u8],
        values: &[u8],
        flags: ElemFlags,
    ) -> std::result::Result<u32, (u32, SysError)> {
        let cmd = Cmd::MAP_UPDATE_BATCH;
        let count = count(cmd, map, keys.len(), Some(values.len()), flags).map_err(|e| (0, e))?;
        let layout = batch(map, count, flags);
        let mut attr = Attr::new(cmd, &layout);
        attr.input("keys", offset_of!(MapBatchAttr, keys), keys);
        attr.input("values", offset_of!(MapBatchAttr, values), values);
        self.write_batch(&mut attr, count).map_err(|(n, e)| (n, explained(cmd, map, flags, e)))
    }

    /// Deletes elements one after another, and stops at the first that is not there. Returns how many. Since Linux
    /// 5.6.
    ///
    /// # Errors
    /// The number deleted so far, and why the next was not, as for single elements
    /// ([`map_delete_elem`](Self::map_delete_elem)); `ENOTSUPP` (524) for a kind of map without batches.
    #[doc(alias = "bpf_map_delete_batch")]
    #[doc(alias = "BPF_MAP_DELETE_BATCH")]
    pub fn map_delete_batch(
        &self,
        map: &MapFd,
        keys: &[u8],
        flags: ElemFlags,
    ) -> std::result::Result<u32, (u32, SysError)> {
        let cmd = Cmd::MAP_DELETE_BATCH;
        let count = count(cmd, map, keys.len(), None, flags).map_err(|e| (0, e))?;
        let layout = batch(map, count, flags);
        let mut attr = Attr::new(cmd, &layout);
        attr.input("keys", offset_of!(MapBatchAttr, keys), keys);
        self.write_batch(&mut attr, count).map_err(|(n, e)| (n, explained(cmd, map, flags, e)))
    }

    fn write_batch(&self, attr: &mut Attr<'_>, count: u32) -> std::result::Result<u32, (u32, SysError)> {
        let result = self.bpf(attr);
        let done = attr.view::<MapBatchAttr>().count.min(count);
        match result {
            Ok(()) => Ok(done),
            // A refusal before the first element leaves the number that went in.
            Err(e) => Err((if done == count { 0 } else { done }, e)),
        }
    }
}

fn batch(map: &MapFd, count: u32, flags: ElemFlags) -> MapBatchAttr {
    MapBatchAttr { map_fd: raw(map.as_fd()), count, elem_flags: flags.bits(), ..Default::default() }
}

/// How many elements the buffers hold, which must be whole and as many of both.
fn count(cmd: Cmd, map: &MapFd, keys: usize, values: Option<usize>, flags: ElemFlags) -> Result<u32> {
    let whole = |len: usize, one: usize| {
        if one > 0 && len.is_multiple_of(one) { u32::try_from(len / one).ok() } else { None }
    };
    match (whole(keys, map.key_size()), values.map(|v| whole(v, map.value_len_with(flags)))) {
        (Some(k), None) => Ok(k),
        (Some(k), Some(Some(v))) if k == v => Ok(k),
        _ => Err(SysError::invalid(
            cmd.name(),
            format!(
                "{keys} bytes of keys and {} of values where the map's have {} and {}",
                values.unwrap_or(0),
                map.key_size(),
                map.value_len()
            ),
        )),
    }
}
