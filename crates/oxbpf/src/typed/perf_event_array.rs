//! Perf events by index.

use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors};
use crate::{Error, Map};

/// Perf events by index (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`, Linux 4.3), one for each CPU: counters that programs read, or the
/// buffers that `bpf_perf_event_output()` writes to. The kernel does not tell what is in it.
///
/// An event is taken out when the descriptor of the map through which it was put in is closed, but for maps made with
/// [`MapFlags::PRESERVE_ELEMS`](crate::MapFlags::PRESERVE_ELEMS) (5.10).
#[derive(Debug, Clone)]
pub struct PerfEventArray {
    map: Map,
}

impl PerfEventArray {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::PERF_EVENT_ARRAY, "a perf event array"))?;
        Ok(PerfEventArray { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Puts an event at `index`, which programs take for the number of a CPU.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end, `EBADF` or `EINVAL` for a descriptor of no perf event.
    #[doc(alias = "bpf_map_update_elem")]
    pub fn set(&self, index: u32, event: impl AsFd) -> Result<(), Error> {
        descriptors::put(&self.map, &index.to_ne_bytes(), event.as_fd(), ElemFlags::empty())
    }

    /// Takes the event at `index` out; tells whether there was one.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` past the end.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn clear(&self, index: u32) -> Result<bool, Error> {
        self.map.delete(&index.to_ne_bytes())
    }
}
