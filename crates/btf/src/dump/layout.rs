//! Where a C compiler puts the members of what is written, so that what it would get wrong is written otherwise.
//!
//! A BTF says where members are; a header says it by order and types, by bit-fields without a name, and by
//! attributes. Compilers for Linux agree on the rules: a member starts at a multiple of its alignment; a bit-field
//! does not cross a multiple of its type's; a struct is aligned as its most aligned member and as long as a
//! multiple of that; a packed one knows no alignment.

use crate::{Error, Kind, Type, dump::CDump, error::TypeProblem};

/// How a struct or union is written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is, with padding where needed.
    #[default]
    Natural,
    /// As it is, without padding and bit-fields.
    Plain,
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

/// A type as C has it, in eight bytes: from the lowest, the shape, whether it is partial, one more than the logarithm
/// of the alignment, and the size. No array in memory has more than so many bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Layout(u64);

const MOST_BYTES: u64 = (1 << 48) - 1;
const PARTIAL: u64 = 1 << 3;

impl Layout {
    /// Of a type of so many bytes that is aligned to so many.
    #[inline]
    pub(super) fn new(size: u64, align: u32, shape: Shape) -> Layout {
        let log = align.checked_ilog2().map_or(0, |log| log.wrapping_add(1));
        Layout(shape as u64 | u64::from(log) << 4 | size.min(MOST_BYTES) << 16)
    }

    /// What [`bits`](Layout::bits) gave; zero as long as nothing is known.
    #[inline]
    pub(super) fn from_bits(bits: u64) -> Layout {
        Layout(bits)
    }

    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// In bytes; that of the BTF.
    #[inline]
    pub(super) fn size(self) -> u64 {
        self.0 >> 16
    }

    /// In bytes; 0 as long as it is not known.
    #[inline]
    pub(super) fn align(self) -> u32 {
        (1u64 << (self.0 >> 4 & 0x3f) >> 1) as u32
    }

    #[inline]
    fn is_known(self) -> bool {
        self.0 & 0x3f << 4 != 0
    }

    #[inline]
    pub(super) fn shape(self) -> Shape {
        match self.0 & 7 {
            1 => Shape::Plain,
            2 => Shape::Packed,
            3 => Shape::Exact,
            4 => Shape::Aligned,
            5 => Shape::Filled,
            6 => Shape::Open,
            _ => Shape::Natural,
        }
    }

    /// Of a number that leaves bits of its bytes out, as old compilers described bit-fields.
    #[inline]
    pub(super) fn is_partial(self) -> bool {
        self.0 & PARTIAL != 0
    }

    fn partial(self, partial: bool) -> Layout {
        Layout(if partial { self.0 | PARTIAL } else { self.0 })
    }

    /// Of so many of these, or of what stands for one.
    fn times(self, count: u64) -> Layout {
        let partial = self.is_partial();
        Layout::new(self.size().saturating_mul(count), self.align(), Shape::Natural).partial(partial)
    }
}

impl<'a> CDump<'a> {
    /// The layout of a type, once found.
    #[inline]
    pub(super) fn layout(&mut self, id: u32) -> Result<Layout, Error> {
        let known = self.memos.layout(id);
        if known.is_known() { Ok(known) } else { self.find_layout(id) }
    }

    fn find_layout(&mut self, id: u32) -> Result<Layout, Error> {
        let start = self.resolving.len();
        let mut last = id;
        // Through typedefs, qualifiers and arrays to what has a size.
        let mut layout = loop {
            let known = self.memos.layout(last);
            if known.is_known() {
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
                self.memos.set_layout(last, found);
                break found;
            };
            if self.resolving.len() > self.states.len() {
                return Err(ty.error(TypeProblem::PartOfItself));
            }
            self.resolving.push(last);
            last = next.0;
        };
        while self.resolving.len() > start {
            let Some(id) = self.resolving.pop() else { break };
            layout = layout.times(self.ty(id)?.array().map_or(1, |array| array.len.into()));
            self.memos.set_layout(id, layout);
        }
        Ok(layout)
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
        Ok(Layout::new(size.into(), align, Shape::Natural).partial(partial))
    }

    fn record_layout(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        let id = ty.id().0;
        if self.memos.layout(id).shape() == Shape::Open {
            return Err(ty.error(TypeProblem::PartOfItself));
        }
        self.memos.set_layout(id, Layout::new(0, 0, Shape::Open));
        // Only types without a name are inside others here, or those of a declaration by itself.
        self.nest(ty)?;
        let found = self.lay_out(ty);
        self.unnest();
        if found.is_err() {
            self.memos.set_layout(id, Layout::default());
        }
        found
    }

    /// The layout of a struct or union by its members.
    fn lay_out(&mut self, ty: Type<'a>) -> Result<Layout, Error> {
        if let Some(plain) = self.plain_layout(ty)? {
            return Ok(plain);
        }
        let start = self.places.len();
        let placed = self.place_members(ty);
        let found = self.layout_of_places(ty, start);
        self.places.truncate(start);
        placed.map(|()| found)
    }
}
