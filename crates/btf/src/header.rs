//! The 24 bytes that BTF starts with, and the beginning that `.BTF.ext` has in common with it.

use crate::{Endian, Error, words::Order};

pub(crate) const MAGIC: u16 = 0xeb9f;
pub(crate) const HEADER_LEN: u32 = 24;

/// magic, version, flags, hdr_len; then 32-bit fields up to `hdr_len`.
pub(crate) struct Preamble {
    pub(crate) endian: Endian,
    pub(crate) hdr_len: u32,
}

impl Preamble {
    /// Reads what BTF and `.BTF.ext` share. `min` is the shortest header.
    pub(crate) fn read(data: &[u8], what: &'static str, min: u32) -> Result<Preamble, Error> {
        let got = data.len() as u64;
        let truncated = |expected: u64| Error::HeaderTruncated { what, expected, got };
        let Some(&[m0, m1, version, flags, l0, l1, l2, l3]) = data.first_chunk::<8>() else {
            return Err(truncated(u64::from(min)));
        };
        let magic = u16::from_ne_bytes([m0, m1]);
        let endian = if magic == MAGIC {
            Endian::NATIVE
        } else if magic == MAGIC.swap_bytes() {
            Endian::NATIVE.other()
        } else {
            return Err(Error::Magic { what, got: magic });
        };
        if version != 1 {
            return Err(Error::Version { what, got: version });
        }
        if flags != 0 {
            return Err(Error::Flags { what, got: flags });
        }
        let hdr_len = Order::of(endian).u32([l0, l1, l2, l3]);
        if hdr_len < min {
            return Err(Error::HeaderLength { what, expected: min, got: hdr_len });
        }
        if got < u64::from(hdr_len) {
            return Err(truncated(u64::from(hdr_len)));
        }
        Ok(Preamble { endian, hdr_len })
    }

    /// Fields behind the `known` bytes belong to a later format; they change nothing as long as they are zero.
    pub(crate) fn tail_is_zero(&self, data: &[u8], what: &'static str, known: u32) -> Result<(), Error> {
        let tail = data.get(known as usize..self.hdr_len as usize).unwrap_or_default();
        match tail.iter().position(|&b| b != 0) {
            None => Ok(()),
            Some(i) => Err(Error::HeaderTail { what, offset: u64::from(known).saturating_add(i as u64) }),
        }
    }
}

/// Where the parts of a BTF are, in bytes from its start; all inside the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) endian: Endian,
    pub(crate) types: usize,
    pub(crate) types_len: usize,
    pub(crate) strs: usize,
    pub(crate) strs_len: usize,
}

impl Layout {
    pub(crate) fn read(data: &[u8], split: bool) -> Result<Layout, Error> {
        const WHAT: &str = "BTF";
        let pre = Preamble::read(data, WHAT, HEADER_LEN)?;
        pre.tail_is_zero(data, WHAT, HEADER_LEN)?;
        let order = Order::of(pre.endian);
        let fields = data.get(8..24).unwrap_or_default().as_chunks::<4>().0;
        let &[type_off, type_len, str_off, str_len] = fields else {
            return Err(Error::HeaderTruncated { what: WHAT, expected: 24, got: data.len() as u64 });
        };
        let [type_off, type_len, str_off, str_len] =
            [type_off, type_len, str_off, str_len].map(|w| u64::from(order.u32(w)));

        let hdr_len = u64::from(pre.hdr_len);
        let available = (data.len() as u64).saturating_sub(hdr_len);
        let bounds = |section, offset: u64, len: u64| {
            if offset.saturating_add(len) > available {
                return Err(Error::SectionBounds { what: WHAT, section, offset, len, available });
            }
            Ok(())
        };
        bounds("type", type_off, type_len)?;
        bounds("string", str_off, str_len)?;
        let types_end = type_off.saturating_add(type_len);
        if types_end > str_off {
            return Err(Error::SectionOrder { types_end, strings: str_off });
        }
        if !type_off.is_multiple_of(4) || !type_len.is_multiple_of(4) {
            let (offset, len) = (type_off, type_len);
            return Err(Error::SectionAlignment { what: WHAT, section: "type", offset, len });
        }
        // All of it was just compared with the length of the data, so it fits.
        let at = |off: u64| hdr_len.saturating_add(off) as usize;
        let layout = Layout {
            endian: pre.endian,
            types: at(type_off),
            types_len: type_len as usize,
            strs: at(str_off),
            strs_len: str_len as usize,
        };
        layout.check_strings(data, split)?;
        Ok(layout)
    }

    fn check_strings(&self, data: &[u8], split: bool) -> Result<(), Error> {
        let strs = self.strs_of(data);
        let wrong = |problem| Err(Error::Strings { len: strs.len() as u64, problem });
        match strs {
            [] if split => Ok(()),
            [] => wrong("has no empty string at its start"),
            [.., last] if *last != 0 => wrong("does not end with a NUL"),
            [first, ..] if *first != 0 && !split => {
                wrong("does not start with a NUL; a split BTF needs its base")
            }
            _ => Ok(()),
        }
    }

    #[inline]
    pub(crate) fn strs_of<'d>(&self, data: &'d [u8]) -> &'d [u8] {
        data.get(self.strs..self.strs.wrapping_add(self.strs_len)).unwrap_or_default()
    }

    pub(crate) fn types_of_mut<'d>(&self, data: &'d mut [u8]) -> &'d mut [u8] {
        data.get_mut(self.types..self.types.wrapping_add(self.types_len)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn types_of<'d>(&self, data: &'d [u8]) -> &'d [u8] {
        data.get(self.types..self.types.wrapping_add(self.types_len)).unwrap_or_default()
    }
}

/// The 24 bytes for types and strings of these lengths, one behind the other.
pub(crate) fn write(endian: Endian, types_len: u32, strs_len: u32) -> [u8; 24] {
    let o = Order::of(endian);
    let mut h = [0; 24];
    let fields = [HEADER_LEN, 0, types_len, types_len, strs_len];
    let (start, rest) = h.split_at_mut(4);
    let [m0, m1] = o.half(MAGIC);
    start.copy_from_slice(&[m0, m1, 1, 0]);
    for (to, v) in rest.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
        *to = o.word(v);
    }
    h
}
