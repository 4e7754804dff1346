//! Looking for a name without an index: making one takes longer than going through all types once or twice.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    Btf, Header, Kind, TypeId,
    long::LONG,
    parse::{KIND_MASK, KIND_SHIFT},
};

/// How often types are gone through before an index is made.
const SCANS: u32 = 2;

/// Counts look-ups until there are enough to be worth an index.
#[derive(Default)]
pub(crate) struct Patience(AtomicU32);

impl Clone for Patience {
    fn clone(&self) -> Self {
        Patience(AtomicU32::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Patience {
    /// Whether to go through the types once more.
    pub(crate) fn is_left(&self) -> bool {
        // Nothing else depends on the count; a scan too many by another thread does no harm.
        self.0.load(Ordering::Relaxed) < SCANS && self.0.fetch_add(1, Ordering::Relaxed) < SCANS
    }
}

/// Tells types of one name. A long name is compared once with each string that has its length, however many types
/// share that.
pub(crate) struct SameName<'a> {
    name: &'a [u8],
    known: HashMap<u32, bool>,
}

impl<'a> SameName<'a> {
    pub(crate) fn new(name: &'a [u8]) -> Self {
        SameName { name, known: HashMap::new() }
    }

    #[inline]
    pub(crate) fn is(&mut self, ty: &Header<'_>) -> bool {
        if self.name.len() < LONG {
            return ty.name_is(self.name);
        }
        *self.known.entry(ty.name_off()).or_insert_with(|| ty.name_bytes() == self.name)
    }
}

/// The first own type of this name and kind. `name` is not empty.
pub(crate) fn scan(btf: &Btf, name: &[u8], kind: Kind) -> Option<TypeId> {
    let (words, order, strs, first_str) = (btf.type_words(), btf.order(), btf.own_strs(), btf.first_str());
    let in_base = |off: u32| btf.base().is_some_and(|b| b.str_is(off, name));
    let is_here = |off: u32| match off.checked_sub(first_str) {
        Some(own) => {
            let rest = strs.get(own as usize..).and_then(|s| s.strip_prefix(name));
            rest.and_then(|rest| rest.first()) == Some(&0)
        }
        None => in_base(off),
    };
    let own = btf.offsets().iter().position(|&at| {
        let head = words.get(at as usize..).and_then(|w| w.first_chunk::<2>());
        head.is_some_and(|&[off, info]| {
            order.u32(info) >> KIND_SHIFT & KIND_MASK == kind as u32 && is_here(order.u32(off))
        })
    });
    own.map(|own| TypeId(btf.first_id().0.wrapping_add(own as u32)))
}
