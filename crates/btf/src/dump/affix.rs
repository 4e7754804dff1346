//! What stands before and behind the name in a declaration, kept by type: the same types are used again and again.

/// What stands around names of one type.
#[derive(Clone, Copy, Default)]
pub(super) struct Affix {
    /// Where it is in the text of all.
    pub(super) start: u32,
    /// How long it is before the name, with the space.
    pub(super) before: u8,
    pub(super) behind: u8,
    space: bool,
}

impl Affix {
    #[inline]
    pub(super) fn is_known(self) -> bool {
        self.before > 0
    }

    /// How long it is before no name.
    #[inline]
    pub(super) fn without_space(self) -> usize {
        usize::from(self.before).wrapping_sub(self.space.into())
    }

    /// Where that is which stands behind the name.
    #[inline]
    pub(super) fn start_behind(self) -> u32 {
        self.start.wrapping_add(self.before.into())
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

    /// Keeps what stands around a name: something before it, perhaps a space, and perhaps something behind it.
    pub(super) fn keep(&mut self, before: &[u8], space: bool, behind: &[u8]) -> Option<Affix> {
        let len = before.len().saturating_add(behind.len());
        if len > MOST || self.text.len().saturating_add(len) > self.limit {
            return None;
        }
        // All below the limits.
        let start = self.text.len() as u32;
        self.text.extend_from_slice(before);
        self.text.extend_from_slice(if space { b" " } else { b"" });
        let before = (self.text.len() as u32).wrapping_sub(start) as u8;
        self.text.extend_from_slice(behind);
        Some(Affix { start, before, behind: behind.len() as u8, space })
    }
}
