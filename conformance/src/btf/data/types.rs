//! Random types with random bytes for them, laid out as a compiler would.

use oxbpf_btf::{BtfBuilder, Field, IntEncoding, SecVar, TypeId};

use crate::Outcome;
use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Focus {
    /// Everything but arrays of bytes.
    Values,
    /// Arrays of bytes, and what can stand beside them.
    Bytes,
    /// One array of characters.
    String,
    /// A variable or a section.
    Section,
}

pub(super) struct Case {
    pub(super) btf: BtfBuilder,
    pub(super) ty: TypeId,
    pub(super) data: Vec<u8>,
}

struct Ty {
    id: TypeId,
    size: u32,
    align: u32,
    shape: Shape,
}

enum Shape {
    /// Bytes that may be anything.
    Plain,
    Bool,
    /// A `long double`.
    Long,
    Enum {
        values: Vec<u64>,
        signed: bool,
    },
    Chars,
    Bytes,
    Array(Box<Ty>, u32),
    /// With their byte offsets.
    Struct(Vec<(Ty, u32)>),
    Union,
    /// Bit-fields: where each starts and how many bits it has.
    Bits(Vec<(u32, u32)>),
}

struct Maker<'r> {
    b: BtfBuilder,
    r: &'r mut Random,
    focus: Focus,
    zeroes: bool,
    ints: Vec<(TypeId, u32)>,
    char: TypeId,
    byte: TypeId,
    bool: TypeId,
    names: u32,
}

impl Case {
    pub(super) fn new(r: &mut Random, focus: Focus, zeroes: bool) -> Outcome<Case> {
        let mut b = BtfBuilder::new();
        let char = b.add_int("char", 1, IntEncoding::SIGNED)?;
        let byte = b.add_int("unsigned char", 1, IntEncoding::UNSIGNED)?;
        let bool = b.add_int("_Bool", 1, IntEncoding::BOOL)?;
        let mut ints = Vec::new();
        for (name, size) in [("short", 2), ("int", 4), ("long", 8), ("__int128", 16)] {
            ints.push((b.add_int(name, size, IntEncoding::SIGNED)?, size));
            ints.push((b.add_int(&format!("unsigned {name}"), size, IntEncoding::UNSIGNED)?, size));
        }
        let mut m = Maker { b, r, focus, zeroes, ints, char, byte, bool, names: 0 };
        let (ty, data) = match focus {
            Focus::Values if m.r.percent(30) => m.value_of(|m| m.any(2))?,
            Focus::Values | Focus::Bytes => m.value_of(|m| m.structure(2))?,
            Focus::String => m.value_of(|m| m.chars())?,
            Focus::Section => m.section()?,
        };
        Ok(Case { btf: m.b, ty, data })
    }
}

