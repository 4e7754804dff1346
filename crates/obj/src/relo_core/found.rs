//! What a relocation comes to.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use oxbpf_btf::{CoreRelo, CoreReloKind, TypeId};

use super::{
    Cause,
    candidates::Candidate,
    describe::shortened,
    error::{CandidateName, Problem},
    value::Change,
};

/// What a relocation comes to. The same one, in many places of an object, is resolved once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resolution {
    Change(Change),
    Unresolved(Cause),
}

/// What relocations are alike in that come to the same.
type Key = (TypeId, u32, CoreReloKind);

/// What most relocations come to, in few words: there are many of them.
#[derive(Clone, Copy, Debug)]
enum Brief {
    /// A [`Change`] from one value to another, and no more.
    Values { old: u32, new: u32 },
    /// What it is stands at this place of [`Resolved::long`].
    Long(u32),
}

fn key(relo: &CoreRelo) -> Key {
    (relo.ty, relo.access_str_off, relo.kind)
}

/// What relocations have come to so far.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// In the order in which they came. A hash table of entries of this size would leave much memory empty, and be there
    /// twice while it grows.
    all: Vec<(Key, Brief)>,
    /// What cannot be said briefly.
    long: Vec<Resolution>,
    /// Places in [`all`](Self::all).
    places: HashTable<u32>,
    hasher: RandomState,
}

impl Resolved {
    /// With room for so many, if they are not too many.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { all: Vec::with_capacity(count.min(1 << 16)), ..Self::default() }
    }

    pub(super) fn get(&self, relo: &CoreRelo) -> Option<Resolution> {
        let (_, brief) = *self.all.get(self.place(key(relo))?)?;
        match brief {
            Brief::Values { old, new } => {
                Some(Resolution::Change(Change { old: Some(old.into()), new: new.into(), resize: None }))
            }
            Brief::Long(place) => self.long.get(place as usize).copied(),
        }
    }

    fn place(&self, key: Key) -> Option<usize> {
        let is_it = |place: &u32| self.all.get(*place as usize).is_some_and(|(other, _)| *other == key);
        self.places.find(self.hasher.hash_one(key), is_it).map(|place| *place as usize)
    }

    /// Adds one, or replaces what was known.
    pub(super) fn insert(&mut self, relo: &CoreRelo, resolution: Resolution) {
        let key = key(relo);
        let known = self.place(key);
        // A file has no room for more relocations.
        let Ok(place) = u32::try_from(self.all.len()) else { return };
        let Some(brief) = self.brief(resolution) else { return };
        if let Some(known) = known.and_then(|place| self.all.get_mut(place)) {
            known.1 = brief;
            return;
        }
        self.all.push((key, brief));
        let hash_of =
            |place: &u32| self.all.get(*place as usize).map_or(0, |(key, _)| self.hasher.hash_one(key));
        self.places.insert_unique(self.hasher.hash_one(key), place, hash_of);
    }

    fn brief(&mut self, resolution: Resolution) -> Option<Brief> {
        if let Resolution::Change(Change { old: Some(old), new, resize: None }) = resolution
            && let (Ok(old), Ok(new)) = (u32::try_from(old), u32::try_from(new))
        {
            return Some(Brief::Values { old, new });
        }
        let place = u32::try_from(self.long.len()).ok()?;
        self.long.push(resolution);
        Some(Brief::Long(place))
    }
}

/// What was found for a relocation: the first of the types that fit.
#[derive(Clone, Debug)]
pub(crate) struct Found<'t> {
    pub(crate) candidate: Candidate<'t>,
    /// The access there: members, those without a name too, elements, or an enumerator. Empty for a whole type.
    pub(crate) path: Vec<u32>,
}

/// Where a relocation leads.
#[derive(Clone, Debug)]
pub(crate) enum Trace<'t> {
    /// To something in a target; the instruction changes from one value, if it can be told, to another.
    To { found: Found<'t>, old: Option<u64>, new: u64 },
    /// Nowhere, and the value says so; or it has a value that no target is needed for.
    Value(u64),
    /// Nowhere, and no value is right.
    Nowhere(Cause),
}

/// What the candidates so far agree on.
pub(super) struct Agreed<'t> {
    pub(super) found: Found<'t>,
    pub(super) bits: i64,
    pub(super) change: Change,
}

impl Agreed<'_> {
    pub(super) fn check(&self, other: Candidate<'_>, bits: i64, change: Change) -> Result<(), Problem> {
        if bits != self.bits {
            return Err(Problem::AmbiguousOffset {
                first: name_of(self.found.candidate),
                first_bits: self.bits,
                second: name_of(other),
                second_bits: bits,
            });
        }
        if change.new != self.change.new {
            return Err(Problem::AmbiguousValue {
                first: name_of(self.found.candidate),
                first_value: self.change.new,
                second: name_of(other),
                second_value: change.new,
            });
        }
        Ok(())
    }
}

pub(crate) fn name_of(candidate: Candidate<'_>) -> Box<CandidateName> {
    let Candidate { target, id, .. } = candidate;
    let (kind, name) = match target.btf.get(id) {
        Ok(ty) => (ty.kind(), shortened(ty.name())),
        Err(_) => (oxbpf_btf::Kind::Void, String::new()),
    };
    Box::new(CandidateName { target: target.name.to_owned(), id, kind, name })
}
