//! What types are by themselves, whatever they refer to: comparing and hashing that.

use super::graph::{kind_of, vlen_of};
use crate::Kind;

/// Name, info word and size or target.
#[inline]
pub(super) fn same_head(a: &[u32], b: &[u32]) -> bool {
    a.first_chunk::<3>() == b.first_chunk::<3>()
}

/// Name and info word.
#[inline]
pub(super) fn same_name_and_info(a: &[u32], b: &[u32]) -> bool {
    a.first_chunk::<2>() == b.first_chunk::<2>()
}

#[inline]
fn info(ty: &[u32]) -> u32 {
    ty.get(1).copied().unwrap_or(0)
}

/// The entries behind the first three words.
#[inline]
fn entries<const N: usize>(ty: &[u32]) -> &[[u32; N]] {
    ty.get(3..).unwrap_or_default().as_chunks::<N>().0
}

/// Structs or unions with the same members but for their types.
pub(super) fn same_members(a: &[u32], b: &[u32]) -> bool {
    same_head(a, b)
        && entries::<3>(a).iter().zip(entries::<3>(b)).all(|([n, _, o], [m, _, p])| n == m && o == p)
}

/// Arrays of the same length.
pub(super) fn same_array(a: &[u32], b: &[u32]) -> bool {
    same_head(a, b) && a.get(5) == b.get(5)
}

/// Prototypes with the same parameters but for their types.
pub(super) fn same_params(a: &[u32], b: &[u32]) -> bool {
    same_name_and_info(a, b) && entries::<2>(a).iter().zip(entries::<2>(b)).all(|([n, _], [m, _])| n == m)
}

fn is_enum(ty: &[u32]) -> bool {
    kind_of(info(ty)).is_enum()
}

/// An enum without values, which may be one that is only declared.
pub(super) fn is_enum_fwd(ty: &[u32]) -> bool {
    is_enum(ty) && vlen_of(info(ty)) == 0
}

/// Enums that are the same, or of which one is only declared and the name is the same: then the sizes are
/// guesses, and the kinds may differ.
pub(super) fn compatible_enums(a: &[u32], b: &[u32]) -> bool {
    if is_enum_fwd(a) || is_enum_fwd(b) {
        return a.first() == b.first() && is_enum(a) && is_enum(b);
    }
    a == b
}

/// Hashes words. Seeded, so that nobody can prepare types that collide.
#[derive(Clone, Copy)]
pub(super) struct Hasher(u64);

/// An odd number without pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher {
    pub(super) fn new() -> Hasher {
        use std::hash::BuildHasher;
        Hasher(foldhash::fast::RandomState::default().hash_one(FACTOR))
    }

    #[inline]
    fn fold(h: u64, low: u32, high: u32) -> u64 {
        let wide = u128::from(h ^ (u64::from(low) | u64::from(high) << 32)).wrapping_mul(u128::from(FACTOR));
        (wide as u64) ^ (wide >> 64) as u64
    }

    /// A hash of what was hashed and something more.
    #[inline]
    pub(super) fn more(hash: u64, more: u64) -> u64 {
        Self::fold(hash, more as u32, (more >> 32) as u32)
    }

    fn of_words(self, words: &[u32]) -> u64 {
        let (pairs, rest) = words.as_chunks::<2>();
        let h = pairs.iter().fold(self.0, |h, &[a, b]| Self::fold(h, a, b));
        rest.iter().fold(h, |h, &w| Self::fold(h, w, u32::MAX))
    }

    /// The hash under which a type is filed: types that could be the same have the same. What a struct, union or
    /// typedef refers to does not count; what others refer to has been settled when they are filed.
    pub(super) fn of_type(self, ty: &[u32]) -> u64 {
        match kind_of(info(ty)) {
            // Declared only or whole, of either width: by the name alone.
            Kind::Enum | Kind::Enum64 => {
                Self::fold(self.0, ty.first().copied().unwrap_or(0), Kind::Enum as u32)
            }
            // What it stands for is compared later.
            Kind::Typedef => self.of_words(ty.get(..2).unwrap_or_default()),
            Kind::Struct | Kind::Union => {
                let head = self.of_words(ty.get(..3).unwrap_or_default());
                entries::<3>(ty).iter().fold(head, |h, &[name, _, place]| Self::fold(h, name, place))
            }
            _ => self.of_words(ty),
        }
    }
}
