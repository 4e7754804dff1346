//! The text as it grows: bytes, all of them ASCII but for names that the caller gave.

use crate::Error;

pub(super) struct Text {
    buf: Vec<u8>,
    /// Bytes that were handed over.
    flushed: u64,
    limit: u64,
    /// A new line and the indentation of many levels.
    line: Vec<u8>,
    /// How long the indentation of one level is.
    indent: usize,
}

/// Levels up to this one are indented at once.
const LEVELS: u32 = 16;

impl Text {
    pub(super) fn new(indent: &str, limit: u64) -> Text {
        let line = [b"\n", indent.repeat(LEVELS as usize).as_bytes()].concat();
        Text { buf: Vec::new(), flushed: 0, limit, line, indent: indent.len() }
    }

    /// Makes room for so many bytes, most of which will come: to grow step by step costs more than to write.
    pub(super) fn expect(&mut self, bytes: usize) {
        self.buf.reserve(bytes);
    }

    #[inline]
    pub(super) fn put(&mut self, text: &[u8]) {
        self.buf.extend_from_slice(text);
    }

    /// A number in decimal.
    pub(super) fn number(&mut self, n: u64) {
        let mut digits = [0u8; 20];
        let mut left = n;
        let mut used = 0usize;
        for digit in digits.iter_mut().rev() {
            // Below 10.
            *digit = b'0'.wrapping_add((left % 10) as u8);
            left /= 10;
            used = used.wrapping_add(1);
            if left == 0 {
                break;
            }
        }
        let start = digits.len().wrapping_sub(used);
        self.put(digits.get(start..).unwrap_or_default());
    }

    /// A number with its sign.
    pub(super) fn signed(&mut self, n: i128) {
        if n < 0 {
            self.put(b"-");
        }
        // Values of BTF have 64 bits.
        self.number(n.unsigned_abs() as u64);
    }

    /// A new line, indented by so many levels.
    #[inline]
    pub(super) fn line(&mut self, level: u32) {
        let len = (level.min(LEVELS) as usize).wrapping_mul(self.indent).wrapping_add(1);
        self.buf.extend_from_slice(self.line.get(..len).unwrap_or(b"\n"));
        for _ in LEVELS..level {
            self.buf.extend_from_slice(self.line.get(1..self.indent.wrapping_add(1)).unwrap_or_default());
        }
    }

    /// Fails once there is more text than a BTF of this size can mean.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.flushed.saturating_add(self.buf.len() as u64) > self.limit {
            return Err(Error::DumpTooLarge { limit: self.limit });
        }
        Ok(())
    }

    /// Everything that has not been handed over.
    pub(super) fn take(&mut self) -> String {
        self.flushed = self.flushed.saturating_add(self.buf.len() as u64);
        into_string(std::mem::take(&mut self.buf))
    }

    /// Hands over what there is, and keeps the memory for more.
    pub(super) fn flush(&mut self, out: &mut dyn std::fmt::Write) -> Result<(), Error> {
        self.flushed = self.flushed.saturating_add(self.buf.len() as u64);
        let written = match std::str::from_utf8(&self.buf) {
            Ok(text) => out.write_str(text),
            Err(_) => out.write_str(&String::from_utf8_lossy(&self.buf)),
        };
        self.buf.clear();
        written.map_err(|_| Error::Writer)
    }

    /// Forgets what was not handed over.
    pub(super) fn discard(&mut self) {
        self.buf.clear();
    }
}

fn into_string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}
