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

/// A member as it is written.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// In bits.
    pub(super) at: u64,
    /// The width of a bit-field, otherwise 0.
    pub(super) bits: u32,
    /// Of its type.
    pub(super) layout: Layout,
}

impl Place {
    /// The first bit behind it.
    pub(super) fn end(self) -> u64 {
        let bits = if self.bits > 0 { u64::from(self.bits) } else { self.layout.size.saturating_mul(8) };
        self.at.saturating_add(bits)
    }

    fn align_bits(self) -> u64 {
        bits_of(self.layout.align)
    }
}

fn bits_of(align: u32) -> u64 {
    u64::from(align.max(1)).saturating_mul(8)
}

/// What is known of each type.
pub(super) struct Layouts {
    /// Empty until the first is known: declarations need none.
    of: Vec<Layout>,
    count: usize,
    /// Types that are being looked through, one behind the other.
    path: Vec<u32>,
}

impl Layouts {
    pub(super) fn new(count: usize) -> Layouts {
        Layouts { of: Vec::new(), count, path: Vec::new() }
    }

    fn get(&self, id: u32) -> Layout {
        self.of.get(id as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, id: u32, layout: Layout) -> Layout {
        self.of.resize(self.count, Layout::default());
        if let Some(known) = self.of.get_mut(id as usize) {
            *known = layout;
        }
        layout
    }
}

impl<'a> CDump<'a> {
    /// The layout of a type, once found.
    pub(super) fn layout(&mut self, id: u32) -> Result<Layout, Error> {
        let known = self.layouts.get(id);
        if known.align != 0 {
            return Ok(known);
        }
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
        let pointer = self.btf.pointer_size();
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
        Ok(Layout { size: size.into(), align, shape: Shape::Natural })
    }

    fn record_layout(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        let id = ty.id().0;
        if self.layouts.get(id).shape == Shape::Open {
            return Err(ty.error(TypeProblem::PartOfItself));
        }
        self.layouts.set(id, Layout { shape: Shape::Open, ..Layout::default() });
        // Only types without a name are inside others here, or those of a declaration by itself.
        self.nest(ty)?;
        let found = if ty.kind() == Kind::Union { self.union_layout(ty) } else { self.struct_layout(ty) };
        self.unnest();
        if found.is_err() {
            self.layouts.set(id, Layout::default());
        }
        found
    }

    /// Where member `i` is, and what it is.
    #[inline]
    pub(super) fn place(&mut self, ty: Type<'a>, m: &crate::MemberEntry<'a>) -> Result<Place, Error> {
        let layout = self.layout(m.ty.0)?;
        let mut place = Place { at: m.bit_offset.into(), bits: m.bitfield_size, layout };
        if !ty.kind_flag() {
            // Before Linux 4.20 bit-fields were integers of so many bits.
            if let Ok(int) = self.btf.resolve(m.ty).map(|t| (t.int(), t.size()))
                && let (Some(int), Some(size)) = int
                && u64::from(int.bits) < u64::from(size).saturating_mul(8)
                && !int.bool
            {
                place.bits = int.bits;
                place.at = place.at.saturating_add(int.bit_offset.into());
            }
        }
        Ok(place)
    }

    fn struct_layout(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        let size = u64::from(ty.size().unwrap_or(0));
        let (mut packed, mut align) = (false, 1);
        for m in ty.member_entries() {
            let place = self.place(ty, &m)?;
            align = align.max(place.layout.align);
            packed |= place.bits == 0 && !place.at.is_multiple_of(place.align_bits());
        }
        packed |= !size.is_multiple_of(u64::from(align));
        let align = if packed { 1 } else { align };
        let units = pad::units(self.btf.pointer_size());
        let mut compiler = Compiler { at: 0, packed };
        let (mut end, mut after_bits, mut right) = (0, false, true);
        for m in ty.member_entries() {
            let place = self.place(ty, &m)?;
            let member_align = if packed { 8 } else { place.align_bits() };
            let between = after_bits && place.bits > 0;
            pad::fill(&units, (end, place.at), member_align, between, |pad| compiler.pad(pad));
            right &= compiler.member(place) == place.at;
            (end, after_bits) = (place.end(), place.bits > 0);
        }
        let whole = size.saturating_mul(8);
        pad::fill(&units, (end, whole), bits_of(align), false, |pad| compiler.pad(pad));
        right &= compiler.at.checked_next_multiple_of(bits_of(align)) == Some(whole);
        Ok(match (right, packed) {
            (true, false) => Layout { size, align, shape: Shape::Natural },
            (true, true) => Layout { size, align: 1, shape: Shape::Packed },
            (false, _) => Layout { size, align: 1, shape: Shape::Exact },
        })
    }

    fn union_layout(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        let size = u64::from(ty.size().unwrap_or(0));
        let (mut members, mut align) = (0, 1);
        for m in ty.member_entries() {
            let place = self.place(ty, &m)?;
            align = align.max(place.layout.align);
            members = place.end().saturating_sub(place.at).div_ceil(8).max(members);
        }
        let rounded = |align: u32| members.checked_next_multiple_of(align.into()) == Some(size);
        if rounded(align) {
            return Ok(Layout { size, align, shape: Shape::Natural });
        }
        if members >= size {
            return Ok(Layout { size, align: 1, shape: Shape::Packed });
        }
        let larger = (0..29).map(|bit| 1u32 << bit).find(|&larger| larger > align && rounded(larger));
        Ok(match larger {
            Some(align) => Layout { size, align, shape: Shape::Aligned },
            None => Layout { size, align: 1, shape: Shape::Filled },
        })
    }
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
            self.bit_field(place.bits.into(), place.layout.size.saturating_mul(8), place.align_bits());
            return self.at.wrapping_sub(place.bits.into());
        }
        self.round_up(if self.packed { 8 } else { place.align_bits() });
        let at = self.at;
        self.at = at.saturating_add(place.layout.size.saturating_mul(8));
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
