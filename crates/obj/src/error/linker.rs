//! Why objects cannot be linked to one.

use thiserror::Error as ThisError;

use crate::Error;

/// Why [`StaticLinker`](crate::StaticLinker) refuses an object: which one, and what is wrong with it.
#[derive(Debug, Clone, ThisError)]
#[error("{file}: {problem}")]
pub struct LinkerError {
    /// The name that the object was added by.
    pub file: Box<str>,
    /// What is wrong.
    #[source]
    pub problem: Box<LinkerProblem>,
}

/// What is wrong with an object that is to be linked with others, which `other` names.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum LinkerProblem {
    /// It is no BPF object, or a broken one.
    #[error(transparent)]
    Object(#[from] Error),
    /// Its byte order is not that of the objects before.
    #[error("it is {found}-endian, and {other} is not")]
    ByteOrder {
        /// `big` or `little`.
        found: &'static str,
        /// The object that was first.
        other: Box<str>,
    },
    /// A section that cannot be linked.
    #[error("section {section}: {problem}")]
    Section {
        /// Its name, or `#` and its index.
        section: Box<str>,
        /// What is wrong with it.
        problem: SectionClash,
    },
    /// A symbol that cannot be linked.
    #[error("symbol {symbol}: {problem}")]
    Symbol {
        /// Its name, or `#` and its index.
        symbol: Box<str>,
        /// What is wrong with it.
        problem: SymbolClash,
    },
    /// A relocation that cannot be carried over.
    #[error("section {section}: relocation at {offset:#x} against {symbol}: {problem}")]
    Reloc {
        /// The section that is relocated.
        section: Box<str>,
        /// Where in it, in bytes.
        offset: u64,
        /// What it refers to.
        symbol: Box<str>,
        /// What is wrong with it.
        problem: RelocClash,
    },
    /// Types that cannot be put together.
    #[error("types: {0}")]
    Types(#[source] oxbpf_btf::Error),
    /// Telling whether types are the same would take too long.
    #[error("types of its globals are entangled as in no object that a compiler makes")]
    Entangled,
    /// More sections, symbols, types or bytes than an object can have.
    #[error("too large: too many {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// An object before this could not be added.
    #[error("an object before it could not be added")]
    Broken,
    /// There are no objects.
    #[error("there are no objects to link")]
    Nothing,
}

/// What is wrong with a section.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum SectionClash {
    /// It is no code, data, symbols or relocations.
    #[error("type {found:#x} is not known")]
    Kind {
        /// `sh_type`.
        found: u32,
    },
    /// It has no name to find its like by.
    #[error("it has no name")]
    NoName,
    /// Its alignment is no power of two.
    #[error("alignment {found} is not a power of two")]
    Alignment {
        /// The alignment in bytes.
        found: u64,
    },
    /// Aligning it would take far more room than the objects have.
    #[error("alignment {align} needs too much padding")]
    Padding {
        /// The alignment in bytes.
        align: u64,
    },
    /// Code that ends within an instruction.
    #[error("{size} bytes of code are no whole number of instructions")]
    PartialInsn {
        /// Its size in bytes.
        size: u64,
    },
    /// It differs from the section of that name in other objects.
    #[error("its {what} is {found:#x}, but {expected:#x} in {other}")]
    Differs {
        /// What: type, flags or size of entries.
        what: &'static str,
        /// Here.
        found: u64,
        /// There.
        expected: u64,
        /// The object that had it first.
        other: Box<str>,
    },
    /// Licenses, or versions, that are not the same.
    #[error("it is {found}, but {expected} in {other}; objects that are linked need the same")]
    Contents {
        /// Here.
        found: String,
        /// There.
        expected: String,
        /// The object that had it first.
        other: Box<str>,
    },
    /// Relocations of a section that does not exist.
    #[error("it relocates section #{target}, which is not there, has another name, or cannot be relocated")]
    RelocTarget {
        /// Index of the section.
        target: usize,
    },
    /// A variable whose place is not known.
    #[error("its variable {variable} has no symbol")]
    NoSymbol {
        /// Name of the variable.
        variable: Box<str>,
    },
    /// Records of `.BTF.ext` about a section that does not exist.
    #[error(".BTF.ext has records about it, but there is no such section")]
    Missing,
}

/// What is wrong with a symbol.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum SymbolClash {
    /// A binding that is not local, global or weak.
    #[error("binding {found} is not known")]
    Binding {
        /// `STB_*`.
        found: u8,
    },
    /// A visibility that BPF has no use for.
    #[error("visibility {found} is not known; it can be default, hidden or internal")]
    Visibility {
        /// `STV_*`.
        found: u8,
    },
    /// An extern that is local, or has a type, value or size.
    #[error("it is undefined, but has a type, a value or a size, or is local")]
    Extern,
    /// It is in a section that does not exist.
    #[error("it is in section #{section}, which is not there")]
    NoSection {
        /// Index of the section.
        section: u16,
    },
    /// The symbol of a section that is not at its start.
    #[error("it stands for a section, but not for its start")]
    SectionStart,
    /// Types are needed to match it with others, and there are none.
    #[error("its type is not known: the object has no BTF about it (compile with -g)")]
    NoType,
    /// There are two declarations of that name.
    #[error("it could be type {first} or {second}")]
    Ambiguous {
        /// One of them.
        first: oxbpf_btf::TypeId,
        /// The other.
        second: oxbpf_btf::TypeId,
    },
    /// Two definitions, and none is weak.
    #[error("it is defined here and in {other}; one of them could be weak (__weak) or static")]
    Duplicate {
        /// The other object.
        other: Box<str>,
    },
    /// Declarations that do not agree.
    #[error("declared as `{found}`, but as `{expected}` in {other}: {difference}")]
    Types {
        /// Here.
        found: String,
        /// There.
        expected: String,
        /// The other object.
        other: Box<str>,
        /// Where they differ: `field #2: names a and b`.
        difference: String,
    },
    /// Maps that are not defined the same.
    #[error("the map's {what} is {found}, but {expected} in {other}")]
    Maps {
        /// Which part of the definition.
        what: String,
        /// Here.
        found: String,
        /// There.
        expected: String,
        /// The other object.
        other: Box<str>,
    },
    /// It is in another section than elsewhere.
    #[error("it is in section {found}, but in {expected} in {other}")]
    Sections {
        /// Here.
        found: Box<str>,
        /// There.
        expected: Box<str>,
        /// The other object.
        other: Box<str>,
    },
}

/// What is wrong with a relocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum RelocClash {
    /// Not a type that compilers make for code and data.
    #[error("type {found} is not known")]
    Kind {
        /// `R_BPF_*`.
        found: u32,
    },
    /// There is no such symbol.
    #[error("there is no such symbol")]
    NoSymbol,
    /// What it refers to does not come along: debug information, or a license that is there already.
    #[error("the symbol's section is left out")]
    LeftOut,
    /// It is about no instruction, or no bytes of the section.
    #[error("there is no instruction or data to relocate")]
    Place,
    /// Data that holds the address of a section.
    #[error("data can refer to variables and functions by name, not to a section")]
    DataToSection,
}
