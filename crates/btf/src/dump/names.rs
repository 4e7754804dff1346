//! Names in C are unique in their space: tags of structs, unions and enums are one, typedefs and enumerators
//! another. A BTF can have many types of one name; those after the first get `___2`, `___3` and so on.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::dump::reader::Reader;

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
pub(super) struct Names {
    hash: RandomState,
    /// Small entries, as each look-up is somewhere else in it.
    taken: HashTable<Entry>,
    /// The few that are made up.
    made: Vec<Box<[u8]>>,
}

struct Entry {
    /// Where the name is in the strings, or its number among those that are made up.
    at: u32,
    taken: Taken,
}

impl Entry {
    fn is(&self, name: &[u8], reader: &Reader<'_>, made: &[Box<[u8]>]) -> bool {
        if self.taken.made() {
            return made.get(self.at as usize).is_some_and(|made| **made == *name);
        }
        let strs = reader.onward(self.at);
        strs.starts_with(name) && strs.get(name.len()).is_none_or(|&b| b == 0)
    }
}

/// By whom a name is taken: the lowest bits say as what, one whether that is more than declared, one whether the name
/// is made up, and the others how many have it.
#[derive(Clone, Copy)]
struct Taken(u32);

const TAG: u32 = 3;
const DEFINED: u32 = 1 << 2;
const MADE: u32 = 1 << 3;
const COUNT: u32 = 4;

impl Taken {
    fn first(tag: Tag, defined: bool) -> Taken {
        Taken(tag as u32 | if defined { DEFINED } else { 0 } | 1 << COUNT)
    }

    fn made(self) -> bool {
        self.0 & MADE != 0
    }

    fn tag(self) -> Tag {
        match self.0 & TAG {
            0 => Tag::Struct,
            1 => Tag::Union,
            2 => Tag::Enum,
            _ => Tag::None,
        }
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
        self.0 = self.0 & (TAG | DEFINED | MADE) | count << COUNT;
    }
}

fn hash_of(hash: &RandomState, name: &[u8]) -> u64 {
    let mut hasher = hash.build_hasher();
    hasher.write(name.get(..HASHED).unwrap_or(name));
    hasher.finish()
}

impl Names {
    /// With room for so many.
    pub(super) fn expecting(names: usize) -> Names {
        Names { taken: HashTable::with_capacity(names), ..Names::default() }
    }

    /// Takes a name for something that is defined: where it is in the strings, and what it is. None if it may have it
    /// as it is, otherwise the name that it gets.
    #[inline]
    pub(super) fn define(&mut self, reader: &Reader<'_>, at: u32, name: &[u8], tag: Tag) -> Option<Vec<u8>> {
        self.take(reader, name, Entry { at, taken: Taken::first(tag, true) })
    }

    /// The same for what is only declared: it shares its name with what is defined so, unless that is
    /// something else.
    pub(super) fn declare(&mut self, reader: &Reader<'_>, at: u32, name: &[u8], tag: Tag) -> Option<Vec<u8>> {
        self.take(reader, name, Entry { at, taken: Taken::first(tag, false) })
    }

    /// Takes a name that was made up for something that is defined.
    pub(super) fn define_made(&mut self, reader: &Reader<'_>, name: Vec<u8>, tag: Tag) -> Vec<u8> {
        // No BTF has room for as many names as this counts.
        let entry = Entry { at: self.made.len() as u32, taken: Taken(Taken::first(tag, true).0 | MADE) };
        match self.take(reader, &name, entry) {
            Some(other) => other,
            None => {
                self.made.push(name.as_slice().into());
                name
            }
        }
    }

    #[inline]
    fn take(&mut self, reader: &Reader<'_>, name: &[u8], entry: Entry) -> Option<Vec<u8>> {
        let Self { hash, taken, made } = self;
        let hashed = hash_of(hash, name);
        if let Some(found) = taken.find_mut(hashed, |entry| entry.is(name, reader, made)) {
            let count = share(&mut found.taken, entry.taken)?;
            return Some(self.numbered(reader, name, count, entry.taken));
        }
        taken.insert_unique(hashed, entry, |entry| match made.get(entry.at as usize) {
            Some(made) if entry.taken.made() => hash_of(hash, made),
            _ => hash_of(hash, reader.name(entry.at)),
        });
        None
    }

