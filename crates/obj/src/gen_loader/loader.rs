//! What comes out: the loader, and what those who run it have to know.

use std::collections::BTreeSet;
use std::ops::Range;

use oxbpf_btf::Kind;

use super::context::Context;
use crate::insn::{Insn, Reg, opcode};
use crate::link::ProgramImage;
use crate::spec::global::variables;
use crate::uapi::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType};
use crate::{Btf, Endian, Error, FuncInfo, GlobalVar, LineInfo, TypeId};

/// A store of 4 bytes: of a descriptor from R0, of the number of a step from another register.
const STORE_WORD: u8 = opcode::CLASS_STX | opcode::MEM | opcode::W;
/// A load of 8 bytes.
const LOAD_LONG: u8 = opcode::CLASS_LDX | opcode::MEM | opcode::DW;
/// What has the context's address all the while.
const CONTEXT_REG: u8 = Reg::R6 as u8;

/// An object as one program of type `syscall` that loads it, and the data that this program works on.
///
/// Whoever runs it makes an array map of one value, [`data`](Self::data), loads [`insns`](Self::insns) as a sleepable
/// program of type `syscall` with that map as the only one of its `fd_array`, and runs it once with a context of
/// [`context_size`](Self::context_size) bytes:
///
/// | at | bytes | |
/// |---|---|---|
/// | 0 | 4 | in: size of the context |
/// | 4 | 4 | in: flags; 1: initial values are at addresses of the kernel |
/// | 8 | 4, 4, 8 | in: level, size and address of a log for what is refused; zeros for none |
/// | 24 | 16 for each map | out: descriptor (4); in: `max_entries` if not 0 (4), address of the initial value if not 0 (8) |
/// | then | 4 for each program | out: descriptor |
/// | then | 4 | out: how many of [`steps`](Self::steps) were begun |
/// | then | 4 | in: the number, from 1, of the only step that the log is for; 0 for all |
///
/// It returns 0, or a negative error number when all that it made is closed again. But for the last two words this is
/// `struct bpf_loader_ctx` and what follows it in the light skeletons of C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightLoader {
    /// The object's name.
    pub name: String,
    /// The byte order that it is for.
    pub endian: Endian,
    /// The program.
    pub insns: Vec<Insn>,
    /// The data it works on, the value of its only map; a multiple of 8 bytes.
    pub data: Vec<u8>,
    /// The maps that it makes.
    pub maps: Vec<LightMap>,
    /// The programs that it loads.
    pub programs: Vec<LightProgram>,
    /// What it does, in this order; the context tells where it stopped.
    pub steps: Vec<LightStep>,
    /// Where in the data the object's types are, as raw BTF.
    pub btf: Option<Range<u32>>,
    /// Whether it checks the hash of its map first ([`LightOptions::check_hash`](super::LightOptions)).
    pub checks_hash: bool,
}

/// A map that a loader makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightMap {
    /// Its name in the object.
    pub name: String,
    /// The section whose variables it holds.
    pub section: Option<String>,
    /// Type.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries, unless the context says otherwise; 0 where whoever runs the loader has to choose (perf event arrays:
    /// the number of CPUs).
    pub max_entries: u32,
    /// Flags at creation.
    pub flags: MapFlags,
    /// Parameter that depends on the type.
    pub map_extra: u64,
    /// Type of a key in the object's types; void if unknown.
    pub key_type: TypeId,
    /// Type of a value in the object's types; void if unknown.
    pub value_type: TypeId,
    /// Whether it is frozen once its value is in.
    pub frozen: bool,
    /// Where in the data its initial value is; `None` if the context cannot give it one.
    pub initial: Option<Range<u32>>,
}

/// A program that a loader loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightProgram {
    /// Its name in the object.
    pub name: String,
    /// The section it stands in.
    pub section: String,
    /// Type.
    pub prog_type: ProgramType,
    /// Attach type expected at load.
    pub attach_type: Option<AttachType>,
    /// What its section says that it is for.
    pub attach_to: Option<String>,
    /// Flags at load.
    pub flags: ProgramFlags,
    /// Whether attaching the whole object attaches it.
    pub autoattach: bool,
    /// Network device it is bound to; 0 for none.
    pub ifindex: u32,
    /// Where in the data its instructions are.
    pub insns: Range<u32>,
    /// Where in the data the types of its functions are.
    pub func_info: Range<u32>,
    /// Where in the data its source lines are.
    pub line_info: Range<u32>,
}

/// Something that a loader does. Numbers are places in [`LightLoader::maps`] and [`LightLoader::programs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LightStep {
    /// Loads the object's types.
    Btf,
    /// Creates the map that tells a map of maps what its inner maps are like.
    InnerMap {
        /// The outer map.
        map: usize,
    },
    /// Creates a map.
    Map {
        /// The map.
        map: usize,
    },
    /// Writes the initial value of a map.
    Value {
        /// The map.
        map: usize,
    },
    /// Freezes a map.
    Freeze {
        /// The map.
        map: usize,
    },
    /// Puts a map or a program into a map.
    Slot {
        /// The map.
        map: usize,
        /// The key.
        index: u32,
    },
    /// Looks for a variable or function of the kernel.
    Symbol {
        /// Its name: that of an extern, or of the type of what programs are to be attached to.
        name: String,
        /// The kind of its type; `None` if only its address is looked for.
        kind: Option<Kind>,
        /// Whether it may be missing.
        weak: bool,
    },
    /// Loads a program.
    Program {
        /// The program.
        program: usize,
    },
}

