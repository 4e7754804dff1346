//! Goes through data as its type says, and tells a visitor what there is.

use super::{
    bits::{bits, sign_extend},
    float::Float,
    visitor::{Cut, Place, Visitor},
};
use crate::{ArrayType, Btf, Endian, IntType, Kind, Member, Type, TypeId, error::TypeProblem};

/// Types nested deeper than this contain themselves.
const MAX_DEPTH: u32 = 64;
/// Bits that a number has at most.
const MAX_BITS: u32 = 128;

/// How many values a walk may tell beside two for each byte of data.
/// Unions show the same bytes again and again and empty structs take none, so without a limit a few bytes
/// could fill the memory.
const BUDGET: u64 = 1 << 14;

/// Where in the data, and in the type, a value is.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    bit: u64,
    /// Nothing of the type comes behind this value.
    tail: bool,
    depth: u32,
}

impl Spot {
    pub(super) const START: Spot = Spot { bit: 0, tail: true, depth: 0 };

    fn byte(self) -> usize {
        usize::try_from(self.bit / 8).unwrap_or(usize::MAX)
    }

    /// A part of the value here that starts `bits` later.
    fn at(self, bits: u64, tail: bool) -> Spot {
        Spot { bit: self.bit.saturating_add(bits), tail, depth: self.depth.saturating_add(1) }
    }
}

/// A walk that has got somewhere.
pub(super) struct Walk<'a, 'd, 'v, V> {
    btf: &'a Btf,
    data: &'d [u8],
    big: bool,
    budget: u64,
    visitor: &'v mut V,
    /// The first value that was not there.
    pub(super) cut: Option<Cut>,
}

