//! Where a C compiler puts the members of what is written, so that what it would get wrong is written otherwise.
//!
//! A BTF says where members are; a header says it by order and types, by bit-fields without a name, and by
//! attributes. Compilers for Linux agree on the rules: a member starts at a multiple of its alignment; a bit-field
//! does not cross a multiple of its type's; a struct is aligned as its most aligned member and as long as a
//! multiple of that; a packed one knows no alignment.

use crate::{
    Error, Kind, Type,
    dump::{
        CDump,
        pad::{self, Pad, Unit},
    },
    error::TypeProblem,
};

/// A type as C has it.
#[derive(Clone, Copy, Default)]
pub(super) struct Layout {
    /// In bytes; that of the BTF.
    pub(super) size: u64,
    /// In bytes; 0 as long as it is not known.
    pub(super) align: u32,
    pub(super) shape: Shape,
    /// A number that leaves bits of its bytes out, as old compilers described bit-fields.
    partial: bool,
}

/// How a struct or union is written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is, with padding where needed.
    #[default]
    Natural,
    /// Packed, which is enough.
    Packed,
    /// Packed, with every gap filled.
    Exact,
    /// A union of more bytes than its members, as alignment to so many bytes makes it.
    Aligned,
    /// A union of more bytes than its members, for which no alignment accounts.
    Filled,
    /// Its layout is being found.
    Open,
}

impl Shape {
    pub(super) fn is_packed(self) -> bool {
        matches!(self, Shape::Packed | Shape::Exact | Shape::Filled)
    }
}

/// A layout in eight bytes: from the lowest, the shape, whether it is partial, one more than the logarithm of the
/// alignment, and the size. No array in memory has more than so many bytes.
#[derive(Clone, Copy)]
struct Packed(u64);

const MOST_BYTES: u64 = (1 << 48) - 1;

impl Packed {
    #[inline]
    fn of(layout: Layout) -> Packed {
        let log = layout.align.checked_ilog2().map_or(0, |log| log.wrapping_add(1));
        let low = layout.shape as u64 | u64::from(layout.partial) << 3 | u64::from(log) << 4;
        Packed(low | layout.size.min(MOST_BYTES) << 16)
    }

    #[inline]
    fn layout(self) -> Layout {
        let log = (self.0 >> 4 & 0x3f) as u32;
        let shape = match self.0 & 7 {
            1 => Shape::Packed,
            2 => Shape::Exact,
            3 => Shape::Aligned,
            4 => Shape::Filled,
            5 => Shape::Open,
            _ => Shape::Natural,
        };
        let align = (1u64 << log >> 1) as u32;
        Layout { size: self.0 >> 16, align, shape, partial: self.0 & 8 != 0 }
    }
}

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

/// What is known of each type.
pub(super) struct Layouts {
    /// Empty until the first is known: declarations need none.
    of: Vec<Packed>,
    count: usize,
    /// Types that are being looked through, one behind the other.
    path: Vec<u32>,
}

impl Layouts {
    pub(super) fn new(count: usize) -> Layouts {
        Layouts { of: Vec::new(), count, path: Vec::new() }
    }

    #[inline]
    fn get(&self, id: u32) -> Layout {
        self.of.get(id as usize).map_or_else(Layout::default, |packed| packed.layout())
    }

    pub(super) fn set(&mut self, id: u32, layout: Layout) -> Layout {
        if self.of.is_empty() {
            self.of = vec![Packed(0); self.count];
        }
        if let Some(known) = self.of.get_mut(id as usize) {
            *known = Packed::of(layout);
        }
        layout
    }
}

impl<'a> CDump<'a> {
    /// The layout of a type, once found.
    #[inline]
    pub(super) fn layout(&mut self, id: u32) -> Result<Layout, Error> {
        let known = self.layouts.get(id);
        if known.align != 0 { Ok(known) } else { self.find_layout(id) }
    }

    fn find_layout(&mut self, id: u32) -> Result<Layout, Error> {
        let start = self.layouts.path.len();
        let mut last = id;
        // Through typedefs, qualifiers and arrays to what has a size.
        let mut layout = loop {
            let known = self.layouts.get(last);
            if known.align != 0 {
                break known;
            }
            self.step()?;
            let ty = self.ty(last)?;
            let next = match ty.kind() {
                Kind::Array => ty.array().map(|a| a.elem),
                k if k.is_modifier() || k == Kind::Typedef => ty.target(),
                _ => None,
            };
            let Some(next) = next else {
                let found = self.end_layout(ty)?;
                break self.layouts.set(last, found);
            };
            if self.layouts.path.len() > self.states.len() {
                return Err(ty.error(TypeProblem::PartOfItself));
            }
            self.layouts.path.push(last);
            last = next.0;
        };
        layout.shape = Shape::Natural;
        while self.layouts.path.len() > start {
            let Some(id) = self.layouts.path.pop() else { break };
            if let Some(array) = self.ty(id)?.array() {
                layout.size = layout.size.saturating_mul(u64::from(array.len));
            }
            self.layouts.set(id, layout);
        }
        Ok(self.layouts.get(id))
    }

    /// The layout of a type that does not stand for another.
    fn end_layout(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        let pointer = self.pointer_size;
        let (size, align) = match ty.kind() {
            Kind::Ptr => (pointer, pointer),
            Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Float => {
                let size = ty.size().unwrap_or(0);
                // Numbers of 16 bytes are aligned to as many where pointers have 8. Those of a size that C does not
                // have are arrays of bytes.
                let most = if size == 16 && pointer == 8 { 16 } else { pointer };
                let bytes = ty.kind() == Kind::Int && !size.is_power_of_two();
                (size, if bytes { 1 } else { size.clamp(1, most).next_power_of_two() })
            }
            Kind::Struct | Kind::Union => return self.record_layout(ty),
            _ => (0, 1),
        };
        let whole = |bits: u32| u64::from(bits) == u64::from(size).saturating_mul(8);
        let partial = ty.int().is_some_and(|int| !int.bool && !whole(int.bits));
        Ok(Layout { size: size.into(), align, shape: Shape::Natural, partial })
    }

    fn record_layout(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        let id = ty.id().0;
        if self.layouts.get(id).shape == Shape::Open {
            return Err(ty.error(TypeProblem::PartOfItself));
        }
        self.layouts.set(id, Layout { shape: Shape::Open, ..Layout::default() });
        // Only types without a name are inside others here, or those of a declaration by itself.
        self.nest(ty)?;
        let start = self.places.len();
        let placed = self.place_members(ty);
        let found = self.layout_of_places(ty, start);
        self.places.truncate(start);
        self.unnest();
        if placed.is_err() {
            self.layouts.set(id, Layout::default());
        }
        placed.map(|()| found)
    }

    /// Puts the places of the members on the stack.
    pub(super) fn place_members(&mut self, ty: Type<'a>) -> Result<(), Error> {
        for m in ty.member_entries() {
            let layout = self.layout(m.ty.0)?;
            let (mut at, mut bits) = (u64::from(m.bit_offset), m.bitfield_size);
            if layout.partial && !ty.kind_flag() {
                // Before Linux 4.20 bit-fields were integers of so many bits.
                if let Some(int) = self.btf.resolve(m.ty)?.int() {
                    bits = int.bits;
                    at = at.saturating_add(int.bit_offset.into());
                }
            }
            let size = layout.size.saturating_mul(8);
            let end = at.saturating_add(if bits > 0 { bits.into() } else { size });
            self.places.push(Place { at, end, bits, align: layout.align, size });
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
    Layout { size, align, shape, partial: false }
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
    Layout { size, align, shape, partial: false }
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
