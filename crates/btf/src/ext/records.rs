//! The records of `.BTF.ext`.

use std::fmt;

use super::read::Reader;
use crate::{
    TypeId,
    error::ExtProblem,
    words::{Order, Word},
};

pub(super) mod sealed {
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
