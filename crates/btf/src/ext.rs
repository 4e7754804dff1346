//! `.BTF.ext`: what the instructions of an object's code sections have to do with its types.

mod edit;
mod remap;

use std::{fmt, sync::Arc};

use crate::{
    Btf, Bytes, Endian, Error, TypeId,
    error::ExtProblem,
    header::Preamble,
    words::{Order, Word, words},
};

const WHAT: &str = ".BTF.ext";
/// magic to hdr_len, then offset and length of func_info and line_info.
const MIN_HEADER: u32 = 24;
/// The same with core_relo.
const CORE_HEADER: u32 = 32;

/// The ELF section `.BTF.ext`: function info, line info and CO-RE relocations, each by code section.
/// Cloning is cheap.
#[derive(Clone)]
#[doc(alias = "btf_ext")]
pub struct BtfExt(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    btf: Btf,
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
        let pre = Preamble::read(&bytes, WHAT, MIN_HEADER)?;
        pre.tail_is_zero(&bytes, WHAT, CORE_HEADER)?;
        let reader = Reader { data: &bytes, order: Order::of(pre.endian), hdr_len: pre.hdr_len, btf };
        let func = reader.part::<FuncInfo>(8)?;
        let line = reader.part::<LineInfo>(16)?;
        let core = if pre.hdr_len >= CORE_HEADER { reader.part::<CoreRelo>(24)? } else { Part::default() };
        Ok(BtfExt(Arc::new(Inner { btf: btf.clone(), endian: pre.endian, func, line, core, bytes })))
    }

    /// The BTF that it belongs to.
    pub fn btf(&self) -> &Btf {
        &self.0.btf
    }

    /// The byte order of the data.
    #[doc(alias = "btf_ext__endianness")]
    pub fn endian(&self) -> Endian {
        self.0.endian
    }

    /// The data as it was given.
    #[doc(alias = "btf_ext__raw_data")]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Where each function starts, and its type.
    pub fn func_info(&self) -> ExtSections<'_, FuncInfo> {
        self.sections(self.0.func)
    }

    /// Which source line each instruction comes from.
    pub fn line_info(&self) -> ExtSections<'_, LineInfo> {
        self.sections(self.0.line)
    }

    /// Which instructions depend on the layout of the running kernel's types.
    pub fn core_relos(&self) -> ExtSections<'_, CoreRelo> {
        self.sections(self.0.core)
    }

    fn sections<R>(&self, part: Part) -> ExtSections<'_, R> {
        let end = part.start.saturating_add(part.len);
        ExtSections {
            btf: &self.0.btf,
            order: Order::of(self.0.endian),
            record: (part.record / 4) as usize,
            rest: words(self.0.bytes.get(part.start..end).unwrap_or_default()),
            kind: std::marker::PhantomData,
        }
    }
}

impl fmt::Debug for BtfExt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BtfExt")
            .field("endian", &self.0.endian)
            .field("func_info", &self.func_info().count())
            .field("line_info", &self.line_info().count())
            .field("core_relos", &self.core_relos().count())
            .finish()
    }
}

struct Reader<'a> {
    data: &'a [u8],
    order: Order,
    hdr_len: u32,
    btf: &'a Btf,
}

