//! Which bytes can be in an identifier, many at a time.

/// How many bytes are looked at at once.
pub(super) const BLOCK: usize = 16;

/// How many bytes of identifiers these start with.
#[inline(always)]
pub(super) fn leading(block: &[u8; BLOCK]) -> usize {
    // No branches, so that compilers do many at once, and as there is no telling how long a name will be.
    let mut others = [0; BLOCK];
    others.iter_mut().zip(block).for_each(|(other, &b)| *other = if is_ident(b) { 0 } else { 0xff });
    (u128::from_le_bytes(others).trailing_zeros() / 8) as usize
}

/// One byte.
#[inline]
pub(super) fn is_ident(b: u8) -> bool {
    ((b | 0x20).wrapping_sub(b'a') < 26) | (b.wrapping_sub(b'0') < 10) | (b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_identifiers_end() {
        for b in 0..=u8::MAX {
            let ends = !(b.is_ascii_alphanumeric() || b == b'_');
            assert_eq!(is_ident(b), !ends);
            for at in 0..BLOCK {
                let mut block = *b"aZz_09AbyY_8x1Bm";
                block[at] = b;
                assert_eq!(leading(&block), if ends { at } else { BLOCK }, "{b:#x} at {at}");
                block[BLOCK - 1 - at / 2] = 0;
                assert!(leading(&block) <= BLOCK - 1 - at / 2);
            }
        }
    }
}
