//! Reading a map's entries many at a time.

use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{BatchCursor, Errno};

use crate::{Error, Map};

/// Bytes of keys and values that one call asks for, about.
const BYTES: usize = 64 * 1024;

/// The entries of a map, fetched by `BPF_MAP_LOOKUP_BATCH` (Linux 5.6) or, where the map or the kernel has no
/// batches, key by key.
///
/// In a batch the kernel takes all entries of a bucket at once, so an entry that stays in the map meanwhile comes
/// exactly once. Key by key, an entry that is deleted before its successor was asked for sends the walk back to the
/// start; then entries may come twice, and the walk ends after as many as the map can hold.
#[derive(Debug)]
pub(super) struct Batches<'m> {
    map: &'m Map,
    key_size: usize,
    /// Bytes of one entry's value as the kernel hands it out: for all CPUs, each rounded up to 8, in per-CPU maps.
    value_size: usize,
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Entries fetched, and how many of them were given out.
    fetched: usize,
    given: usize,
    state: State,
    cursor: BatchCursor,
}

/// A key and its value.
type Entry<'a> = (&'a [u8], &'a [u8]);

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nothing fetched yet.
    Start,
    /// By batches.
    Batches,
    /// Key by key; so many more at most. `keys` holds the last one.
    Keys(u32),
    End,
}

impl<'m> Batches<'m> {
    pub(super) fn new(map: &'m Map, value_size: usize) -> Self {
        let key_size = map.key_size() as usize;
        let entries = (BYTES / (key_size + value_size).max(1)).max(16);
        let entries = entries.min(map.max_entries().max(1) as usize);
        Batches {
            map,
            key_size,
            value_size,
            keys: vec![0; key_size * entries],
            values: vec![0; value_size * entries],
            fetched: 0,
            given: 0,
            state: State::Start,
            cursor: BatchCursor::new(),
        }
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> Option<Result<Entry<'_>, Error>> {
        if self.given == self.fetched {
            if let Err(e) = self.fetch() {
                self.state = State::End;
                self.fetched = 0;
                self.given = 0;
                return Some(Err(e));
            }
            if self.fetched == 0 {
                return None;
            }
        }
        let i = self.given;
        self.given += 1;
        let key = self.keys.get(i * self.key_size..(i + 1) * self.key_size)?;
        let value = self.values.get(i * self.value_size..(i + 1) * self.value_size)?;
        Some(Ok((key, value)))
    }

    /// Fills the buffers anew; no entries at the end.
    fn fetch(&mut self) -> Result<(), Error> {
        self.given = 0;
        self.fetched = 0;
        loop {
            match self.state {
                State::End => return Ok(()),
                State::Keys(left) => return self.fetch_one(left),
                State::Start | State::Batches => {
                    if self.fetch_batch()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// One batch. False: ask again, in another way.
    fn fetch_batch(&mut self) -> Result<bool, Error> {
        let first = self.state == State::Start;
        let capacity = self.keys.len() / self.key_size.max(1);
        let result = self.map.kernel().map_lookup_batch(
            self.map.map_fd(),
            &mut self.cursor,
            &mut self.keys,
            &mut self.values,
            ElemFlags::empty(),
        );
        match result {
            Ok((count, more)) => {
                self.state = if more { State::Batches } else { State::End };
                self.fetched = (count as usize).min(capacity);
                // No entries, and yet more to come: a stretch of empty buckets.
                Ok(self.fetched > 0 || !more)
            }
            // A bucket has more entries than there is room for. It cannot have more than the map.
            Err(e) if e.errno == Errno::ENOSPC && capacity < self.map.max_entries() as usize => {
                let larger = capacity.saturating_mul(2).min(self.map.max_entries() as usize);
                self.keys.resize(self.key_size * larger, 0);
                self.values.resize(self.value_size * larger, 0);
                Ok(false)
            }
            // Too old a kernel (5.5 and before), or a map without batches.
            Err(e) if first && matches!(e.errno, Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP) => {
                self.state = State::Keys(self.map.max_entries());
                self.keys.clear();
                self.values.resize(self.value_size, 0);
                Ok(false)
            }
            Err(e) => Err(self.map.failed(e)),
        }
    }

    /// One entry by its key.
    fn fetch_one(&mut self, mut left: u32) -> Result<(), Error> {
        let mut next = vec![0; self.key_size];
        while left > 0 {
            left -= 1;
            let last = (!self.keys.is_empty()).then_some(&*self.keys);
            let more = self.map.kernel().map_get_next_key(self.map.map_fd(), last, &mut next);
            if !more.map_err(|e| self.map.failed(e))? {
                break;
            }
            self.keys.clone_from(&next);
            // It may have gone since.
            if self.map.lookup_into(&self.keys, &mut self.values, ElemFlags::empty())? {
                self.state = State::Keys(left);
                self.fetched = 1;
                return Ok(());
            }
        }
        self.state = State::End;
        Ok(())
    }
}
