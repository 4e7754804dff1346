use crate::TypeId;

/// A member of a struct or union to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name; empty for an anonymous struct or union.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Where it starts, in bits from the start of the struct.
    pub bit_offset: u32,
    /// Its width in bits if it is a bit-field, otherwise 0.
    pub bitfield_size: u32,
}

impl<'a> Field<'a> {
    /// A member that is no bit-field.
    pub fn new(name: &'a str, ty: TypeId, bit_offset: u32) -> Self {
        Field { name, ty, bit_offset, bitfield_size: 0 }
    }

    /// A bit-field of `bits` bits.
    pub fn bitfield(name: &'a str, ty: TypeId, bit_offset: u32, bits: u32) -> Self {
        Field { name, ty, bit_offset, bitfield_size: bits }
    }
}

/// What the bits of an integer mean (`BTF_INT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IntEncoding(pub(super) u8);

impl IntEncoding {
    /// Not negative.
    pub const UNSIGNED: IntEncoding = IntEncoding(0);
    /// Can be negative.
    pub const SIGNED: IntEncoding = IntEncoding(1);
    /// A character.
    pub const CHAR: IntEncoding = IntEncoding(2);
    /// A boolean.
    pub const BOOL: IntEncoding = IntEncoding(4);

    /// Both: `signed char`.
    pub const fn and(self, other: IntEncoding) -> IntEncoding {
        IntEncoding(self.0 | other.0)
    }
}
