//! Maps: what they are, and their bytes.

mod batch;
pub(crate) mod create;
mod elements;
mod entries;
mod keys;
mod memory;
pub(crate) mod pin;
mod ring;
mod struct_ops;
mod why;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use oxbpf_obj::{Btf, MapFlags, MapType, TypeId};
use oxbpf_sys::{Kernel, MapFd, MapInfo, SysError};

use crate::error::{Error, Result};

pub use batch::Batch;
pub use entries::Entries;
pub use keys::Keys;
pub use ring::RingPositions;

pub(crate) use struct_ops::StructOpsValue;

use memory::Memory;

/// A map in the kernel.
///
/// It owns a file descriptor; clones share it, and it is closed with the last of them. The map itself lives as long as
/// anything holds on to it: a descriptor, a program that uses it, a pin.
///
/// Keys and values are bytes here, in the machine's order. [`HashMap`](crate::HashMap), [`Array`](crate::Array) and
/// their kin give them types.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tests/legacy_maps.bpf.o");
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::{ElemFlags, LoadOptions, Object};
///
/// let object = Object::load(&oxbpf::open(file)?, &LoadOptions { kernel, ..LoadOptions::default() })?;
/// let map = object.map("old_hash")?; // u32 to u64
/// map.update(&7_u32.to_ne_bytes(), &49_u64.to_ne_bytes(), ElemFlags::NOEXIST)?;
/// assert_eq!(map.lookup(&7_u32.to_ne_bytes())?, Some(49_u64.to_ne_bytes().to_vec()));
/// assert_eq!(map.keys().count(), 1);
/// assert!(map.delete(&7_u32.to_ne_bytes())?);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bpf_map")]
#[derive(Clone)]
pub struct Map(Arc<Inner>);

struct Inner {
    fd: MapFd,
    kernel: Kernel,
    shape: Shape,
    btf: Option<Btf>,
    memory: Memory,
    /// What a struct_ops map is registered with.
    struct_ops: OnceLock<StructOpsValue>,
}

/// What a map is like: its type and its sizes, as the kernel has them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shape {
    /// The name the object gives it, which may be longer than the kernel's 15 bytes.
    pub name: String,
    /// The section of the object whose global variables it holds: `.rodata`.
    pub section: Option<String>,
    /// Its type.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value; of one CPU's, where there is one for each.
    pub value_size: u32,
    /// How many elements fit; bytes for ring buffers.
    pub max_entries: u32,
    /// The flags it was created with.
    pub flags: MapFlags,
    /// What its type makes of it (5.16).
    pub map_extra: u64,
    /// The type of a key in [`Map::btf`], void if unknown.
    pub key_type: TypeId,
    /// The type of a value in [`Map::btf`], void if unknown.
    pub value_type: TypeId,
}

impl Map {
    pub(crate) fn new(fd: MapFd, kernel: Kernel, shape: Shape, btf: Option<Btf>) -> Self {
        Self(Arc::new(Inner {
            fd,
            kernel,
            shape,
            btf,
            memory: Memory::default(),
            struct_ops: OnceLock::new(),
        }))
    }

    /// The name the object gives it.
    #[doc(alias = "bpf_map__name")]
    pub fn name(&self) -> &str {
        &self.0.shape.name
    }

    /// Its type.
    #[doc(alias = "bpf_map__type")]
    pub fn map_type(&self) -> MapType {
        self.0.shape.map_type
    }

    /// Bytes of a key; 0 for queues, stacks and ring buffers.
    #[doc(alias = "bpf_map__key_size")]
    pub fn key_size(&self) -> u32 {
        self.0.shape.key_size
    }

    /// Bytes of a value; of one CPU's, where there is one for each (see [`value_len`](Self::value_len)).
    #[doc(alias = "bpf_map__value_size")]
    pub fn value_size(&self) -> u32 {
        self.0.shape.value_size
    }

    /// How many elements fit; bytes for ring buffers.
    #[doc(alias = "bpf_map__max_entries")]
    pub fn max_entries(&self) -> u32 {
        self.0.shape.max_entries
    }

    /// The flags it was created with.
    #[doc(alias = "bpf_map__map_flags")]
    pub fn flags(&self) -> MapFlags {
        self.0.shape.flags
    }

    /// All of what it is like.
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// The types that [`key_type`](Self::key_type) and [`value_type`](Self::value_type) stand in: those of the object
    /// that defines it.
    pub fn btf(&self) -> Option<&Btf> {
        self.0.btf.as_ref()
    }

    /// The type of a key, void if unknown.
    #[doc(alias = "bpf_map__btf_key_type_id")]
    pub fn key_type(&self) -> TypeId {
        self.0.shape.key_type
    }

    /// The type of a value, void if unknown. For a map of global variables, the section they stand in.
    #[doc(alias = "bpf_map__btf_value_type_id")]
    pub fn value_type(&self) -> TypeId {
        self.0.shape.value_type
    }

    /// Its descriptor with the sizes that make access safe, for commands of [`Kernel`] that have no method here.
    pub fn map_fd(&self) -> &MapFd {
        &self.0.fd
    }

    /// The kernel it lives in.
    pub fn kernel(&self) -> &Kernel {
        &self.0.kernel
    }

    /// What the kernel says of it, with what only its descriptor tells (whether it is frozen, its memory).
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_get_info_by_fd")]
    pub fn info(&self) -> Result<MapInfo> {
        self.0.kernel.map_info_with_fdinfo(self.as_fd()).map_err(|source| self.failed(source))
    }

    /// Pins it in bpffs, where it outlives this process; see [`from_pinned`](Self::from_pinned). Missing directories
    /// are made.
    ///
    /// # Errors
    /// [`Error::Pin`]: `EEXIST` if something is there already, `EPERM` if `path` is not on bpffs.
    #[doc(alias = "bpf_map__pin")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::pin(&self.0.kernel, self.as_fd(), &format!("map {}", self.name()), path.as_ref())
    }

    #[cold]
    pub(crate) fn failed(&self, source: SysError) -> Error {
        Error::Map { map: self.name().to_owned(), source: self.explained(source) }
    }
}

impl Shape {
    /// What the kernel says of a map.
    pub(crate) fn of(info: &MapInfo) -> Self {
        Self {
            name: info.name.clone(),
            section: None,
            map_type: info.map_type,
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: info.flags,
            map_extra: info.map_extra,
            key_type: TypeId(0),
            value_type: TypeId(0),
        }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("fd", &self.0.fd).field("shape", &self.0.shape).finish_non_exhaustive()
    }
}
