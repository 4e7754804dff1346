//! Bytes and their type: as a visit, a tree of values, text or JSON.

mod bits;
mod float;
mod json;
mod per_cpu;
mod text;
mod value;
mod visitor;
mod walk;

use crate::{Btf, Error, TypeId};

pub use float::Float;
pub use json::JsonWriter;
pub use per_cpu::PerCpu;
pub use text::TextOptions;
pub use value::Value;
pub use visitor::{Cut, Extent, Place, Visitor};

/// Text or JSON of data grows to this length, and to [`PER_BYTE`] more for each byte of the data, whatever the
/// types' names are.
const MOST: usize = 1 << 20;

const PER_BYTE: usize = 512;

/// Bytes, and the type that says what they mean: [`Btf::data`].
///
/// Data may be shorter than its type: values that it ends before or in are told as missing. It may be longer: an
/// array of length 0 at the very end of the type takes what is left. Types without values (`void`, functions) and
/// types that contain themselves are errors.
///
/// What comes out is bounded by the length of the data, whatever the type says.
///
/// ```
/// use oxbpf_btf::{Btf, BtfBuilder, Endian, Field, IntEncoding, TextOptions};
///
/// # fn main() -> Result<(), oxbpf_btf::Error> {
/// let mut b = BtfBuilder::new();
/// let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
/// let ptr = b.add_ptr(int)?;
/// let s = b.add_struct("sample", 16, [Field::new("count", int, 0), Field::new("at", ptr, 64)])?;
/// let btf = Btf::parse(b.to_vec(Endian::Little)?)?;
/// let bytes = [7, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x20, 0, 0];
///
/// let data = btf.data(s, &bytes);
/// let options = TextOptions { compact: true, ..TextOptions::default() };
/// assert_eq!(data.to_text(&options)?, "(struct sample){.count = (int)7,.at = <truncated>,}");
/// assert_eq!(data.to_json()?, r#"{"count":7,"at":null}"#);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[doc(alias = "btf_dump__dump_type_data")]
pub struct TypedData<'a, 'd> {
    btf: &'a Btf,
    ty: TypeId,
    data: &'d [u8],
    /// How many values share what may be made beside what the length of the data allows.
    shares: usize,
}

impl Btf {
    /// `data` as a value of type `ty`, in the byte order of this BTF.
    pub fn data<'a, 'd>(&'a self, ty: TypeId, data: &'d [u8]) -> TypedData<'a, 'd> {
        TypedData { btf: self, ty, data, shares: 1 }
    }

    /// What `data` says as a value of type `ty`: short for `self.data(ty, data).value()`.
    pub fn decode<'a>(&'a self, ty: TypeId, data: &[u8]) -> Result<Value<'a>, Error> {
        self.data(ty, data).value()
    }
}

impl<'a, 'd> TypedData<'a, 'd> {
    /// Tells a visitor all values.
    ///
    /// Errors: the visitor's own; the type has no values or contains itself.
    pub fn visit<V: Visitor<'a>>(&self, visitor: &mut V) -> Result<Extent, V::Error> {
        let size = self.btf.size_of(self.ty)?;
        let mut walk = walk::Walk::new(self.btf, self.data, self.shares, visitor);
        walk.value(self.ty, walk::Spot::START, 0)?;
        Ok(Extent { size, cut: walk.cut })
    }

    /// The size of the type, and whether the data has all of it: what is cut is marked in text, and JSON has
    /// `null` for it.
    pub fn extent(&self) -> Result<Extent, Error> {
        self.visit(&mut Nothing)
    }

    /// All values as a tree.
    pub fn value(&self) -> Result<Value<'a>, Error> {
        let mut builder = value::Builder::default();
        self.visit(&mut builder)?;
        Ok(builder.finish())
    }

    /// Appends JSON to `out`: see [`JsonWriter`] for what becomes what.
    pub fn write_json(&self, out: &mut String) -> Result<Extent, Error> {
        self.visit(&mut JsonWriter::with_limit(out, self.limit()))
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<String, Error> {
        let mut out = String::new();
        self.write_json(&mut out)?;
        Ok(out)
    }

    /// As C writes an initializer, with a cast for each value: the text of libbpf's
    /// `btf_dump__dump_type_data()`.
    ///
    /// Where that would lose something, this does not: a struct is left out as zero only if all of it is;
    /// nothing of an array of unsigned bytes is left out behind its first zero; enumerators above 2^31 and in
    /// bit-fields have their names; and where the data ends stands `<truncated>`.
    pub fn to_text(&self, options: &TextOptions) -> Result<String, Error> {
        let mut writer = text::TextWriter::new(self.btf, options, self.limit());
        self.visit(&mut writer)?;
        Ok(writer.finish())
    }

    /// The data as the values of a per-CPU map or variable.
    pub fn per_cpu(self) -> Result<PerCpu<'a, 'd>, Error> {
        PerCpu::new(self)
    }

    fn limit(&self) -> usize {
        let share = MOST.checked_div(self.shares).unwrap_or(0);
        self.data.len().saturating_mul(PER_BYTE).saturating_add(share)
    }
}

/// Only goes through.
struct Nothing;

impl Visitor<'_> for Nothing {
    type Error = Error;
}
