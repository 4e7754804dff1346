//! What can be wrong with an object.

mod code;
mod data;
mod file;
mod light;
mod linker;
mod map;

pub use code::{FunctionProblem, LinkProblem, RelocProblem};
pub use data::{DatasecProblem, ExternProblem, GlobalProblem, KconfigProblem};
pub use file::{ElfProblem, NameProblem, SectionProblem, SymbolProblem};
pub use light::LightProblem;
pub use linker::{LinkerError, LinkerProblem, RelocClash, SectionClash, SymbolClash};
pub use map::{FieldProblem, MapProblem, ResizeProblem, StructOpsProblem};

use oxbpf_btf::TypeId;

/// Why an object could not be read, changed or linked.
///
/// Each variant names the place; the problem in it says what is wrong there.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no ELF file.
    #[error("not an ELF file but {what}")]
    NotElf {
        /// What they look like instead.
        what: &'static str,
    },
    /// An ELF file, but for another machine or of another kind.
    #[error("{what}, not a BPF object")]
    NotBpf {
        /// What it is: "x86-64 executable".
        what: String,
    },
    /// The ELF structure is broken.
    #[error("ELF file: {0}")]
    Elf(#[from] ElfProblem),
    /// The name of a section cannot be read.
    #[error("ELF file: name of section #{index}: {problem}")]
    SectionName {
        /// Index of the section.
        index: usize,
        /// What is wrong.
        problem: NameProblem,
    },
    /// A section is broken, or not what its name says.
    #[error("section {section}: {problem}")]
    Section {
        /// Name of the section.
        section: String,
        /// What is wrong.
        problem: SectionProblem,
    },
    /// A symbol is broken.
    #[error("symbol {symbol}: {problem}")]
    Symbol {
        /// Name of the symbol, or `#` and its index.
        symbol: String,
        /// What is wrong.
        problem: SymbolProblem,
    },
    /// Names that are shared in the file add up to far more than its size.
    #[error("the names of symbols and sections add up to far more than the file's size")]
    NamesTooLong,
    /// A relocation is broken, or refers to what no program can refer to.
    #[error("section {section}: relocation at {offset:#x} against {symbol}: {problem}")]
    Reloc {
        /// The section that is relocated.
        section: Box<str>,
        /// Place in the section, in bytes.
        offset: u64,
        /// What it refers to: name of the symbol, or of its section.
        symbol: Box<str>,
        /// What is wrong.
        problem: RelocProblem,
    },
    /// A function is broken.
    #[error("section {section}: function {function}: {problem}")]
    Function {
        /// The section it is in.
        section: Box<str>,
        /// Its name.
        function: Box<str>,
        /// What is wrong.
        problem: FunctionProblem,
    },
    /// A map is defined wrongly.
    #[error("map {map}: {problem}")]
    Map {
        /// Name of the map.
        map: String,
        /// What is wrong.
        problem: MapProblem,
    },
    /// One field of a map's definition is wrong.
    #[error("map {map}: field {field}: {problem}")]
    MapField {
        /// Name of the map.
        map: Box<str>,
        /// Name of the field.
        field: Box<str>,
        /// What is wrong.
        problem: FieldProblem,
    },
    /// An ELF file without types.
    #[error(
        "no BTF: it has no section .BTF (compile BPF programs with -g; other files get it from `pahole -J`)"
    )]
    NoBtf,
    /// The object's types are broken.
    #[error("section {section}: {source}")]
    Btf {
        /// `.BTF`, `.BTF.base` or `.BTF.ext`.
        section: &'static str,
        /// What is wrong.
        source: oxbpf_btf::Error,
    },
    /// A [`ProgressFn`](oxbpf_btf::ProgressFn) said to stop.
    #[error(transparent)]
    Cancelled(oxbpf_btf::Error),
    /// The types of a section's variables do not fit the section.
    #[error("types of section {section}: {problem}")]
    Datasec {
        /// Name of the section.
        section: String,
        /// What is wrong.
        problem: DatasecProblem,
    },
    /// Something that the object expects from outside.
    #[error("extern {name}: {problem}")]
    Extern {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: ExternProblem,
    },
    /// A global variable could not be set.
    #[error("global variable {name}: {problem}")]
    Global {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: GlobalProblem,
    },
    /// A field of a struct_ops map could not be set.
    #[error("struct_ops map {map}: field {field}: {problem}")]
    StructOps {
        /// Name of the map.
        map: String,
        /// Name of the field.
        field: String,
        /// What is wrong.
        problem: StructOpsProblem,
    },
    /// There are CO-RE relocations, and nothing to resolve them against.
    #[error("function {function} has CO-RE relocations, and no types of a kernel are given")]
    NoCoreTargets {
        /// The first such function.
        function: String,
    },
    /// A CO-RE relocation could not be resolved.
    #[error("function {function}: {source}")]
    Core {
        /// The function; the instruction's index counts in it.
        function: Box<str>,
        /// What is wrong.
        source: Box<crate::relo_core::CoreError>,
    },
    /// A program could not be linked.
    #[error("program {program}: instruction {insn} of {function}: {problem}")]
    Link {
        /// Name of the program.
        program: Box<str>,
        /// The function concerned: the program itself or one that it calls.
        function: Box<str>,
        /// Index of the instruction in the function.
        insn: usize,
        /// What is wrong.
        problem: LinkProblem,
    },
    /// No loader can be generated for an object.
    #[error("no loader can be made of it: {}", listed(.problems))]
    Light {
        /// Its name.
        object: String,
        /// All that stands against it.
        problems: Vec<LightProblem>,
    },
}

fn listed(problems: &[LightProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    pub(crate) fn btf(source: oxbpf_btf::Error) -> Self {
        Self::Btf { section: ".BTF", source }
    }

    pub(crate) fn section(section: &str, problem: SectionProblem) -> Self {
        Self::Section { section: section.into(), problem }
    }

    pub(crate) fn map(map: &str, problem: MapProblem) -> Self {
        Self::Map { map: map.into(), problem }
    }

    pub(crate) fn field(map: &str, field: &str, problem: FieldProblem) -> Self {
        Self::MapField { map: map.into(), field: field.into(), problem }
    }

    pub(crate) fn bad_type(map: &str, field: &str, id: TypeId, source: oxbpf_btf::Error) -> Self {
        Self::field(map, field, FieldProblem::Type { id, source: Box::new(source) })
    }
}
