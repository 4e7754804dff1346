//! The kernel's log of a load.

use std::borrow::Cow;

/// Where the verifier, or the checker of BTF, writes what it thinks.
///
/// Since Linux 6.4 a log that is too long keeps its end, which has the error, and says how long it would be;
/// before, it keeps its beginning, and the load fails with `ENOSPC`.
#[derive(Debug, Clone)]
pub struct LogBuf {
    level: u32,
    buf: Vec<u8>,
    true_size: Option<u32>,
}

impl LogBuf {
    /// Level: the error and what led to it.
    pub const ERRORS: u32 = 1;
    /// Level: every instruction looked at.
    pub const ALL: u32 = 2;
    /// Level: the verifier's statistics, since Linux 5.2. May be added to another.
    pub const STATS: u32 = 4;
    /// Level: keep the beginning of a log that is too long, as before Linux 6.4. May be added.
    pub const FIXED: u32 = 8;
    /// The largest buffer that every kernel since 5.2 takes.
    pub const MAX_SIZE: usize = u32::MAX as usize >> 2;

    /// An empty log with room for `size` bytes, at most [`MAX_SIZE`](Self::MAX_SIZE) (before Linux 5.2 at most
    /// 16 MiB, and at least 128 bytes everywhere before 6.4).
    pub fn new(level: u32, size: usize) -> Self {
        Self { level, buf: vec![0; size.min(Self::MAX_SIZE)], true_size: None }
    }

    /// The level asked for.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// How many bytes there is room for, the final NUL included.
    pub fn size(&self) -> usize {
        self.buf.len()
    }

    /// The text so far, without the final NUL. Bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        let end = self.buf.iter().position(|b| *b == 0).unwrap_or(self.buf.len());
        String::from_utf8_lossy(self.buf.get(..end).unwrap_or_default())
    }

    /// How long the log would have been in full, with the NUL; `None` before Linux 6.4.
    pub fn true_size(&self) -> Option<u32> {
        self.true_size
    }

    /// Whether some of it is missing. Before Linux 6.4 a guess: that there is no room left.
    pub fn is_truncated(&self) -> bool {
        match self.true_size {
            Some(n) => n as usize > self.buf.len(),
            None => {
                self.buf.len() > 1
                    && self.buf.iter().position(|b| *b == 0).is_none_or(|n| n + 1 >= self.buf.len())
            }
        }
    }

    /// Empties it for another call.
    pub(super) fn clear(&mut self) {
        // The kernel ends what it writes with a NUL; it need not write anything.
        if let Some(first) = self.buf.first_mut() {
            *first = 0;
        }
        self.true_size = None;
    }

    pub(super) fn parts(&mut self) -> (u32, &mut [u8]) {
        (self.level, &mut self.buf)
    }

    pub(super) fn set_true_size(&mut self, size: u32) {
        self.true_size = (size != 0).then_some(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(size: usize, text: &[u8], true_size: u32) -> LogBuf {
        let mut log = LogBuf::new(LogBuf::ERRORS, size);
        log.parts().1[..text.len()].copy_from_slice(text);
        log.set_true_size(true_size);
        log
    }

    #[test]
    fn text_ends_at_the_nul() {
        assert_eq!(filled(16, b"R1 bad\n\0", 0).text(), "R1 bad\n");
        assert_eq!(filled(4, b"full", 0).text(), "full");
        assert_eq!(filled(0, b"", 0).text(), "");
        assert_eq!(filled(4, &[0xff, 0], 0).text(), "\u{fffd}");
    }

    #[test]
    fn truncation() {
        assert!(!filled(16, b"short\0", 6).is_truncated());
        assert!(filled(6, b"short\0", 7).is_truncated());
        // A kernel that does not say how long it is.
        assert!(!filled(16, b"short\0", 0).is_truncated());
        assert!(filled(6, b"short\0", 0).is_truncated());
        assert!(!LogBuf::new(0, 0).is_truncated());
    }

    #[test]
    fn cleared_for_the_next_attempt() {
        let mut log = filled(16, b"old\0", 4);
        log.clear();
        assert_eq!((log.text().as_ref(), log.true_size()), ("", None));
    }
}
