//! What was found out about each type: its layout, and what stands around names that are declared so. Side by side, as
//! who writes a member needs both.

use crate::dump::{affix::Affix, layout::Layout};

/// The layout of a type, and the affix. As numbers, as memory full of zeros is there at once.
type Memo = [u64; 2];

pub(super) struct Memos {
    /// Empty until the first layout is known: a few declarations are not worth it.
    of: Vec<Memo>,
    count: usize,
}

impl Memos {
    /// For so many types.
    pub(super) fn new(count: usize) -> Memos {
        Memos { of: Vec::new(), count }
    }

    #[inline]
    pub(super) fn layout(&self, id: u32) -> Layout {
        self.of.get(id as usize).map_or(Layout::default(), |&[layout, _]| Layout::from_bits(layout))
    }

    #[inline]
    pub(super) fn affix(&self, id: u32) -> Option<Affix> {
        self.of.get(id as usize).map(|&[_, affix]| Affix::from_bits(affix)).filter(|affix| affix.is_known())
    }

    pub(super) fn set_layout(&mut self, id: u32, layout: Layout) {
        if self.of.is_empty() {
            self.of = vec![[0; 2]; self.count];
        }
        if let Some([of_type, _]) = self.of.get_mut(id as usize) {
            *of_type = layout.bits();
        }
    }

    /// Whether affixes are kept.
    pub(super) fn in_use(&self) -> bool {
        !self.of.is_empty()
    }

    pub(super) fn set_affix(&mut self, id: u32, affix: Affix) {
        if let Some([_, of_type]) = self.of.get_mut(id as usize) {
            *of_type = affix.bits();
        }
    }
}
