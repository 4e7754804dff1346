//! Names to types: a hash table of chains in two arrays, 8 bytes a type, built in one pass when the first
//! name is looked up.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::{Btf, words::c_str};

/// Only so much of a name is hashed. Otherwise a file whose types all share one long name would cost its
/// square.
const HASHED: usize = 128;

#[derive(Clone)]
pub(crate) struct Index {
    hash: RandomState,
    /// First type of each chain, plus 1; the length is a power of two.
    heads: Vec<u32>,
    /// For each own type the next in its chain, plus 1. Chains ascend.
    next: Vec<u32>,
}

impl Index {
    pub(crate) fn build(btf: &Btf) -> Index {
        let n = btf.offsets().len();
        let mut index =
            Index { hash: RandomState::default(), heads: vec![0; n.next_power_of_two()], next: vec![0; n] };
        // Each type is put at the front of its chain, so go from the last to the first.
        for h in btf.headers().rev() {
            let own = h.id.0.wrapping_sub(btf.first_id().0);
            if h.name_off() == 0 {
                continue;
            }
            let Some(name) = h.name_onward() else { continue };
            let slot = index.slot(cut(name));
            if let (Some(head), Some(next)) = (index.heads.get_mut(slot), index.next.get_mut(own as usize)) {
                *next = std::mem::replace(head, own.saturating_add(1));
            }
        }
        index
    }

    #[inline]
    fn slot(&self, name: &[u8]) -> usize {
        let mask = self.heads.len().wrapping_sub(1);
        self.hash.hash_one(name) as usize & mask
    }

    /// Numbers of own types (from 0) that may have this name, ascending.
    pub(crate) fn candidates(&self, name: &[u8]) -> impl Iterator<Item = u32> + '_ {
        let slot = self.slot(cut(name));
        let first = if name.is_empty() { 0 } else { self.heads.get(slot).copied().unwrap_or(0) };
        std::iter::successors(first.checked_sub(1), |&own| {
            self.next.get(own as usize).and_then(|n| n.checked_sub(1))
        })
    }
}

/// The part of a name that is hashed.
#[inline]
fn cut(name: &[u8]) -> &[u8] {
    let name = name.get(..HASHED).unwrap_or(name);
    c_str(name, 0).unwrap_or(name)
}
