mod ext;

pub use ext::ExtProblem;

use crate::{Kind, TypeId};

/// What is wrong with a BTF, a `.BTF.ext`, or a question about them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data ends before the header does.
    #[error("{what}: header cut short: expected at least {expected} bytes, got {got}")]
    HeaderTruncated {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes there.
        got: u64,
    },
    /// Not BTF in either byte order.
    #[error("{what}: magic is {got:#06x}, expected 0xeb9f in either byte order")]
    Magic {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// The first two bytes.
        got: u16,
    },
    /// A version other than 1.
    #[error("{what}: version is {got}, expected 1")]
    Version {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// The version.
        got: u8,
    },
    /// Flags, of which none is known.
    #[error("{what}: unknown header flags {got:#04x}")]
    Flags {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// The flags.
        got: u8,
    },
    /// The header says that it is shorter than any header is.
    #[error("{what}: header length is {got}, expected at least {expected}")]
    HeaderLength {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// The shortest header.
        expected: u32,
        /// What it says.
        got: u32,
    },
    /// The header has fields of a later version, and they are not zero.
    #[error("{what}: unknown header field at offset {offset} is not zero")]
    HeaderTail {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// Where in the data the byte that is not zero is.
        offset: u64,
    },
    /// A section of the data that reaches beyond its end.
    #[error(
        "{what}: {section} section ({offset:#x}+{len:#x}) reaches beyond the data ({available:#x} bytes)"
    )]
    SectionBounds {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// "type", "string", "func_info", "line_info" or "core_relo".
        section: &'static str,
        /// Where it starts, from the end of the header.
        offset: u64,
        /// Its length.
        len: u64,
        /// How many bytes follow the header.
        available: u64,
    },
    /// A section that does not start at, or is not a multiple of, four bytes.
    #[error("{what}: {section} section ({offset:#x}+{len:#x}) is not aligned to 4 bytes")]
    SectionAlignment {
        /// "BTF" or ".BTF.ext".
        what: &'static str,
        /// Which section.
        section: &'static str,
        /// Where it starts, from the end of the header.
        offset: u64,
        /// Its length.
        len: u64,
    },
    /// The type section reaches into the string section, or follows it.
    #[error("BTF: the type section ends at {types_end:#x}, behind the start of the strings at {strings:#x}")]
    SectionOrder {
        /// Where the types end, from the end of the header.
        types_end: u64,
        /// Where the strings start.
        strings: u64,
    },
    /// The string section is empty, or starts or ends without a NUL.
    #[error("BTF: string section of {len} bytes {problem}")]
    Strings {
        /// Its length.
        len: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// More types, or more bytes of strings, than ids and offsets can name.
    #[error("BTF: too many {what}: ids and offsets have 32 bits")]
    TooMany {
        /// "types" or "strings".
        what: &'static str,
    },
    /// One type is wrong.
    #[error(transparent)]
    Type(Box<TypeError>),
    /// A type id that this BTF does not have.
    #[error("no type {id}: the BTF has types up to [{}]", end.0.saturating_sub(1))]
    NoSuchType {
        /// The id.
        id: TypeId,
        /// One past the last type.
        end: TypeId,
    },
    /// A string offset outside the strings.
    #[error("no string at offset {offset:#x}: the BTF has {len:#x} bytes of strings")]
    NoSuchString {
        /// The offset.
        offset: u32,
        /// Length of the strings, the base's included.
        len: u64,
    },
    /// A string that is not UTF-8.
    #[error("the string at offset {offset:#x} is not UTF-8")]
    NotUtf8 {
        /// The offset.
        offset: u32,
    },
    /// A new string with a NUL in it.
    #[error("a BTF string cannot hold a NUL: {string:?}")]
    NulInString {
        /// The string.
        string: String,
    },
    /// Types that refer to those of another base.
    #[error("the BTF is split from another base; it can only be added to one that is split from the same")]
    OtherBase,
    /// A [`ProgressFn`](crate::ProgressFn) said to stop.
    #[error("stopped on request while working on {phase}")]
    Cancelled {
        /// What was being done.
        phase: &'static str,
    },
    /// A question about a split BTF, to one that has no base.
    #[error("the BTF is not split: it has no base")]
    NotSplit,
    /// A distilled base that has a base in turn.
    #[error("the base of the BTF is split itself, so it is not a distilled one")]
    SplitBase,
    /// Another number of new ids than of types.
    #[error("{got} new ids for the {expected} types of the BTF")]
    NewIds {
        /// How many were given.
        got: usize,
        /// How many types there are.
        expected: usize,
    },
    /// A size that pointers cannot have.
    #[error("pointers have 4 or 8 bytes, not {got}")]
    PointerSize {
        /// The size.
        got: u32,
    },
    /// A BTF made so that it takes more time or memory than any that describes a program.
    #[error("gave up {what}: names or types are entangled as in no BTF that a compiler makes")]
    TooMuchWork {
        /// What was done.
        what: &'static str,
    },
    /// Printing made more text than types of that size can mean: anonymous types inside each other, or padding
    /// without end.
    #[error("the types mean more than {limit} bytes of C, which no header has")]
    DumpTooLarge {
        /// How much text a BTF of this size may become, in bytes.
        limit: u64,
    },
    /// What text was to be written to did not take it.
    #[error("the text could not be written")]
    Writer,
    /// A part of `.BTF.ext` is wrong.
    #[error(".BTF.ext: {section} at offset {offset:#x}: {problem}")]
    Ext {
        /// "func_info", "line_info" or "core_relo".
        section: &'static str,
        /// Where in the data.
        offset: u64,
        /// What is wrong.
        problem: ExtProblem,
    },
}

