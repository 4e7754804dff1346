//! What can be wrong with functions, and with what their instructions refer to.

use thiserror::Error as ThisError;

use super::SymbolProblem;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum FunctionProblem {
    /// It goes beyond its section.
    #[error("{size} bytes at {offset:#x} are outside of the section of {section} bytes")]
    OutOfSection {
        /// Offset in the section.
        offset: u64,
        /// Bytes.
        size: u64,
        /// Bytes of the section.
        section: u64,
    },
    /// It is not made of whole instructions.
    #[error("{size} bytes at {offset:#x} are no whole instructions")]
    NotWhole {
        /// Offset in the section.
        offset: u64,
        /// Bytes.
        size: u64,
    },
    /// It has no instructions.
    #[error("it is empty")]
    Empty,
    /// It shares instructions with another function.
    #[error("it overlaps the function before it")]
    Overlap,
    /// It has no name.
    #[error("it has no name")]
    NoName,
}

/// A relocation.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum RelocProblem {
    /// It is about no instruction of the section.
    #[error("there is no instruction at that place")]
    NoInstruction,
    /// There are two for one instruction.
    #[error("another relocation is about the same instruction")]
    Twice,
    /// The symbol is broken.
    #[error("symbol #{index}: {problem}")]
    Symbol {
        /// Index of the symbol.
        index: usize,
        /// What is wrong with it.
        problem: SymbolProblem,
    },
    /// The instruction neither calls nor loads a 64-bit immediate.
    #[error("the instruction (code {code:#04x}) is neither a call nor a 64-bit immediate load")]
    Instruction {
        /// Code of the instruction.
        code: u8,
    },
    /// The second slot of a 64-bit immediate is missing.
    #[error("the second half of the 64-bit immediate load is missing")]
    HalfImmediate,
    /// A call that is not one of a function of the object.
    #[error("the call is not marked as one of a function (src register {src})")]
    NotAFunctionCall {
        /// Source register.
        src: u8,
    },
    /// A call of something that is no code.
    #[error("the call goes to section {section}, which holds no code")]
    CallOfData {
        /// Name of the section.
        section: String,
    },
    /// The target is between instructions.
    #[error("offset {offset:#x} is not at an instruction")]
    Unaligned {
        /// Offset in the target's section, in bytes.
        offset: u64,
    },
    /// The target's offset is beyond 32 bits.
    #[error("offset {offset:#x} is too large")]
    TooFar {
        /// Offset in the target's section, in bytes.
        offset: u64,
    },
    /// The symbol is defined nowhere.
    #[error("it is in no section: is a global variable not initialized, or a function not defined?")]
    Undefined,
    /// The section is none that holds data, maps or code.
    #[error("section {section} holds neither maps nor data")]
    NoMap {
        /// Name of the section.
        section: String,
    },
    /// No table of indirect jumps is there.
    #[error("no jump table is at offset {offset:#x} of section .jumptables: its symbol has no size")]
    NoJumpTable {
        /// Offset in the section, in bytes.
        offset: u32,
    },
    /// No map begins there.
    #[error("no map begins at offset {offset:#x} of section {section}")]
    NoMapAt {
        /// Name of the section.
        section: String,
        /// Offset in it, in bytes.
        offset: u64,
    },
}

/// A program to be linked.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum LinkProblem {
    /// A call leads to no function.
    #[error("it refers to instruction {target} of section {section}, where there is no function")]
    NoFunction {
        /// Name of the section.
        section: String,
        /// Index of the instruction in the section.
        target: i64,
    },
    /// A call leads into a function.
    #[error("it refers to the middle of function {function}")]
    MiddleOfFunction {
        /// The function.
        function: String,
    },
    /// A function's address without a relocation that says which.
    #[error("it takes a function's address, and no relocation says which")]
    NoRelocation,
    /// A relocation does not fit the instruction.
    #[error("it is relocated as something else than it is")]
    Mismatch,
    /// The program is larger than any kernel takes.
    #[error("the program has more than {max} instructions with the functions it calls")]
    TooLarge {
        /// Instructions that kernels take.
        max: usize,
    },
    /// It refers to a map that is no longer in the spec.
    #[error("it refers to a map that was removed from the spec")]
    MapRemoved,
    /// It refers to something from outside that has no type, so that it cannot be told what it is.
    #[error("extern {name} is of no known kind: the object has no BTF, or none of it")]
    Extern {
        /// Its name.
        name: String,
    },
    /// A tag that names an exception callback is on something else than a program.
    #[error("a tag exception_callback: is on something that is no program")]
    TagElsewhere,
    /// The program's exception callback is not there.
    #[error("its exception callback {name} is not in the object")]
    NoCallback {
        /// Its name.
        name: String,
    },
    /// The program's exception callback is static or hidden: the verifier wants to check it by itself.
    #[error("its exception callback {name} is no global function")]
    CallbackNotGlobal {
        /// Its name.
        name: String,
    },
    /// A table of indirect jumps leads out of the function that has it.
    #[error("its jump table leads to instruction {target} of section {section}, outside of the function")]
    JumpTable {
        /// Name of the section.
        section: String,
        /// Index of the instruction in the section.
        target: u32,
    },
    /// The program is not one of this spec.
    #[error("the program belongs to another object")]
    Foreign,
}
