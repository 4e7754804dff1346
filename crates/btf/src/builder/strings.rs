use crate::{
    Error,
    strindex::{StrIndex, is_at},
    words::c_str,
};

/// Strings, each of which is there once.
#[derive(Clone, Default)]
pub(crate) struct Strings {
    pub(crate) bytes: Vec<u8>,
    /// Offset of the first in the numbering that includes the base's.
    first: u32,
    /// Strings that were read are entered when the first is added.
    index: StrIndex,
    /// How many bytes were read: strings in them may be there twice, and the first counts.
    read: usize,
    /// Where the string behind the last one asked for begins: names come in the order that they came in before, when a
    /// struct comes again.
    next: u32,
}

impl Strings {
    /// `first`: the offset of the first byte in the numbering that includes the base's.
    pub(crate) fn new(bytes: Vec<u8>, first: u32) -> Strings {
        Strings { read: bytes.len(), bytes, first, ..Strings::default() }
    }

    /// The offset of the first byte.
    pub(crate) fn first(&self) -> u32 {
        self.first
    }

    /// The string at `off`, if it is not one of the base.
    #[inline]
    pub(crate) fn get(&self, off: u32) -> Option<&[u8]> {
        c_str(&self.bytes, off.checked_sub(self.first)? as usize)
    }

    /// Where `s` is, if it is there.
    pub(super) fn find(&mut self, s: &[u8]) -> Option<u32> {
        self.index.enter(&self.bytes);
        let found = self.index.find(&self.bytes, self.index.hash(s), s);
        found.map(|off| off.saturating_add(self.first))
    }

    /// From now on the first byte has this offset.
    pub(super) fn set_first(&mut self, first: u32) {
        self.first = first;
    }

    /// Where `s` is, in the numbering that includes the base's strings. `own_empty`: there is no base to have
    /// the empty string.
    pub(crate) fn add(&mut self, s: &[u8], own_empty: bool) -> Result<u32, Error> {
        if self.bytes.is_empty() && own_empty {
            self.bytes.push(0);
        }
        if self.next as usize >= self.read && !s.is_empty() && is_at(&self.bytes, self.next, s) {
            return Ok(self.found(self.next, s));
        }
        self.index.enter(&self.bytes);
        let hash = self.index.hash(s);
        if let Some(off) = self.index.find(&self.bytes, hash, s) {
            return Ok(self.found(off, s));
        }
        let own = u32::try_from(self.bytes.len());
        let end = self.bytes.len().saturating_add(s.len()).saturating_add(1);
        let (Ok(own), Some(_)) = (own, u32::try_from(end).ok().and_then(|e| e.checked_add(self.first)))
        else {
            return Err(Error::TooMany { what: "strings" });
        };
        self.bytes.extend_from_slice(s);
        self.bytes.push(0);
        self.index.add(hash, own, self.bytes.len());
        Ok(self.found(own, s))
    }

    /// The offset to answer for the string `s`, which is at `own`.
    #[inline]
    fn found(&mut self, own: u32, s: &[u8]) -> u32 {
        self.next = own.saturating_add(s.len() as u32).saturating_add(1);
        own.saturating_add(self.first)
    }
}
