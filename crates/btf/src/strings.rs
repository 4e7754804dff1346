//! The strings of a BTF and its base.

use std::borrow::Cow;

use crate::{Btf, Error, long::LONG, words::c_str};

impl Btf {
    /// The string at `off`, the base's strings included.
    #[doc(alias = "btf__str_by_offset")]
    pub fn str_at(&self, off: u32) -> Result<&str, Error> {
        let bytes = self.bytes_at(off)?;
        let text = self.text_at(off, bytes);
        if text.len() == bytes.len() { Ok(text) } else { Err(Error::NotUtf8 { offset: off }) }
    }

    /// The string at `off` with what is not UTF-8 replaced: source lines can be in any encoding.
    pub fn str_lossy_at(&self, off: u32) -> Result<Cow<'_, str>, Error> {
        Ok(String::from_utf8_lossy(self.bytes_at(off)?))
    }

    /// The bytes of the string at `off`, without the NUL.
    #[inline]
    pub fn bytes_at(&self, off: u32) -> Result<&[u8], Error> {
        let strs = self.strs_from(off).ok_or_else(|| self.no_such_string(off))?;
        let start = strs.get(..LONG).unwrap_or(strs);
        match c_str(start, 0) {
            Some(s) if s.len() < LONG => Ok(s),
            Some(_) => Ok(self.long_bytes(off, strs)),
            None => Err(self.no_such_string(off)),
        }
    }

    /// The strings of the BTF of the chain that holds `off`, from there on.
    #[inline]
    pub(crate) fn strs_from(&self, off: u32) -> Option<&[u8]> {
        let (owner, own) = self.owner_of(off)?;
        owner.own_strs().get(own..)
    }

    /// The BTF of the chain that holds the string at `off`, and where in its own strings that is.
    #[inline]
    fn owner_of(&self, off: u32) -> Option<(&Btf, usize)> {
        let mut owner = self;
        loop {
            match off.checked_sub(owner.first_str()) {
                Some(own) => return Some((owner, own as usize)),
                None => owner = owner.base()?,
            }
        }
    }

    /// A long string, which starts `strs`.
    #[cold]
    fn long_bytes<'a>(&'a self, off: u32, strs: &'a [u8]) -> &'a [u8] {
        let nul = self
            .owner_of(off)
            .and_then(|(owner, own)| owner.long_strings().nul(own).and_then(|nul| nul.checked_sub(own)));
        nul.and_then(|len| strs.get(..len)).or_else(|| c_str(strs, 0)).unwrap_or_default()
    }

    /// What of the string at `off`, which has these bytes, is text: all of it, or what comes before the first byte
    /// that is not UTF-8.
    pub(crate) fn text_at<'a>(&'a self, off: u32, bytes: &'a [u8]) -> &'a str {
        if let Some(start) = bytes.get(..LONG) {
            // Broken at once, or not before a character that goes on behind the start.
            let text = match std::str::from_utf8(start) {
                Err(e) if e.error_len().is_some() => None,
                _ => self.owner_of(off).and_then(|(owner, own)| owner.long_strings().text(own)),
            };
            return text.unwrap_or_else(|| valid(start));
        }
        valid(bytes)
    }

    /// Whether the string at `off` is `text`, which is cheaper to say than what it is.
    #[inline]
    pub fn str_is(&self, off: u32, text: &[u8]) -> bool {
        let end = self.strs_from(off).and_then(|s| s.strip_prefix(text)).and_then(|rest| rest.first());
        end == Some(&0) && !text.contains(&0)
    }

    /// Where the string `text` is, the base's strings first; of strings that are the same the first counts. Ends of
    /// other strings are not found.
    ///
    /// The first call builds an index of all strings.
    #[doc(alias = "btf__find_str")]
    pub fn find_str(&self, text: &str) -> Option<u32> {
        self.find_bytes(text.as_bytes())
    }

    pub(crate) fn find_bytes(&self, text: &[u8]) -> Option<u32> {
        if text.is_empty() {
            return Some(0);
        }
        if let Some(off) = self.base().and_then(|b| b.find_bytes(text)) {
            return Some(off);
        }
        let index = self.str_index();
        let own = index.find(self.own_strs(), index.hash(text), text)?;
        own.checked_add(self.first_str())
    }

    #[cold]
    fn no_such_string(&self, offset: u32) -> Error {
        Error::NoSuchString { offset, len: self.strs_end() }
    }
}

/// The text before the first byte that is not UTF-8.
#[inline]
fn valid(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(s) => s,
        Err(e) => bytes.get(..e.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default(),
    }
}
