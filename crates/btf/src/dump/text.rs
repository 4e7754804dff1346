//! The text as it grows: bytes, all of them ASCII but for names that the caller gave.

use crate::Error;

/// Shorter text is copied with what comes behind it: to copy so many bytes is quicker than to copy exactly.
const BLOCK: usize = 32;

/// A few bytes to be chosen from others, in a block.
pub(super) struct Short {
    block: [u8; BLOCK],
    len: usize,
}

impl Short {
    /// Of no more than a block.
    #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "checked by the compiler")]
    pub(super) const fn new(text: &str) -> Short {
        let (mut block, mut len) = ([0; BLOCK], 0);
        while len < text.len() {
            block[len] = text.as_bytes()[len];
            len += 1;
        }
        Short { block, len }
    }
}

/// A new line and its indentation.
#[derive(Clone, Copy)]
pub(super) struct Line {
    block: [u8; BLOCK],
    len: usize,
    level: u32,
}

impl Line {
    /// How deep it is indented.
    #[inline]
    pub(super) fn level(&self) -> u32 {
        self.level
    }
}

pub(super) struct Text {
    /// The text, and room for more, so that to write is to copy and no more.
    buf: Vec<u8>,
    len: usize,
    limit: u64,
    /// Of the limit, what was not handed over.
    left: u64,
    /// A new line, the indentation of many levels, and a block that is never written.
    line: Vec<u8>,
    /// How long the indentation of one level is.
    indent: usize,
}

/// How much room is made at once.
const MORE: usize = 1 << 12;

/// Levels up to this one are indented at once.
const LEVELS: u32 = 16;

impl Text {
    pub(super) fn new(indent: &str, limit: u64) -> Text {
        let line = [b"\n", indent.repeat(LEVELS as usize).as_bytes(), &[0; BLOCK]].concat();
        Text { buf: Vec::new(), len: 0, limit, left: limit, line, indent: indent.len() }
    }

    /// Makes sure that so many bytes do not have to be moved as they become more.
    pub(super) fn expect(&mut self, bytes: usize) {
        self.buf.reserve(bytes);
    }

