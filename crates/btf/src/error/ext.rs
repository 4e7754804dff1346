use crate::TypeId;

/// What can be wrong with a part of `.BTF.ext`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtProblem {
    /// Records smaller than their fields, or not a multiple of four bytes.
    #[error("record size is {got}, expected a multiple of 4 of at least {expected}")]
    RecordSize {
        /// The smallest record.
        expected: u32,
        /// What it says.
        got: u32,
    },
    /// The data ends inside something.
    #[error("{what} cut short: expected {expected} bytes, got {got}")]
    Truncated {
        /// What is cut.
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes there.
        got: u64,
    },
    /// A string offset outside the BTF's strings.
    #[error("{what} is at string offset {offset:#x}, but the BTF has {len:#x} bytes of strings")]
    String {
        /// Which string.
        what: &'static str,
        /// The offset.
        offset: u32,
        /// Length of the strings.
        len: u64,
    },
    /// A section name that is not UTF-8.
    #[error("section name at string offset {offset:#x} is not UTF-8")]
    SectionName {
        /// The offset.
        offset: u32,
    },
    /// A type that the BTF does not have.
    #[error("refers to type {id}, but the BTF has types up to [{}]", end.0.saturating_sub(1))]
    Type {
        /// The id.
        id: TypeId,
        /// One past the last type.
        end: TypeId,
    },
    /// A kind of CO-RE relocation that is not known.
    #[error("unknown CO-RE relocation kind {got}, expected 0 to 12")]
    ReloKind {
        /// The number.
        got: u32,
    },
}
