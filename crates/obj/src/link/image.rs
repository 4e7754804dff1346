use std::sync::Arc;

use crate::insn::Insn;
use crate::{CoreRelo, FuncInfo, LineInfo};

/// A program with all its functions, ready to load but for what only a kernel can give.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ProgramImage {
    /// Index in [`ObjectSpec::programs`](crate::ObjectSpec::programs).
    pub program: usize,
    /// Instructions: the program's own, then each function it reaches.
    pub insns: Vec<Insn>,
    /// Types of the functions; `insn_off` is an index in [`insns`](Self::insns).
    pub func_info: Vec<FuncInfo>,
    /// Source lines; `insn_off` is an index in [`insns`](Self::insns).
    pub line_info: Vec<LineInfo>,
    /// CO-RE relocations that are left to the kernel ([`LinkOptions::core_by_kernel`](crate::LinkOptions)); `insn_off`
    /// is an index in [`insns`](Self::insns).
    pub core_relos: Vec<CoreRelo>,
    /// What the loader writes into the instructions when it knows: descriptors of maps, symbols of the kernel.
    pub fixups: Vec<Fixup>,
    /// Instructions that were replaced because what they need is missing: they fail only if reached.
    pub poisoned: Vec<Poisoned>,
    /// Where the program's indirect jumps may go, for [`FixupKind::JumpTable`].
    pub jump_tables: Vec<JumpTable>,
    /// Functions and the index of the first instruction of each, the program itself first.
    pub functions: Vec<(String, usize)>,
}

/// A place in an image that depends on the kernel that it is loaded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixup {
    /// Index of the instruction.
    pub insn: usize,
    /// What goes there.
    pub kind: FixupKind,
}

/// What a fixup writes. For maps, `src` of the instruction is set already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FixupKind {
    /// The map's descriptor goes to `imm` of the 64-bit immediate (`PSEUDO_MAP_FD`).
    MapFd {
        /// Index in [`ObjectSpec::maps`](crate::ObjectSpec::maps).
        map: usize,
    },
    /// The map's descriptor goes to `imm` (`PSEUDO_MAP_VALUE`); the next slot's `imm` is the offset already.
    MapValue {
        /// Index in [`ObjectSpec::maps`](crate::ObjectSpec::maps).
        map: usize,
        /// Offset in the map's value, in bytes; for an arena, among its variables, which the loader gives a place.
        offset: u32,
    },
    /// The descriptor of an instruction array (6.19) that is made of a table goes to `imm` (`PSEUDO_MAP_VALUE`).
    JumpTable {
        /// Index in [`ProgramImage::jump_tables`].
        table: usize,
    },
    /// The address of a symbol of the kernel goes to the 64-bit immediate, or its id in the kernel's types
    /// (`PSEUDO_BTF_ID`).
    Ksym {
        /// Index in [`ObjectSpec::externs`](crate::ObjectSpec::externs).
        index: usize,
    },
    /// The call becomes one of a function of the kernel (`PSEUDO_KFUNC_CALL`).
    Kfunc {
        /// Index in [`ObjectSpec::externs`](crate::ObjectSpec::externs).
        index: usize,
    },
}

/// An instruction that cannot work on this kernel: it was replaced by a call of a helper that does not exist,
/// which the verifier refuses if it can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poisoned {
    /// Index of the instruction in the image.
    pub insn: usize,
    /// Number of the helper that does not exist, as the verifier's log shows it.
    pub imm: i32,
    /// What could not be resolved.
    pub description: String,
}

/// Where an indirect jump may go: what a `switch` of many cases becomes.
///
/// An entry for each case; the kernel takes them as an array of its own, [`MapType::INSN_ARRAY`](crate::MapType::INSN_ARRAY)
/// (6.19), and keeps them right when it changes the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JumpTable {
    /// Indexes of instructions in the section of the function.
    pub(super) targets: Arc<[u32]>,
    /// Where the function begins there, and in the image.
    pub(super) start: u32,
    pub(super) at: u32,
}

impl JumpTable {
    /// How many entries there are.
    #[allow(clippy::len_without_is_empty, reason = "there is one at least")]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// The entries: indexes of instructions in the image.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.targets.iter().map(|target| target.wrapping_sub(self.start).wrapping_add(self.at))
    }
}
