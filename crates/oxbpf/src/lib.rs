//! Load, attach and talk to BPF programs: what libbpf does, in Rust.
//!
//! ```no_run
//! use oxbpf::{LoadOptions, Object, RingBuffer};
//!
//! # fn main() -> Result<(), oxbpf::Error> {
//! let mut spec = oxbpf::open("execsnoop.bpf.o")?; // any machine, no privileges
//! spec.map_mut("events").expect("it has one").max_entries = 1 << 20;
//! let object = Object::load(&spec, &LoadOptions::default())?; // this kernel
//! let mut events = RingBuffer::new(object.map("events")?)?;
//! let links = object.attach()?; // by section names, until dropped
//! events.poll(None, |_, event| println!("{} bytes", event.len()))?;
//! links.detach()?;
//! # Ok(())
//! # }
//! ```
//!
//! | to | use |
//! |---|---|
//! | open an object, look at it, change it before it is loaded | [`open`], [`OpenOptions`], [`ObjectSpec`] |
//! | load it | [`Object::load`], [`LoadOptions`]; in two steps: [`Object::prepare`] |
//! | know why the verifier refused a program | [`Error::Rejected`], [`VerifierError`] |
//! | attach all programs, or one, as their sections say | [`Object::attach`], [`Program::attach`] |
//! | attach a program to something else | the `attach_` methods of [`Program`]: [`attach_xdp`](Program::attach_xdp), [`attach_cgroup_path`](Program::attach_cgroup_path), [`attach_uprobe`](Program::attach_uprobe), … |
//! | keep it attached, detach it, give it another program | [`Link`], [`Links`] |
//! | read events as they come | [`RingBuffer`] |
//! | read and write maps | [`Map`] (bytes); [`HashMap`], [`Array`] and the others of [`typed`] |
//! | read and write global variables | [`ObjectSpec::set_global`] before loading, [`Object::global`] after |
//! | run a program without attaching it | [`Program::test_run`] |
//! | find what is loaded already | [`Program::iter_loaded`], [`Map::iter_loaded`], [`LoadedLink`], [`AttachPoint`] |
//! | ask what the kernel has | [`features`] |
//! | load without reading the object there | [`Object::light_loader`], [`Object::load_light`] |
//! | test without privileges | [`Kernel::with_door`] with a door of [`sys::doors`] |
//!
//! Everything here owns its descriptors, borrows from nothing and may be sent to other threads; what is dropped is
//! closed, and a [`Link`] that is dropped is detached unless it was pinned. Names of libbpf find their like in the search
//! of this page (`bpf_object__open`, `bpf_map_lookup_elem`).

/// So that the code there compiles.
#[cfg(doctest)]
mod docs {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/linking.md")]
    struct Linking;
    #[doc = include_str!("../../../docs/loading.md")]
    struct Loading;
    #[doc = include_str!("../../../docs/maps.md")]
    struct Maps;
}

pub mod features;
pub mod typed;

mod attach;
mod attached;
mod error;
mod global;
mod hint;
mod light;
mod link;
mod load;
mod loaded;
mod map;
mod object;
mod open;
mod program;
mod ringbuf;
mod stats;
mod stream;
mod test_run;
mod user_ringbuf;
pub mod verifier;

pub use oxbpf_btf as btf;
pub use oxbpf_obj as obj;
pub use oxbpf_obj::{
    AttachKind, AttachType, Bytes, MapFlags, MapSpec, MapType, ObjectSpec, ProgramFlags, ProgramSpec,
    ProgramType, SectionDef,
};
pub use oxbpf_sys as sys;
pub use oxbpf_sys::uapi::{AttachFlags, ElemFlags, LinkType, OpenFlags, XdpFlags};
pub use oxbpf_sys::{
    BtfInfo, Errno, Kernel, LinkDetails, LinkInfo, MapCreate, MapInfo, ProgramDump, ProgramInfo,
    ProgramParts, Unsupported,
};

pub use attach::{
    AttachError, AttachReason, CgroupOrder, Interface, IterReader, KprobeOptions, PerfEventOptions, Sampling,
    SymbolError, UprobeOptions, Walk,
};
pub use attached::{AttachPoint, Attached, AttachedProgram};
pub use error::{Error, Result};
pub use features::Feature;
pub use global::Global;
pub use hint::{Capability, Hint, TrampolineRefusal};
pub use light::{LightLoad, Signature};
pub use link::{Link, LinkKind, Links, detach_all};
pub use load::{
    LoadOptions, LoadRequest, LogSink, MissingExtern, Prepared, SectionHandler, SectionHandlers, Token,
};
pub use loaded::{Loaded, LoadedBtf, LoadedLink};
pub use map::{Batch, Entries, Keys, Map, RingPositions, Shape};
pub use object::Object;
pub use open::{OpenOptions, link_objects, open};
pub use program::Program;
pub use ringbuf::{Flow, RingBuffer, RingBufferBuilder, RingBufferError, RingStatus};
pub use stats::{ProgramStats, StatsGuard, enable_stats};
pub use stream::ProgramStream;
pub use test_run::{FlowKeys, SkBuff, SkLookup, TestRun, TestRunError, TestRunOutput, TestRunReason, XdpMd};
pub use typed::{
    Arena, Array, ArrayOfMaps, BloomFilter, CgroupArray, CgrpStorage, CpuMap, DevMap, DevMapHash, HashMap,
    HashOfMaps, InodeStorage, InsnArray, LpmKey, LpmTrie, LruHashMap, LruPerCpuHashMap, MappedArray,
    PerCpuArray, PerCpuHashMap, PerfEventArray, ProgramArray, Queue, ResizableHashMap, ReuseportSockArray,
    SkStorage, SockHash, SockMap, Stack, StackTraceMap, StructOps, TaskStorage, XskMap,
};
pub use user_ringbuf::{UserRecord, UserRingBuffer};
pub use verifier::VerifierError;
