//! Records for programs: writing the ring buffers that they drain.

mod memory;

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxbpf_obj::MapType;
use rustix::event::epoll;
use rustix::io::Errno;
use zerocopy::{Immutable, IntoBytes};

use crate::ringbuf::{BUSY, DISCARDED, HEADER, RingBufferError};
use crate::ringbuf::{epoll_error, not_watched, refused, to_timespec};
use crate::{Error, Map};
use memory::Memory;

/// A writer of a `BPF_MAP_TYPE_USER_RINGBUF` map (Linux 6.1), whose records programs read with
/// `bpf_user_ringbuf_drain()`.
///
/// A record is reserved, filled and submitted; several may be reserved at a time, and be submitted in any order: the kernel
/// hands them out in the order of their reservation, and waits for one that is not submitted yet.
///
/// One writer at a time may write a map: the position is kept in the map itself. A second one, here or in another process,
/// overwrites the records of the first; they are then garbage to the program, and nothing worse.
///
/// ```no_run
/// # fn example(map: oxbpf::Map) -> oxbpf::Result<()> {
/// use std::time::Duration;
///
/// let mut requests = oxbpf::UserRingBuffer::new(&map)?;
/// // As one piece:
/// requests.push(&7_u64)?;
/// // Or bit by bit, waiting for room:
/// let wait = Duration::from_millis(100);
/// let mut record = requests.reserve_blocking(12, wait)?.expect("a program drains it");
/// record.write(0, &1_u32);
/// record.write(4, b"sessions");
/// record.submit();
/// # Ok(())
/// # }
/// ```
#[doc(alias = "user_ring_buffer")]
#[doc(alias = "user_ring_buffer__new")]
#[derive(Debug)]
pub struct UserRingBuffer {
    map: Map,
    memory: Arc<Memory>,
    /// Tells, edge by edge, when the kernel has read something. Made when first needed.
    epoll: Option<OwnedFd>,
}

/// A record of a [`UserRingBuffer`] that is reserved: zeros or what a former record left, until it is written.
///
/// Dropping it [discards](Self::discard) it.
#[derive(Debug)]
#[must_use = "a record that is dropped is discarded"]
pub struct UserRecord {
    memory: Arc<Memory>,
    position: usize,
    len: u32,
    done: bool,
}

impl UserRingBuffer {
    /// A writer of `map`.
    ///
    /// # Errors
    /// The map is no user ring buffer, or the kernel refuses to map it (`EPERM` for a map that is frozen or read-only for
    /// user space).
    pub fn new(map: &Map) -> Result<Self, Error> {
        if map.map_type() != MapType::USER_RINGBUF {
            let found = map.map_type();
            return Err(Error::MapKind { map: map.name().to_owned(), expected: "a user ring buffer", found });
        }
        let entries = map.max_entries();
        let size = usize::try_from(entries).ok().filter(|s| s.is_power_of_two() && *s >= HEADER);
        let Some(size) = size else {
            return Err(RingBufferError::BadSize { map: map.name().to_owned(), size: entries }.into());
        };
        let memory = Memory::map(map.kernel(), map.as_fd(), size).map_err(|source| refused(map, source))?;
        Ok(UserRingBuffer { map: map.clone(), memory: Arc::new(memory), epoll: None })
    }

    /// The map itself.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Reserves a record of `len` bytes; `None` if there is no room for it before a program has read others.
    ///
    /// # Errors
    /// [`RingBufferError::TooLarge`] for a record that the ring never has room for, [`RingBufferError::Corrupt`] if
    /// another process has spoiled the positions.
    #[doc(alias = "user_ring_buffer__reserve")]
    pub fn reserve(&mut self, len: usize) -> Result<Option<UserRecord>, Error> {
        let size = self.memory.size();
        let flags = (BUSY | DISCARDED) as usize;
        let whole = len.checked_add(HEADER).and_then(|whole| whole.checked_next_multiple_of(HEADER));
        let Some(whole) = whole.filter(|whole| *whole <= size && len & flags == 0) else {
            let map = self.map.name().to_owned();
            return Err(RingBufferError::TooLarge { map, len, max: size - HEADER }.into());
        };
        let position = self.memory.producer();
        let used = position.wrapping_sub(self.memory.consumer());
        if used > size || !position.is_multiple_of(HEADER) {
            let what = "the producer's position is none that this side wrote";
            let map = self.map.name().to_owned();
            return Err(RingBufferError::Corrupt { map, position: position as u64, what }.into());
        }
        if size - used < whole {
            return Ok(None);
        }
        let len = len as u32; // At most `size`, which came from a `u32`.
        self.memory.set_header(position, len | BUSY);
        self.memory.set_producer(position.wrapping_add(whole));
        Ok(Some(UserRecord { memory: Arc::clone(&self.memory), position, len, done: false }))
    }

