//! Events: reading the ring buffers that programs fill.

mod memory;
mod ring;

use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use oxbpf_obj::{MapFlags, MapType};
use oxbpf_sys::SysError;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::{Error, Map};
use memory::Memory;
use ring::Ring;

pub(crate) use memory::{HEADER, MAY_BE_WIDER, store_wider};
pub(crate) use ring::{BUSY, DISCARDED};

/// What can be wrong with a ring buffer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingBufferError {
    /// The map's size is none that the kernel gives to ring buffers.
    #[error("map `{map}` has {size} bytes of data, which is no size of a ring buffer")]
    BadSize {
        /// The map's name.
        map: String,
        /// Its `max_entries`.
        size: u32,
    },
    /// A full map overwrites its oldest records (`BPF_F_RB_OVERWRITE`, Linux 6.19). Such rings are read in another way.
    #[error("ring buffer `{map}` overwrites its oldest records; reading such is not supported yet")]
    Overwriting {
        /// The map's name.
        map: String,
    },
    /// The map cannot be mapped into memory or waited for.
    #[error("ring buffer `{map}`: {source}")]
    Map {
        /// The map's name.
        map: String,
        /// What the kernel said.
        #[source]
        source: SysError,
    },
    /// A record for programs is longer than what the ring holds.
    #[error("a record of {len} bytes does not fit into ring buffer `{map}`: it takes at most {max}")]
    TooLarge {
        /// The map's name.
        map: String,
        /// Bytes of the record.
        len: usize,
        /// Bytes that a record can have.
        max: usize,
    },
    /// The epoll instance cannot be made or waited for.
    #[error("cannot wait for ring buffers: {0}")]
    Epoll(#[source] std::io::Error),
    /// The positions or lengths in the shared memory contradict themselves: another process with access to the map
    /// has changed them. Nothing was read out of bounds; the ring cannot be read any further.
    #[error("ring buffer `{map}` is corrupt at position {position}: {what}")]
    Corrupt {
        /// The map's name.
        map: String,
        /// Where, in bytes since the map was made.
        position: u64,
        /// What contradicts what.
        what: &'static str,
    },
}

/// Whether to go on reading: what a callback returns. `()` goes on; [`ControlFlow::Break`] stops.
pub trait Flow: sealed::Sealed {
    #[doc(hidden)]
    fn flow(self) -> ControlFlow<()>;
}

impl Flow for () {
    #[inline]
    fn flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Flow for ControlFlow<()> {
    #[inline]
    fn flow(self) -> ControlFlow<()> {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for std::ops::ControlFlow<()> {}
}

/// A reader of one or more `BPF_MAP_TYPE_RINGBUF` maps (Linux 5.8).
///
/// Programs reserve, fill and commit records; this hands them out, per map in the order of their reservation, as
/// slices of the memory shared with the kernel: nothing is copied and nothing is allocated. A record is gone once
/// its callback has returned.
///
/// The kernel does not count what programs could not put into a full ring: a program that cares counts its failed
/// reservations in a map.
///
/// One reader at a time may read a map: the position is kept in the map itself, so a second reader, here or in
/// another process, takes records away from the first.
///
/// ```no_run
/// # fn example(object: oxbpf::Object) -> Result<(), oxbpf::Error> {
/// let mut ring = oxbpf::RingBuffer::new(object.map("events")?)?;
/// loop {
///     ring.poll(None, |_, record| println!("{record:?}"))?;
/// }
/// # }
/// ```
#[doc(alias = "ring_buffer")]
#[doc(alias = "ring_buffer__new")]
#[doc(alias = "ring_buffer__epoll_fd")]
#[derive(Debug)]
pub struct RingBuffer {
    epoll: OwnedFd,
    rings: Vec<Ring>,
}

/// What a ring holds at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingStatus {
    /// The ring's tag.
    pub tag: usize,
    /// Bytes that the ring can hold, record headers (8 bytes each) included.
    pub size: usize,
    /// Bytes that are reserved or committed and not yet read.
    pub available: usize,
}

/// Collects the maps of a [`RingBuffer`].
#[derive(Debug, Default)]
pub struct RingBufferBuilder {
    rings: Vec<Ring>,
    maps: Vec<Map>,
}

impl RingBufferBuilder {
    /// Adds a map; its tag is its number in the order of adding, from 0.
    ///
    /// # Errors
    /// The map is no ring buffer, or the kernel refuses to map it (`EPERM` for a map frozen or made read-only for
    /// user space).
    #[doc(alias = "ring_buffer__add")]
    #[allow(clippy::should_implement_trait, reason = "a builder adds to itself; nobody takes it for a sum")]
    pub fn add(self, map: &Map) -> Result<Self, Error> {
        let tag = self.rings.len();
        self.add_tagged(map, tag)
    }

    /// Adds a map with a tag of your choice, which its records come with.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_tagged(mut self, map: &Map, tag: usize) -> Result<Self, Error> {
        if map.map_type() != MapType::RINGBUF {
            let map_name = map.name().to_owned();
            return Err(Error::MapKind { map: map_name, expected: "a ring buffer", found: map.map_type() });
        }
        if map.flags().contains(MapFlags::RB_OVERWRITE) {
            return Err(RingBufferError::Overwriting { map: map.name().to_owned() }.into());
        }
        let entries = map.max_entries();
        let size = usize::try_from(entries).ok().filter(|s| s.is_power_of_two() && *s >= HEADER);
        let Some(size) = size else {
            return Err(RingBufferError::BadSize { map: map.name().to_owned(), size: entries }.into());
        };
        let memory = Memory::map(map.kernel(), map.as_fd(), size).map_err(|source| refused(map, source))?;
        self.rings.push(Ring::new(memory, tag, map.name().to_owned()));
        self.maps.push(map.clone());
        Ok(self)
    }

