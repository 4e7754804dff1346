//! Names in C are unique in their space: tags of structs, unions and enums are one, typedefs and enumerators
//! another. A BTF can have many types of one name; those after the first get `___2`, `___3` and so on.

use std::hash::BuildHasher;

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
    /// Names of the BTF.
    given: HashTable<Entry<&'a [u8]>>,
    /// The few that are made up.
    made: HashTable<Entry<Box<[u8]>>>,
}

struct Entry<N> {
    name: N,
    taken: Taken,
}

/// By whom a name is taken: the lowest bits say as what, one more whether that is more than declared, and the others
/// how many have it.
#[derive(Clone, Copy)]
struct Taken(u32);

const TAG: u32 = 3;
const DEFINED: u32 = 4;
const COUNT: u32 = 3;

impl Taken {
    fn first(tag: Tag, defined: bool) -> Taken {
        Taken(tag as u32 | if defined { DEFINED } else { 0 } | 1 << COUNT)
    }

    fn is(self, tag: Tag) -> bool {
        self.0 & TAG == tag as u32
    }

    fn defined(self) -> bool {
        self.0 & DEFINED != 0
    }

    fn define(&mut self) {
        self.0 |= DEFINED;
    }

    fn count(self) -> u32 {
        self.0 >> COUNT
    }

    fn set_count(&mut self, count: u32) {
        self.0 = self.0 & (TAG | DEFINED) | count << COUNT;
    }
}

fn hash_of(hash: &RandomState, name: &[u8]) -> u64 {
    hash.hash_one(name.get(..HASHED).unwrap_or(name))
}

impl<'a> Names<'a> {
    /// Makes room for so many names of the BTF.
    pub(super) fn expect(&mut self, names: usize) {
        self.given.reserve(names, |entry| hash_of(&self.hash, entry.name));
    }

    /// Takes a name for something that is defined. None if it may have it as it is, otherwise the name that it
    /// gets.
    pub(super) fn define(&mut self, name: &'a [u8], tag: Tag) -> Option<Vec<u8>> {
        self.take(name, tag, true)
    }

    /// The same for a name that was made up.
    pub(super) fn define_made(&mut self, name: Vec<u8>, tag: Tag) -> Vec<u8> {
        let hash = hash_of(&self.hash, &name);
        match self.find(hash, &name) {
            Some(taken) => share(taken, tag, true).map(|count| self.numbered(&name, hash, count, tag)),
            None => {
                self.insert_made(&name, hash, tag);
                None
            }
        }
        .unwrap_or(name)
    }

    /// The same for what is only declared: it shares its name with what is defined so, unless that is
    /// something else.
    pub(super) fn declare(&mut self, name: &'a [u8], tag: Tag) -> Option<Vec<u8>> {
        self.take(name, tag, false)
    }

    #[inline]
    fn take(&mut self, name: &'a [u8], tag: Tag, define: bool) -> Option<Vec<u8>> {
        let hash = hash_of(&self.hash, name);
        if let Some(taken) = self.find(hash, name) {
            let count = share(taken, tag, define)?;
            return Some(self.numbered(name, hash, count, tag));
        }
        let entry = Entry { name, taken: Taken::first(tag, define) };
        self.given.insert_unique(hash, entry, |entry| hash_of(&self.hash, entry.name));
        None
    }

    #[inline]
    fn find(&mut self, hash: u64, name: &[u8]) -> Option<&mut Taken> {
        match self.given.find_mut(hash, |entry| entry.name == name) {
            Some(entry) => Some(&mut entry.taken),
            None => self.made.find_mut(hash, |entry| *entry.name == *name).map(|entry| &mut entry.taken),
        }
    }

    fn insert_made(&mut self, name: &[u8], hash: u64, tag: Tag) {
        let entry = Entry { name: name.into(), taken: Taken::first(tag, true) };
        self.made.insert_unique(hash, entry, |entry| hash_of(&self.hash, &entry.name));
    }

    /// The name with a number, or with the next that is free.
    #[cold]
    fn numbered(&mut self, name: &[u8], hash: u64, count: u32, tag: Tag) -> Vec<u8> {
        let mut count = count;
        let made = loop {
            let made = [name, b"___", count.to_string().as_bytes()].concat();
            let hash = hash_of(&self.hash, &made);
            if self.find(hash, &made).is_none() {
                self.insert_made(&made, hash, tag);
                break made;
            }
            count = count.saturating_add(1);
        };
        // The next one goes on from here.
        if let Some(taken) = self.find(hash, name) {
            taken.set_count(count);
        }
        made
    }
}

/// Whether another may have this name as well: if not, which number it gets.
fn share(taken: &mut Taken, tag: Tag, define: bool) -> Option<u32> {
    if taken.is(tag) && !(define && taken.defined()) {
        if define {
            taken.define();
        }
        return None;
    }
    Some(taken.count().saturating_add(1))
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