impl Reader<'_> {
    /// Finds and checks the part whose offset and length are at `field` of the header.
    fn part<R: ExtRecord>(&self, field: usize) -> Result<Part, Error> {
        let header = words(self.data.get(field..field.saturating_add(8)).unwrap_or_default());
        let &[off, len] = header else { return Ok(Part::default()) };
        let [off, len] = [off, len].map(|w| u64::from(self.order.u32(w)));
        if len == 0 {
            return Ok(Part::default());
        }
        let hdr_len = u64::from(self.hdr_len);
        let available = (self.data.len() as u64).saturating_sub(hdr_len);
        let (what, section) = (WHAT, R::PART);
        if off.saturating_add(len) > available {
            return Err(Error::SectionBounds { what, section, offset: off, len, available });
        }
        if !off.is_multiple_of(4) || !len.is_multiple_of(4) {
            return Err(Error::SectionAlignment { what, section, offset: off, len });
        }
        // Inside the data, so it fits.
        let start = hdr_len.saturating_add(off) as usize;
        let end = start.saturating_add(len as usize);
        let all = words(self.data.get(start..end).unwrap_or_default());
        let Some((&record, rest)) = all.split_first() else { return Ok(Part::default()) };
        let record = self.order.u32(record);
        let fail = |at: usize, problem| {
            let offset = (start as u64).saturating_add((at as u64).saturating_mul(4));
            Err(Error::Ext { section, offset, problem })
        };
        let min = (R::WORDS as u32).saturating_mul(4);
        if record < min || !record.is_multiple_of(4) {
            return fail(0, ExtProblem::RecordSize { expected: min, got: record });
        }
        let mut left = rest;
        while !left.is_empty() {
            let at = all.len().wrapping_sub(left.len());
            let Some((&[name, count], tail)) = left.split_first_chunk::<2>() else {
                let (expected, got) = (8, 4);
                return fail(at, ExtProblem::Truncated { what: "section header", expected, got });
            };
            let (name, count) = (self.order.u32(name), self.order.u32(count));
            match self.btf.str_at(name) {
                Ok(_) => {}
                Err(Error::NotUtf8 { .. }) => return fail(at, ExtProblem::SectionName { offset: name }),
                Err(_) => return fail(at, self.no_string("section name", name)),
            }
            let expected = u64::from(count).saturating_mul(u64::from(record));
            let got = (tail.len() as u64).saturating_mul(4);
            if expected > got {
                return fail(at, ExtProblem::Truncated { what: "records", expected, got });
            }
            // Not more than the words left.
            let (records, next) = tail.split_at((expected / 4) as usize);
            for (r, i) in records.chunks_exact((record / 4) as usize).zip(0usize..) {
                if let Some(problem) = R::check(self, r) {
                    let at = at.saturating_add(2).saturating_add(i.saturating_mul((record / 4) as usize));
                    return fail(at, problem);
                }
            }
            left = next;
        }
        let start = start.saturating_add(4);
        Ok(Part { start, len: (len as usize).saturating_sub(4), record })
    }

    fn no_string(&self, what: &'static str, offset: u32) -> ExtProblem {
        ExtProblem::String { what, offset, len: self.btf.strs_end() }
    }

    fn string(&self, what: &'static str, offset: u32) -> Option<ExtProblem> {
        (u64::from(offset) >= self.btf.strs_end()).then(|| self.no_string(what, offset))
    }

    fn ty(&self, id: TypeId) -> Option<ExtProblem> {
        let end = self.btf.end_id();
        (id >= end).then_some(ExtProblem::Type { id, end })
    }
}

mod sealed {
    use super::{ExtProblem, Order, Reader, Word};

    pub trait Record {
        const PART: &'static str;
        const WORDS: usize;
        #[allow(private_interfaces, reason = "the trait cannot be named outside")]
        fn decode(order: Order, words: &[Word]) -> Self;
        #[allow(private_interfaces, reason = "the trait cannot be named outside")]
        fn check(reader: &Reader<'_>, words: &[Word]) -> Option<ExtProblem>;
    }
}

/// A kind of record of `.BTF.ext`: [`FuncInfo`], [`LineInfo`] or [`CoreRelo`].
pub trait ExtRecord: sealed::Record + Sized {}

/// Where a function starts, and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_func_info")]
pub struct FuncInfo {
    /// Its first instruction, in bytes from the start of the code section.
    pub insn_off: u32,
    /// Its [`Kind::Func`](crate::Kind::Func).
    pub ty: TypeId,
}

/// The source line of the instructions from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_line_info")]
pub struct LineInfo {
    /// First instruction, in bytes from the start of the code section.
    pub insn_off: u32,
    /// String offset of the file's name.
    pub file_name_off: u32,
    /// String offset of the text of the line.
    pub line_off: u32,
    /// Line and column; see [`line`](LineInfo::line) and [`column`](LineInfo::column).
    pub line_col: u32,
}

impl LineInfo {
    /// Number of the line, from 1.
    pub fn line(&self) -> u32 {
        self.line_col >> 10
    }

    /// Number of the column, from 1; 0 if it is not known.
    pub fn column(&self) -> u32 {
        self.line_col & 0x3ff
    }
}

/// An instruction that depends on the layout of the running kernel's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "bpf_core_relo")]
pub struct CoreRelo {
    /// The instruction, in bytes from the start of the code section.
    pub insn_off: u32,
    /// The type that the access starts from.
    pub ty: TypeId,
    /// String offset of the path of indices: `0:1:2`.
    pub access_str_off: u32,
    /// What to put into the instruction.
    pub kind: CoreReloKind,
}

/// What a CO-RE relocation puts into its instruction. The numbers are BTF's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[doc(alias = "bpf_core_relo_kind")]
pub enum CoreReloKind {
    /// Offset of a field in bytes.
    FieldByteOffset = 0,
    /// Size of a field in bytes.
    FieldByteSize = 1,
    /// Whether a field exists.
    FieldExists = 2,
    /// Whether a field is signed.
    FieldSigned = 3,
    /// For a bit-field: how far to shift left a 64-bit load of it.
    FieldLshiftU64 = 4,
    /// For a bit-field: how far to shift right afterwards.
    FieldRshiftU64 = 5,
    /// Id of a type in the object's BTF.
    TypeIdLocal = 6,
    /// Id of a type in the kernel's BTF.
    TypeIdTarget = 7,
    /// Whether a type exists.
    TypeExists = 8,
    /// Size of a type in bytes.
    TypeSize = 9,
    /// Whether an enumerator exists.
    EnumvalExists = 10,
    /// Value of an enumerator.
    EnumvalValue = 11,
    /// Whether a type exists and has the members of the object's.
    TypeMatches = 12,
}

impl CoreReloKind {
    /// All, in the order of their numbers.
    pub const ALL: [CoreReloKind; 13] = [
        CoreReloKind::FieldByteOffset,
        CoreReloKind::FieldByteSize,
        CoreReloKind::FieldExists,
        CoreReloKind::FieldSigned,
        CoreReloKind::FieldLshiftU64,
        CoreReloKind::FieldRshiftU64,
        CoreReloKind::TypeIdLocal,
        CoreReloKind::TypeIdTarget,
        CoreReloKind::TypeExists,
        CoreReloKind::TypeSize,
        CoreReloKind::EnumvalExists,
        CoreReloKind::EnumvalValue,
        CoreReloKind::TypeMatches,
    ];

