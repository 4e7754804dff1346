//! CPUs for XDP redirection.

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors, redirect};
use crate::{Error, Map, Program};

/// What an entry of a [`CpuMap`] is (`struct bpf_cpumap_val`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CpuMapValue {
    /// How many packets may wait for the CPU.
    pub queue_size: u32,
    /// The id of the XDP program that runs on them there (5.9).
    pub program_id: Option<u32>,
}

impl CpuMapValue {
    fn of((queue_size, program_id): redirect::Target) -> Self {
        Self { queue_size, program_id }
    }
}

/// CPUs by their number (`BPF_MAP_TYPE_CPUMAP`, Linux 4.15), to which `bpf_redirect_map()` in XDP programs sends packets:
/// a kernel thread for each takes them from a queue. Its values have 4 bytes, or 8 with room for a program (5.9).
#[derive(Debug, Clone)]
pub struct CpuMap {
    map: Map,
}

impl CpuMap {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::CPUMAP, "a cpumap"))?;
        redirect::check(map)?;
        Ok(CpuMap { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Lets packets be sent to a CPU, of which `queue_size` may wait, through a program loaded for
    /// [`AttachType::XDP_CPUMAP`](crate::AttachType::XDP_CPUMAP).
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `ENODEV` for no possible CPU, `EOVERFLOW` for a queue of more than 16,384,
    /// `EINVAL` for another program. [`Error::MapDefinition`] for a program, if values have 4 bytes.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, cpu: u32, queue_size: u32, program: Option<&Program>) -> Result<(), Error> {
        redirect::put(&self.map, &cpu.to_ne_bytes(), queue_size, program, ElemFlags::empty())
    }

    /// Lets no more packets be sent to a CPU.
    ///
    /// # Errors
    /// [`Error::Map`]: `EINVAL` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, cpu: u32) -> Result<(), Error> {
        self.map.delete(&cpu.to_ne_bytes()).map(drop)
    }

    /// The entry of a CPU, if it has one.
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, cpu: u32) -> Result<Option<CpuMapValue>, Error> {
        Ok(redirect::get(&self.map, &cpu.to_ne_bytes())?.map(CpuMapValue::of))
    }

    /// The CPUs that have an entry.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, CpuMapValue), Error>> + '_ {
        redirect::iter(&self.map)
            .map(|entry| entry.map(|(key, target)| (descriptors::index(&key), CpuMapValue::of(target))))
    }
}
