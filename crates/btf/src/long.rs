//! Long strings of a section. Thousands of types may share one name of hundreds of kilobytes; its end is then not
//! looked for each time it is read, and its encoding is checked once.

use crate::words::c_str;

/// From this length on a string is long.
pub(crate) const LONG: usize = 256;

/// The long strings of a section, which is handed in each time.
#[derive(Clone)]
pub(crate) struct LongStrings {
    /// Where each starts, and its NUL.
    strings: Vec<(usize, usize)>,
    /// What of them is UTF-8, in pieces that end where something is not: where each starts, and a copy.
    texts: Vec<(usize, Box<str>)>,
}

impl LongStrings {
    pub(crate) fn of(section: &[u8]) -> LongStrings {
        let mut long = LongStrings { strings: Vec::new(), texts: Vec::new() };
        let mut start = 0usize;
        while let Some(s) = c_str(section, start) {
            let nul = start.saturating_add(s.len());
            if s.len() >= LONG {
                long.strings.push((start, nul));
                let mut at = start;
                for chunk in s.utf8_chunks() {
                    // What is shorter is read as short strings are.
                    if chunk.valid().len() >= LONG / 2 {
                        long.texts.push((at, chunk.valid().into()));
                    }
                    at = at.saturating_add(chunk.valid().len()).saturating_add(chunk.invalid().len());
                }
            }
            start = nul.saturating_add(1);
        }
        long
    }

    /// The NUL that ends the long string in which `off` is.
    pub(crate) fn nul(&self, off: usize) -> Option<usize> {
        let next = self.strings.partition_point(|&(_, nul)| nul < off);
        self.strings.get(next).filter(|&&(start, _)| start <= off).map(|&(_, nul)| nul)
    }

    /// The text from `off` on, up to the first byte that is not UTF-8.
    pub(crate) fn text(&self, off: usize) -> Option<&str> {
        let last = self.texts.partition_point(|&(start, _)| start <= off).checked_sub(1)?;
        let (start, text) = self.texts.get(last)?;
        text.get(off.checked_sub(*start)?..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_texts() {
        let mut section = b"\0short\0".to_vec();
        let start = section.len();
        section.extend([b'a'; 300]);
        section.push(0xff);
        section.extend("ä".repeat(200).bytes());
        let nul = section.len();
        section.extend(*b"\0end\0");
        let long = LongStrings::of(&section);
        for off in start..=nul {
            assert_eq!(long.nul(off), Some(nul));
        }
        for off in (0..start).chain(nul + 1..section.len() + 2) {
            assert_eq!(long.nul(off), None, "{off}");
        }
        assert_eq!(long.text(start + 1).map(str::len), Some(299));
        assert_eq!(long.text(start + 301).map(str::len), Some(400));
        assert_eq!(long.text(start + 302), None, "inside a character");
        assert_eq!(long.text(start + 300).map(str::len), Some(0), "what is no text");
        assert_eq!(long.text(start - 1), None);
    }
}
