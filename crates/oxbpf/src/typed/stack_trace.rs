//! Stack traces by id.

use oxbpf_obj::{MapFlags, MapType};
use oxbpf_sys::uapi::ElemFlags;

use super::{check_key, descriptors};
use crate::{Error, Map};

/// Bytes of `struct bpf_stack_build_id`.
const BUILD_ID_FRAME: usize = 32;

/// Stack traces by the ids that `bpf_get_stackid()` gave programs (`BPF_MAP_TYPE_STACK_TRACE`, Linux 4.6).
#[derive(Debug, Clone)]
pub struct StackTraceMap {
    map: Map,
}

/// A stack trace, the innermost frame first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackTrace {
    /// Addresses of instructions.
    Addresses(Vec<u64>),
    /// Places in files, of a map made with [`MapFlags::STACK_BUILD_ID`] (4.17).
    BuildIds(Vec<BuildIdFrame>),
}

/// A frame of user space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildIdFrame {
    /// In the file with this build id (filled up with zeros) at this offset.
    Offset {
        /// The build id.
        build_id: [u8; 20],
        /// Bytes from the beginning of the file.
        offset: u64,
    },
    /// At this address; the file has no build id that the kernel could read.
    Address(u64),
}

impl StackTraceMap {
    /// A view of `map`.
    ///
    /// # Errors
    /// [`Error::MapKind`] if the map is of another type.
    pub fn new(map: &Map) -> Result<Self, Error> {
        check_key::<u32>(map, (MapType::STACK_TRACE, "a stack trace map"))?;
        Ok(StackTraceMap { map: map.clone() })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The stack trace with this id; `None` if there is none (any more).
    ///
    /// # Errors
    /// [`Error::Map`].
    #[doc(alias = "bpf_map_lookup_elem")]
    pub fn get(&self, id: u32) -> Result<Option<StackTrace>, Error> {
        let mut value = vec![0; self.map.value_len()];
        let there = self.map.lookup_into(&id.to_ne_bytes(), &mut value, ElemFlags::empty())?;
        Ok(there.then(|| self.parse(&value)))
    }

    /// Takes the stack trace with this id out; tells whether it was there. Its id is free for another from then on.
    ///
    /// # Errors
    /// [`Error::Map`]: `E2BIG` for an id that the map has no room for.
    #[doc(alias = "bpf_map_delete_elem")]
    pub fn remove(&self, id: u32) -> Result<bool, Error> {
        self.map.delete(&id.to_ne_bytes())
    }

    /// The ids and the stack traces.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u32, StackTrace), Error>> + '_ {
        self.map.iter().map(|entry| entry.map(|(key, value)| (descriptors::index(&key), self.parse(&value))))
    }

    fn parse(&self, value: &[u8]) -> StackTrace {
        if self.map.flags().contains(MapFlags::STACK_BUILD_ID) {
            StackTrace::BuildIds(value.chunks_exact(BUILD_ID_FRAME).map_while(frame).collect())
        } else {
            let (frames, _) = value.as_chunks::<8>();
            StackTrace::Addresses(
                frames.iter().map(|ip| u64::from_ne_bytes(*ip)).take_while(|ip| *ip != 0).collect(),
            )
        }
    }
}

/// One `struct bpf_stack_build_id`; `None` after the last frame.
fn frame(bytes: &[u8]) -> Option<BuildIdFrame> {
    let (status, rest) = bytes.split_first_chunk()?;
    let (build_id, rest) = rest.split_first_chunk()?;
    let number = u64::from_ne_bytes(*rest.first_chunk()?);
    match i32::from_ne_bytes(*status) {
        1 => Some(BuildIdFrame::Offset { build_id: *build_id, offset: number }),
        2 => Some(BuildIdFrame::Address(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_with_build_ids() {
        let mut bytes = [0; BUILD_ID_FRAME];
        bytes[..4].copy_from_slice(&1_i32.to_ne_bytes());
        bytes[4..24].fill(7);
        bytes[24..].copy_from_slice(&99_u64.to_ne_bytes());
        assert_eq!(frame(&bytes), Some(BuildIdFrame::Offset { build_id: [7; 20], offset: 99 }));
        bytes[..4].copy_from_slice(&2_i32.to_ne_bytes());
        assert_eq!(frame(&bytes), Some(BuildIdFrame::Address(99)));
        bytes[..4].fill(0);
        assert_eq!((frame(&bytes), frame(&bytes[..31])), (None, None));
    }
}