    /// The name with a number, or with the next that is free.
    #[cold]
    fn numbered(&mut self, reader: &Reader<'_>, name: &[u8], count: u32, taken: Taken) -> Vec<u8> {
        let mut count = count;
        let made = loop {
            let made = [name, b"___", count.to_string().as_bytes()].concat();
            if self.find(reader, &made).is_none() {
                break self.define_made(reader, made, taken.tag());
            }
            count = count.saturating_add(1);
        };
        // The next one goes on from here.
        if let Some(taken) = self.find(reader, name) {
            taken.set_count(count);
        }
        made
    }

    fn find(&mut self, reader: &Reader<'_>, name: &[u8]) -> Option<&mut Taken> {
        let Self { hash, taken, made } = self;
        let entry = taken.find_mut(hash_of(hash, name), |entry| entry.is(name, reader, made));
        entry.map(|entry| &mut entry.taken)
    }
}

/// Whether another may have this name as well: if not, which number it gets.
fn share(taken: &mut Taken, other: Taken) -> Option<u32> {
    if taken.tag() == other.tag() && !(other.defined() && taken.defined()) {
        if other.defined() {
            taken.define();
        }
        return None;
    }
    Some(taken.count().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Btf, BtfBuilder};

    /// The names of a BTF, each with where it is.
    fn given<const N: usize>(btf: &Btf) -> [u32; N] {
        let mut types = btf.types();
        std::array::from_fn(|_| types.next().unwrap().name_off())
    }

    #[test]
    fn each_gets_its_own() {
        let mut b = BtfBuilder::new();
        for name in ["a", "b", "b___2", "a___2", "c", "d"] {
            b.add_fwd(name, false).unwrap();
        }
        let btf = b.build().unwrap();
        let reader = Reader::new(&btf);
        let [a, b, b2, a2, c, d] = given(&btf);
        let mut names = Names::default();
        let text = |n: Option<Vec<u8>>| n.map(|n| String::from_utf8(n).unwrap());
        let define = |names: &mut Names, at, tag| text(names.define(&reader, at, reader.name(at), tag));
        assert_eq!(define(&mut names, a, Tag::Struct), None);
        assert_eq!(define(&mut names, a, Tag::Union).unwrap(), "a___2");
        assert_eq!(define(&mut names, a, Tag::Struct).unwrap(), "a___3");
        // A type that has such a name of its own.
        assert_eq!(define(&mut names, b2, Tag::Enum), None);
        assert_eq!(define(&mut names, b, Tag::Enum), None);
        assert_eq!(define(&mut names, b, Tag::Enum).unwrap(), "b___3");
        assert_eq!(define(&mut names, a2, Tag::Struct).unwrap(), "a___2___2");
        // Declarations and the definition.
        let declare = |names: &mut Names, at, tag| text(names.declare(&reader, at, reader.name(at), tag));
        assert_eq!(declare(&mut names, c, Tag::Struct), None);
        assert_eq!(declare(&mut names, c, Tag::Struct), None);
        assert_eq!(define(&mut names, c, Tag::Struct), None);
        assert_eq!(declare(&mut names, c, Tag::Union).unwrap(), "c___2");
        assert_eq!(declare(&mut names, d, Tag::Union), None);
        assert_eq!(define(&mut names, d, Tag::Struct).unwrap(), "d___2");
        // More than there was room for.
        let more: Vec<_> =
            (0..100).map(|i| names.define_made(&reader, format!("m{i}").into(), Tag::None)).collect();
        assert_eq!((&more[7][..], define(&mut names, d, Tag::Union)), (&b"m7"[..], None));
    }
}
