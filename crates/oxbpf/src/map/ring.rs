//! Where ring buffers stand.

use std::os::fd::AsFd;

use oxbpf_obj::MapType;
use oxbpf_sys::{Mapping, Prot};

use super::Map;
use crate::error::{Error, Result};

/// Where the two sides of a ring buffer stand, in bytes since the map was made, headers of records (8 bytes each)
/// included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingPositions {
    /// How far its reader is.
    pub consumer: u64,
    /// How far its writers have reserved.
    pub producer: u64,
    /// Bytes that the ring holds.
    pub size: u32,
}

impl RingPositions {
    /// Bytes that are reserved or committed and not yet read: never more than the ring holds, though the two may be of
    /// different moments.
    pub fn available(&self) -> u64 {
        // On machines of 32 bits they begin anew there.
        let ahead = self.producer.wrapping_sub(self.consumer);
        let ahead = if size_of::<usize>() == 4 { u64::from(ahead as u32) } else { ahead };
        ahead.min(u64::from(self.size))
    }
}

impl Map {
    /// Where the two sides of a ring buffer stand, either kind (5.8; user ring buffers 6.1). Nothing is read from
    /// the ring.
    ///
    /// # Errors
    /// [`Error::MapKind`] for a map of another type; [`Error::Map`]: `EPERM` for one that user space may not read.
    #[doc(alias = "ring__consumer_pos")]
    #[doc(alias = "ring__producer_pos")]
    #[doc(alias = "ring__avail_data_size")]
    pub fn ring_positions(&self) -> Result<RingPositions> {
        if !matches!(self.map_type(), MapType::RINGBUF | MapType::USER_RINGBUF) {
            let map = self.name().to_owned();
            return Err(Error::MapKind { map, expected: "a ring buffer", found: self.map_type() });
        }
        let page = rustix::param::page_size();
        let pages = self.kernel().mmap(self.as_fd(), 2 * page, 0, Prot::Read);
        let pages = pages.map_err(|source| self.failed(source))?;
        // The consumer's first: it never passes the producer's.
        let consumer = word(&pages, 0);
        Ok(RingPositions { consumer, producer: word(&pages, page), size: self.max_entries() })
    }
}

/// An `unsigned long`.
fn word(memory: &Mapping, offset: usize) -> u64 {
    let narrow = || memory.load_u32(offset).map_or(0, u64::from);
    if size_of::<usize>() == 4 { narrow() } else { memory.load_u64(offset).unwrap_or(0) }
}
