//! Names in C are unique in their space: tags of structs, unions and enums are one, typedefs and enumerators
//! another. A BTF can have many types of one name; those after the first get `___2`, `___3` and so on.

use std::{borrow::Cow, hash::BuildHasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Only so much of a name is hashed: see the index of names.
const HASHED: usize = 128;

/// What a tag is declared as. C takes one name for only one of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Struct,
    Union,
    Enum,
    /// Of the other space.
    None,
}

#[derive(Default)]
pub(super) struct Names<'a> {
    hash: RandomState,
    table: HashTable<Entry<'a>>,
}

struct Entry<'a> {
    name: Cow<'a, [u8]>,
    hash: u64,
    /// How many have this name.
    count: u32,
    /// Whether the first of them is more than declared.
    defined: bool,
    tag: Tag,
}

impl<'a> Names<'a> {
    fn hash(&self, name: &[u8]) -> u64 {
        self.hash.hash_one(name.get(..HASHED).unwrap_or(name))
    }

    /// Takes a name for something that is defined. None if it may have it as it is, otherwise the name that it
    /// gets.
    pub(super) fn define(&mut self, name: &'a [u8], tag: Tag) -> Option<Vec<u8>> {
        self.take(Cow::Borrowed(name), tag, true)
    }

    /// The same for a name that was made up.
    pub(super) fn define_made(&mut self, name: Vec<u8>, tag: Tag) -> Vec<u8> {
        let renamed = self.take(Cow::Owned(name.clone()), tag, true);
        renamed.unwrap_or(name)
    }

    /// The same for what is only declared: it shares its name with what is defined so, unless that is
    /// something else.
    pub(super) fn declare(&mut self, name: &'a [u8], tag: Tag) -> Option<Vec<u8>> {
        self.take(Cow::Borrowed(name), tag, false)
    }

    #[inline]
    fn take(&mut self, name: Cow<'a, [u8]>, tag: Tag, define: bool) -> Option<Vec<u8>> {
        let hash = self.hash(&name);
        let Some(known) = self.table.find_mut(hash, |e| e.hash == hash && e.name == name) else {
            let entry = Entry { name, hash, count: 1, defined: define, tag };
            self.table.insert_unique(hash, entry, |e| e.hash);
            return None;
        };
        if known.tag == tag && !(define && known.defined) {
            known.defined |= define;
            return None;
        }
        let count = known.count.saturating_add(1);
        Some(self.numbered(&name, hash, count, tag))
    }

    /// The name with a number, or with the next that is free.
    #[cold]
    fn numbered(&mut self, name: &[u8], hash: u64, count: u32, tag: Tag) -> Vec<u8> {
        let mut count = count;
        let made = loop {
            let made = [name, b"___", count.to_string().as_bytes()].concat();
            let hash = self.hash(&made);
            if self.table.find(hash, |e| e.hash == hash && *e.name == *made).is_none() {
                let entry = Entry { name: Cow::Owned(made.clone()), hash, count: 1, defined: true, tag };
                self.table.insert_unique(hash, entry, |e| e.hash);
                break made;
            }
            count = count.saturating_add(1);
        };
        // The next one goes on from here.
        if let Some(known) = self.table.find_mut(hash, |e| e.hash == hash && *e.name == *name) {
            known.count = count;
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_its_own() {
        let mut names = Names::default();
        let text = |n: Option<Vec<u8>>| n.map(|n| String::from_utf8(n).unwrap());
        assert_eq!(names.define(b"a", Tag::Struct), None);
        assert_eq!(text(names.define(b"a", Tag::Union)).unwrap(), "a___2");
        assert_eq!(text(names.define(b"a", Tag::Struct)).unwrap(), "a___3");
        // A type that has such a name of its own.
        assert_eq!(names.define(b"b___2", Tag::Enum), None);
        assert_eq!(names.define(b"b", Tag::Enum), None);
        assert_eq!(text(names.define(b"b", Tag::Enum)).unwrap(), "b___3");
        assert_eq!(text(names.define(b"a___2", Tag::Struct)).unwrap(), "a___2___2");
        // Declarations and the definition.
        assert_eq!(names.declare(b"c", Tag::Struct), None);
        assert_eq!(names.declare(b"c", Tag::Struct), None);
        assert_eq!(names.define(b"c", Tag::Struct), None);
        assert_eq!(text(names.declare(b"c", Tag::Union)).unwrap(), "c___2");
        assert_eq!(names.declare(b"d", Tag::Union), None);
        assert_eq!(text(names.define(b"d", Tag::Struct)).unwrap(), "d___2");
    }
}