    /// Makes the reader.
    ///
    /// # Errors
    /// No more file descriptors (`EMFILE`), or the same map was added twice (`EEXIST`).
    pub fn build(self) -> Result<RingBuffer, Error> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(epoll_error)?;
        for (i, map) in self.maps.iter().enumerate() {
            let data = epoll::EventData::new_u64(i as u64);
            epoll::add(&epoll, map.as_fd(), data, epoll::EventFlags::IN).map_err(|e| not_watched(map, e))?;
        }
        // The epoll instance holds on to the maps' files, and so do the mappings: the maps may go.
        Ok(RingBuffer { epoll, rings: self.rings })
    }
}

impl RingBuffer {
    /// A reader of one map, with tag 0.
    ///
    /// # Errors
    /// As [`RingBufferBuilder::add`] and [`RingBufferBuilder::build`].
    pub fn new(map: &Map) -> Result<RingBuffer, Error> {
        RingBuffer::builder().add(map)?.build()
    }

    /// Starts a reader of several maps.
    pub fn builder() -> RingBufferBuilder {
        RingBufferBuilder::default()
    }

    /// Waits until there are records, for at most `timeout` (`None`: for ever), and hands each to `f` with its map's
    /// tag. Returns how many there were.
    ///
    /// Records that are there already are read without a system call. The result is 0 if the time is over, if a
    /// signal came, or if all that came was given up or is not committed yet; a loop that polls again is right in
    /// all three cases. Milliseconds are rounded up.
    ///
    /// # Errors
    /// [`RingBufferError::Corrupt`], or what epoll says.
    #[doc(alias = "ring_buffer__poll")]
    pub fn poll<R: Flow>(
        &mut self,
        timeout: impl Into<Option<Duration>>,
        mut f: impl FnMut(usize, &[u8]) -> R,
    ) -> Result<usize, Error> {
        let count = self.drain(&mut f)?;
        if count > 0 {
            return Ok(count);
        }
        let timeout = timeout.into().map(to_timespec);
        // More rings than that take turns.
        let mut room = [MaybeUninit::<epoll::Event>::uninit(); 32];
        let ready = match epoll::wait(&self.epoll, &mut room, timeout.as_ref()) {
            Ok((ready, _)) => ready,
            Err(Errno::INTR) => return Ok(0),
            Err(e) => return Err(epoll_error(e).into()),
        };
        let mut f = |tag, record: &[u8]| f(tag, record).flow();
        let mut count = 0;
        for event in ready {
            let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let Some(ring) = self.rings.get_mut(index) else { continue };
            let (n, flow) = ring.drain(&mut f)?;
            count += n;
            if flow.is_break() {
                break;
            }
        }
        Ok(count)
    }

    /// Hands each record that is there now to `f`, without a system call, and returns how many there were.
    ///
    /// From one ring it takes no more bytes than the ring has, so a busy producer cannot keep it from the others;
    /// only after that or after a callback that stopped can records be left. With edge-triggered notification call
    /// it until it returns 0.
    ///
    /// # Errors
    /// [`RingBufferError::Corrupt`].
    #[doc(alias = "ring_buffer__consume")]
    #[doc(alias = "ring_buffer__consume_n")]
    pub fn drain<R: Flow>(&mut self, mut f: impl FnMut(usize, &[u8]) -> R) -> Result<usize, Error> {
        let mut f = |tag, record: &[u8]| f(tag, record).flow();
        let mut count = 0;
        for ring in &mut self.rings {
            let (n, flow) = ring.drain(&mut f)?;
            count += n;
            if flow.is_break() {
                break;
            }
        }
        Ok(count)
    }

    /// How full the rings are, in the order of adding.
    #[doc(alias = "ring__avail_data_size")]
    #[doc(alias = "ring__size")]
    pub fn status(&self) -> impl ExactSizeIterator<Item = RingStatus> {
        self.rings.iter().map(|ring| RingStatus {
            tag: ring.tag,
            size: ring.size(),
            available: ring.available(),
        })
    }
}

/// The epoll instance: readable while a ring has records, to put the reader into another event loop.
impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

pub(crate) fn epoll_error(e: Errno) -> RingBufferError {
    RingBufferError::Epoll(e.into())
}

/// The map cannot be mapped.
pub(crate) fn refused(map: &Map, source: SysError) -> RingBufferError {
    RingBufferError::Map { map: map.name().to_owned(), source: map.explained(source) }
}

/// The map cannot be waited for.
pub(crate) fn not_watched(map: &Map, e: Errno) -> RingBufferError {
    let source = SysError::new("epoll_ctl", e.into());
    let source = if e == Errno::EXIST { source.because("it was added before") } else { source };
    RingBufferError::Map { map: map.name().to_owned(), source }
}

/// Whole milliseconds, at most what epoll_pwait takes: finer ones need epoll_pwait2, which Linux has since 5.11.
pub(crate) fn to_timespec(timeout: Duration) -> Timespec {
    let ms = timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as u64;
    Timespec { tv_sec: (ms / 1000) as _, tv_nsec: (ms % 1000 * 1_000_000) as _ }
}

#[cfg(test)]
mod tests;
