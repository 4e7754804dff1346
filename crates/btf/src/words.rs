//! BTF is a sequence of 32-bit words. A word stays four bytes until it is read, so that neither alignment
//! nor byte order matters to a view.

use crate::Endian;

pub(crate) type Word = [u8; 4];

/// Whether words have to be swapped when read; a `Copy` that views carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order(pub(crate) bool);

impl Order {
    pub(crate) fn of(e: Endian) -> Order {
        Order(!e.is_native())
    }

    #[inline]
    pub(crate) fn u32(self, w: Word) -> u32 {
        let v = u32::from_ne_bytes(w);
        if self.0 { v.swap_bytes() } else { v }
    }

    #[inline]
    pub(crate) fn word(self, v: u32) -> Word {
        (if self.0 { v.swap_bytes() } else { v }).to_ne_bytes()
    }

    pub(crate) fn half(self, v: u16) -> [u8; 2] {
        (if self.0 { v.swap_bytes() } else { v }).to_ne_bytes()
    }
}

/// The whole words of `bytes`.
#[inline]
pub(crate) fn words(bytes: &[u8]) -> &[Word] {
    bytes.as_chunks::<4>().0
}

/// The string that starts at `off`: the bytes up to the next NUL (or the end), or none if `off` is outside.
#[inline]
pub(crate) fn c_str(strs: &[u8], off: usize) -> Option<&[u8]> {
    let s = strs.get(off..).filter(|s| !s.is_empty())?;
    s.get(..nul(s))
}

/// Where the first NUL is, or the length. Names are short: eight bytes at a time, without the preparations of
/// a general search, is what is fastest for them.
#[inline]
fn nul(s: &[u8]) -> usize {
    let (chunks, tail) = s.as_chunks::<8>();
    for (c, i) in chunks.iter().zip(0usize..) {
        let zero = zeros(u64::from_le_bytes(*c));
        if zero != 0 {
            return i.wrapping_mul(8).wrapping_add(zero.trailing_zeros() as usize / 8);
        }
    }
    let last = tail.iter().position(|&b| b == 0).unwrap_or(tail.len());
    s.len().wrapping_sub(tail.len()).wrapping_add(last)
}

/// Zero if none of the eight bytes is zero. Otherwise the lowest bit that is set is in the first that is.
#[inline]
fn zeros(v: u64) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    v.wrapping_sub(LOW) & !v & HIGH
}

#[cfg(test)]
mod tests {
    use super::c_str;

    #[test]
    fn a_string_ends_at_its_nul() {
        for len in 0..40 {
            for (start, fill) in [(0, b'a'), (3, 0x80), (8, 0x01), (0, 0xff)] {
                let mut data = vec![b'x'; start];
                data.extend(vec![fill; len]);
                assert_eq!(c_str(&data, start), (len > 0).then_some(&vec![fill; len][..]));
                data.extend(*b"\0\x01\0\0more\0");
                assert_eq!(c_str(&data, start), Some(&vec![fill; len][..]));
                assert_eq!(c_str(&data, data.len()), None);
                assert_eq!(c_str(&data, usize::MAX), None);
            }
        }
    }
}
