//! Maps that no object defines.

use oxbpf_obj::{MapFlags, MapType, TypeId};
use oxbpf_sys::{Cmd, Kernel, MapCreate, SysError};

use super::{Map, Shape};
use crate::error::{Error, Result};
use crate::features::{Feature, lacks};
use crate::load::{hints, memlock};

impl Map {
    /// Makes a map that no object defines.
    ///
    /// What depends on the machine is filled in as for the maps of objects: a ring buffer's size is rounded up to a
    /// power of two of whole pages, and a perf event array without [`max_entries`](MapCreate::max_entries) has one for
    /// each possible CPU. A name that this kernel cannot keep (before 4.15) is left away.
    ///
    /// # Errors
    /// [`Error::MapCreate`]: `EPERM` without `CAP_BPF` (for some kinds `CAP_NET_ADMIN` or `CAP_SYS_ADMIN` too),
    /// `EINVAL` for a kind, size or flag that this kernel does not take, `E2BIG` for too large sizes, `ENOMEM`.
    ///
    /// ```
    /// # fn main() -> oxbpf::Result<()> {
    /// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
    /// use oxbpf::{HashMap, Map, MapCreate, MapType};
    ///
    /// // On this machine: let kernel = oxbpf::Kernel::host();
    /// let map = Map::create(
    ///     &kernel,
    ///     &MapCreate {
    ///         map_type: MapType::HASH,
    ///         key_size: 4,
    ///         value_size: 8,
    ///         max_entries: 1000,
    ///         name: "seen",
    ///         ..MapCreate::default()
    ///     },
    /// )?;
    /// let seen = HashMap::<u32, u64>::new(&map)?;
    /// seen.insert(&7, &1)?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "bpf_map_create")]
    pub fn create(kernel: &Kernel, create: &MapCreate<'_>) -> Result<Self> {
        let max_entries = max_entries(kernel, create.map_type, create.max_entries)
            .map_err(|source| Error::Map { map: create.name.to_owned(), source })?;
        let mut attempt = MapCreate { max_entries, ..create.clone() };
        let fd = loop {
            let mut error = match memlock::retried(kernel, || kernel.map_create(&attempt)) {
                Ok(fd) => break fd,
                Err(error) => error,
            };
            if !attempt.name.is_empty()
                && hints::refused(&error, Cmd::MAP_CREATE)
                && lacks(kernel, Feature::ObjectNames)
            {
                attempt.name = "";
                continue;
            }
            return Err(Error::MapCreate {
                map: create.name.to_owned(),
                map_type: create.map_type,
                hint: hints::map(kernel, Vec::new(), create.map_type, &mut error),
                // The name stands before it.
                source: error.bare(),
            });
        };
        let mut flags = create.flags;
        flags.set(MapFlags::NUMA_NODE, flags.contains(MapFlags::NUMA_NODE) || create.numa_node.is_some());
        let shape = Shape {
            name: create.name.to_owned(),
            section: None,
            map_type: create.map_type,
            key_size: create.key_size,
            value_size: create.value_size,
            max_entries,
            flags,
            map_extra: create.map_extra,
            key_type: TypeId(create.btf_key_type_id),
            value_type: TypeId(create.btf_value_type_id),
        };
        Ok(Self::new(fd, kernel.clone(), shape, None))
    }
}

/// How many elements a map of this kind has: what was asked for, or what this machine asks for.
pub(crate) fn max_entries(kernel: &Kernel, map_type: MapType, asked: u32) -> Result<u32, SysError> {
    match map_type {
        MapType::PERF_EVENT_ARRAY if asked == 0 => kernel.possible_cpus(),
        MapType::RINGBUF | MapType::USER_RINGBUF => Ok(oxbpf_obj::ring_buffer_size(asked, page_size())),
        _ => Ok(asked),
    }
}

fn page_size() -> u32 {
    u32::try_from(rustix::param::page_size()).unwrap_or(4096)
}
