//! What a type refers to, for those who ask about all types: found through a table, as no branch on the kind could be
//! foreseen.

use crate::{
    Kind,
    parse::{KIND_MASK, KIND_SHIFT, VLEN_MASK},
    words::{Order, Word},
};

/// The types that one refers to, but for those of functions, and results of prototypes.
pub(super) struct References<'a> {
    words: &'a [Word],
    order: Order,
    next: usize,
    step: usize,
    left: u32,
}

impl<'a> References<'a> {
    /// Those of a type with this second word, and these behind it.
    #[inline]
    pub(super) fn of(info: u32, words: &'a [Word], order: Order) -> References<'a> {
        let kind = (info >> KIND_SHIFT & KIND_MASK) as usize;
        let places = PLACES.get(kind).copied().unwrap_or(Places::NONE);
        let left = places.fixed | info & VLEN_MASK & places.each;
        References { words, order, next: places.first.into(), step: places.step.into(), left }
    }
}

impl References<'_> {
    /// The first word behind the head: what a pointer or modifier refers to, and the result of a prototype.
    #[inline]
    pub(super) fn first_word(&self) -> u32 {
        self.words.first().map_or(0, |&word| self.order.u32(word))
    }
}

impl Iterator for References<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let &id = self.words.get(self.next)?;
        self.next = self.next.wrapping_add(self.step);
        Some(self.order.u32(id))
    }
}

/// Where references of a kind are, behind the first two words.
#[derive(Clone, Copy)]
struct Places {
    first: u8,
    step: u8,
    /// How many there are, or all bits if each entry has one.
    fixed: u32,
    each: u32,
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "checked by the compiler")]
const PLACES: [Places; KIND_MASK as usize + 1] = {
    let (mut table, mut i) = ([Places::NONE; KIND_MASK as usize + 1], 0);
    while i < Kind::ALL.len() {
        table[i] = Places::of(Kind::ALL[i]);
        i += 1;
    }
    table
};

impl Places {
    const NONE: Places = Places { first: 0, step: 0, fixed: 0, each: 0 };

    /// One in each entry.
    const fn entries(first: u8, step: u8) -> Places {
        Places { first, step, fixed: 0, each: u32::MAX }
    }

    const fn of(kind: Kind) -> Places {
        match kind {
            // Half of all types are functions, and they refer to prototypes, which nobody asks about.
            Kind::Func => Places::NONE,
            // That a prototype's result counts for nothing here is libbpf's.
            Kind::FuncProto => Places::entries(2, 2),
            Kind::Struct | Kind::Union => Places::entries(2, 3),
            Kind::Datasec => Places::entries(1, 3),
            Kind::Array => Places { first: 1, step: 1, fixed: 2, each: 0 },
            _ if kind.has_target() => Places { first: 0, step: 0, fixed: 1, each: 0 },
            _ => Places::NONE,
        }
    }
}
