//! A BTF as plain data, written without help of the crate under test.

use oxbpf_btf::{Endian, Kind};

use crate::random::Random;

/// A word of a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Word {
    Str(String),
    Id(u32),
    Num(u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ty {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) kflag: bool,
    pub(crate) vlen: u32,
    /// The third word of the type and those behind it.
    pub(crate) words: Vec<Word>,
}

impl Ty {
    pub(crate) fn new(kind: Kind, name: &str, words: Vec<Word>) -> Ty {
        Ty { kind, name: name.to_owned(), kflag: false, vlen: 0, words }
    }

    /// A type with entries, behind its third word.
    pub(crate) fn of_entries<const N: usize>(
        kind: Kind,
        name: &str,
        third: Word,
        entries: Vec<[Word; N]>,
    ) -> Ty {
        let vlen = entries.len() as u32;
        let words = std::iter::once(third).chain(entries.into_iter().flatten()).collect();
        Ty { vlen, ..Ty::new(kind, name, words) }
    }

    pub(crate) fn flagged(self, kflag: bool) -> Ty {
        Ty { kflag, ..self }
    }

    pub(crate) fn reference(kind: Kind, to: u32) -> Ty {
        Ty::new(kind, "", vec![Word::Id(to)])
    }

    pub(crate) fn ids_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.words.iter_mut().filter_map(|word| match word {
            Word::Id(id) => Some(id),
            _ => None,
        })
    }
}

/// The types of a BTF, or those that a split one adds.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// The id of the first.
    pub(crate) first: u32,
    pub(crate) types: Vec<Ty>,
}

impl Graph {
    pub(crate) fn new(first: u32) -> Graph {
        Graph { first, types: Vec::new() }
    }

    /// The id that the next type gets.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.types.len() as u32
    }

    pub(crate) fn add(&mut self, ty: Ty) -> u32 {
        self.types.push(ty);
        self.end() - 1
    }

    /// Puts the types into another order.
    pub(crate) fn shuffle(&mut self, random: &mut Random) {
        let mut order: Vec<u32> = (0..self.types.len() as u32).collect();
        random.shuffle(&mut order);
        let mut place = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old as usize] = self.first + new as u32;
        }
        let mut types: Vec<Ty> = order.iter().map(|&old| self.types[old as usize].clone()).collect();
        for id in types.iter_mut().flat_map(Ty::ids_mut).filter(|id| **id >= self.first) {
            *id = place[(*id - self.first) as usize];
        }
        self.types = types;
    }

    /// The raw BTF, with its strings in `strings`.
    pub(crate) fn write(&self, strings: &mut Strings, random: &mut Random, endian: Endian) -> Vec<u8> {
        let mut words = Vec::new();
        for ty in &self.types {
            words.push(strings.place(&ty.name, random));
            words.push(u32::from(ty.kflag) << 31 | (ty.kind as u32) << 24 | ty.vlen);
            words.extend(ty.words.iter().map(|word| match word {
                Word::Str(s) => strings.place(s, random),
                &Word::Id(n) | &Word::Num(n) => n,
            }));
        }
        let types_len = words.len() as u32 * 4;
        let word = |n: u32| match endian {
            Endian::Little => n.to_le_bytes(),
            Endian::Big => n.to_be_bytes(),
        };
        let magic = if endian == Endian::Little { [0x9f, 0xeb] } else { [0xeb, 0x9f] };
        let mut raw = vec![magic[0], magic[1], 1, 0];
        for n in [24, 0, types_len, types_len, strings.own.len() as u32] {
            raw.extend(word(n));
        }
        raw.extend(words.into_iter().flat_map(word));
        raw.extend(&strings.own);
        raw
    }
}

/// A string section, in one of the ways that strings can be written.
#[derive(Clone, Debug)]
pub(crate) struct Strings {
    /// Those of the base.
    base: Vec<u8>,
    own: Vec<u8>,
    /// In how many of a hundred cases a string that is there is written once more.
    again: u32,
}

impl Strings {
    pub(crate) fn new(again: u32) -> Strings {
        Strings { base: Vec::new(), own: vec![0], again }
    }

    /// Strings that continue these.
    pub(crate) fn split(&self, again: u32) -> Strings {
        let base = [&self.base[..], &self.own].concat();
        Strings { base, own: Vec::new(), again }
    }

    pub(crate) fn place(&mut self, s: &str, random: &mut Random) -> u32 {
        if s.is_empty() {
            return 0;
        }
        let with_nul: Vec<u8> = s.bytes().chain([0]).collect();
        if !random.percent(self.again) {
            // Also the end of another one.
            let find = |all: &[u8]| all.windows(with_nul.len()).position(|w| w == with_nul);
            if let Some(at) = find(&self.base) {
                return at as u32;
            }
            if let Some(at) = find(&self.own) {
                return (self.base.len() + at) as u32;
            }
        }
        let at = self.base.len() + self.own.len();
        self.own.extend(with_nul);
        at as u32
    }
}
