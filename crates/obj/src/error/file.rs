//! What can be wrong with the ELF file, its sections and symbols.

use thiserror::Error as ThisError;

/// The ELF file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum ElfProblem {
    /// The header is cut off or says nonsense.
    #[error("the header is cut off or broken")]
    Header,
    /// The table of sections is not in the file.
    #[error("the table of section headers is broken or outside of the file (is it truncated?)")]
    SectionHeaders,
    /// The names of sections are not in the file.
    #[error("the table of section names is missing or outside of the file (is it truncated?)")]
    SectionNames,
    /// There is no symbol table.
    #[error("no symbol table (was the file stripped?)")]
    NoSymbols,
    /// There are two symbol tables.
    #[error("more than one symbol table")]
    SeveralSymbolTables,
    /// Something refers to a section that does not exist.
    #[error("there is no section #{index}")]
    NoSection {
        /// Index of the section.
        index: usize,
    },
    /// Sections share bytes, so that they are more than the file together.
    #[error("sections overlap")]
    Overlap,
    /// More instructions or functions than 32 bits count.
    #[error("too large")]
    TooLarge,
}

/// A name in a string table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum NameProblem {
    /// It begins outside of the table.
    #[error("offset {offset} is outside of the string table")]
    OutOfRange {
        /// Offset in the table.
        offset: u32,
    },
    /// It does not end in the table, or is longer than any name.
    #[error("the string at offset {offset} does not end")]
    NotEnded {
        /// Offset in the table.
        offset: u32,
    },
    /// It is not UTF-8.
    #[error("the string at offset {offset} is not UTF-8")]
    NotUtf8 {
        /// Offset in the table.
        offset: u32,
    },
}

/// A section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum SectionProblem {
    /// Its bytes are not in the file.
    #[error("{size} bytes at offset {offset:#x} are outside of the file of {file} bytes")]
    OutOfFile {
        /// Offset in the file.
        offset: u64,
        /// Bytes.
        size: u64,
        /// Size of the file.
        file: u64,
    },
    /// Its entries have another size than expected.
    #[error("entries of {found} bytes instead of {expected}")]
    EntrySize {
        /// Size in the file.
        found: u64,
        /// Size of such an entry.
        expected: u64,
    },
    /// Its size is no whole number of entries.
    #[error("its size is not a multiple of {entry}")]
    NotWhole {
        /// Size of an entry.
        entry: usize,
    },
    /// The string table of a symbol table is missing.
    #[error("its string table is missing or outside of the file")]
    NoStrings,
    /// Relocations refer to a section that does not exist.
    #[error("it relocates section #{target}, and there are {count}")]
    NoTarget {
        /// Index of the section.
        target: usize,
        /// Sections in the file.
        count: usize,
    },
    /// Relocations of a form that BPF objects do not use.
    #[error("relocations with addends (SHT_RELA) are not used for BPF")]
    Rela,
    /// The section has the wrong size.
    #[error("{found} bytes instead of {expected}")]
    Size {
        /// Size in the file.
        found: u64,
        /// Size of such a section.
        expected: u64,
    },
    /// A section of maps without symbols.
    #[error("no symbol says which maps are in it")]
    NoMapSymbols,
    /// A record is about no whole instruction.
    #[error("a record is about offset {offset:#x}, where no instruction begins")]
    Unaligned {
        /// Offset in the section of code, in bytes.
        offset: u32,
    },
    /// The section has the wrong type.
    #[error("it has type {found:#x} instead of SHT_PROGBITS")]
    Kind {
        /// Type in the file.
        found: u32,
    },
}

/// A symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum SymbolProblem {
    /// The symbol's index is out of range.
    #[error("there are only {count} symbols")]
    OutOfRange {
        /// Symbols in the file.
        count: usize,
    },
    /// It is in a section that does not exist.
    #[error("it is in section #{section}, and there are {count}")]
    NoSection {
        /// Index of the section.
        section: usize,
        /// Sections in the file.
        count: usize,
    },
    /// Its section has an extended index, and there is no table of these.
    #[error("its section's extended index is missing")]
    NoSectionIndex,
    /// Its name cannot be read.
    #[error("{0}")]
    Name(NameProblem),
    /// It is no table of indirect jumps.
    #[error(
        "it is no jump table: it is outside of its section or in another one, or leads to no instruction"
    )]
    JumpTable,
}