impl Maker<'_> {
    fn value_of(&mut self, make: impl Fn(&mut Self) -> Outcome<Ty>) -> Outcome<(TypeId, Vec<u8>)> {
        let ty = make(self)?;
        let mut data = vec![0; ty.size as usize];
        self.fill(&ty, &mut data, 0, true);
        Ok((ty.id, data))
    }

    fn section(&mut self) -> Outcome<(TypeId, Vec<u8>)> {
        let (mut vars, mut data) = (Vec::new(), Vec::new());
        for _ in 0..self.r.from(1..=4) {
            let ty = self.any(1)?;
            let offset = (data.len() as u32).next_multiple_of(ty.align);
            data.resize((offset + ty.size) as usize, 0);
            self.fill(&ty, &mut data, offset as usize, true);
            let name = self.name("var");
            let linkage = self.r.below(3);
            vars.push(SecVar { ty: self.b.add_var(&name, ty.id, linkage)?, offset, size: ty.size });
        }
        if vars.len() == 1 && self.r.percent(50) {
            return Ok((vars[0].ty, data));
        }
        let size = data.len() as u32;
        Ok((self.b.add_datasec(".data", size, vars)?, data))
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}_{}", self.names)
    }

    /// Any type, with typedefs and modifiers around it.
    fn any(&mut self, depth: u32) -> Outcome<Ty> {
        let mut ty = match self.r.below(if depth == 0 { 8 } else { 12 }) {
            0 if self.focus != Focus::Bytes => self.one_byte(),
            1 => self.pointer()?,
            2 => self.enumeration()?,
            3 => self.float()?,
            4 | 5 if self.focus == Focus::Bytes => self.chars()?,
            8 => self.array(depth)?,
            9 => self.union()?,
            10 => self.bits()?,
            11 => self.structure(depth)?,
            _ => {
                let &(id, size) = self.r.pick(&self.ints);
                Ty { id, size, align: size, shape: Shape::Plain }
            }
        };
        while self.r.percent(20) {
            ty.id = match self.r.below(4) {
                0 => self.b.add_const(ty.id)?,
                1 => self.b.add_volatile(ty.id)?,
                _ => {
                    let name = self.name("alias");
                    self.b.add_typedef(&name, ty.id)?
                }
            };
        }
        Ok(ty)
    }

    fn one_byte(&mut self) -> Ty {
        let (id, shape) = match self.r.below(3) {
            0 => (self.bool, Shape::Bool),
            1 => (self.char, Shape::Plain),
            _ => (self.byte, Shape::Plain),
        };
        Ty { id, size: 1, align: 1, shape }
    }

    /// A pointer to what makes a cast worth reading.
    fn pointer(&mut self) -> Outcome<Ty> {
        let mut to = match self.r.below(6) {
            0 => TypeId::VOID,
            1 => self.b.add_const(self.char)?,
            2 => {
                let name = self.name("later");
                let union = self.r.percent(30);
                self.b.add_fwd(&name, union)?
            }
            3 => self.b.add_array(self.ints[2].0, self.ints[2].0, 4)?,
            4 => self.r.pick(&self.ints).0,
            _ => {
                let result = if self.r.percent(50) { TypeId::VOID } else { self.b.add_ptr(self.char)? };
                let first = self.b.add_ptr(TypeId::VOID)?;
                let ints = (self.ints[0].0, self.ints[2].0);
                let all = [("", first), ("flags", ints.0), ("p", first), ("", ints.1), ("", TypeId::VOID)];
                let count = self.r.below(6) as usize;
                self.b.add_func_proto(result, all[..count].iter().copied())?
            }
        };
        while self.r.percent(25) {
            to = self.b.add_ptr(to)?;
        }
        let id = self.b.add_ptr(to)?;
        Ok(Ty { id, size: 8, align: 8, shape: Shape::Plain })
    }

    fn enumeration(&mut self) -> Outcome<Ty> {
        let size = *self.r.pick(&[1u32, 2, 4, 8]);
        let signed = self.r.percent(40);
        // Those that are unsigned and large have no names with libbpf.
        let bits = (size * 8).min(32) - 1;
        let count = self.r.from(1..=4);
        let mut values: Vec<u64> = (0..count)
            .map(|_| {
                let value = self.r.next() & ((1u64 << bits) - 1) | 1;
                if signed && self.r.percent(30) {
                    (!value).max(1u64.wrapping_neg() << (bits - 1))
                } else {
                    value
                }
            })
            .collect();
        if signed {
            values.push(0);
        }
        let name = self.name("kind");
        let names: Vec<String> = values.iter().map(|_| self.name("VALUE")).collect();
        let named = names.iter().map(String::as_str).zip(values.iter().copied());
        let id = match size {
            8 => self.b.add_enum64(&name, size, signed, named)?,
            _ => self.b.add_enum(&name, size, signed, named.map(|(n, v)| (n, v as i64)))?,
        };
        Ok(Ty { id, size, align: size, shape: Shape::Enum { values, signed } })
    }

    fn float(&mut self) -> Outcome<Ty> {
        let size = *self.r.pick(&[4u32, 8, 16]);
        let name = self.name("float");
        let shape = if size == 16 { Shape::Long } else { Shape::Plain };
        Ok(Ty { id: self.b.add_float(&name, size)?, size, align: size, shape })
    }

    fn chars(&mut self) -> Outcome<Ty> {
        let len = self.r.from(1..=12);
        let chars = self.focus == Focus::String || self.r.percent(60);
        let (elem, shape) = if chars { (self.char, Shape::Chars) } else { (self.byte, Shape::Bytes) };
        let id = self.b.add_array(elem, self.ints[2].0, len)?;
        Ok(Ty { id, size: len, align: 1, shape })
    }

    fn array(&mut self, depth: u32) -> Outcome<Ty> {
        let elem = loop {
            let elem = self.any(depth - 1)?;
            // An array of single bytes is another matter.
            if elem.size > 1 {
                break elem;
            }
        };
        let len = self.r.from(1..=4);
        let id = self.b.add_array(elem.id, self.ints[2].0, len)?;
        let (size, align) = (elem.size * len, elem.align);
        Ok(Ty { id, size, align, shape: Shape::Array(Box::new(elem), len) })
    }

    fn structure(&mut self, depth: u32) -> Outcome<Ty> {
        let (mut end, mut align) = (0u32, 1u32);
        let mut members = Vec::new();
        for _ in 0..self.r.from(1..=6) {
            let ty = self.any(depth.saturating_sub(1))?;
            let offset = end.next_multiple_of(ty.align);
            (end, align) = (offset + ty.size, align.max(ty.align));
            members.push((ty, offset));
        }
        let size = end.next_multiple_of(align);
        let names: Vec<String> = members.iter().map(|_| self.name("m")).collect();
        let fields = members.iter().zip(&names).map(|((ty, at), name)| {
            // Structs and unions may be anonymous members.
            let anonymous = matches!(ty.shape, Shape::Union) && ty.size % 3 == 0;
            Field::new(if anonymous { "" } else { name }, ty.id, at * 8)
        });
        let name = if depth < 2 && end % 3 == 0 { String::new() } else { format!("struct_{}", self.names) };
        let id = self.b.add_struct(&name, size, fields)?;
        Ok(Ty { id, size, align, shape: Shape::Struct(members) })
    }

    /// A union of scalars: which of its members are zero, everyone sees.
    fn union(&mut self) -> Outcome<Ty> {
        let members: Vec<(TypeId, u32)> = (0..self.r.from(1..=4)).map(|_| *self.r.pick(&self.ints)).collect();
        let size = members.iter().map(|m| m.1).max().unwrap_or(1);
        let (name, names) = (self.name("union"), ["a", "b", "c", "d"]);
        let fields = members.iter().zip(names).map(|(&(ty, _), name)| Field::new(name, ty, 0));
        Ok(Ty { id: self.b.add_union(&name, size, fields)?, size, align: size, shape: Shape::Union })
    }

    fn bits(&mut self) -> Outcome<Ty> {
        let &(ty, size) = loop {
            let int = self.r.pick(&self.ints);
            if int.1 <= 8 {
                break int;
            }
        };
        let (mut at, mut bits) = (0, Vec::new());
        while at < size * 8 && bits.len() < 8 {
            let width = self.r.from(1..=(size * 8 - at).min(57));
            bits.push((at, width));
            at += width + self.r.below(2) * self.r.below(3);
        }
        let names: Vec<String> = bits.iter().map(|_| self.name("bits")).collect();
        let fields = bits.iter().zip(&names).map(|(&(at, n), name)| Field::bitfield(name, ty, at, n));
        let name = self.name("flags");
        let id = self.b.add_struct(&name, size, fields)?;
        Ok(Ty { id, size, align: size, shape: Shape::Bits(bits) })
    }

    /// Bytes for a value. `free`: it may be zero though what is around it is not.
    fn fill(&mut self, ty: &Ty, data: &mut [u8], at: usize, free: bool) {
        // Zeroes in arrays of bytes are another matter.
        let kept = match ty.shape {
            Shape::Bytes | Shape::Struct(_) => true,
            Shape::Array(..) => self.focus == Focus::Bytes,
            _ => false,
        };
        let zero = free && !kept && self.r.percent(25);
        let bytes = &mut data[at..at + ty.size as usize];
        match &ty.shape {
            _ if zero => bytes.fill(0),
            Shape::Plain | Shape::Union => {
                let width = self.r.from(1..=ty.size);
                bytes[..width as usize].fill_with(|| self.r.next() as u8);
                bytes[0] |= 1;
            }
            Shape::Bool => bytes[0] = 1,
            Shape::Long => {
                bytes[..8].fill_with(|| self.r.next() as u8);
                let spread = *self.r.pick(&[4u32, 80, 16_000]);
                let exponent = 0x3fff - spread / 2 + self.r.below(spread);
                // The bit before the point is always set.
                bytes[7] |= 0x80;
                bytes[8..10]
                    .copy_from_slice(&(exponent as u16 | (self.r.below(2) as u16) << 15).to_le_bytes());
            }
            Shape::Enum { values, signed } => {
                let named = *signed || self.r.percent(70);
                let value = match named {
                    // The first is not 0.
                    true if !free => values[0],
                    true => *self.r.pick(values),
                    false => self.r.next() >> 1 | 1,
                };
                bytes.copy_from_slice(&value.to_le_bytes()[..ty.size as usize]);
            }
            Shape::Chars => {
                let len = self.r.from(1..=ty.size) as usize;
                bytes[..len].fill_with(|| match self.r.below(4) {
                    0 => self.r.from(1..=255) as u8,
                    _ => self.r.from(32..=126) as u8,
                });
            }
            Shape::Bytes => bytes.fill_with(|| self.r.from(1..=255) as u8),
            Shape::Array(elem, len) => {
                for i in 0..*len {
                    // Behind an array of bytes, libbpf leaves out what is zero in other arrays.
                    let free = i > 0 && (self.zeroes || self.focus != Focus::Bytes);
                    self.fill(elem, data, at + (i * elem.size) as usize, free);
                }
            }
            Shape::Struct(members) => {
                for (i, (ty, offset)) in members.iter().enumerate() {
                    // The first member tells libbpf whether a struct is zero.
                    self.fill(ty, data, at + *offset as usize, i > 0 || free && self.zeroes);
                }
            }
            Shape::Bits(bits) => {
                for &(from, n) in bits {
                    let value = if self.r.percent(20) { 1 } else { self.r.next() } | u64::from(from == 0);
                    for i in (0..n).filter(|i| value >> i & 1 == 1) {
                        bytes[((from + i) / 8) as usize] |= 1 << ((from + i) % 8);
                    }
                }
            }
        }
    }
}
