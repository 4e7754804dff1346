//! Strings as attributes hold them.

use std::ffi::CStr;
use std::marker::PhantomData;

/// Strings as an array of pointers, as the kernel takes a list of symbols.
pub(crate) struct CStrings<'a> {
    pointers: Vec<*const libc::c_char>,
    strings: PhantomData<&'a CStr>,
}

impl<'a> CStrings<'a> {
    pub(crate) fn new(list: &[&'a CStr]) -> Self {
        Self { pointers: list.iter().map(|s| s.as_ptr()).collect(), strings: PhantomData }
    }

    pub(super) fn pointers(&self) -> &[*const libc::c_char] {
        &self.pointers
    }
}

/// A name in a field of 16 bytes: cut to 15 bytes and with what the kernel does not take in a name replaced
/// by `_`, as an object's names may be longer than the kernel's.
pub(crate) fn object_name(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    for (o, b) in out.iter_mut().take(15).zip(name.bytes()) {
        *o = if b.is_ascii_alphanumeric() || b == b'_' || b == b'.' { b } else { b'_' };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cmd;
    use crate::attr::Attr;

    #[test]
    fn strings_come_back() {
        let list = CStrings::new(&[c"one", c"two"]);
        let mut attr = Attr::new(Cmd::LINK_CREATE, &crate::uapi::LinkCreateAttr::default());
        attr.strings("syms", 24, &list);
        assert_eq!(attr.strings_of("syms").unwrap(), [c"one", c"two"]);
        assert_eq!(attr.strings_of("addrs"), None);
    }

    #[test]
    fn names_are_cut_and_cleaned() {
        assert_eq!(&object_name("events"), b"events\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(&object_name("a_very_long_name_indeed"), b"a_very_long_nam\0");
        assert_eq!(&object_name("my-map.x")[..8], b"my_map.x");
    }
}