    /// As [`reserve`](Self::reserve), and waits for room, for at most `timeout` (`None`: for ever); `None` if there was
    /// none until then. Milliseconds are rounded up.
    ///
    /// The kernel wakes the writer when a program has drained the ring, but not one that does so with
    /// `BPF_RB_NO_WAKEUP`.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve), or what epoll says.
    #[doc(alias = "user_ring_buffer__reserve_blocking")]
    pub fn reserve_blocking(
        &mut self,
        len: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Option<UserRecord>, Error> {
        // An end beyond what the clock can say is none.
        let end = timeout.into().and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            // Watching begins before the look, so that no wake-up is between them.
            if self.epoll.is_none() {
                if let Some(record) = self.reserve(len)? {
                    return Ok(Some(record));
                }
                self.epoll = Some(self.watch()?);
            }
            if let Some(record) = self.reserve(len)? {
                return Ok(Some(record));
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let Some(epoll) = &self.epoll else { continue };
            let mut room = [MaybeUninit::<epoll::Event>::uninit(); 1];
            match epoll::wait(epoll, &mut room, left.map(to_timespec).as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(epoll_error(error).into()),
            }
        }
    }

    /// Writes a whole record; false if there is no room for it now.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve).
    pub fn push<T: IntoBytes + Immutable + ?Sized>(&mut self, value: &T) -> Result<bool, Error> {
        let Some(mut record) = self.reserve(size_of_val(value))? else { return Ok(false) };
        record.write(0, value);
        record.submit();
        Ok(true)
    }

    /// Bytes that can be reserved now, headers of records (8 bytes each) included.
    pub fn room(&self) -> usize {
        let used = self.memory.producer().wrapping_sub(self.memory.consumer());
        self.memory.size().saturating_sub(used)
    }

    /// Edge-triggered: level-triggered it would return at once as long as any byte is free.
    fn watch(&self) -> Result<OwnedFd, Error> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(epoll_error)?;
        let events = epoll::EventFlags::OUT | epoll::EventFlags::ET;
        epoll::add(&epoll, self.map.as_fd(), epoll::EventData::new_u64(0), events)
            .map_err(|e| not_watched(&self.map, e))?;
        Ok(epoll)
    }
}

/// The map: writable (`POLLOUT`) while the ring is not full.
impl AsFd for UserRingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

impl UserRecord {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes a value at `offset`; false, and nothing done, if it is not all inside.
    pub fn write<T: IntoBytes + Immutable + ?Sized>(&mut self, offset: usize, value: &T) -> bool {
        let bytes = value.as_bytes();
        let inside = offset.checked_add(bytes.len()).is_some_and(|end| end <= self.len());
        if inside {
            self.memory.write(self.position, offset, bytes);
        }
        inside
    }

    /// Lets programs read it.
    #[doc(alias = "user_ring_buffer__submit")]
    pub fn submit(mut self) {
        self.finish(0);
    }

    /// Gives it up: programs do not see it. Its room is free once they have drained what stands before it.
    #[doc(alias = "user_ring_buffer__discard")]
    pub fn discard(self) {
        drop(self);
    }

    fn finish(&mut self, flags: u32) {
        if !self.done {
            self.done = true;
            self.memory.set_header(self.position, self.len | flags);
        }
    }
}

impl Drop for UserRecord {
    fn drop(&mut self) {
        self.finish(DISCARDED);
    }
}

#[cfg(test)]
mod tests;