    /// How much has been written and not handed over.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What has been written and not handed over from here on, and what stands behind it by chance.
    #[inline]
    pub(super) fn onward(&self, start: usize) -> &[u8] {
        self.buf.get(start..).unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn put(&mut self, text: &[u8]) {
        let end = self.len.wrapping_add(text.len());
        match self.buf.get_mut(self.len..end) {
            Some(room) => {
                room.copy_from_slice(text);
                self.len = end;
            }
            None => self.put_into_more(text),
        }
    }

    #[cold]
    fn put_into_more(&mut self, text: &[u8]) {
        self.buf.truncate(self.len);
        self.buf.extend_from_slice(text);
        self.len = self.buf.len();
        // Little at a time: it is still in the processor's cache when text goes there.
        self.buf.resize(self.len.saturating_add(MORE), 0);
    }

    /// Writes the first so many of these bytes. What is short is quicker to write with what comes behind it than to
    /// write exactly.
    #[inline(always)]
    pub(super) fn put_start(&mut self, bytes: &[u8], len: usize) {
        self.put_start_of::<BLOCK>(bytes, len);
    }

    /// The same with blocks of so many bytes.
    #[inline(always)]
    fn put_start_of<const N: usize>(&mut self, bytes: &[u8], len: usize) {
        if let (Some(block), Some(room)) = (bytes.first_chunk::<N>(), room(&mut self.buf, self.len))
            && len <= N
        {
            *room = *block;
            self.len = self.len.wrapping_add(len);
        } else {
            self.put(bytes.get(..len).unwrap_or(bytes));
        }
    }

    /// Writes one of several words.
    #[inline(always)]
    pub(super) fn put_short(&mut self, short: &Short) {
        self.put_start(&short.block, short.len);
    }

    /// A number in decimal.
    #[inline]
    pub(super) fn number(&mut self, n: u64) {
        // Most are small. How many digits they have cannot be foreseen, so that there is no branch on it.
        if n < 10_000 {
            let all = u32::from_le_bytes([n / 1000, n / 100 % 10, n / 10 % 10, n % 10].map(digit));
            let zeros = u32::from(n < 1000).wrapping_add(u32::from(n < 100)).wrapping_add(u32::from(n < 10));
            let digits = (all >> (zeros & 3).wrapping_mul(8)).to_le_bytes();
            return self.put_start_of::<4>(&digits, 4usize.wrapping_sub(zeros as usize));
        }
        self.long_number(n);
    }

    fn long_number(&mut self, n: u64) {
        let mut digits = [0u8; 20];
        let mut left = n;
        let mut used = 0usize;
        for place in digits.iter_mut().rev() {
            *place = digit(left % 10);
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
        self.put_line(&self.line_of(level));
    }

    /// The same, for those who write many.
    #[inline]
    pub(super) fn line_of(&self, level: u32) -> Line {
        let len = (level as usize).saturating_mul(self.indent).saturating_add(1);
        let len = if level <= LEVELS { len } else { usize::MAX };
        Line { block: self.line.first_chunk().copied().unwrap_or_default(), len, level }
    }

    #[inline(always)]
    pub(super) fn put_line(&mut self, line: &Line) {
        match room(&mut self.buf, self.len) {
            Some(room) if line.len <= BLOCK => {
                *room = line.block;
                self.len = self.len.wrapping_add(line.len);
            }
            _ => self.deep_line(line.level),
        }
    }

    #[cold]
    fn deep_line(&mut self, level: u32) {
        let line = std::mem::take(&mut self.line);
        let (new_line, indent) = line.split_at(1.min(line.len()));
        self.put(new_line);
        for _ in 0..level {
            self.put(indent.get(..self.indent).unwrap_or_default());
        }
        self.line = line;
    }

    /// Fails once there is more text than a BTF of this size can mean.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.len as u64 > self.left { Err(Error::DumpTooLarge { limit: self.limit }) } else { Ok(()) }
    }

    /// Everything that has not been handed over.
    pub(super) fn take(&mut self) -> String {
        self.left = self.left.saturating_sub(self.len as u64);
        let mut bytes = std::mem::take(&mut self.buf);
        bytes.truncate(std::mem::take(&mut self.len));
        String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    }

    /// Hands over what there is, and keeps the memory for more.
    pub(super) fn flush(&mut self, out: &mut dyn std::fmt::Write) -> Result<(), Error> {
        self.left = self.left.saturating_sub(self.len as u64);
        let text = self.buf.get(..self.len).unwrap_or_default();
        let written = match std::str::from_utf8(text) {
            Ok(text) => out.write_str(text),
            Err(_) => out.write_str(&String::from_utf8_lossy(text)),
        };
        self.len = 0;
        written.map_err(|_| Error::Writer)
    }

    /// Forgets what was not handed over.
    pub(super) fn discard(&mut self) {
        self.len = 0;
    }
}

/// A number below 10.
fn digit(n: u64) -> u8 {
    b'0'.wrapping_add(n as u8)
}

/// Room for a block, if there is any.
#[inline(always)]
fn room<const N: usize>(buf: &mut [u8], len: usize) -> Option<&mut [u8; N]> {
    buf.get_mut(len..)?.first_chunk_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let mut text = Text::new("\t", u64::MAX);
        let numbers = (0..12_000).chain([99_999, 100_000, 1 << 32, u64::MAX]);
        let mut expected = String::new();
        for n in numbers {
            text.number(n);
            text.put(b" ");
            expected += &format!("{n} ");
        }
        assert_eq!(text.take(), expected);
    }

    #[test]
    fn too_much_text() {
        let mut text = Text::new("\t", 5);
        text.put(b"four");
        text.flush(&mut String::new()).unwrap();
        text.put_short(&Short::new("x"));
        assert_eq!(text.check(), Ok(()));
        text.line(LEVELS + 1);
        assert_eq!(text.check(), Err(Error::DumpTooLarge { limit: 5 }));
        assert_eq!(text.take(), format!("x\n{}", "\t".repeat(LEVELS as usize + 1)));
    }
}
