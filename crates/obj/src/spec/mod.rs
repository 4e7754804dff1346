//! What an object holds, as plain data that may be changed before it is loaded.

mod data;
mod externs;
pub(crate) mod global;
mod map;
mod program;
mod resize;
mod struct_ops;
mod target;

pub use data::Data;
pub use externs::{ExternKind, ExternSpec};
pub use global::GlobalVar;
pub use map::{Contents, MapOrigin, MapSpec, Pinning, Slot, SlotTarget, ring_buffer_size};
pub use program::ProgramSpec;
pub use struct_ops::StructOps;
pub use target::KernelTarget;

use std::path::Path;
use std::sync::Arc;

use oxbpf_btf::Bytes;

use crate::code::Code;
use crate::parse::SymbolGlobal;
use crate::{Btf, Endian, Error};

/// A BPF object: its programs, its maps, its types.
///
/// The same file gives the same spec on every machine: nothing of the kernel at hand is asked. It is plain
/// owned data: resize a map, set a global, turn a program off, then load it, as often as wanted.
#[doc(alias = "bpf_object")]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectSpec {
    /// Name of the object: the file's name without `.bpf.o`/`.o`, at most 15 characters that the kernel takes.
    pub name: String,
    /// Licence, from the section `license`; empty if there is none.
    pub license: String,
    /// Kernel version, from the section `version`; 0 if there is none. Old kernels (before 5.0) check it for
    /// kprobes.
    pub kernel_version: u32,
    /// Byte order of the object, and of the kernel it is for.
    pub endian: Endian,
    /// Programs, in the order of the sections and of their place in them.
    pub programs: Vec<ProgramSpec>,
    /// Maps: BTF-defined ones in the order of their place in `.maps`, legacy ones, then those of global data.
    pub maps: Vec<MapSpec>,
    /// Variables and functions the object expects from the kernel.
    pub externs: Vec<ExternSpec>,
    /// The object's types; sizes and offsets of sections' variables are filled in.
    pub btf: Option<Btf>,
    pub(crate) code: Arc<Code>,
    pub(crate) symbol_globals: Arc<[SymbolGlobal]>,
}

impl ObjectSpec {
    /// Reads an object from the bytes of an ELF file. What is needed of them is copied;
    /// [`parse_shared`](Self::parse_shared) copies next to nothing.
    ///
    /// # Errors
    /// Typed, with the section, symbol, map or program concerned; never a panic, whatever the bytes.
    #[doc(alias = "bpf_object__open_mem")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_named("", bytes)
    }

    /// Reads an object and names it: maps of global data are named after it. Of the name 15 characters are
    /// kept; for files it is [`name_of`](Self::name_of) the path.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_named(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        crate::parse::parse(name, bytes)
    }

    /// Reads an object and leaves it where it is: instructions, lines and data of the spec, and of its clones, have a share
    /// in the bytes. What is changed is copied first. This is for bytes that are there as long as the object anyway, as
    /// those that are part of the program, or that are given away, as those read from a file.
    ///
    /// All of the bytes are kept as long as the spec is, debug information included: strip objects that are built in,
    /// and of files read what is needed ([`ObjectFile`](crate::ObjectFile), or `oxbpf::open`).
    ///
    /// ```
    /// use oxbpf_obj::{Bytes, ObjectSpec};
    ///
    /// static OBJECT: &[u8] = include_bytes!("../../../../testdata/execsnoop.bpf.o");
    /// let built_in = ObjectSpec::parse_shared("execsnoop", Bytes::from_static(OBJECT))?;
    /// let read = ObjectSpec::parse_shared("execsnoop", std::fs::read("../../testdata/execsnoop.bpf.o")?)?;
    /// assert_eq!(read.programs[0].insns(), built_in.programs[0].insns());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_shared(name: &str, bytes: impl Into<Bytes>) -> Result<Self, Error> {
        crate::parse::parse_shared(name, &bytes.into(), None)
    }

    /// The name of the object in a file: the file's, up to the first dot.
    ///
    /// ```
    /// # use oxbpf_obj::ObjectSpec;
    /// assert_eq!(ObjectSpec::name_of("out/execsnoop.bpf.o"), "execsnoop");
    /// ```
    pub fn name_of(path: impl AsRef<Path>) -> String {
        let file = path.as_ref().file_name().unwrap_or_default().to_string_lossy();
        file.split('.').next().unwrap_or_default().to_owned()
    }

    /// Whether [`link`](Self::link) needs types of a kernel: whether a program that is to be loaded, or a
    /// function that programs may call, has CO-RE relocations.
    pub fn needs_core_targets(&self) -> bool {
        crate::link::needs_core_targets(self)
    }

    /// The program with this name.
    #[doc(alias = "bpf_object__find_program_by_name")]
    pub fn program(&self, name: &str) -> Option<&ProgramSpec> {
        self.programs.iter().find(|p| p.name == name)
    }

    /// The program with this name, to change it.
    pub fn program_mut(&mut self, name: &str) -> Option<&mut ProgramSpec> {
        self.programs.iter_mut().find(|p| p.name == name)
    }

    /// The map with this name. Maps of global data are found by their section's name too (`.rodata`).
    #[doc(alias = "bpf_object__find_map_by_name")]
    pub fn map(&self, name: &str) -> Option<&MapSpec> {
        self.map_index(name).and_then(|i| self.maps.get(i))
    }

    /// The map with this name, to change it.
    pub fn map_mut(&mut self, name: &str) -> Option<&mut MapSpec> {
        self.map_index(name).and_then(|i| self.maps.get_mut(i))
    }

    fn map_index(&self, name: &str) -> Option<usize> {
        self.maps
            .iter()
            .position(|m| m.name == name)
            .or_else(|| self.maps.iter().position(|m| m.origin.section() == Some(name)))
    }
}