impl<'a, 'd, 'v, V: Visitor<'a>> Walk<'a, 'd, 'v, V> {
    /// A walk that has its share of [`BUDGET`], but as much as bit-fields and unions can take of a few bytes.
    pub(super) fn new(btf: &'a Btf, data: &'d [u8], shares: usize, visitor: &'v mut V) -> Self {
        let len = data.len() as u64;
        let share = BUDGET.checked_div(shares as u64).unwrap_or(0);
        let few = len.saturating_mul(32).saturating_add(32).min(BUDGET);
        let budget = len.saturating_mul(2).saturating_add(share.max(few));
        Walk { btf, data, big: btf.endian() == Endian::Big, budget, visitor, cut: None }
    }

    /// Whether there is still budget for a value.
    fn charge(&mut self, cost: usize) -> bool {
        match self.budget.checked_sub(cost as u64) {
            Some(left) => self.budget = left,
            None => self.budget = 0,
        }
        self.budget > 0 && !self.visitor.is_full()
    }

    fn cut(&mut self, cut: Cut) -> Cut {
        *self.cut.get_or_insert(cut)
    }

    fn missing(&mut self, cut: Cut) -> Result<(), V::Error> {
        self.cut(cut);
        self.visitor.truncated(cut)
    }

    /// A value of `len` bits that the data ends before or in.
    fn short(&mut self, from: u64, len: u64) -> Result<(), V::Error> {
        self.missing(Cut::Short { offset: from / 8, needed: from.saturating_add(len).div_ceil(8) })
    }

    pub(super) fn value(&mut self, declared: TypeId, at: Spot, bitfield: u32) -> Result<(), V::Error> {
        let ty = self.btf.resolve(declared)?;
        if at.depth > MAX_DEPTH {
            return Err(ty.error(TypeProblem::Loop { limit: MAX_DEPTH }).into());
        }
        self.visitor.place(&Place { declared, ty, bit_offset: at.bit, bitfield_size: bitfield })?;
        if !self.charge(1) {
            return self.missing(Cut::TooMuch);
        }
        if bitfield != 0 {
            return self.bitfield(ty, at, bitfield);
        }
        match ty.kind() {
            Kind::Int => {
                let Some(int) = ty.int() else { return Ok(()) };
                self.int(ty, int, at.bit.saturating_add(u64::from(int.bit_offset)), int.bits)
            }
            Kind::Enum | Kind::Enum64 => self.enumerator(ty, at, bits_of(ty)),
            Kind::Ptr => {
                let len = self.btf.pointer_size().saturating_mul(8);
                match bits(self.data, self.big, at.bit, len) {
                    // A pointer has 32 or 64 bits.
                    Some(v) => self.visitor.pointer(v as u64),
                    None => self.short(at.bit, len.into()),
                }
            }
            Kind::Float => self.float(ty, at),
            Kind::Array => self.array(ty, at),
            Kind::Struct | Kind::Union => self.composite(ty, at),
            Kind::Datasec => self.section(ty, at),
            Kind::Var => self.value(ty.target().unwrap_or_default(), at.at(0, at.tail), 0),
            _ => Err(ty.error(TypeProblem::Unsized).into()),
        }
    }

    fn int(&mut self, ty: Type<'a>, int: IntType, from: u64, len: u32) -> Result<(), V::Error> {
        let Some(v) = bits(self.data, self.big, from, len) else { return self.short(from, len.into()) };
        if int.bool {
            return self.visitor.bool(v != 0);
        }
        if len == 8 && is_char(ty, int) {
            return self.visitor.char(v as u8);
        }
        if int.signed {
            return self.visitor.int(sign_extend(v, len));
        }
        match i128::try_from(v) {
            Ok(v) => self.visitor.int(v),
            Err(_) => self.visitor.uint(v),
        }
    }

    fn enumerator(&mut self, ty: Type<'a>, at: Spot, len: u32) -> Result<(), V::Error> {
        // Looking for the name is the work here.
        if !self.charge((ty.vlen() / 64) as usize) {
            return self.missing(Cut::TooMuch);
        }
        let Some(v) = bits(self.data, self.big, at.bit, len) else { return self.short(at.bit, len.into()) };
        // Enums have up to 64 bits, and so have bit-fields of them.
        let value = if ty.is_signed_enum() { sign_extend(v, len) } else { v as i128 };
        let name = ty.enumerator(value);
        self.visitor.enumerator(name, value)
    }

    fn float(&mut self, ty: Type<'a>, at: Spot) -> Result<(), V::Error> {
        let len = bits_of(ty);
        let Some(v) = bits(self.data, self.big, at.bit, len) else { return self.short(at.bit, len.into()) };
        match Float::from_bits(len / 8, v, self.big) {
            Some(x) => self.visitor.float(x),
            // The parser knows the sizes.
            None => Err(ty.error(TypeProblem::Unsized).into()),
        }
    }

    fn bitfield(&mut self, ty: Type<'a>, at: Spot, len: u32) -> Result<(), V::Error> {
        match (ty.kind(), ty.int()) {
            // More than any integer has, so that it is no matter of how much data there is.
            (_, Some(int)) if len > MAX_BITS => {
                let problem = TypeProblem::IntEncoding {
                    bits: len,
                    offset: int.bit_offset,
                    size: ty.size().unwrap_or(0),
                };
                Err(ty.error(problem).into())
            }
            (_, Some(int)) => self.int(ty, int, at.bit, len),
            (Kind::Enum | Kind::Enum64, _) => self.enumerator(ty, at, len.min(64)),
            _ => {
                Err(ty.error(TypeProblem::WrongKind { expected: "a type that a bit-field can have" }).into())
            }
        }
    }

    fn array(&mut self, ty: Type<'a>, at: Spot) -> Result<(), V::Error> {
        let ArrayType { elem, len, .. } =
            ty.array().unwrap_or(ArrayType { elem: TypeId::VOID, index: TypeId::VOID, len: 0 });
        let size = self.btf.size_of(elem)?;
        let rest = self.data.get(at.byte()..).unwrap_or_default();
        let len = match (len, at.tail) {
            (0, true) => (rest.len() as u64).checked_div(size).unwrap_or(0),
            _ => u64::from(len),
        };
        let elem_ty = self.btf.resolve(elem)?;
        if let Some(int) = elem_ty.int()
            && size == 1
            && int.bits == 8
            && !int.bool
            && (is_char(elem_ty, int) || !int.signed)
        {
            return self.byte_array(elem_ty, int, at, len, rest);
        }
        self.visitor.begin_array()?;
        for i in 0..len {
            let offset = i.saturating_mul(size);
            if self.budget == 0 || self.visitor.is_full() {
                self.missing(Cut::TooMuch)?;
                break;
            }
            let spot = at.at(offset.saturating_mul(8), false);
            if size > 0 && offset >= rest.len() as u64 {
                self.visitor.place(&Place {
                    declared: elem,
                    ty: elem_ty,
                    bit_offset: spot.bit,
                    bitfield_size: 0,
                })?;
                self.short(spot.bit, size.saturating_mul(8))?;
                break;
            }
            self.value(elem, spot, 0)?;
            let whole = offset.saturating_add(size) <= rest.len() as u64;
            if !whole && !elem_ty.kind().is_composite() && elem_ty.kind() != Kind::Array {
                // It was told as missing.
                break;
            }
        }
        self.visitor.end_array()
    }

    /// An array of bytes goes whole: it may be long.
    fn byte_array(
        &mut self,
        elem: Type<'a>,
        int: IntType,
        at: Spot,
        len: u64,
        rest: &[u8],
    ) -> Result<(), V::Error> {
        // `len` is compared with what is there.
        let bytes = rest.get(..usize::try_from(len).unwrap_or(usize::MAX)).unwrap_or(rest);
        if bytes.is_empty() && len > 0 {
            return self.short(at.bit, len.saturating_mul(8));
        }
        let start = at.bit / 8;
        let cut = ((bytes.len() as u64) < len)
            .then(|| self.cut(Cut::Short { offset: start, needed: start.saturating_add(len) }));
        match is_char(elem, int) {
            true => self.visitor.chars(bytes, cut),
            false => self.visitor.bytes(bytes, cut),
        }
    }

    fn composite(&mut self, ty: Type<'a>, at: Spot) -> Result<(), V::Error> {
        let size = u64::from(ty.size().unwrap_or(0));
        if size > 0 && at.byte() >= self.data.len() {
            return self.short(at.bit, size.saturating_mul(8));
        }
        self.visitor.begin_struct()?;
        let members = ty.members();
        let count = members.len();
        for (m, nth) in members.zip(1usize..) {
            if !self.name(m.name)? {
                break;
            }
            let tail = at.tail && (nth == count || ty.kind() == Kind::Union);
            let Member { ty, bit_offset, bitfield_size, .. } = m;
            self.value(ty, at.at(u64::from(bit_offset), tail), bitfield_size)?;
        }
        self.visitor.end_struct()
    }

    /// Tells a field's name. False if nothing may follow it.
    fn name(&mut self, name: &'a str) -> Result<bool, V::Error> {
        self.visitor.field(name)?;
        // A name takes time to read, even though it is not copied.
        let go_on = self.charge(name.len() / 64);
        if !go_on {
            self.missing(Cut::TooMuch)?;
        }
        Ok(go_on)
    }

    fn section(&mut self, ty: Type<'a>, at: Spot) -> Result<(), V::Error> {
        self.visitor.begin_struct()?;
        for v in ty.variables() {
            let var = self.btf.get(v.ty)?;
            // An extern function has its place in a section, but no bytes.
            if var.kind() != Kind::Var {
                continue;
            }
            if !self.name(var.name())? {
                break;
            }
            self.value(v.ty, at.at(u64::from(v.offset).saturating_mul(8), false), 0)?;
        }
        self.visitor.end_struct()
    }
}

fn bits_of(ty: Type<'_>) -> u32 {
    ty.size().unwrap_or(0).saturating_mul(8)
}

/// Compilers do not mark `char` as a character, so its name has to do; `unsigned char` is a number.
pub(super) fn is_char(ty: Type<'_>, int: IntType) -> bool {
    int.char || ty.name_bytes() == b"char"
}
