//! What stands before and behind the name in a declaration, kept by type: the same types are used again and again.

use std::ops::Range;

use crate::dump::text::Text;

/// What stands around names of one type: in its 32 lowest bits where that is in the text of all, then how long it is
/// before the name, with the space, how long behind, and whether there is a space.
#[derive(Clone, Copy)]
pub(super) struct Affix(u64);

impl Affix {
    #[inline]
    fn new(start: u32, before: u8, behind: u8, space: bool) -> Affix {
        Affix(u64::from(start) | u64::from(before) << 32 | u64::from(behind) << 40 | u64::from(space) << 48)
    }

    /// What [`bits`](Affix::bits) gave; zero for none.
    #[inline]
    pub(super) fn from_bits(bits: u64) -> Affix {
        Affix(bits)
    }

    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// There is always something before a name.
    #[inline]
    pub(super) fn is_known(self) -> bool {
        self.0 != 0
    }

    #[inline]
    pub(super) fn start(self) -> u32 {
        self.0 as u32
    }

    /// How long it is before the name, with the space.
    #[inline]
    pub(super) fn before(self) -> usize {
        usize::from((self.0 >> 32) as u8)
    }

    #[inline]
    pub(super) fn behind(self) -> usize {
        usize::from((self.0 >> 40) as u8)
    }

    /// How long it is before no name.
    #[inline]
    pub(super) fn without_space(self) -> usize {
        self.before().wrapping_sub((self.0 >> 48) as usize)
    }

    /// Where that is which stands behind the name.
    #[inline]
    pub(super) fn start_behind(self) -> u32 {
        self.start().wrapping_add(self.before() as u32)
    }
}

/// Longer ones are written anew each time.
const MOST: usize = 64;

/// The text of all.
pub(super) struct Affixes {
    text: Vec<u8>,
    /// How long it can get.
    limit: usize,
}

impl Affixes {
    /// For a BTF of so many bytes.
    pub(super) fn new(bytes: u64) -> Affixes {
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX).clamp(1 << 16, u32::MAX as usize);
        Affixes { text: Vec::new(), limit }
    }

    /// The text from there on.
    #[inline]
    pub(super) fn text(&self, start: u32) -> &[u8] {
        self.text.get(start as usize..).unwrap_or_default()
    }

    /// Keeps what stands around a name in `text`: something before it, perhaps a space, and perhaps something behind.
    pub(super) fn keep(
        &mut self,
        text: &Text,
        before: Range<usize>,
        space: bool,
        behind: Range<usize>,
    ) -> Option<Affix> {
        let len = before.len().saturating_add(behind.len());
        if len > MOST || self.text.len().saturating_add(len) > self.limit {
            return None;
        }
        // All below the limits.
        let start = self.text.len() as u32;
        self.add(text.onward(before.start), before.len());
        if space {
            self.text.push(b' ');
        }
        let before = (self.text.len() as u32).wrapping_sub(start) as u8;
        self.add(text.onward(behind.start), behind.len());
        Some(Affix::new(start, before, behind.len() as u8, space))
    }

    /// Adds the first so many bytes, with what comes behind them, as that is quicker than to copy exactly.
    fn add(&mut self, bytes: &[u8], len: usize) {
        let end = self.text.len().saturating_add(len);
        match bytes.first_chunk::<MOST>() {
            Some(block) => self.text.extend_from_slice(block),
            None => self.text.extend_from_slice(bytes.get(..len).unwrap_or(bytes)),
        }
        self.text.truncate(end);
    }
}
