//! What can be wrong with global variables and with what comes from outside.

use oxbpf_btf::Kind;
use thiserror::Error as ThisError;

/// The types of a section's variables.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum DatasecProblem {
    /// The section is not in the file.
    #[error("there is no such section, or it is empty")]
    NoSection,
    /// The section is too large for BTF.
    #[error("{size} bytes are too large (4 GiB - 1 at most)")]
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// It holds something that is no variable.
    #[error("entry {index}: expected a variable, found {kind}")]
    NotVar {
        /// Index of the entry.
        index: usize,
        /// Its kind.
        kind: Kind,
    },
    /// A variable has no symbol.
    #[error("there is no symbol for variable {0}")]
    NoSymbol(String),
    /// A variable's symbol is beyond 32 bits.
    #[error("variable {name} is at {offset:#x}, outside of the section")]
    OutOfSection {
        /// Name of the variable.
        name: String,
        /// Value of the symbol.
        offset: u64,
    },
}

/// Something from outside.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum ExternProblem {
    /// It is not typed as an extern in BTF.
    #[error("its type is not that of an extern")]
    NotExtern,
    /// It is defined in another object.
    #[error("it is defined in another object: link the two together first")]
    Elsewhere,
    /// It is in no known section.
    #[error("section {0} is neither .kconfig nor .ksyms")]
    Section(String),
    /// A configuration value of a type that none has.
    #[error("configuration values are integers, bool, char, enum libbpf_tristate or arrays of char")]
    KconfigType,
    /// Its type is broken.
    #[error("its type: {0}")]
    Type(Box<oxbpf_btf::Error>),
    /// Its type is too large.
    #[error("{size} bytes are too large")]
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// A function among configuration values.
    #[error("a function cannot be a configuration value")]
    KconfigFunction,
    /// The kernel's configuration has a value that the object's type cannot hold.
    #[error("{0}")]
    Kconfig(KconfigProblem),
}

/// A value of the kernel's configuration.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum KconfigProblem {
    /// Values cannot be of the type that the object gives it.
    #[error("configuration values cannot have its type")]
    Type,
    /// It is written as something else than its type.
    #[error("the configuration says {value}, its type takes {expected}")]
    Misfit {
        /// The value.
        value: String,
        /// What there could be.
        expected: &'static str,
    },
    /// The number is too large.
    #[error("the configuration says {value}, which its {size} bytes do not hold")]
    Range {
        /// The value.
        value: u64,
        /// Bytes of the variable.
        size: u32,
    },
}

/// A global variable to be set.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum GlobalProblem {
    /// There is none.
    #[error("there is no such variable in .data, .rodata or .bss")]
    NotFound,
    /// There are several.
    #[error("several variables have that name")]
    Ambiguous,
    /// The value has another size.
    #[error("it has {size} bytes, the value has {given}")]
    Size {
        /// Bytes of the variable.
        size: u32,
        /// Bytes of the value.
        given: usize,
    },
    /// The variable is outside of its map's value, which was made smaller.
    #[error("it is outside of the map's value")]
    OutOfMap,
}
