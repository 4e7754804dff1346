//! What can go wrong with a CO-RE relocation.

use std::fmt;

use oxbpf_btf::{Kind, TypeId};

/// A CO-RE relocation that cannot be applied.
///
/// A field, type or enumerator that the target lacks is no error: the instruction is poisoned instead (see
/// [`Applied`](super::Applied)). Errors are what no target could make right, and what would silently do the
/// wrong thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CO-RE relocation {relo} at instruction {insn}: {problem}")]
pub struct CoreError {
    /// What was to be relocated, for people: `byte_off of struct task_struct___old.state (0:12)`.
    pub relo: String,
    /// Index of the instruction in the slice it was to be applied to.
    pub insn: usize,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// A target type that goes by the name of the root of a relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateName {
    /// Name of the target that has it: `vmlinux` or a module.
    pub target: String,
    /// Its number there.
    pub id: TypeId,
    /// Its kind.
    pub kind: Kind,
    /// Its name with the flavor, if it has one.
    pub name: String,
}

impl fmt::Display for CandidateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, id, kind, name } = self;
        write!(f, "{} {name} {id} of {target}", super::describe::kind_word(*kind))
    }
}

/// What is wrong: the source of a [`CoreError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The BTF of the object or of the target refers to something that it does not have.
    #[error(transparent)]
    Btf(#[from] oxbpf_btf::Error),
    /// The access string is not a list of numbers.
    #[error("access string {text:?} is not numbers with colons between them")]
    BadAccessString {
        /// The string.
        text: String,
    },
    /// A relocation of a type with an access string that goes into it.
    #[error("access string is {text:?}, expected \"0\" for a relocation of a type")]
    TypeAccessString {
        /// The string.
        text: String,
    },
    /// The access string has an index that the object's own type does not have.
    #[error("the access string asks for {what} {index} of {ty}, which has {len}")]
    NoSuchEntry {
        /// "member", "element" or "enumerator".
        what: &'static str,
        /// The index asked for.
        index: u32,
        /// The type in the object's BTF.
        ty: TypeId,
        /// How many it has.
        len: u32,
    },
    /// The access string goes into a type that has neither members nor elements.
    #[error("the access string goes into type {ty}, a {kind} that has neither members nor elements")]
    NotAggregate {
        /// The type in the object's BTF.
        ty: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// A relocation of an enumerator whose root is no enum.
    #[error("type {ty} is a {kind}, expected an enum")]
    NotEnum {
        /// The root type in the object's BTF.
        ty: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// A type whose size is needed has none, or one beyond 32 bits.
    #[error("type {ty} has no size, or none that fits 32 bits")]
    NoSize {
        /// The type.
        ty: TypeId,
    },
    /// A path, or types inside types, deeper than any compiler makes.
    #[error("the types are nested too deeply")]
    TooDeep,
    /// The offset of the access does not fit.
    #[error("the offset of the access is beyond 64 bits")]
    Overflow,
    /// Types so entangled that comparing them takes forever.
    #[error("the types are too entangled: comparing them takes too many steps")]
    TooMuchWork,
    /// The root type has no name to search the target for.
    #[error("type {ty} has no name, so it cannot be searched for in the target")]
    Anonymous {
        /// The root type in the object's BTF.
        ty: TypeId,
    },
    /// There is no kernel BTF to relocate against.
    #[error("needs the BTF of the kernel to relocate against, and there is none")]
    NoTarget,
    /// Candidates in the target put the field at different places.
    #[error("ambiguous: {first} puts it at {}, {second} at {}", Bits(*.first_bits), Bits(*.second_bits))]
    AmbiguousOffset {
        /// A candidate.
        first: Box<CandidateName>,
        /// Offset in bits in it.
        first_bits: i64,
        /// One that disagrees.
        second: Box<CandidateName>,
        /// Offset in bits in that one.
        second_bits: i64,
    },
    /// Candidates in the target give different values.
    #[error("ambiguous: {first} makes it {first_value}, {second} {second_value}")]
    AmbiguousValue {
        /// A candidate.
        first: Box<CandidateName>,
        /// Value of the relocation by it.
        first_value: u64,
        /// One that disagrees.
        second: Box<CandidateName>,
        /// Value by that one.
        second_value: u64,
    },
    /// A candidate in the target cannot be compared.
    #[error("{candidate}: {problem}")]
    Candidate {
        /// The candidate.
        candidate: Box<CandidateName>,
        /// What is wrong with it.
        #[source]
        problem: Box<Problem>,
    },
    /// Signedness, shifts or another property that array elements do not have.
    #[error("the access ends at an array element, which has an offset, a size and existence only")]
    ArrayElement,
    /// A bit field that no load of up to 8 bytes covers.
    #[error(
        "the bit field of {bits} bits at bit {bit_offset} cannot be read by an aligned load of 8 bytes or less"
    )]
    WideBitfield {
        /// Offset in bits.
        bit_offset: i64,
        /// Width in bits.
        bits: u32,
    },
    /// A bit field of a type that cannot be one.
    #[error("bit field of type {ty}, a {kind}")]
    BitfieldType {
        /// Type of the bit field.
        ty: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// The instruction is not there.
    #[error("there are only {count} instructions")]
    NoSuchInsn {
        /// Instructions there are.
        count: usize,
    },
    /// An instruction that has no place for the value.
    #[error(
        "instruction with code {code:#04x} cannot be relocated: expected arithmetic with an immediate, a load \
         or store, or a 64-bit immediate load"
    )]
    BadInsn {
        /// The code.
        code: u8,
    },
    /// The instruction does not hold what the object's own types say.
    #[error("the instruction holds {}, expected {} by the types of the object", Signed(*.found), Signed(*.expected))]
    UnexpectedValue {
        /// What it holds, sign-extended.
        found: u64,
        /// What it should hold.
        expected: u64,
    },
    /// The load or store accesses another number of bytes than the field has.
    #[error("the instruction accesses {found} bytes, expected {expected} by the types of the object")]
    UnexpectedSize {
        /// Bytes it accesses.
        found: u32,
        /// Size of the field in the object's BTF.
        expected: u32,
    },
    /// The field of the target has a size that no load or store has.
    #[error("the field has {size} bytes in the target, and loads and stores have 1, 2, 4 or 8")]
    TargetSize {
        /// Its size there.
        size: u32,
    },
    /// The field of the target is too far for the offset of a load or store.
    #[error("the field is at byte {} in the target, too far for the 16-bit offset of a load or store", Signed(*.offset))]
    OffsetRange {
        /// Its offset there.
        offset: u64,
    },
    /// The value does not fit the immediate of the instruction.
    #[error("the value {} does not fit the 32-bit immediate of the instruction", Signed(*.value))]
    ValueRange {
        /// The value.
        value: u64,
    },
}

/// A number of bits as bytes where it is whole bytes.
struct Bits(i64);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.div_euclid(8), self.0.rem_euclid(8)) {
            (bytes, 0) => write!(f, "byte {bytes}"),
            (bytes, bits) => write!(f, "byte {bytes} bit {bits}"),
        }
    }
}

/// A 64-bit value as the number a person would call it: those close below 2^64 are negative.
struct Signed(u64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i32::try_from(self.0.cast_signed()) {
            Ok(small) => write!(f, "{small}"),
            Err(_) => write!(f, "{:#x}", self.0),
        }
    }
}
