//! Structs and unions as most are: the members in their order, each where C puts it by itself.

use crate::{
    Error, Kind, Type,
    dump::{
        CDump,
        layout::{Layout, Shape},
    },
};

/// The widest gap that alignment makes is less than this many bits: beyond, there would be padding.
const MOST_ALIGNED: u64 = 64;

impl<'a> CDump<'a> {
    /// The layout of a struct or union for which nothing but its members has to be written; none for others.
    pub(super) fn plain_layout(&mut self, ty: Type<'a>) -> Result<Option<Layout>, Error> {
        let of_union = ty.kind() == Kind::Union;
        let size = u64::from(ty.size().unwrap_or(0));
        let (mut end, mut longest, mut align) = (0u64, 0, 1);
        for m in ty.member_entries() {
            let layout = self.layout(m.ty.0)?;
            self.reader.fetch(m.name_off);
            let start = round_up(end, layout.align());
            let close = start == end || bits(layout.align()) <= MOST_ALIGNED;
            if u64::from(m.bit_offset) != start || !close || m.bitfield_size > 0 || layout.is_partial() {
                return Ok(None);
            }
            align = align.max(layout.align());
            longest = longest.max(layout.size());
            // No layout has more than 2^48 bytes.
            end = if of_union { 0 } else { start.wrapping_add(layout.size().wrapping_mul(8)) };
        }
        if of_union {
            end = longest.wrapping_mul(8);
        }
        let whole = size.wrapping_mul(8);
        let close = of_union || end == whole || align <= self.pointer_size;
        let right = round_up(end, align) == whole && close;
        Ok(right.then_some(Layout::new(size, align, Shape::Plain)))
    }
}

fn bits(align: u32) -> u64 {
    u64::from(align).wrapping_mul(8)
}

/// The next bit from this one on that is aligned to so many bytes, a power of two.
fn round_up(bit: u64, align: u32) -> u64 {
    let mask = bits(align).wrapping_sub(1);
    bit.wrapping_add(mask) & !mask
}
