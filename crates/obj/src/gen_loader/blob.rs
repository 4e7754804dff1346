//! The data that a loader works on.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::Endian;

/// Beyond this no instruction can point into a map's value.
const MAX: usize = 1 << 29;

/// It grows piece by piece; each begins at a multiple of 8.
#[derive(Debug)]
pub(super) struct Blob {
    bytes: Vec<u8>,
    endian: Endian,
    /// More was to be put in than instructions can point to.
    pub(super) full: bool,
}

impl Blob {
    pub(super) fn new(endian: Endian) -> Self {
        Self { bytes: Vec::new(), endian, full: false }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of all of it, as the kernel's words.
    pub(super) fn hash(&self) -> [u64; 4] {
        let hash: [u8; 32] = Sha256::digest(&self.bytes).into();
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
            *word = match self.endian {
                Endian::Little => u64::from_le_bytes(*bytes),
                Endian::Big => u64::from_be_bytes(*bytes),
            };
        }
        words
    }

    /// Appends bytes; where they are.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Range<u32> {
        self.room(bytes.len(), |blob| blob.extend_from_slice(bytes))
    }

    /// Appends zeros.
    pub(super) fn zeros(&mut self, len: usize) -> Range<u32> {
        self.room(len, |_| ())
    }

    /// Appends a string and a NUL; where they are.
    pub(super) fn string(&mut self, text: &str) -> Range<u32> {
        self.room(text.len().saturating_add(1), |blob| blob.extend_from_slice(text.as_bytes()))
    }

    /// Appends words in the byte order of the loader.
    pub(super) fn words(&mut self, words: impl Iterator<Item = u32>) -> Range<u32> {
        let endian = self.endian;
        let bytes: Vec<u8> = words.flat_map(|word| to_bytes(word, endian)).collect();
        self.add(&bytes)
    }

    pub(super) fn attr(&mut self, attr: Attr) -> u32 {
        self.add(&attr.bytes).start
    }

    /// Room for `len` bytes, of which `fill` appends the first.
    fn room(&mut self, len: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Range<u32> {
        let start = self.bytes.len();
        let end = start.saturating_add(len);
        if self.full || end > MAX {
            self.full = true;
            return 0..0;
        }
        fill(&mut self.bytes);
        self.bytes.resize(end.next_multiple_of(8), 0);
        // Both are below MAX.
        start as u32..end as u32
    }
}

fn to_bytes(word: u32, endian: Endian) -> [u8; 4] {
    match endian {
        Endian::Little => word.to_le_bytes(),
        Endian::Big => word.to_be_bytes(),
    }
}

/// A `union bpf_attr` in the making. Places are the kernel's.
#[derive(Debug)]
pub(super) struct Attr {
    bytes: Vec<u8>,
    endian: Endian,
}

impl Attr {
    pub(super) fn new(len: usize, endian: Endian) -> Self {
        Self { bytes: vec![0; len], endian }
    }

    pub(super) fn u32(mut self, at: u32, value: u32) -> Self {
        self.put(at, &to_bytes(value, self.endian));
        self
    }

    pub(super) fn u64(mut self, at: u32, value: u64) -> Self {
        let bytes = match self.endian {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        };
        self.put(at, &bytes);
        self
    }

    /// A name: of the kernel's 16 bytes the last stays NUL.
    pub(super) fn name(mut self, at: u32, name: &str) -> Self {
        let name = name.as_bytes();
        self.put(at, name.get(..15).unwrap_or(name));
        self
    }

    fn put(&mut self, at: u32, value: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at as usize..).and_then(|rest| rest.get_mut(..value.len())) {
            place.copy_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_begin_at_multiples_of_eight() {
        let mut blob = Blob::new(Endian::Big);
        assert_eq!(blob.string("abc"), 0..4);
        assert_eq!(blob.words([1, 2, 3].into_iter()), 8..20);
        assert_eq!(blob.zeros(1), 24..25);
        assert_eq!(blob.into_bytes(), b"abc\0\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn what_cannot_be_pointed_to_is_not_allocated() {
        let mut blob = Blob::new(Endian::Little);
        blob.zeros(MAX);
        assert!(!blob.full);
        assert_eq!(blob.add(&[1]), 0..0);
        assert!(blob.full);
        assert_eq!(blob.into_bytes().len(), MAX);
    }

    #[test]
    fn attributes_are_in_the_byte_order_asked_for() {
        let attr = Attr::new(12, Endian::Big).u32(0, 7).u64(4, 9).u32(100, 1);
        assert_eq!(attr.bytes, [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9]);
        let named = Attr::new(16, Endian::Little).name(0, "a_name_that_is_too_long");
        assert_eq!(named.bytes, b"a_name_that_is_\0");
    }
}
