//! The names of sections and symbols, each once, in the order in which they come.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::error::LinkerProblem;

pub(super) struct StrTab {
    bytes: Vec<u8>,
    /// Where each string starts.
    index: HashTable<u32>,
    hasher: FixedState,
    /// Bytes that may still come: names of a file can be ends of each other, and would be written out.
    left: usize,
}

impl StrTab {
    pub(super) fn new() -> Self {
        let mut strings =
            Self { bytes: Vec::new(), index: HashTable::new(), hasher: FixedState::default(), left: 1024 };
        // It fits.
        let _ = strings.add("");
        strings
    }

    /// Allows for the names of a file of so many bytes.
    pub(super) fn allow(&mut self, file: usize) {
        self.left = self.left.saturating_add(file.saturating_mul(4)).saturating_add(64 * 1024);
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<u32> {
        self.index.find(self.hasher.hash_one(name), |&at| is_at(&self.bytes, at, name)).copied()
    }

    /// Where the name is, which has no NUL.
    pub(super) fn add(&mut self, name: &str) -> Result<u32, LinkerProblem> {
        let hash = self.hasher.hash_one(name.as_bytes());
        if let Some(&at) = self.index.find(hash, |&at| is_at(&self.bytes, at, name.as_bytes())) {
            return Ok(at);
        }
        let too_large = LinkerProblem::TooLarge { what: "names" };
        let left = self.left.checked_sub(name.len().saturating_add(1));
        let (Some(left), Ok(at)) = (left, u32::try_from(self.bytes.len())) else { return Err(too_large) };
        self.left = left;
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        let (bytes, hasher) = (&self.bytes, &self.hasher);
        self.index.insert_unique(hash, at, |&at| hasher.hash_one(string(bytes, at)));
        Ok(at)
    }

    /// The string that was added at `at`.
    pub(super) fn get(&self, at: u32) -> &str {
        std::str::from_utf8(string(&self.bytes, at)).unwrap_or_default()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn is_at(bytes: &[u8], at: u32, name: &[u8]) -> bool {
    let rest = bytes.get(at as usize..).and_then(|rest| rest.strip_prefix(name));
    rest.and_then(<[u8]>::first) == Some(&0)
}

fn string(bytes: &[u8], at: u32) -> &[u8] {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    rest.split(|&b| b == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_there_once() {
        let mut names = StrTab::new();
        let at = [".text", "", "a", ".text", "text"].map(|name| names.add(name).unwrap());
        assert_eq!(at, [1, 0, 7, 1, 9]);
        assert_eq!(names.as_bytes(), b"\0.text\0a\0text\0");
        assert_eq!((names.find(b"a"), names.find(b"b"), names.get(9)), (Some(7), None, "text"));
    }

    #[test]
    fn names_are_bounded_by_the_files() {
        let mut names = StrTab::new();
        let long = "n".repeat(1000);
        assert!(names.add(&long).is_ok());
        assert!(names.add(&long[1..]).is_err());
        names.allow(0);
        assert!(names.add(&long[1..]).is_ok());
    }
}
