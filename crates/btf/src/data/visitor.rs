//! What a walk through data tells, piece by piece.

use super::float::Float;
use crate::{Type, TypeId};

/// Takes a value as it is read: scalars, and structs and arrays as what begins and ends them.
///
/// [`TypedData::visit`](crate::TypedData::visit) calls it for bytes, [`Value::visit`](crate::Value::visit) for a
/// value that was read before. [`JsonWriter`](crate::JsonWriter) is one.
///
/// ```
/// use oxbpf_btf::{Btf, BtfBuilder, Cut, Endian, Error, Field, Float, IntEncoding, Visitor};
///
/// /// Adds up all integers.
/// struct Sum(i128);
///
/// impl<'a> Visitor<'a> for Sum {
///     type Error = Error;
///     fn int(&mut self, value: i128) -> Result<(), Error> {
///         self.0 += value;
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let mut b = BtfBuilder::new();
/// let short = b.add_int("short", 2, IntEncoding::SIGNED)?;
/// let pair = b.add_struct("pair", 4, [Field::new("a", short, 0), Field::new("b", short, 16)])?;
/// let btf = Btf::parse(b.to_vec(Endian::Little)?)?;
/// let mut sum = Sum(0);
/// btf.data(pair, &[1, 0, 0xff, 0xff]).visit(&mut sum)?;
/// assert_eq!(sum.0, 0);
/// # Ok(()) }
/// ```
///
/// Each method does nothing unless written.
#[allow(unused_variables, reason = "the names of what is not used are documentation")]
pub trait Visitor<'a> {
    /// Why it stops. An error of the walk itself becomes one, too.
    type Error: From<crate::Error>;

    /// Comes before each value of a [`TypedData`](crate::TypedData): where it is, and its type. A
    /// [`Value`](crate::Value) has forgotten that.
    fn place(&mut self, place: &Place<'a>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An integer, as far as 127 bits and the sign tell it.
    fn int(&mut self, value: i128) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An integer above `i128::MAX`.
    fn uint(&mut self, value: u128) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A boolean.
    fn bool(&mut self, value: bool) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A single `char`.
    fn char(&mut self, value: u8) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A value of an enum, with the first name that it has.
    fn enumerator(&mut self, name: Option<&'a str>, value: i128) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A floating-point number.
    fn float(&mut self, value: Float) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An address.
    fn pointer(&mut self, address: u64) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An array of `char`, or what there is of it: its string ends before the first NUL.
    fn chars(&mut self, chars: &[u8], cut: Option<Cut>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An array of unsigned bytes, or what there is of it.
    fn bytes(&mut self, bytes: &[u8], cut: Option<Cut>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A struct, a union, or a section with its variables: fields follow.
    fn begin_struct(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The name of a member or variable, whose value follows. Without a name it is a struct or union whose
    /// fields are the outer one's, as C sees it.
    fn field(&mut self, name: &'a str) -> Result<(), Self::Error> {
        Ok(())
    }

    /// No more fields.
    fn end_struct(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An array: values follow.
    fn begin_array(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// No more values.
    fn end_array(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// In place of a value: it is not there, or not wholly. In an array it stands for all that follow.
    fn truncated(&mut self, cut: Cut) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether it takes no more. The walk then comes to its end, with [`Cut::TooMuch`] for the value that was
    /// next.
    fn is_full(&self) -> bool {
        false
    }
}

/// Where in the data a value is, and of which type.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its type as it was declared: a typedef, a constant and so on.
    pub declared: TypeId,
    /// Its type behind typedefs and modifiers.
    pub ty: Type<'a>,
    /// Where it starts, in bits from the start of the data. Bits are numbered as C allots bit-fields: from
    /// the least significant bit of a byte on little-endian machines, from the most significant one on
    /// big-endian ones.
    pub bit_offset: u64,
    /// Its width in bits if it is a bit-field, otherwise 0.
    pub bitfield_size: u32,
}

/// Why a value is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// The data ends before the value does.
    #[doc(alias = "E2BIG")]
    Short {
        /// The byte of the data that it starts in.
        offset: u64,
        /// The length that the data would need.
        needed: u64,
    },
    /// There are more values than such data can mean, or the visitor takes no more.
    TooMuch,
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cut::Short { offset, needed } => {
                write!(f, "the data ends inside the value at byte {offset}: it would take {needed} bytes")
            }
            Cut::TooMuch => f.write_str("there are more values than such data can mean"),
        }
    }
}

/// What data came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Size of the type in bytes.
    pub size: u64,
    /// The first value that is not there, if any.
    pub cut: Option<Cut>,
}
