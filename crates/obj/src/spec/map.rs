use std::path::PathBuf;

use super::{Data, StructOps};
use crate::TypeId;
use crate::code::MapId;
use crate::uapi::{MapFlags, MapType};

/// A map that an object defines.
#[doc(alias = "bpf_map")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapSpec {
    /// Name. For `.data`, `.rodata` and `.bss` it begins with the object's name, as the kernel shows it
    /// (`execsnoo.rodata`); custom data sections keep their own.
    pub name: String,
    /// Type.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Entries at most; bytes for ring buffers, pages for arenas. 0 where the loader chooses (perf event
    /// arrays: the number of CPUs).
    pub max_entries: u32,
    /// Flags at creation.
    pub flags: MapFlags,
    /// Parameter that depends on the type (bloom filters: number of hashes; arenas: address) (5.16).
    pub map_extra: u64,
    /// NUMA node of its memory. Kernels heed a node only beside [`MapFlags::NUMA_NODE`], which the loader adds where
    /// there is one. (libbpf leaves the flag to its caller: a node alone does nothing there.)
    #[doc(alias = "bpf_map__set_numa_node")]
    pub numa_node: Option<u32>,
    /// Network device it is offloaded to; 0 for none.
    pub ifindex: u32,
    /// Type of a key in the object's BTF; void if unknown.
    pub key_type: TypeId,
    /// Type of a value in the object's BTF; void if unknown. Maps of global data, and arenas with variables: the
    /// DATASEC.
    pub value_type: TypeId,
    /// Whether the object asks for the map to be pinned.
    pub pinning: Pinning,
    /// Where it is pinned; `None` means what [`pinning`](Self::pinning) says.
    pub pin_path: Option<PathBuf>,
    /// Maps of maps: what the inner maps are like.
    pub inner: Option<Box<MapSpec>>,
    /// What is put in when it is created.
    pub contents: Contents,
    /// How the object defines it.
    pub origin: MapOrigin,
    /// Whether it is created at load; references to a map that is not make the program fail when reached.
    pub autocreate: bool,
    /// Whether attaching the whole object attaches it, if it is a struct_ops map.
    #[doc(alias = "bpf_map__set_autoattach")]
    pub autoattach: bool,
    /// Name of the only program of the object that may use the map (6.18): the kernel refuses all others.
    #[doc(alias = "bpf_map__set_exclusive_program")]
    pub exclusive: Option<String>,
    /// What references to it know it by, whatever its name and place become.
    pub(crate) id: Option<MapId>,
}

impl MapSpec {
    /// An empty map spec of a type, as if nothing but the type were defined.
    pub fn new(name: impl Into<String>, map_type: MapType, origin: MapOrigin) -> Self {
        Self {
            name: name.into(),
            map_type,
            key_size: 0,
            value_size: 0,
            max_entries: 0,
            flags: MapFlags::empty(),
            map_extra: 0,
            numa_node: None,
            ifindex: 0,
            key_type: TypeId(0),
            value_type: TypeId(0),
            pinning: Pinning::None,
            pin_path: None,
            inner: None,
            contents: Contents::None,
            origin,
            autocreate: true,
            autoattach: true,
            exclusive: None,
            id: None,
        }
    }

    /// The initial bytes of a map of global data, or of the variables in an arena (`__arena`).
    pub fn data(&self) -> Option<&Data> {
        match &self.contents {
            Contents::Data(data) => Some(data),
            _ => None,
        }
    }

    /// The name as the kernel takes it: letters, digits, `_` and `.` only, 15 characters at most.
    pub fn kernel_name(&self) -> String {
        crate::parse::kernel_name(&self.name)
    }

    /// Whether this map holds the object's global variables.
    pub fn is_global_data(&self) -> bool {
        self.origin.section().is_some()
    }

