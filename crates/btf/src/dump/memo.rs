//! What was found out about each type: its layout, and what stands around names that are declared so. Side by side, as
//! who writes a member needs both.

use crate::dump::{affix::Affix, layout::Layout};

#[derive(Clone, Copy, Default)]
struct Memo {
    layout: Layout,
    affix: Affix,
}

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
        self.of.get(id as usize).map(|memo| memo.layout).unwrap_or_default()
    }

    #[inline]
    pub(super) fn affix(&self, id: u32) -> Option<Affix> {
        self.of.get(id as usize).map(|memo| memo.affix).filter(|affix| affix.is_known())
    }

    pub(super) fn set_layout(&mut self, id: u32, layout: Layout) {
        if self.of.is_empty() {
            self.of = vec![Memo::default(); self.count];
        }
        if let Some(memo) = self.of.get_mut(id as usize) {
            memo.layout = layout;
        }
    }

    /// Whether affixes are kept.
    pub(super) fn in_use(&self) -> bool {
        !self.of.is_empty()
    }

    pub(super) fn set_affix(&mut self, id: u32, affix: Affix) {
        if let Some(memo) = self.of.get_mut(id as usize) {
            memo.affix = affix;
        }
    }
}