/// What is wrong with one type: the source of an [`Error::Type`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "type {id}{kind}{name}{at}: {problem}",
    kind = kind.map(|k| format!(" {k}")).unwrap_or_default(),
    name = name.as_ref().map(|n| format!(" '{n}'")).unwrap_or_default(),
    at = offset.map(|o| format!(" at offset {o:#x}")).unwrap_or_default(),
)]
#[non_exhaustive]
pub struct TypeError {
    /// Which type.
    pub id: TypeId,
    /// Its kind where known.
    pub kind: Option<Kind>,
    /// Its name where it has one that can be read, cut to some length.
    pub name: Option<String>,
    /// Where in the data it starts, where this is about data.
    pub offset: Option<u64>,
    /// What is wrong.
    pub problem: TypeProblem,
}

/// What can be wrong with a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeProblem {
    /// The type section ends inside the type.
    #[error("cut short: expected {expected} bytes, got {got}")]
    Truncated {
        /// Bytes the type takes.
        expected: u64,
        /// Bytes left in the section.
        got: u64,
    },
    /// A kind that no kernel knows.
    #[error("unknown kind {got}, expected 1 to 19")]
    UnknownKind {
        /// The number.
        got: u32,
    },
    /// Bits of the info word that have no meaning.
    #[error("info word {info:#010x} has reserved bits set")]
    ReservedBits {
        /// The word.
        info: u32,
    },
    /// A count of entries on a kind that has none.
    #[error("has {got} entries, but this kind has none")]
    UnexpectedVlen {
        /// The count.
        got: u32,
    },
    /// A string offset outside the strings.
    #[error("{what} is at string offset {offset:#x}, but there are {len:#x} bytes of strings")]
    NameOffset {
        /// Whose name: "name", "name of member 3".
        what: String,
        /// The offset.
        offset: u32,
        /// Length of the strings, the base's included.
        len: u64,
    },
    /// A reference to a type that does not exist.
    #[error("{what} refers to type {target}, but there are types up to [{}]", end.0.saturating_sub(1))]
    TypeReference {
        /// What refers: "target", "type of member 3", "index type".
        what: String,
        /// The id.
        target: TypeId,
        /// One past the last type.
        end: TypeId,
    },
    /// A reference to a type that was not taken over with it.
    #[error("refers to type {target}, which is left out")]
    LeftOut {
        /// The id.
        target: TypeId,
    },
    /// A reference to a type of the wrong kind.
    #[error("{what} refers to type {target}, a {got}, expected {expected}")]
    TargetKind {
        /// What refers.
        what: String,
        /// The id.
        target: TypeId,
        /// Kinds that are right.
        expected: &'static str,
        /// Its kind.
        got: Kind,
    },
    /// An integer whose bits do not fit in it.
    #[error("integer of {bits} bits at bit {offset} does not fit in {size} bytes (at most 128 bits)")]
    IntEncoding {
        /// Number of bits.
        bits: u32,
        /// First bit.
        offset: u32,
        /// Size in bytes.
        size: u32,
    },
    /// A size that this kind cannot have.
    #[error("size is {got} bytes, expected {expected}")]
    Size {
        /// Sizes that are right.
        expected: &'static str,
        /// The size.
        got: u32,
    },
    /// A member behind the end of its struct or union.
    #[error("member {index} starts at bit {bit_offset}, behind the end of the {size} bytes")]
    MemberOffset {
        /// Which member, from 0.
        index: u32,
        /// Its offset in bits.
        bit_offset: u32,
        /// Size of the struct in bytes.
        size: u32,
    },
    /// A linkage that does not exist.
    #[error("linkage is {got}, expected 0 (static), 1 (global) or 2 (extern)")]
    Linkage {
        /// The linkage.
        got: u32,
    },
    /// A tag on a component that cannot be.
    #[error("component index is {got}, expected -1 or more")]
    Component {
        /// The index.
        got: i32,
    },
    /// The kind is not one that the question makes sense for.
    #[error("is not {expected}")]
    WrongKind {
        /// What it should be.
        expected: &'static str,
    },
    /// `void`, a function or another type without values has no size.
    #[error("has no size")]
    Unsized,
    /// More than 2^64 - 1 bytes.
    #[error("is larger than 64 bits can say")]
    TooLarge,
    /// The type contains itself or goes through more other types than any compiler makes.
    #[error("contains itself, or refers through more than {limit} other types")]
    Loop {
        /// The limit.
        limit: u32,
    },
    /// A type that a distilled base cannot have.
    #[error(
        "does not belong in a distilled base, which has integers, floats, structs, unions, enums and forward \
         declarations, all with names"
    )]
    NotDistilled,
    /// A type of a distilled base that the base to relocate to lacks.
    #[error(
        "the new base has no type of that name that could stand for it (size {size} in the distilled base)"
    )]
    NotInBase {
        /// Its size in bytes, 0 for a forward declaration.
        size: u32,
    },
    /// A type of a distilled base that could be either of two.
    #[error("types {first} and {second} of the new base could both stand for it")]
    Ambiguous {
        /// One of them.
        first: TypeId,
        /// The other.
        second: TypeId,
    },
    /// A name out of a distilled base that is not the name of a type there.
    #[error("the string at offset {offset:#x} is in the distilled base, but names no type there")]
    BaseString {
        /// The offset.
        offset: u32,
    },
    /// A new id that does not exist or that another type was given before.
    #[error("cannot become type {got}: that is not in {first} to [{}], or given twice", end.0.saturating_sub(1))]
    NewId {
        /// The new id.
        got: TypeId,
        /// The first that may be given.
        first: TypeId,
        /// One past the last.
        end: TypeId,
    },
    /// C has no way to say it: a struct with itself as a member, a typedef of itself.
    #[error("is a part of itself, which C cannot say")]
    PartOfItself,
    /// Definitions, or parameters of functions, inside each other.
    #[error("is nested more than {limit} levels deep, which compilers do not take")]
    Nesting {
        /// The limit.
        limit: u32,
    },
    /// A type that refers to itself, and not through a struct or union.
    #[error("refers to itself without a struct, union or typedef in between")]
    Circle,
    /// A type without a name that has to have one.
    #[error("{what} needs a name")]
    NoName {
        /// What needs one: "it", "an enumerator".
        what: &'static str,
    },
    /// A member of a union that is not at its start.
    #[error("member {index} starts at bit {bit_offset}, but members of a union start at 0")]
    UnionMember {
        /// Which member, from 0.
        index: u32,
        /// Its offset in bits.
        bit_offset: u32,
    },
    /// A member inside a byte.
    #[error("member {index} starts at bit {bit_offset}, where only a bit-field can")]
    Unaligned {
        /// Which member, from 0.
        index: u32,
        /// Its offset in bits.
        bit_offset: u32,
    },
    /// A variable, section or tag where a type should be.
    #[error("cannot be a part of another type")]
    NotAPart,
    /// An entry that the type does not have.
    #[error("has no entry {index}: it has {len}")]
    NoSuchEntry {
        /// Which entry, from 0.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// A new type that does not fit in the format.
    #[error("{what} is {got}, but BTF holds at most {limit}")]
    Limit {
        /// What does not fit.
        what: &'static str,
        /// Its value.
        got: u64,
        /// The largest that fits.
        limit: u64,
    },
}
