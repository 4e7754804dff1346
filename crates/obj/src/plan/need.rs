//! What a part of an object needs of a kernel, and when.

use std::cmp::Reverse;
use std::fmt;

use foldhash::fast::RandomState;
use hashbrown::HashSet;

use crate::Capability;

/// A release of Linux, as `6.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// 6
    pub major: u16,
    /// 1
    pub minor: u16,
}

impl From<(u16, u16)> for Release {
    fn from((major, minor): (u16, u16)) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.major, self.minor))
    }
}

/// Something that not every kernel has, and what needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Need {
    /// The first kernel that has it.
    pub since: Release,
    /// What it is: `helper bpf_ringbuf_output`, `maps of type ringbuf`, `atomic operation`.
    pub what: String,
    /// What needs it.
    pub whose: Whose,
    /// What an older kernel does.
    pub when: When,
}

/// The part of an object that needs something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whose {
    /// A program as such: by its type, its flags, where it is attached.
    Program {
        /// Its name.
        name: String,
    },
    /// An instruction of a program, the first of those that need it.
    Instruction {
        /// The program's name.
        program: String,
        /// The function of the instruction.
        function: String,
        /// The instruction, counted in the function.
        insn: usize,
        /// File and line of the source, if the object tells: `execsnoop.bpf.c:42`.
        line: Option<String>,
    },
    /// A map.
    Map {
        /// Its name.
        name: String,
    },
}

/// When something is needed: what a kernel that lacks it does with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum When {
    /// Never: on such a kernel the loader does without, or the part is not loaded unless it is turned on.
    Spared,
    /// The kernel loads it; it is attaching that fails.
    Attach,
    /// The kernel loads it only if its verifier finds that the instruction is not reached: the program asks for
    /// something that the loader knows (constants, the kernel's configuration, CO-RE, weak symbols) and the answer may
    /// lead elsewhere.
    Reached,
    /// The kernel does not load it.
    Load,
}

impl When {
    /// A word for it: `spared`, `attach`, `reached`, `load`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spared => "spared",
            Self::Attach => "attach",
            Self::Reached => "reached",
            Self::Load => "load",
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { name } => write!(f, "program {name}"),
            Self::Map { name } => write!(f, "map {name}"),
            Self::Instruction { program, function, insn, line } => {
                write!(f, "program {program}, ")?;
                if function != program {
                    write!(f, "function {function}, ")?;
                }
                write!(f, "instruction {insn}")?;
                line.as_ref().map_or(Ok(()), |line| write!(f, " ({line})"))
            }
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { since, what, whose, when } = self;
        write!(f, "Linux {since}: {what}: {whose}")?;
        f.write_str(match when {
            When::Load => "",
            When::Reached => "; if it is reached",
            When::Attach => "; to attach it",
            When::Spared => "; older kernels do without",
        })
    }
}

/// A capability that loading or attaching takes, and because of what. Before Linux 5.8 it is `CAP_SYS_ADMIN` in place of
/// `CAP_BPF` and `CAP_PERFMON`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Privilege {
    /// The capability.
    pub capability: Capability,
    /// What takes it: `programs of type xdp`, `helper bpf_probe_write_user`.
    pub what: String,
    /// Whether it is attaching that takes it, and not loading.
    pub attach: bool,
}

/// Needs as they are found: each thing once for each time when it is needed.
#[derive(Default)]
pub(super) struct Needs {
    all: Vec<Need>,
    known: HashSet<(String, When), RandomState>,
}

impl Needs {
    pub(super) fn add(&mut self, needs: impl IntoIterator<Item = Need>) {
        let Self { all, known } = self;
        all.extend(needs.into_iter().filter(|need| known.insert((need.what.clone(), need.when))));
    }

    /// All: the youngest first, what cannot be spared before what can, and maps and programs before instructions.
    pub(super) fn sorted(self) -> Vec<Need> {
        let rank = |need: &Need| match need.whose {
            Whose::Map { .. } => 0,
            Whose::Program { .. } => 1,
            Whose::Instruction { .. } => 2,
        };
        let mut all = self.all;
        all.sort_by_key(|need| (Reverse((need.since, need.when)), rank(need)));
        all
    }
}