    /// The kind with number `n`.
    pub fn from_number(n: u32) -> Option<CoreReloKind> {
        Self::ALL.get(n as usize).copied()
    }
}

impl fmt::Display for CoreReloKind {
    /// The names that libbpf prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CoreReloKind::FieldByteOffset => "byte_off",
            CoreReloKind::FieldByteSize => "byte_sz",
            CoreReloKind::FieldExists => "field_exists",
            CoreReloKind::FieldSigned => "signed",
            CoreReloKind::FieldLshiftU64 => "lshift_u64",
            CoreReloKind::FieldRshiftU64 => "rshift_u64",
            CoreReloKind::TypeIdLocal => "local_type_id",
            CoreReloKind::TypeIdTarget => "target_type_id",
            CoreReloKind::TypeExists => "type_exists",
            CoreReloKind::TypeSize => "type_size",
            CoreReloKind::EnumvalExists => "enumval_exists",
            CoreReloKind::EnumvalValue => "enumval_value",
            CoreReloKind::TypeMatches => "type_matches",
        })
    }
}

fn fields<const N: usize>(order: Order, words: &[Word]) -> [u32; N] {
    words.first_chunk::<N>().copied().unwrap_or([[0; 4]; N]).map(|w| order.u32(w))
}

impl ExtRecord for FuncInfo {}
#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl sealed::Record for FuncInfo {
    const PART: &'static str = "func_info";
    const WORDS: usize = 2;

    fn decode(order: Order, words: &[Word]) -> Self {
        let [insn_off, ty] = fields(order, words);
        FuncInfo { insn_off, ty: TypeId(ty) }
    }

    fn check(reader: &Reader<'_>, words: &[Word]) -> Option<ExtProblem> {
        reader.ty(Self::decode(reader.order, words).ty)
    }
}

impl ExtRecord for LineInfo {}
#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl sealed::Record for LineInfo {
    const PART: &'static str = "line_info";
    const WORDS: usize = 4;

    fn decode(order: Order, words: &[Word]) -> Self {
        let [insn_off, file_name_off, line_off, line_col] = fields(order, words);
        LineInfo { insn_off, file_name_off, line_off, line_col }
    }

    fn check(reader: &Reader<'_>, words: &[Word]) -> Option<ExtProblem> {
        let line = Self::decode(reader.order, words);
        reader.string("file name", line.file_name_off).or_else(|| reader.string("line", line.line_off))
    }
}

impl ExtRecord for CoreRelo {}
#[allow(private_interfaces, reason = "the trait cannot be named outside")]
impl sealed::Record for CoreRelo {
    const PART: &'static str = "core_relo";
    const WORDS: usize = 4;

    fn decode(order: Order, words: &[Word]) -> Self {
        let [insn_off, ty, access_str_off, kind] = fields(order, words);
        // `check` has refused other kinds.
        let kind = CoreReloKind::from_number(kind).unwrap_or(CoreReloKind::FieldByteOffset);
        CoreRelo { insn_off, ty: TypeId(ty), access_str_off, kind }
    }

    fn check(reader: &Reader<'_>, words: &[Word]) -> Option<ExtProblem> {
        let [_, ty, access, kind] = fields(reader.order, words);
        if CoreReloKind::from_number(kind).is_none() {
            return Some(ExtProblem::ReloKind { got: kind });
        }
        reader.ty(TypeId(ty)).or_else(|| reader.string("access path", access))
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
        write!(f, "ExtSection({:?}, {} records)", self.name, self.records.chunks.len())
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
                chunks: records.chunks_exact(self.record.max(1)),
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
    chunks: std::slice::ChunksExact<'a, Word>,
    kind: std::marker::PhantomData<R>,
}

impl<R: ExtRecord> Iterator for Records<'_, R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        Some(R::decode(self.order, self.chunks.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<R: ExtRecord> ExactSizeIterator for Records<'_, R> {}

impl<R> fmt::Debug for Records<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({} left)", self.chunks.len())
    }
}
