use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::{Error, words::c_str};

/// Strings, each of which is there once.
#[derive(Clone, Default)]
pub(super) struct Strings {
    pub(super) bytes: Vec<u8>,
    /// Offset of the first in the numbering that includes the base's.
    first: u32,
    known: HashTable<u32>,
    /// How much of `bytes` is in `known`; strings that were read are entered when the first is added.
    entered: usize,
    hash: foldhash::fast::RandomState,
}

impl Strings {
    /// `first`: the offset of the first byte in the numbering that includes the base's.
    pub(super) fn new(bytes: Vec<u8>, first: u32) -> Strings {
        Strings { bytes, first, ..Strings::default() }
    }

    /// The string at `off`, if it is not one of the base.
    pub(super) fn get(&self, off: u32) -> Option<&[u8]> {
        c_str(&self.bytes, off.checked_sub(self.first)? as usize)
    }

    /// Where `s` is, if it is there.
    pub(super) fn find(&mut self, s: &[u8]) -> Option<u32> {
        self.enter();
        let at = |off: u32| c_str(&self.bytes, off as usize).unwrap_or_default();
        let found = self.known.find(self.hash.hash_one(s), |&off| at(off) == s);
        found.map(|off| off.saturating_add(self.first))
    }

    /// From now on the first byte has this offset.
    pub(super) fn set_first(&mut self, first: u32) {
        self.first = first;
    }

    /// Where `s` is, in the numbering that includes the base's strings. `own_empty`: there is no base to have
    /// the empty string.
    pub(super) fn add(&mut self, s: &[u8], own_empty: bool) -> Result<u32, Error> {
        if self.bytes.is_empty() && own_empty {
            self.bytes.push(0);
        }
        self.enter();
        let hash = self.hash.hash_one(s);
        let bytes = &self.bytes;
        let at = |off: u32| c_str(bytes, off as usize).unwrap_or_default();
        if let Some(&off) = self.known.find(hash, |&off| at(off) == s) {
            return Ok(off.saturating_add(self.first));
        }
        let own = u32::try_from(self.bytes.len());
        let end = self.bytes.len().saturating_add(s.len()).saturating_add(1);
        let (Ok(own), Some(_)) = (own, u32::try_from(end).ok().and_then(|e| e.checked_add(self.first)))
        else {
            return Err(Error::TooMany { what: "strings" });
        };
        self.bytes.extend_from_slice(s);
        self.bytes.push(0);
        let (bytes, hasher) = (&self.bytes, &self.hash);
        self.known
            .insert_unique(hash, own, |&off| hasher.hash_one(c_str(bytes, off as usize).unwrap_or_default()));
        self.entered = self.bytes.len();
        Ok(own.saturating_add(self.first))
    }

    /// Enters the strings that were read.
    fn enter(&mut self) {
        let (bytes, hasher) = (&self.bytes, &self.hash);
        let mut off = self.entered;
        while let Some(s) = c_str(bytes, off).filter(|_| off < bytes.len()) {
            let hash = hasher.hash_one(s);
            let same = |&o: &u32| c_str(bytes, o as usize) == Some(s);
            if !s.is_empty() && self.known.find(hash, same).is_none() {
                let rehash = |&o: &u32| hasher.hash_one(c_str(bytes, o as usize).unwrap_or_default());
                // Offsets of what was read have 32 bits.
                self.known.insert_unique(hash, off as u32, rehash);
            }
            off = off.saturating_add(s.len()).saturating_add(1);
        }
        self.entered = self.bytes.len();
    }
}
