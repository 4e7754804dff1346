//! Bytes and their type to a tree of values, for printing.

use crate::{ArrayType, Btf, Endian, Error, IntType, Kind, Member, Type, TypeId, error::TypeProblem};

/// Types nested deeper than this contain themselves.
const MAX_DEPTH: u32 = 64;

/// How many values a decode may make beside two for each byte of data.
/// Unions show the same bytes again and again and empty structs take none, so without a limit a few bytes
/// could fill the memory.
const BUDGET: u64 = 1 << 14;

/// Bytes as what their type says they are.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An integer of up to 128 bits.
    Int(i128),
    /// An unsigned integer above `i128::MAX`.
    Uint(u128),
    /// A boolean.
    Bool(bool),
    /// A `char`.
    Char(u8),
    /// A value of an enum, by name where it has one.
    Enum {
        /// The first name with this value.
        name: Option<&'a str>,
        /// The value.
        value: i128,
    },
    /// A floating-point number of 4 or 8 bytes.
    Float(f64),
    /// An address.
    Pointer(u64),
    /// An array of `char` up to its first NUL, or up to the end of the data. What is not UTF-8 is replaced.
    Str(String),
    /// An array. Where the data ends before the array does, the last element is [`Value::Truncated`].
    Array(Vec<Value<'a>>),
    /// A struct or union with its members, those of anonymous members among them. Of a section: its
    /// variables.
    Struct(Vec<(&'a str, Value<'a>)>),
    /// An array of unsigned bytes, as far as the data goes; or a number of a size that Rust does not have.
    Bytes(Vec<u8>),
    /// The data ends before this value does, or there are more values than such data can mean.
    Truncated,
}

impl Btf {
    /// What `data` says as a value of type `ty`, in the byte order of this BTF.
    ///
    /// Data may be shorter than the type: values beyond its end are [`Value::Truncated`]. It may be longer:
    /// an array of length 0 at the very end of the type takes what is left. Types without values (`void`,
    /// functions) and types that contain themselves are errors.
    ///
    /// The size of the result is bounded by the length of the data, whatever the type says.
    #[doc(alias = "btf_dump__dump_type_data")]
    pub fn decode<'a>(&'a self, ty: TypeId, data: &[u8]) -> Result<Value<'a>, Error> {
        let budget = (data.len() as u64).saturating_mul(2).saturating_add(BUDGET);
        let place = Place { bit: 0, tail: true, depth: 0 };
        Decoder { btf: self, data, big: self.endian() == Endian::Big, budget }.value(ty, place)
    }
}

/// Where in the data, and in the type, a value is.
#[derive(Clone, Copy)]
struct Place {
    bit: u64,
    /// Nothing of the type comes behind this value.
    tail: bool,
    depth: u32,
}

impl Place {
    fn byte(self) -> usize {
        usize::try_from(self.bit / 8).unwrap_or(usize::MAX)
    }

    /// A part of the value here that starts `bits` later.
    fn at(self, bits: u64, tail: bool) -> Place {
        Place { bit: self.bit.saturating_add(bits), tail, depth: self.depth.saturating_add(1) }
    }
}

struct Decoder<'a, 'd> {
    btf: &'a Btf,
    data: &'d [u8],
    big: bool,
    budget: u64,
}

