//! `.BTF.ext`: what the instructions of an object's code sections have to do with its types.

mod build;
mod edit;
mod read;
mod records;
mod remap;
mod table;

pub use build::BtfExtBuilder;

use std::{fmt, sync::Arc};

use crate::{
    Btf, Bytes, Endian, Error,
    words::{Order, Word, words},
};

pub use records::{CoreRelo, CoreReloKind, ExtRecord, FuncInfo, LineInfo};
pub use table::RecordTable;

use read::Reader;

/// The ELF section `.BTF.ext`: function info, line info and CO-RE relocations, each by code section.
/// Cloning is cheap.
#[derive(Clone)]
#[doc(alias = "btf_ext")]
pub struct BtfExt(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    btf: Btf,
    parts: Parts,
}

/// Where the parts are, all checked.
#[derive(Clone, Copy)]
struct Parts {
    endian: Endian,
    func: Part,
    line: Part,
    core: Part,
}

/// A part of the data, behind its record size.
#[derive(Clone, Copy, Default)]
struct Part {
    start: usize,
    len: usize,
    record: u32,
}

impl BtfExt {
    /// Parses and validates a `.BTF.ext` that belongs to `btf`, in either byte order. Records may be longer
    /// than is known; what is behind the known fields is passed over.
    #[doc(alias = "btf_ext__new")]
    pub fn parse(data: impl Into<Bytes>, btf: &Btf) -> Result<BtfExt, Error> {
        let bytes = data.into();
        let parts = Reader::parts(&bytes, btf)?;
        Ok(BtfExt(Arc::new(Inner { bytes, btf: btf.clone(), parts })))
    }

    /// The BTF that it belongs to.
    pub fn btf(&self) -> &Btf {
        &self.0.btf
    }

    /// The byte order of the data.
    #[doc(alias = "btf_ext__endianness")]
    pub fn endian(&self) -> Endian {
        self.0.parts.endian
    }

    /// The data as it was given.
    #[doc(alias = "btf_ext__raw_data")]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The same without a claim on the data.
    pub fn view(&self) -> ExtView<'_> {
        ExtView { bytes: &self.0.bytes, btf: &self.0.btf, parts: self.0.parts }
    }

    /// Where each function starts, and its type.
    pub fn func_info(&self) -> ExtSections<'_, FuncInfo> {
        self.view().func_info()
    }

    /// Which source line each instruction comes from.
    pub fn line_info(&self) -> ExtSections<'_, LineInfo> {
        self.view().line_info()
    }

    /// Which instructions depend on the layout of the running kernel's types.
    pub fn core_relos(&self) -> ExtSections<'_, CoreRelo> {
        self.view().core_relos()
    }
}

/// A [`BtfExt`] over bytes of someone else's, which are only read and not copied.
#[derive(Clone, Copy)]
pub struct ExtView<'a> {
    bytes: &'a [u8],
    btf: &'a Btf,
    parts: Parts,
}

impl<'a> ExtView<'a> {
    /// Parses and validates, as [`BtfExt::parse`] does.
    pub fn parse(bytes: &'a [u8], btf: &'a Btf) -> Result<Self, Error> {
        Ok(Self { bytes, btf, parts: Reader::parts(bytes, btf)? })
    }

    /// Where each function starts, and its type.
    pub fn func_info(self) -> ExtSections<'a, FuncInfo> {
        self.sections(self.parts.func)
    }

    /// Which source line each instruction comes from.
    pub fn line_info(self) -> ExtSections<'a, LineInfo> {
        self.sections(self.parts.line)
    }

    /// Which instructions depend on the layout of the running kernel's types.
    pub fn core_relos(self) -> ExtSections<'a, CoreRelo> {
        self.sections(self.parts.core)
    }

    fn debug(self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("endian", &self.parts.endian)
            .field("func_info", &self.func_info().count())
            .field("line_info", &self.line_info().count())
            .field("core_relos", &self.core_relos().count())
            .finish()
    }

    fn sections<R>(self, part: Part) -> ExtSections<'a, R> {
        let end = part.start.saturating_add(part.len);
        ExtSections {
            btf: self.btf,
            order: Order::of(self.parts.endian),
            record: (part.record / 4) as usize,
            rest: words(self.bytes.get(part.start..end).unwrap_or_default()),
            kind: std::marker::PhantomData,
        }
    }
}

impl fmt::Debug for ExtView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("ExtView", f)
    }
}

impl fmt::Debug for BtfExt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug("BtfExt", f)
    }
}

/// The records for one code section.
#[derive(Clone)]
pub struct ExtSection<'a, R> {
    /// The name of the code section.
    pub name: &'a str,
    /// Its records, in the order of the file.
    pub records: Records<'a, R>,
}

impl<R> fmt::Debug for ExtSection<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtSection({:?}, {} records)", self.name, self.records.left())
    }
}

/// The code sections of one part of a [`BtfExt`], each with its records.
#[derive(Clone)]
pub struct ExtSections<'a, R> {
    btf: &'a Btf,
    order: Order,
    /// Words of a record; 0 in an absent part.
    record: usize,
    rest: &'a [Word],
    kind: std::marker::PhantomData<R>,
}

impl<'a, R: ExtRecord> Iterator for ExtSections<'a, R> {
    type Item = ExtSection<'a, R>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&[name, count], tail) = self.rest.split_first_chunk::<2>()?;
        let len = (self.order.u32(count) as usize).checked_mul(self.record)?;
        let (records, rest) = tail.split_at_checked(len)?;
        self.rest = rest;
        Some(ExtSection {
            name: self.btf.str_at(self.order.u32(name)).unwrap_or_default(),
            records: Records {
                order: self.order,
                // An absent part has no words, so this is not reached with 0.
                record: self.record.max(1),
                rest: records,
                kind: std::marker::PhantomData,
            },
        })
    }
}

impl<R> fmt::Debug for ExtSections<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtSections({} bytes left)", self.rest.len().saturating_mul(4))
    }
}

/// The records of an [`ExtSection`].
#[derive(Clone)]
pub struct Records<'a, R> {
    order: Order,
    /// Words of a record.
    record: usize,
    /// Whole records.
    rest: &'a [Word],
    kind: std::marker::PhantomData<R>,
}

impl<R> Records<'_, R> {
    /// How many are left.
    fn left(&self) -> usize {
        self.rest.len().checked_div(self.record).unwrap_or(0)
    }
}

impl<R: ExtRecord> Iterator for Records<'_, R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        let (record, rest) = self.rest.split_at_checked(self.record)?;
        self.rest = rest;
        Some(R::decode(self.order, record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left(), Some(self.left()))
    }
}

impl<R: ExtRecord> ExactSizeIterator for Records<'_, R> {}

impl<R> fmt::Debug for Records<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({} left)", self.left())
    }
}
