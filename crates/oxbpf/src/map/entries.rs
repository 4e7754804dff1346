//! All entries of a map, many at a time.

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{BatchCursor, Errno};

use super::Map;
use crate::error::{Error, Result};

/// Bytes of keys and values that one call asks for, about.
const BYTES: usize = 64 * 1024;
/// How often in a row an element may go just when it is to be read.
const RETRIES: u32 = 100;

/// A key and its value.
type Entry<'a> = (&'a [u8], &'a [u8]);

impl Map {
    /// All entries, in no order, many with one system call where the kernel can (5.6).
    ///
    /// A value has [`value_len`](Self::value_len) bytes. Entries that come or go meanwhile may or may not be among them.
    /// In a hash table an entry that stays comes once.
    #[doc(alias = "bpf_map_lookup_batch")]
    #[doc(alias = "bpf_map_get_next_key")]
    pub fn iter(&self) -> Entries<'_> {
        Entries::new(self, self.value_len())
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = Result<(Vec<u8>, Vec<u8>)>;
    type IntoIter = Entries<'m>;
    fn into_iter(self) -> Entries<'m> {
        self.iter()
    }
}

/// The entries of a map, fetched by `BPF_MAP_LOOKUP_BATCH` (Linux 5.6) or, where the map or the kernel has no
/// batches, key by key. See [`Map::iter`].
///
/// Of a hash table the kernel takes all entries of a bucket at once, so an entry that stays in the map meanwhile comes
/// exactly once. Key by key (and in LPM tries), if the key that was asked for last is deleted before its successor was,
/// the walk starts anew; then entries may come twice, and it ends after as many as the map can hold. The successor of an
/// entry is known before the entry is handed out, so that whoever walks may delete what it gets.
///
/// As an iterator it copies each entry; [`next_entry`](Self::next_entry) lends it.
#[derive(Debug)]
pub struct Entries<'m> {
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
    /// Entries at most, where the kernel may start over.
    left: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nothing fetched yet.
    Start,
    /// By batches; the number of refusals in a row.
    Batches(u32),
    /// Key by key; the next key.
    Keys(Vec<u8>),
    End,
}

impl<'m> Entries<'m> {
    pub(crate) fn new(map: &'m Map, value_size: usize) -> Self {
        let key_size = map.key_size() as usize;
        let entries = (BYTES / (key_size + value_size).max(1)).max(16);
        let entries = entries.min(map.max_entries().max(1) as usize);
        Entries {
            map,
            key_size,
            value_size,
            keys: vec![0; key_size * entries],
            values: vec![0; value_size * entries],
            fetched: 0,
            given: 0,
            state: State::Start,
            cursor: BatchCursor::new(),
            left: map.most_entries(),
        }
    }

    /// The next entry. An error is the last.
    #[inline]
    pub fn next_entry(&mut self) -> Option<Result<Entry<'_>>> {
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
    fn fetch(&mut self) -> Result<()> {
        self.given = 0;
        self.fetched = 0;
        loop {
            match &mut self.state {
                State::End => return Ok(()),
                State::Keys(next) => {
                    let next = std::mem::take(next);
                    return self.fetch_one(next);
                }
                State::Start => {
                    if self.fetch_batch(0)? {
                        return Ok(());
                    }
                }
                State::Batches(refused) => {
                    let refused = *refused;
                    if self.fetch_batch(refused)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// One batch. False: ask again, in another way.
    fn fetch_batch(&mut self, refused: u32) -> Result<bool> {
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
                self.fetched = (count as usize).min(capacity);
                if self.map.map_type() == MapType::LPM_TRIE {
                    self.fetched = self.fetched.min(self.left);
                    self.left -= self.fetched;
                }
                let more = more && self.left > 0;
                self.state = if more { State::Batches(0) } else { State::End };
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
            Err(e) if e.errno == Errno::EAGAIN && refused < RETRIES => {
                self.state = State::Batches(refused + 1);
                Ok(false)
            }
            // Too old a kernel (5.5 and before), or a map without batches.
            Err(e) if first && matches!(e.errno, Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP) => {
                self.values.resize(self.value_size, 0);
                self.keys.resize(self.key_size, 0);
                self.state = self.next_key(None)?;
                Ok(false)
            }
            Err(e) => Err(self.map.failed(e)),
        }
    }

    /// The entry with the key `next`, or the first after it that is still there.
    fn fetch_one(&mut self, mut next: Vec<u8>) -> Result<()> {
        loop {
            self.left = self.left.saturating_sub(1);
            std::mem::swap(&mut self.keys, &mut next);
            let there = self.map.lookup_into(&self.keys, &mut self.values, ElemFlags::empty())?;
            // Its buffer is the next one's.
            self.state = self.next_key(Some(next))?;
            if there {
                self.fetched = 1;
                return Ok(());
            }
            match &mut self.state {
                State::Keys(key) => next = std::mem::take(key),
                _ => return Ok(()),
            }
        }
    }

    /// The key after the one in `keys`, into `room`; the first, if there is no room yet.
    fn next_key(&self, room: Option<Vec<u8>>) -> Result<State> {
        let after = room.is_some().then_some(&*self.keys);
        let mut next = room.unwrap_or_else(|| vec![0; self.key_size]);
        let more = self.left > 0
            && self
                .map
                .kernel()
                .map_get_next_key(self.map.map_fd(), after, &mut next)
                .map_err(|e| self.map.failed(e))?;
        Ok(if more { State::Keys(next) } else { State::End })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_entry()?.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }
}
