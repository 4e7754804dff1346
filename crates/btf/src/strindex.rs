//! Strings to their offsets: which of the strings of a section is where.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::words::c_str;

/// An index of strings of one section; the section itself is handed in each time. Of strings that are the same the
/// first counts.
#[derive(Clone, Default)]
pub(crate) struct StrIndex {
    known: HashTable<Entry>,
    /// How much of the section is in it.
    entered: usize,
    hash: RandomState,
}

#[derive(Clone, Copy)]
struct Entry {
    off: u32,
    /// A part of the hash: enough to tell nearly all others apart without looking at them.
    hash: u32,
}

/// A hash of 32 bits over all bits that a table looks at.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl StrIndex {
    /// An index of all strings of a section.
    pub(crate) fn of(section: &[u8]) -> StrIndex {
        let mut index = StrIndex::default();
        index.enter(section);
        index
    }

    #[inline]
    pub(crate) fn hash(&self, s: &[u8]) -> u32 {
        (self.hash.hash_one(s) >> 32) as u32
    }

    /// Where `s` is, if it is in what was entered.
    #[inline]
    pub(crate) fn find(&self, section: &[u8], hash: u32, s: &[u8]) -> Option<u32> {
        let same = |e: &Entry| e.hash == hash && is_at(section, e.off, s);
        self.known.find(spread(hash), same).map(|e| e.off)
    }

    /// Adds a string that is not there yet, which now ends the section.
    pub(crate) fn add(&mut self, hash: u32, off: u32, section_len: usize) {
        self.known.insert_unique(spread(hash), Entry { off, hash }, |e| spread(e.hash));
        self.entered = section_len;
    }

    /// Makes room for as many strings as a section of this length may have.
    pub(crate) fn reserve_for(&mut self, section_len: usize) {
        // The average name of a kernel has 17 bytes.
        self.known.reserve(section_len / 20, |e| spread(e.hash));
    }

    /// Enters what was not entered yet.
    pub(crate) fn enter(&mut self, section: &[u8]) {
        if self.entered >= section.len() {
            return;
        }
        self.reserve_for(section.len().saturating_sub(self.entered));
        let mut off = self.entered;
        while let Some(s) = c_str(section, off) {
            let hash = self.hash(s);
            // Offsets of what was read have 32 bits. The empty string is at 0, and needs no index.
            if !s.is_empty() && self.find(section, hash, s).is_none() {
                self.add(hash, off as u32, section.len());
            }
            off = off.saturating_add(s.len()).saturating_add(1);
        }
        self.entered = section.len();
    }
}

/// Whether the string at `off` is `s`.
#[inline]
pub(crate) fn is_at(section: &[u8], off: u32, s: &[u8]) -> bool {
    let rest = section.get(off as usize..).and_then(|rest| rest.strip_prefix(s));
    rest.is_some_and(|rest| rest.first().is_none_or(|&b| b == 0))
}
