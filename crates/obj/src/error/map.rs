//! What can be wrong with the definition of a map.

use oxbpf_btf::{Kind, TypeId};
use thiserror::Error as ThisError;

/// A map.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum MapProblem {
    /// `.maps` needs types, and there are none for it.
    #[error("the object's BTF does not describe section .maps (compile with -g)")]
    NoDatasec,
    /// The variable has no name.
    #[error("variable {0} of .maps has no name")]
    NoName(usize),
    /// The variable is outside of the section.
    #[error("{size} bytes at {offset:#x} are outside of the section of {section} bytes")]
    OutOfSection {
        /// Offset in the section.
        offset: u64,
        /// Bytes.
        size: u64,
        /// Bytes of the section.
        section: u64,
    },
    /// The section holds something that is no variable.
    #[error("expected a variable, found {0}")]
    NotVar(Kind),
    /// The variable is static or extern.
    #[error("the map is {0}; maps are global variables")]
    Linkage(&'static str),
    /// The variable is no struct.
    #[error("expected a struct that defines the map, found {0}")]
    NotStruct(Kind),
    /// The struct is larger than the variable.
    #[error("its struct of {size} bytes is larger than the variable of {var} bytes")]
    StructSize {
        /// Bytes of the struct.
        size: u32,
        /// Bytes of the variable.
        var: u32,
    },
    /// The struct has far more fields than there are.
    #[error("its struct has {count} fields, far more than are known")]
    TooManyFields {
        /// Fields of the struct.
        count: u32,
    },
    /// It shares bytes with the map before it.
    #[error("it overlaps the map before it")]
    Overlap,
    /// There is no type.
    #[error("no type is given")]
    NoType,
    /// The section of its data is larger than any map's value.
    #[error("{size} bytes of data do not fit a map (4 GiB - 1 at most)")]
    TooLarge {
        /// Bytes of the section.
        size: u64,
    },
    /// There are variables in an arena, and no arena.
    #[error("there are variables in an arena, and no map of type arena in .maps")]
    NoArena,
    /// There are variables in an arena, and several arenas.
    #[error("there are variables in an arena, and which one is not to be told: {0} and another are arenas")]
    SeveralArenas(String),
    /// A definition in section `maps` of a size that is no known layout.
    #[error("a definition of {size} bytes in section maps is of no known layout (20 or more expected)")]
    LegacySize {
        /// Bytes of the definition.
        size: u64,
    },
    /// iproute2's form: pinning that does not exist.
    #[error("pinning {0} does not exist")]
    LegacyPinning(u32),
    /// iproute2's form: the map that inner maps are like is missing.
    #[error("no map has id {0}, which is to be its inner map")]
    LegacyInner(u32),
    /// There is no map of that name.
    #[error("the object has no such map")]
    NotFound,
    /// The size of an arena's values is to be changed.
    #[error("an arena has no values to size; max_entries says how many pages it has")]
    ArenaSize,
    /// An initial entry is wrong.
    #[error("initial entry at offset {offset:#x}: {problem}")]
    Slot {
        /// Offset in section `.maps`, in bytes.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// An initial entry refers to what is not there.
    #[error("initial entry {name} is no {expected}")]
    SlotTarget {
        /// Name of the symbol.
        name: String,
        /// "map" or "program".
        expected: &'static str,
    },
}

/// A field of a map's definition.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum FieldProblem {
    /// Its type is of the wrong kind.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// Kind in the file.
        found: Kind,
        /// What it is to be.
        expected: &'static str,
    },
    /// Its type is broken.
    #[error("type {id}: {source}")]
    Type {
        /// Id of the type.
        id: TypeId,
        /// What is wrong.
        source: Box<oxbpf_btf::Error>,
    },
    /// A key or value is larger than any.
    #[error("a size of {size} bytes is too large (4 GiB - 1 at most)")]
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// Two fields give the size, and differ.
    #[error("a size of {size} bytes contradicts the {other} bytes given before")]
    Conflict {
        /// Bytes according to this field.
        size: u32,
        /// Bytes according to the field before.
        other: u32,
    },
    /// The field does not exist.
    #[error("no such field is known")]
    Unknown,
    /// The value does not exist.
    #[error("value {0} does not exist")]
    Value(u64),
    /// `values` is not the last field.
    #[error("it has to be the last field")]
    NotLast,
    /// `values` in an inner map.
    #[error("inner maps cannot have inner maps or values")]
    Nested,
    /// `pinning` in an inner map.
    #[error("inner maps cannot be pinned")]
    InnerPinned,
    /// `values` in a map that has none.
    #[error("only maps of maps and program arrays have values")]
    NoValues,
}

/// Why the types of a map of global variables do not fit a new size.
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum ResizeProblem {
    /// The section has no variables with types.
    #[error("no variables of it are known")]
    NoVariables,
    /// The last variable cannot grow.
    #[error("its last variable, {variable}, is no array but of kind {kind}")]
    NoArray {
        /// Name of the variable.
        variable: String,
        /// Its kind.
        kind: Kind,
    },
    /// The size is not that of a whole number of elements.
    #[error(
        "{size} bytes leave no whole number of elements, of {element} bytes each, for the array {variable} at {offset:#x}"
    )]
    Elements {
        /// Name of the array.
        variable: String,
        /// Where it begins.
        offset: u32,
        /// Bytes of an element.
        element: u64,
        /// Bytes of the map's value.
        size: u32,
    },
    /// A type is broken.
    #[error("its types: {0}")]
    Type(Box<oxbpf_btf::Error>),
}

/// A field of a struct_ops map that is to be set.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum StructOpsProblem {
    /// There is no such map.
    #[error("the object has no such map")]
    NoMap,
    /// The struct has no such field.
    #[error("its struct has no such field")]
    NoField,
    /// The field is one of bits.
    #[error("it is a bit field")]
    Bits,
    /// The value has another size.
    #[error("it has {size} bytes, the value has {given}")]
    Size {
        /// Bytes of the field.
        size: u64,
        /// Bytes of the value.
        given: usize,
    },
}
