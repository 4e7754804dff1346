//! BPF ELF objects as data: programs, maps, globals and their relocation, with no kernel in it.
//!
//! [`ObjectSpec::parse`] reads an object; [`ObjectSpec::link`] gives its programs as the kernel wants them,
//! but for the descriptors of maps, which a loader writes where [`Fixup`]s say.
//!
//! ```
//! use oxbpf_obj::{AttachKind, CoreTarget, LinkOptions, MapType, ObjectSpec, insn::disassemble};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bytes = std::fs::read("../../testdata/execsnoop.bpf.o")?;
//! let mut spec = ObjectSpec::parse_named("execsnoop", &bytes)?;
//!
//! let program = &spec.programs[0];
//! println!("{} is for {}", program.name, program.section);
//! assert_eq!(program.def.map(|def| def.attach), Some(AttachKind::Tracepoint));
//!
//! // It is plain data: change it as you like.
//! let ringbuf = spec.maps.iter_mut().find(|map| map.map_type == MapType::RINGBUF).ok_or("no ring buffer")?;
//! ringbuf.max_entries = 1 << 20;
//!
//! // On a kernel these would be its types, from /sys/kernel/btf/vmlinux.
//! let types = spec.btf.clone().ok_or("no types")?;
//! let targets = [CoreTarget { name: "vmlinux", btf: &types }];
//! for image in spec.link(&LinkOptions::with_targets(&targets))? {
//!     for line in disassemble(&image.insns) {
//!         println!("{line}");
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! [`StaticLinker`] makes one object of many.
//!
//! Of what an object needs of a kernel, [`ObjectSpec::core_check`] tells whether types have it, and
//! [`min_core_btf`] cuts it out of them.
//!
//! Any bytes may be given to it: files that are cut, damaged or made to deceive give an [`Error`] that names
//! what is wrong and where, and take no more memory than their size justifies.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod btf_file;
mod code;
mod core_check;
mod elf;
mod error;
mod gen_loader;
pub mod insn;
mod kconfig;
mod link;
mod linker;
mod min_core;
mod needs;
mod order;
mod packed;
mod parse;
mod plan;
mod records;
pub mod relo_core;
mod sections;
mod spec;
mod uapi;

pub use btf_file::BtfFile;
pub use core_check::{CheckedRelo, CoreCheck, CoreOutcome};
pub use elf::ObjectFile;
pub use error::{
    DatasecProblem, ElfProblem, Error, ExternProblem, FieldProblem, FunctionProblem, GlobalProblem,
    KconfigProblem, LightProblem, LinkProblem, LinkerError, LinkerProblem, MapProblem, NameProblem,
    RelocClash, RelocProblem, ResizeProblem, SectionClash, SectionProblem, StructOpsProblem, SymbolClash,
    SymbolProblem,
};
pub use gen_loader::{LightLoader, LightMap, LightOptions, LightProgram, LightStep};
pub use insn::Insn;
pub use kconfig::KconfigValues;
pub use link::{CoreTarget, Fixup, FixupKind, JumpTable, LinkOptions, Linker, Poisoned, ProgramImage};
pub use linker::StaticLinker;
pub use min_core::{min_core_btf, min_core_btf_with_progress};
pub use needs::{Capability, helper_capability, kfunc_config, kfunc_since, kfuncs};
pub use oxbpf_btf::{Btf, BtfExt, Bytes, CoreRelo, Endian, FuncInfo, LineInfo, TypeId};
pub use plan::{
    ExternPlan, KernelPlan, MapPlan, Memory, Need, Plan, PlanKernel, Privilege, ProgramPlan, Release, When,
    Whose,
};
pub use sections::{AttachKind, SectionDef};
pub use spec::{
    Contents, Data, ExternKind, ExternSpec, GlobalVar, KernelTarget, MapOrigin, MapSpec, ObjectSpec, Pinning,
    ProgramSpec, Slot, SlotTarget, StructOps, ring_buffer_size,
};
pub use uapi::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType, since};
