//! What the two passes of validation have in common. The first (`scan`) finds where each type starts and sees
//! whether all are surely valid. If it is in doubt, the second (`check`) checks each with the number of types
//! known, and says exactly what is wrong. Both are linear: nothing is followed further than one reference.

use crate::{
    Error, Kind, TypeId,
    btf::Btf,
    error::{TypeError, TypeProblem},
    words::{Order, Word, c_str},
};

pub(crate) const KIND_SHIFT: u32 = 24;
pub(crate) const KIND_MASK: u32 = 0x1f;
pub(crate) const VLEN_MASK: u32 = 0xffff;
pub(crate) const KFLAG: u32 = 1 << 31;
/// Where a member starts, in the word that also has its bit-field size.
pub(crate) const MEMBER_OFFSET_MASK: u32 = 0x00ff_ffff;
/// Static, global, extern.
pub(crate) const MAX_LINKAGE: u32 = 2;
pub(crate) const RESERVED: u32 = !(KFLAG | KIND_MASK << KIND_SHIFT | VLEN_MASK);

/// The number of the kind of own type number `own`, if the scan has passed it; otherwise 0.
#[inline]
pub(crate) fn earlier_kind(words: &[Word], order: Order, offs: &[u32], own: u32) -> u32 {
    let at = offs.get(own as usize).copied().unwrap_or(u32::MAX) as usize;
    let info = words.get(at..).and_then(|w| w.get(1)).copied().unwrap_or_default();
    order.u32(info) >> KIND_SHIFT & KIND_MASK
}

/// Offset and number of bits from an integer's encoding.
pub(crate) fn int_bits(encoding: u32) -> (u32, u32) {
    (encoding >> 16 & 0xff, encoding & 0xff)
}

/// Whether so many bits from this one on are inside an integer of `size` bytes.
pub(crate) fn int_fits((offset, bits): (u32, u32), size: u32) -> bool {
    let end = u64::from(offset).saturating_add(u64::from(bits));
    end <= 128 && end <= u64::from(size).saturating_mul(8)
}

/// Forward declarations of enums have been seen with size 0.
pub(crate) fn is_enum_size(size: u32) -> bool {
    matches!(size, 0 | 1 | 2 | 4 | 8)
}

pub(crate) fn is_float_size(size: u32) -> bool {
    matches!(size, 2 | 4 | 8 | 12 | 16)
}

/// Puts a name to a problem found while parsing. `at`: the type's offset in words in the type section.
#[cold]
pub(crate) fn describe(btf: &Btf, id: TypeId, at: u32, problem: TypeProblem) -> Error {
    let head = btf.type_words().get(at as usize..).and_then(|w| w.first_chunk::<3>());
    let order = btf.order();
    let kind = head
        .and_then(|&[_, info, _]| Kind::from_number(order.u32(info) >> KIND_SHIFT & KIND_MASK))
        .filter(|&k| k != Kind::Void);
    let name = head.and_then(|&[name, _, _]| btf.bytes_at(order.u32(name)).ok()).and_then(short);
    let offset = (btf.types_offset() as u64).saturating_add(u64::from(at).saturating_mul(4));
    Error::Type(Box::new(TypeError { id, kind, name, offset: Some(offset), problem }))
}

/// A name for an error text: not empty, and no longer than a line.
pub(crate) fn short(name: &[u8]) -> Option<String> {
    const MAX: usize = 64;
    let cut = name.get(..MAX).unwrap_or(c_str(name, 0)?);
    if cut.is_empty() {
        return None;
    }
    let mut s = String::from_utf8_lossy(cut).into_owned();
    if cut.len() < name.len() {
        s.push('…');
    }
    Some(s)
}