impl<'a> Decoder<'a, '_> {
    /// Whether there is still budget for a value.
    fn charge(&mut self, cost: usize) -> bool {
        match self.budget.checked_sub(cost as u64) {
            Some(left) => {
                self.budget = left;
                true
            }
            None => {
                self.budget = 0;
                false
            }
        }
    }

    fn value(&mut self, id: TypeId, at: Place) -> Result<Value<'a>, Error> {
        let ty = self.btf.resolve(id)?;
        if at.depth > MAX_DEPTH {
            return Err(ty.error(TypeProblem::Loop { limit: MAX_DEPTH }));
        }
        if !self.charge(1) {
            return Ok(Value::Truncated);
        }
        match ty.kind() {
            Kind::Int => Ok(self.int(ty, at)),
            Kind::Enum | Kind::Enum64 => {
                let bits = bits_of(ty);
                Ok(self.enumerator(ty, at.bit, bits))
            }
            Kind::Ptr => {
                let bits = self.btf.pointer_size().saturating_mul(8);
                // A pointer has 32 or 64 bits.
                Ok(self.bits(at.bit, bits).map_or(Value::Truncated, |v| Value::Pointer(v as u64)))
            }
            Kind::Float => Ok(self.float(ty, at)),
            Kind::Array => self.array(ty, at),
            Kind::Struct | Kind::Union => self.composite(ty, at),
            Kind::Datasec => self.section(ty, at),
            Kind::Var => self.value(ty.target().unwrap_or_default(), at.at(0, at.tail)),
            _ => Err(ty.error(TypeProblem::Unsized)),
        }
    }

    /// `n` bits from bit `from` on. Bits are numbered as C allots bit-fields: from the least significant bit of
    /// a byte on little-endian machines, from the most significant one on big-endian ones.
    fn bits(&self, from: u64, n: u32) -> Option<u128> {
        let end = from.checked_add(u64::from(n))?;
        let first = usize::try_from(from / 8).ok()?;
        let last = usize::try_from(end.div_ceil(8)).ok()?;
        let bytes = self.data.get(first..last)?;
        if n > 128 {
            return None;
        }
        let aligned = from.is_multiple_of(8) && n.is_multiple_of(8);
        let fold = |v: u128, &b: &u8| v << 8 | u128::from(b);
        if aligned {
            return Some(match self.big {
                true => bytes.iter().fold(0, fold),
                false => bytes.iter().rev().fold(0, fold),
            });
        }
        let bit = |i: u64| {
            let byte = bytes.get((i / 8) as usize).copied().unwrap_or(0);
            let shift = if self.big { 7 ^ (i % 8) } else { i % 8 };
            u128::from(byte >> shift & 1)
        };
        let start = from % 8;
        let all = start..start.saturating_add(u64::from(n));
        Some(match self.big {
            true => all.fold(0, |v, i| v << 1 | bit(i)),
            false => all.rev().fold(0, |v, i| v << 1 | bit(i)),
        })
    }

    fn int(&self, ty: Type<'a>, at: Place) -> Value<'a> {
        let Some(int) = ty.int() else { return Value::Truncated };
        let from = at.bit.saturating_add(u64::from(int.bit_offset));
        self.int_bits(ty, int, from, int.bits)
    }

    fn int_bits(&self, ty: Type<'a>, int: IntType, from: u64, bits: u32) -> Value<'a> {
        let Some(v) = self.bits(from, bits) else { return Value::Truncated };
        if int.bool {
            return Value::Bool(v != 0);
        }
        if bits == 8 && is_char(ty, int) {
            return Value::Char(v as u8);
        }
        if int.signed {
            return Value::Int(sign_extend(v, bits));
        }
        i128::try_from(v).map_or(Value::Uint(v), Value::Int)
    }

    fn enumerator(&mut self, ty: Type<'a>, from: u64, bits: u32) -> Value<'a> {
        // Looking for the name is the work here.
        if !self.charge((ty.vlen() / 64) as usize) {
            return Value::Truncated;
        }
        let Some(v) = self.bits(from, bits) else { return Value::Truncated };
        // Enums have up to 64 bits, and so have bit-fields of them.
        let value = if ty.is_signed_enum() { sign_extend(v, bits) } else { v as i128 };
        Value::Enum { name: ty.enumerator(value), value }
    }

    fn float(&self, ty: Type<'a>, at: Place) -> Value<'a> {
        let bits = bits_of(ty);
        match (bits, self.bits(at.bit, bits)) {
            (_, None) => Value::Truncated,
            // Cut to the number of bits that were read.
            (32, Some(v)) => Value::Float(f64::from(f32::from_bits(v as u32))),
            (64, Some(v)) => Value::Float(f64::from_bits(v as u64)),
            _ => {
                let end = at.byte().saturating_add((bits / 8) as usize);
                Value::Bytes(self.data.get(at.byte()..end).unwrap_or_default().to_vec())
            }
        }
    }

    fn array(&mut self, ty: Type<'a>, at: Place) -> Result<Value<'a>, Error> {
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
        {
            // `len` is compared with what is there.
            let bytes = rest.get(..usize::try_from(len).unwrap_or(usize::MAX)).unwrap_or(rest);
            if bytes.is_empty() && len > 0 {
                return Ok(Value::Truncated);
            }
            if is_char(elem_ty, int) {
                let s = bytes.split(|&b| b == 0).next().unwrap_or_default();
                return Ok(Value::Str(String::from_utf8_lossy(s).into_owned()));
            }
            if !int.signed {
                return Ok(Value::Bytes(bytes.to_vec()));
            }
        }
        let mut out = Vec::new();
        for i in 0..len {
            let offset = i.saturating_mul(size);
            let beyond = self.budget == 0 || size > 0 && offset >= rest.len() as u64;
            let v = match beyond {
                true => Value::Truncated,
                false => self.value(elem, at.at(offset.saturating_mul(8), false))?,
            };
            let end = v == Value::Truncated;
            out.push(v);
            if end {
                break;
            }
        }
        Ok(Value::Array(out))
    }

    fn composite(&mut self, ty: Type<'a>, at: Place) -> Result<Value<'a>, Error> {
        if ty.size().unwrap_or(0) > 0 && at.byte() >= self.data.len() {
            return Ok(Value::Truncated);
        }
        let mut out = Vec::new();
        self.members(ty, at, &mut out)?;
        Ok(Value::Struct(out))
    }

    fn members(&mut self, ty: Type<'a>, at: Place, out: &mut Vec<(&'a str, Value<'a>)>) -> Result<(), Error> {
        if at.depth > MAX_DEPTH {
            return Err(ty.error(TypeProblem::Loop { limit: MAX_DEPTH }));
        }
        let members = ty.members();
        let count = members.len();
        for (m, nth) in members.zip(1usize..) {
            // A name takes time to read, even though it is not copied.
            if !self.charge(m.name.len() / 64) || self.budget == 0 {
                out.push((m.name, Value::Truncated));
                break;
            }
            let tail = at.tail && (nth == count || ty.kind() == Kind::Union);
            let here = at.at(u64::from(m.bit_offset), tail);
            if m.bitfield_size != 0 {
                out.push((m.name, self.bitfield(&m, here.bit)?));
                continue;
            }
            if m.name.is_empty() {
                let inner = self.btf.resolve(m.ty)?;
                if inner.kind().is_composite() && self.charge(1) {
                    self.members(inner, here, out)?;
                    continue;
                }
            }
            out.push((m.name, self.value(m.ty, here)?));
        }
        Ok(())
    }

    fn bitfield(&mut self, m: &Member<'a>, from: u64) -> Result<Value<'a>, Error> {
        let ty = self.btf.resolve(m.ty)?;
        if !self.charge(1) {
            return Ok(Value::Truncated);
        }
        match (ty.kind(), ty.int()) {
            (_, Some(int)) => Ok(self.int_bits(ty, int, from, m.bitfield_size)),
            (Kind::Enum | Kind::Enum64, _) => Ok(self.enumerator(ty, from, m.bitfield_size.min(64))),
            _ => Err(ty.error(TypeProblem::WrongKind { expected: "a type that a bit-field can have" })),
        }
    }

    fn section(&mut self, ty: Type<'a>, at: Place) -> Result<Value<'a>, Error> {
        let mut out = Vec::new();
        for v in ty.variables() {
            let var = self.btf.get(v.ty)?;
            let name = var.name();
            if !self.charge(name.len() / 64) || self.budget == 0 {
                out.push((name, Value::Truncated));
                break;
            }
            // An extern function has its place in a section, but no bytes.
            if var.kind() == Kind::Var {
                out.push((name, self.value(v.ty, at.at(u64::from(v.offset).saturating_mul(8), false))?));
            }
        }
        Ok(Value::Struct(out))
    }
}

fn bits_of(ty: Type<'_>) -> u32 {
    ty.size().unwrap_or(0).saturating_mul(8)
}

/// Compilers do not mark `char` as a character, so its name has to do; `unsigned char` is a number.
fn is_char(ty: Type<'_>, int: IntType) -> bool {
    int.char || ty.name_bytes() == b"char"
}

fn sign_extend(v: u128, bits: u32) -> i128 {
    let unused = 128u32.saturating_sub(bits);
    // The same bits, moved to the top and back with the sign.
    (v.checked_shl(unused).unwrap_or(0) as i128).checked_shr(unused).unwrap_or(0)
}
