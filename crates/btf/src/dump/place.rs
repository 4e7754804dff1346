//! What a C compiler does with one member after the other, and what has to be written so that it does the right thing.

use crate::{
    Error, Kind, Type,
    dump::{
        CDump,
        layout::{Layout, Shape},
        pad::{self, Pad, Unit},
    },
};

/// A member as it is written.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// In bits.
    pub(super) at: u64,
    /// The first bit behind it.
    pub(super) end: u64,
    /// The width of a bit-field, otherwise 0.
    pub(super) bits: u32,
    /// Of its type, in bytes.
    align: u32,
    /// Of its type, in bits.
    size: u64,
}

impl Place {
    fn align_bits(self) -> u64 {
        bits_of(self.align)
    }

    /// As what C aligns it, in bits.
    #[inline]
    pub(super) fn align_in(self, packed: bool) -> u64 {
        if packed { 8 } else { self.align_bits() }
    }

    /// Whether C puts it where it is if the member before ends at bit `end`, without a word.
    #[inline]
    pub(super) fn follows(self, end: u64, align: u64) -> bool {
        // An alignment is a power of two. Padding is made of at most 64 bits.
        let mask = align.wrapping_sub(1);
        self.at == end || self.bits == 0 && align <= 64 && self.at == end.wrapping_add(mask) & !mask
    }
}

fn bits_of(align: u32) -> u64 {
    u64::from(align.max(1)).saturating_mul(8)
}

impl<'a> CDump<'a> {
    /// Puts the places of the members on the stack.
    pub(super) fn place_members(&mut self, ty: Type<'a>) -> Result<(), Error> {
        for m in ty.member_entries() {
            let layout = self.layout(m.ty.0)?;
            let (mut at, mut bits) = (u64::from(m.bit_offset), m.bitfield_size);
            if layout.is_partial() && !ty.kind_flag() {
                // Before Linux 4.20 bit-fields were integers of so many bits.
                if let Some(int) = self.btf.resolve(m.ty)?.int() {
                    bits = int.bits;
                    at = at.saturating_add(int.bit_offset.into());
                }
            }
            let size = layout.size().saturating_mul(8);
            let end = at.saturating_add(if bits > 0 { bits.into() } else { size });
            self.places.push(Place { at, end, bits, align: layout.align(), size });
        }
        Ok(())
    }

    /// The layout of a struct or union whose members start at `start` of the stack.
    pub(super) fn layout_of_places(&self, ty: Type<'a>, start: usize) -> Layout {
        let places = self.places.get(start..).unwrap_or_default();
        let size = u64::from(ty.size().unwrap_or(0));
        if ty.kind() == Kind::Union {
            return union_layout(places, size);
        }
        struct_layout(places, size, self.pointer_size)
    }
}

fn struct_layout(places: &[Place], size: u64, pointer_size: u32) -> Layout {
    let (mut packed, mut align) = (false, 1);
    for place in places {
        align = align.max(place.align);
        packed |= place.bits == 0 && place.at & place.align_bits().wrapping_sub(1) != 0;
    }
    packed |= size & u64::from(align).wrapping_sub(1) != 0;
    let align = if packed { 1 } else { align };
    let units = pad::units(pointer_size);
    let mut compiler = Compiler { at: 0, packed };
    let (mut end, mut after_bits, mut right) = (0, false, true);
    for &place in places {
        let member_align = place.align_in(packed);
        if place.bits == 0 && compiler.at == end && place.follows(end, member_align) {
            compiler.at = place.end;
        } else {
            let between = after_bits && place.bits > 0;
            pad::fill(&units, (end, place.at), member_align, between, |pad| compiler.pad(pad));
            right &= compiler.member(place) == place.at;
        }
        (end, after_bits) = (place.end, place.bits > 0);
    }
    let whole = size.saturating_mul(8);
    pad::fill(&units, (end, whole), bits_of(align), false, |pad| compiler.pad(pad));
    right &= compiler.at.checked_next_multiple_of(bits_of(align)) == Some(whole);
    let (align, shape) = match (right, packed) {
        (true, false) => (align, Shape::Natural),
        (true, true) => (1, Shape::Packed),
        (false, _) => (1, Shape::Exact),
    };
    Layout::new(size, align, shape)
}

fn union_layout(places: &[Place], size: u64) -> Layout {
    let align = places.iter().map(|p| p.align).fold(1, u32::max);
    let members = places.iter().map(|p| p.end.saturating_sub(p.at).div_ceil(8)).fold(0, u64::max);
    let rounded = |align: u32| members.checked_next_multiple_of(align.into()) == Some(size);
    let larger = || (0..29).map(|bit| 1u32 << bit).find(|&larger| larger > align && rounded(larger));
    let (align, shape) = if rounded(align) {
        (align, Shape::Natural)
    } else if members >= size {
        (1, Shape::Packed)
    } else {
        larger().map_or((1, Shape::Filled), |align| (align, Shape::Aligned))
    };
    Layout::new(size, align, shape)
}

/// What a compiler does with one member after the other.
struct Compiler {
    /// The next free bit.
    at: u64,
    packed: bool,
}

impl Compiler {
    /// Where it puts the member.
    fn member(&mut self, place: Place) -> u64 {
        if place.bits > 0 {
            self.bit_field(place.bits.into(), place.size, place.align_bits());
            return self.at.wrapping_sub(place.bits.into());
        }
        self.round_up(if self.packed { 8 } else { place.align_bits() });
        let at = self.at;
        self.at = at.saturating_add(place.size);
        at
    }

    fn pad(&mut self, pad: Pad) {
        let Pad { unit: Unit { bits, .. }, width, times } = pad;
        if width == 0 {
            return self.round_up(bits);
        }
        // After the first, units follow each other without gaps.
        self.bit_field(width, bits, bits);
        self.at = self.at.saturating_add(width.saturating_mul(times.saturating_sub(1)));
    }

    fn bit_field(&mut self, width: u64, size: u64, align: u64) {
        let crosses = self.at.checked_rem(align).unwrap_or(0).saturating_add(width) > size;
        if crosses && !self.packed {
            self.round_up(align);
        }
        self.at = self.at.saturating_add(width);
    }

    fn round_up(&mut self, to: u64) {
        self.at = self.at.checked_next_multiple_of(to).unwrap_or(u64::MAX);
    }
}
