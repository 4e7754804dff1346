//! Elements of a map as bytes.

use oxbpf_sys::{Errno, SysError, uapi::ElemFlags};

use super::Map;
use crate::error::{Error, Result};

impl Map {
    /// Bytes of a value as it is read and written here: for per-CPU maps the value of every possible CPU, each rounded
    /// up to 8 bytes.
    pub fn value_len(&self) -> usize {
        self.map_fd().value_len()
    }

    /// The value of `key`, `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    #[doc(alias = "bpf_map__lookup_elem")]
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut value = vec![0; self.value_len()];
        Ok(self.lookup_into(key, &mut value, ElemFlags::empty())?.then_some(value))
    }

    /// Reads the value of `key` into `value`, which is [`value_len`](Self::value_len) bytes; false if there is none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`].
    pub fn lookup_into(&self, key: &[u8], value: &mut [u8], flags: ElemFlags) -> Result<bool> {
        self.check("key", self.key_size() as usize, key.len())?;
        self.check("value", self.value_len(), value.len())?;
        self.found(self.kernel().map_lookup_elem(self.map_fd(), key, value, flags))
    }

    /// Reads the value of `key` into `value` and deletes the element (4.20 for queues and stacks, 5.14 for hashes);
    /// false if there is none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_and_delete_elem")]
    pub fn lookup_and_delete(&self, key: &[u8], value: &mut [u8]) -> Result<bool> {
        self.check("key", self.key_size() as usize, key.len())?;
        self.check("value", self.value_len(), value.len())?;
        self.found(self.kernel().map_lookup_and_delete_elem(self.map_fd(), key, value, ElemFlags::empty()))
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `E2BIG` if the map is full or an index is beyond its end, `EEXIST` and
    /// `ENOENT` as `flags` ask, `EPERM` if it is frozen.
    #[doc(alias = "bpf_map_update_elem")]
    #[doc(alias = "bpf_map__update_elem")]
    pub fn update(&self, key: &[u8], value: &[u8], flags: ElemFlags) -> Result<()> {
        self.check("key", self.key_size() as usize, key.len())?;
        self.check("value", self.value_len(), value.len())?;
        self.kernel().map_update_elem(self.map_fd(), key, value, flags).map_err(|source| self.failed(source))
    }

    /// Deletes the element with `key`; false if there was none.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`]: `EINVAL` for arrays, whose elements stay.
    #[doc(alias = "bpf_map_delete_elem")]
    #[doc(alias = "bpf_map__delete_elem")]
    pub fn delete(&self, key: &[u8]) -> Result<bool> {
        self.check("key", self.key_size() as usize, key.len())?;
        self.found(self.kernel().map_delete_elem(self.map_fd(), key, ElemFlags::empty()))
    }

    /// The key after `key`, or the first for `None` and for a key that is not there; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Size`]; [`Error::Map`].
    #[doc(alias = "bpf_map_get_next_key")]
    #[doc(alias = "bpf_map__get_next_key")]
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        if let Some(key) = key {
            self.check("key", self.key_size() as usize, key.len())?;
        }
        let mut next = vec![0; self.key_size() as usize];
        let more = self
            .kernel()
            .map_get_next_key(self.map_fd(), key, &mut next)
            .map_err(|source| self.failed(source))?;
        Ok(more.then_some(next))
    }

    /// All keys, one system call each.
    ///
    /// Elements that come and go meanwhile may be missed or seen twice; if the one at hand is deleted by someone else,
    /// the walk of a hash begins anew. It ends all the same: after as many keys as the map holds at most.
    pub fn keys(&self) -> Keys<'_> {
        Keys { map: self, last: None, left: self.max_entries() }
    }

    fn check(&self, what: &'static str, expected: usize, got: usize) -> Result<()> {
        if expected == got {
            return Ok(());
        }
        Err(Error::Size { map: self.name().to_owned(), what, expected, got })
    }

    /// "No such element" is an answer, not an error.
    fn found(&self, outcome: Result<(), SysError>) -> Result<bool> {
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if error.errno == Errno::ENOENT => Ok(false),
            Err(source) => Err(self.failed(source)),
        }
    }
}

/// The keys of a map; see [`Map::keys`].
#[derive(Debug)]
pub struct Keys<'m> {
    map: &'m Map,
    last: Option<Vec<u8>>,
    left: u32,
}

impl Iterator for Keys<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        match self.map.next_key(self.last.as_deref()) {
            Ok(Some(key)) => {
                self.last = Some(key.clone());
                Some(Ok(key))
            }
            Ok(None) => {
                self.left = 0;
                None
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}
