//! Any bits of some bytes as a number.

/// `n` bits (at most 128) from bit `from` on, if the data has them. Bits are numbered as C allots bit-fields: from
/// the least significant bit of a byte on little-endian machines, from the most significant one on big-endian
/// ones.
pub(super) fn bits(data: &[u8], big: bool, from: u64, n: u32) -> Option<u128> {
    let end = from.checked_add(u64::from(n))?;
    let first = usize::try_from(from / 8).ok()?;
    let last = usize::try_from(end.div_ceil(8)).ok()?;
    let bytes = data.get(first..last)?;
    if n > 128 {
        return None;
    }
    let aligned = from.is_multiple_of(8) && n.is_multiple_of(8);
    let fold = |v: u128, &b: &u8| v << 8 | u128::from(b);
    if aligned {
        return Some(match big {
            true => bytes.iter().fold(0, fold),
            false => bytes.iter().rev().fold(0, fold),
        });
    }
    let bit = |i: u64| {
        let byte = bytes.get((i / 8) as usize).copied().unwrap_or(0);
        let shift = if big { 7 ^ (i % 8) } else { i % 8 };
        u128::from(byte >> shift & 1)
    };
    let start = from % 8;
    let all = start..start.saturating_add(u64::from(n));
    Some(match big {
        true => all.fold(0, |v, i| v << 1 | bit(i)),
        false => all.rev().fold(0, |v, i| v << 1 | bit(i)),
    })
}

/// A number of so many bits, the highest of which is its sign.
pub(super) fn sign_extend(v: u128, bits: u32) -> i128 {
    let unused = 128u32.saturating_sub(bits);
    // The same bits, moved to the top and back with the sign.
    (v.checked_shl(unused).unwrap_or(0) as i128).checked_shr(unused).unwrap_or(0)
}

/// The lowest `n` bits of a number, as C prints a bit-field in hexadecimal.
pub(super) fn low_bits(v: i128, n: u32) -> u128 {
    let unused = 128u32.saturating_sub(n);
    // The same bits without the sign's.
    u128::MAX.checked_shr(unused).unwrap_or(0) & v as u128
}
