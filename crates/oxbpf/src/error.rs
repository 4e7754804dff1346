//! The one error of this crate.

mod text;

use std::io;
use std::path::PathBuf;

use oxbpf_obj::{Endian, MapType, ProgramType};
use oxbpf_sys::{Errno, SysError, Unsupported};

use crate::attach::AttachError;
use crate::hint::Hint;
use crate::load::MissingExtern;
use crate::ringbuf::RingBufferError;
use crate::test_run::TestRunError;
use crate::verifier::VerifierError;
use text::{Advice, List, endian_name};

/// What this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an object could not be opened, loaded, attached or talked to.
///
/// `Display` is one line that says what failed, why, and what to do about it where that is known. `{:#}` is the whole:
/// for a program that the verifier rejected, with its log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A file is no BPF object, or a broken one.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: oxbpf_obj::Error,
    },

    /// Objects cannot be linked to one.
    #[error(transparent)]
    StaticLink(#[from] oxbpf_obj::LinkerError),

    /// The programs of an object could not be relocated.
    #[error("object {object}: {source}")]
    Link {
        /// Its name.
        object: String,
        /// Why.
        source: oxbpf_obj::Error,
    },

    /// An object is for machines of the other byte order.
    #[error("object {object} is for {}-endian machines, this is none", endian_name(*.endian))]
    Endian {
        /// Its name.
        object: String,
        /// Its byte order.
        endian: Endian,
    },

    /// An object expects from the kernel what it has not.
    #[error("object {object} needs what this kernel has not: {}", List(.missing))]
    Externs {
        /// Its name.
        object: String,
        /// Everything that is missing.
        missing: Vec<MissingExtern>,
    },

    /// An object needs the types of the kernel (CO-RE, tracing programs), and they cannot be had.
    #[error("{what} needs the kernel's BTF (CONFIG_DEBUG_INFO_BTF): {source}")]
    KernelBtf {
        /// What needs it.
        what: String,
        /// Why it cannot be had.
        source: SysError,
    },

    /// There is no token to be had where one was said to be.
    #[error("BPF token from {}: {source}", path.display())]
    Token {
        /// The BPF file system.
        path: PathBuf,
        /// Why.
        source: SysError,
    },

    /// The kernel does not take the object's types, without which its struct_ops maps cannot be made.
    #[error("the types of object {object}, which its struct_ops maps need: {source}{}", Advice(.hint))]
    ObjectBtf {
        /// Its name.
        object: String,
        /// The kernel's answer.
        source: SysError,
        /// What to do about it.
        hint: Option<Box<Hint>>,
    },

    /// A map could not be created.
    #[error("map {map} ({map_type}): {source}{}", Advice(.hint))]
    MapCreate {
        /// Its name.
        map: String,
        /// Its type.
        map_type: MapType,
        /// The kernel's answer.
        source: SysError,
        /// What to do about it.
        hint: Option<Box<Hint>>,
    },

    /// A map that was created could not be filled, frozen, mapped, read or written.
    #[error("map {map}: {source}")]
    Map {
        /// Its name.
        map: String,
        /// The kernel's answer, with what it means for this map where that is known: `it is full, max_entries is 100`.
        source: SysError,
    },

    /// Some of the elements of a batch were not written or deleted.
    #[error("map {map}: after {done} of {of} elements {source}")]
    Batch {
        /// The map's name.
        map: String,
        /// How many were, from the first on.
        done: usize,
        /// How many were to be.
        of: usize,
        /// The kernel's answer about the next one.
        source: SysError,
    },

    /// A map's definition cannot work, whatever the kernel.
    #[error("map {map}: {reason}")]
    MapDefinition {
        /// Its name.
        map: String,
        /// Why.
        reason: String,
    },

    /// A key or a value has not the size that the map has.
    #[error("map {map}: a {what} is {expected} bytes, not {got}")]
    Size {
        /// Its name.
        map: String,
        /// `key` or `value`.
        what: &'static str,
        /// Bytes that the kernel reads or writes.
        expected: usize,
        /// Bytes that were given.
        got: usize,
    },

    /// A map is of another type than what is to be done with it.
    #[error("map {map} is not {expected}: its type is {found}")]
    MapKind {
        /// Its name.
        map: String,
        /// What it would have to be: `a hash table`, `a ring buffer`.
        expected: &'static str,
        /// What it is.
        found: MapType,
    },

    /// Values for a per-CPU map are more or fewer than there are possible CPUs.
    #[error("map {map}: {got} values for {cpus} possible CPUs")]
    CpuCount {
        /// Its name.
        map: String,
        /// How many possible CPUs there are.
        cpus: usize,
        /// How many values were given.
        got: usize,
    },

    /// A global variable is not there, has another size, or cannot be changed.
    #[error("variable {name}: {reason}")]
    Global {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },

    /// A map or program could not be pinned, unpinned, or opened from where it is pinned.
    #[error("{what} at {}: {source}", path.display())]
    Pin {
        /// `map events`, `program handle_exec`.
        what: String,
        /// Where.
        path: PathBuf,
        /// Why.
        source: SysError,
    },

    /// A map is to be shared with one that exists, and they are not alike.
    #[error("map {map} cannot be the one at {at}: its {field} is {expected}, the other's is {found}")]
    Reuse {
        /// Its name.
        map: String,
        /// Where the other is: a path of bpffs, or `the map given`.
        at: String,
        /// What differs.
        field: &'static str,
        /// What the object says.
        expected: String,
        /// What the existing map has.
        found: String,
    },

    /// A program's section name says nothing of its type.
    #[error("program {program}: section {section:?} names no program type; set it before loading")]
    ProgramType {
        /// Its name.
        program: String,
        /// Its section.
        section: String,
    },

    /// A [`SectionHandler`](crate::SectionHandler) refused a program.
    #[error("program {program} ({section}): its handler cannot {step}: {source}")]
    Handler {
        /// Its name.
        program: String,
        /// Its section.
        section: String,
        /// What was to be done: `set it up`, `prepare its load`.
        step: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// What a program shall be attached to is missing, so that the kernel could not check it.
    #[error("program {program} ({section}): {reason}")]
    Target {
        /// Its name.
        program: String,
        /// Its section.
        section: String,
        /// What is missing.
        reason: String,
    },

    /// A program is for a function of another program, and the kernel does not give out that one's types.
    #[error("program {program}: the types of program {target}: {source}{}", Advice(.hint))]
    TargetBtf {
        /// Its name.
        program: String,
        /// The other program.
        target: String,
        /// The kernel's answer.
        source: SysError,
        /// What to do about it.
        hint: Option<Box<Hint>>,
    },

    /// The kernel refused a program before the verifier looked at it.
    #[error("program {program} ({section}, {prog_type}): {source}{}", Advice(.hint))]
    ProgramLoad {
        /// Its name.
        program: String,
        /// Its section.
        section: String,
        /// Its type.
        prog_type: ProgramType,
        /// The kernel's answer.
        source: SysError,
        /// What to do about it.
        hint: Option<Box<Hint>>,
    },

    /// The verifier rejected a program.
    #[error(transparent)]
    Rejected(#[from] Box<VerifierError>),

    /// An object has no program of this name.
    #[error("no program {name} in object {object}; it has: {}", List(.have))]
    NoSuchProgram {
        /// The object's name.
        object: String,
        /// What was asked for.
        name: String,
        /// The names of those that are loaded.
        have: Vec<String>,
    },

    /// An object has no map of this name.
    #[error("no map {name} in object {object}; it has: {}", List(.have))]
    NoSuchMap {
        /// The object's name.
        object: String,
        /// What was asked for.
        name: String,
        /// The names of those that were created.
        have: Vec<String>,
    },

    /// A program could not be attached.
    #[error(transparent)]
    Attach(#[from] Box<AttachError>),

    /// A program could not be run by hand.
    #[error(transparent)]
    TestRun(#[from] Box<TestRunError>),

    /// A ring buffer could not be read or written.
    #[error(transparent)]
    RingBuffer(#[from] RingBufferError),

    /// A command of bpf(2) about neither a map nor a program failed.
    #[error(transparent)]
    Kernel(#[from] SysError),
}

impl Error {
    /// The kernel's error number, where a system call stands at the bottom of this.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Read { source, .. } => source.raw_os_error().map(Errno),
            Self::KernelBtf { source, .. }
            | Self::Token { source, .. }
            | Self::ObjectBtf { source, .. }
            | Self::MapCreate { source, .. }
            | Self::Map { source, .. }
            | Self::Batch { source, .. }
            | Self::Pin { source, .. }
            | Self::TargetBtf { source, .. }
            | Self::ProgramLoad { source, .. }
            | Self::Kernel(source) => Some(source.errno),
            Self::Rejected(error) => Some(error.errno),
            Self::Attach(error) => error.errno(),
            Self::TestRun(error) => error.errno(),
            Self::RingBuffer(RingBufferError::Map { source, .. }) => Some(source.errno),
            Self::RingBuffer(RingBufferError::Epoll(source)) => source.raw_os_error().map(Errno),
            _ => None,
        }
    }

    /// What was asked for that this kernel is too old for, if that is why it refused.
    pub fn unsupported(&self) -> Option<&Unsupported> {
        match (self.hint(), self) {
            (Some(Hint::KernelTooOld(unsupported)), _) => Some(unsupported),
            (
                _,
                Self::KernelBtf { source, .. }
                | Self::ObjectBtf { source, .. }
                | Self::MapCreate { source, .. }
                | Self::Map { source, .. }
                | Self::Pin { source, .. }
                | Self::TargetBtf { source, .. }
                | Self::ProgramLoad { source, .. }
                | Self::Kernel(source),
            ) => source.unsupported.as_deref(),
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&Hint> {
        match self {
            Self::ObjectBtf { hint, .. }
            | Self::MapCreate { hint, .. }
            | Self::TargetBtf { hint, .. }
            | Self::ProgramLoad { hint, .. } => hint.as_deref(),
            Self::Attach(error) => error.hint.as_ref(),
            _ => None,
        }
    }

    /// Where what to do about a refused load is put.
    pub(crate) fn hint_mut(&mut self) -> Option<&mut Hint> {
        match self {
            Self::ObjectBtf { hint, .. }
            | Self::MapCreate { hint, .. }
            | Self::TargetBtf { hint, .. }
            | Self::ProgramLoad { hint, .. } => hint.as_deref_mut(),
            _ => None,
        }
    }
}