    /// Whether the loader freezes it once its contents are in (`.rodata`, `.kconfig`).
    pub fn is_frozen(&self) -> bool {
        matches!(self.origin, MapOrigin::Rodata { .. } | MapOrigin::Kconfig)
    }
}

/// Whether a map is pinned at load (`__uint(pinning, ...)`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Pinning {
    /// Not pinned.
    #[default]
    None,
    /// Pinned under its name in the directory that the loader is given; a map that is there already is reused.
    #[doc(alias = "LIBBPF_PIN_BY_NAME")]
    ByName,
    /// iproute2's legacy form: below the object's own directory.
    Object,
    /// iproute2's legacy form: below the global directory `tc/globals`.
    Global,
}

/// What is put into a map when it is created.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Contents {
    /// Nothing.
    #[default]
    None,
    /// Bytes of the only value of a map of global data, or of the variables in an arena.
    Data(Data),
    /// Maps of a map of maps, or programs of a program array, by index.
    Slots(Vec<Slot>),
    /// The struct of a struct_ops map.
    StructOps(StructOps),
}

/// One initial entry of a map of maps or a program array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Key.
    pub index: u32,
    /// What is put there.
    pub target: SlotTarget,
}

/// What an initial entry refers to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SlotTarget {
    /// Name of a map of the object.
    Map(String),
    /// Name of a program of the object.
    Program(String),
}

/// How an object defines a map.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MapOrigin {
    /// A BTF-defined variable in `.maps`, or an inner map of one.
    BtfDefined,
    /// A `struct bpf_map_def` or iproute2's `struct bpf_elf_map` in `maps` or `maps/NAME`.
    Legacy,
    /// Initialized variables.
    Data {
        /// `.data` or `.data.NAME`.
        section: String,
    },
    /// Constants.
    Rodata {
        /// `.rodata` or `.rodata.NAME`.
        section: String,
    },
    /// Variables that start as zero.
    Bss {
        /// `.bss` or `.bss.NAME`.
        section: String,
    },
    /// Values of the kernel's configuration (`__kconfig`): the loader fills them in.
    Kconfig,
    /// A variable of `.struct_ops` or `.struct_ops.link`.
    StructOps,
}

impl MapOrigin {
    /// The section of configuration values.
    pub(crate) const KCONFIG: &str = ".kconfig";

    /// The ELF section whose bytes the map holds.
    pub fn section(&self) -> Option<&str> {
        match self {
            Self::Data { section } | Self::Rodata { section } | Self::Bss { section } => Some(section),
            Self::Kconfig => Some(Self::KCONFIG),
            Self::BtfDefined | Self::Legacy | Self::StructOps => None,
        }
    }
}

/// The size of a ring buffer: a power of two, of whole pages. What is asked for, or the next one above; 0, and what
/// cannot be met, is left for the kernel to refuse.
///
/// ```
/// assert_eq!(oxbpf_obj::ring_buffer_size(4097, 4096), 8192);
/// ```
pub fn ring_buffer_size(asked: u32, page: u32) -> u32 {
    match asked {
        0 => 0,
        _ => asked.max(page).checked_next_power_of_two().unwrap_or(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::ring_buffer_size;

    #[test]
    fn ring_buffers_are_powers_of_two_of_whole_pages() {
        assert_eq!(ring_buffer_size(0, 4096), 0);
        assert_eq!(ring_buffer_size(1, 4096), 4096);
        assert_eq!(ring_buffer_size(4096, 4096), 4096);
        assert_eq!(ring_buffer_size(4097, 4096), 8192);
        assert_eq!(ring_buffer_size(256 * 1024, 4096), 256 * 1024);
        assert_eq!(ring_buffer_size(300_000, 4096), 524_288);
        assert_eq!(ring_buffer_size(256 * 1024, 65_536), 256 * 1024);
        assert_eq!(ring_buffer_size(1 << 31, 4096), 1 << 31);
        assert_eq!(ring_buffer_size((1 << 31) + 1, 4096), (1 << 31) + 1);
    }
}
