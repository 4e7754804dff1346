//! The code of an object: sections of instructions, the functions in them and what these refer to.
//!
//! It is read once and shared by all copies of a spec; linking copies out of it. Instructions and records of `.BTF.ext`
//! stay where they are in the file if that is kept ([`ObjectSpec::parse_shared`](crate::ObjectSpec::parse_shared)).

use std::ops::Range;
use std::sync::Arc;

use crate::insn::Insns;
use crate::records::{CoreRelos, Infos};
use crate::{FuncInfo, LineInfo};

/// All code of an object.
#[derive(Default)]
pub(crate) struct Code {
    pub(crate) sections: Vec<CodeSection>,
    /// Functions by section and place.
    pub(crate) functions: Vec<Function>,
    /// Their names, one behind the other.
    pub(crate) names: String,
    pub(crate) core_relos: CoreRelos,
    pub(crate) exception_tags: Vec<ExceptionTag>,
    /// Whether arguments of functions have the tag [`CONTEXT_TAG`].
    pub(crate) has_context_tags: bool,
    /// Tables of indirect jumps, by place.
    pub(crate) jump_tables: Vec<JumpTable>,
}

/// The tag of an argument that is the program's context.
pub(crate) const CONTEXT_TAG: &str = "arg:ctx";

/// The tag of a program that says which function runs when it throws.
pub(crate) struct ExceptionTag {
    /// The program's name; `None` for what is no global function.
    pub(crate) program: Option<String>,
    pub(crate) callback: String,
}

/// A table of indirect jumps: what a `switch` becomes.
pub(crate) struct JumpTable {
    /// Offset in its section, and how many bytes.
    pub(crate) place: (u64, u64),
    /// Where jumps go: indexes of instructions in the section of the function that has it.
    pub(crate) targets: Arc<[u32]>,
    /// The lowest and the highest of them.
    pub(crate) range: (u32, u32),
}

/// A section of instructions.
pub(crate) struct CodeSection {
    pub(crate) name: String,
    /// Index among the sections of the file.
    pub(crate) elf_index: usize,
    pub(crate) insns: Insns,
    /// By instruction; one at most for each.
    pub(crate) relocs: Vec<Reloc>,
    /// Indexes in [`Code::functions`].
    pub(crate) functions: Range<usize>,
    /// Records of `.BTF.ext`; `insn_off` counts instructions of the section.
    pub(crate) func_info: Infos<FuncInfo>,
    pub(crate) line_info: Infos<LineInfo>,
}

/// A function: a program, or one that programs call.
pub(crate) struct Function {
    /// Where in [`Code::names`] its name is.
    pub(crate) name: Range<usize>,
    /// Index in [`Code::sections`].
    pub(crate) section: usize,
    /// Instructions of the section.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) global: bool,
    /// Global in the object only: programs that call it verify it with them.
    pub(crate) hidden: bool,
    /// Not to be loaded by itself.
    pub(crate) subprogram: bool,
}

impl Function {
    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

impl CodeSection {
    /// What the instructions of a function refer to.
    pub(crate) fn relocs_of(&self, function: &Function) -> &[Reloc] {
        let [start, end] =
            [function.start, function.end].map(|at| self.relocs.partition_point(|reloc| reloc.insn < at));
        self.relocs.get(start..end).unwrap_or_default()
    }
}

/// What an instruction refers to.
#[derive(Clone, Copy)]
pub(crate) struct Reloc {
    /// Index of the instruction in the section.
    pub(crate) insn: usize,
    pub(crate) target: Target,
}

#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// The map with this id.
    Map(MapId),
    /// Data of the map with this id; the offset adds to that in the instruction.
    Data { map: MapId, offset: u32 },
    /// A call of a function: of this section, the instruction's immediate plus this place.
    Call { section: usize, insn: u32 },
    /// The address of a function: of this section, the instruction's immediate plus this place, in bytes.
    Func { section: usize, offset: u32 },
    /// Index of an extern.
    Extern(usize),
    /// Index of a table of indirect jumps.
    JumpTable(usize),
}

/// Identity of a map as it was parsed; [`MapSpec`](crate::MapSpec) keeps it through all changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct MapId(pub(crate) u32);

impl Code {
    /// The name of one of its functions.
    pub(crate) fn name(&self, function: &Function) -> &str {
        self.names.get(function.name.clone()).unwrap_or("?")
    }

    /// The section of code at this index among the sections of the file.
    pub(crate) fn section_of(&self, elf_index: usize) -> Option<usize> {
        self.sections.binary_search_by_key(&elf_index, |s| s.elf_index).ok()
    }

    /// The function whose instructions include this one of a section.
    pub(crate) fn function_at(&self, section: usize, insn: usize) -> Option<usize> {
        let range = self.sections.get(section)?.functions.clone();
        let functions = self.functions.get(range.clone())?;
        let after = functions.partition_point(|f| f.start <= insn);
        // Aliases stand beside each other: the first of them is the function.
        let last = functions.get(after.checked_sub(1)?)?;
        let first = functions.partition_point(|f| f.start < last.start);
        (insn < last.end).then(|| range.start.saturating_add(first))
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code")
            .field("sections", &self.sections.len())
            .field("functions", &self.functions.len())
            .finish()
    }
}