impl LightLoader {
    /// The instructions as bytes, in its byte order.
    pub fn encoded(&self) -> Vec<u8> {
        Insn::encode_all(&self.insns, self.endian)
    }

    /// The SHA-256 of the instructions, by which the kernel knows the only program that may use an exclusive map (6.18).
    #[doc(alias = "excl_prog_hash")]
    pub fn digest(&self) -> [u8; 32] {
        self.own_image().digest(self.endian)
    }

    /// The object's types; `None` if it has none.
    ///
    /// # Errors
    /// [`Error::Btf`] if the data has something else in their place.
    pub fn types(&self) -> Result<Option<Btf>, Error> {
        let Some(range) = &self.btf else { return Ok(None) };
        Btf::parse(self.bytes(range).to_vec()).map(Some).map_err(Error::btf)
    }

    /// The global variables of the object, map by map; `types` are those of [`types`](Self::types).
    pub fn globals<'a>(&'a self, types: &'a Btf) -> impl Iterator<Item = GlobalVar> + 'a {
        let holders = self.maps.iter().enumerate().filter(|(_, map)| map.section.is_some());
        holders.flat_map(|(index, map)| variables(types, index, map.value_type, map.frozen))
    }

    /// Bytes of the context.
    pub fn context_size(&self) -> u32 {
        Context::new(self.maps.len(), self.programs.len()).size()
    }

    /// Where in the context what is about this map begins.
    pub fn map_slot(&self, map: usize) -> u32 {
        Context::new(self.maps.len(), self.programs.len()).map(map)
    }

    /// Where in the context the descriptor of this program is.
    pub fn program_slot(&self, program: usize) -> u32 {
        Context::new(self.maps.len(), self.programs.len()).program(program)
    }

    /// Where in the context the number of steps begun is.
    pub fn step_slot(&self) -> u32 {
        Context::new(self.maps.len(), self.programs.len()).step()
    }

    /// Where in the context it is said which step the log is for.
    pub fn log_step_slot(&self) -> u32 {
        Context::new(self.maps.len(), self.programs.len()).log_step()
    }

    /// Whether the instructions are those of this description: they write descriptors to where it says that maps and
    /// programs have theirs, and nowhere else, and read as much of initial values as it says. If not, they are of another
    /// loader, and not to be run: whoever does would take something else for descriptors, or give too short a value.
    pub fn is_consistent(&self) -> bool {
        let context = Context::new(self.maps.len(), self.programs.len());
        let maps = (0..self.maps.len()).map(|map| context.map(map));
        let programs = (0..self.programs.len()).map(|program| context.program(program));
        let expected: BTreeSet<u32> = maps.chain(programs).collect();
        let stores = self.insns.iter().filter(|insn| insn.code == STORE_WORD && insn.dst() == CONTEXT_REG);
        let mut written = BTreeSet::new();
        for store in stores {
            let at = u32::try_from(store.off).unwrap_or(u32::MAX);
            match Reg::R0 as u8 == store.src() {
                true => drop(written.insert(at)),
                false if at == context.step() => {}
                false => return false,
            }
        }
        written == expected && self.reads_as_described()
    }

    /// Whether the context's initial values are read to where the maps have theirs, and as many bytes.
    fn reads_as_described(&self) -> bool {
        let read = |window: &[Insn]| {
            let [load, _, _, address, len] = window else { return None };
            let is_load = load.code == LOAD_LONG && load.src() == CONTEXT_REG && load.dst() == Reg::R3 as u8;
            let at = u32::try_from(load.off).ok()?;
            is_load.then_some((at, address.imm.cast_unsigned(), len.imm.cast_unsigned()))
        };
        let read: BTreeSet<_> = self.insns.windows(5).filter_map(read).collect();
        let told = self.maps.iter().enumerate().filter_map(|(map, about)| {
            let Range { start, end } = about.initial.clone()?;
            let at = self.map_slot(map).saturating_add(Context::INITIAL);
            Some((at, start, end.saturating_sub(start)))
        });
        read == told.collect()
    }

    /// A part of the data.
    pub fn bytes(&self, range: &Range<u32>) -> &[u8] {
        self.data.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The loader itself, as a program.
    pub fn own_image(&self) -> ProgramImage {
        let functions = vec![("loader".to_owned(), 0)];
        ProgramImage { insns: self.insns.clone(), functions, ..ProgramImage::default() }
    }

    /// A program as the data has it: before the loader writes into it what it finds, and before the kernel relocates
    /// it. It tells which function and line an instruction is of. `None` if there is no such program.
    pub fn image(&self, program: usize) -> Option<ProgramImage> {
        let at = self.programs.get(program)?;
        let word = |bytes: &[u8; 4]| match self.endian {
            Endian::Little => u32::from_le_bytes(*bytes),
            Endian::Big => u32::from_be_bytes(*bytes),
        };
        let words = |range: &Range<u32>| -> Vec<u32> {
            self.bytes(range).as_chunks::<4>().0.iter().map(word).collect()
        };
        let functions = words(&at.func_info);
        let lines = words(&at.line_info);
        Some(ProgramImage {
            program,
            insns: Insn::decode_all(self.bytes(&at.insns), self.endian),
            func_info: functions
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[insn_off, ty]| FuncInfo { insn_off: *insn_off, ty: TypeId(*ty) })
                .collect(),
            line_info: lines
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&[insn_off, file_name_off, line_off, line_col]| LineInfo {
                    insn_off,
                    file_name_off,
                    line_off,
                    line_col,
                })
                .collect(),
            functions: vec![(at.name.clone(), 0)],
            ..ProgramImage::default()
        })
    }
}
