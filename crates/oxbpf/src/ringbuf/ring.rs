//! Reading one ring.

use std::ops::ControlFlow;

use super::RingBufferError;
use super::memory::{HEADER, Memory};

/// The record is reserved and not yet committed.
pub(crate) const BUSY: u32 = 1 << 31;
/// The program gave the record up; its bytes mean nothing.
pub(crate) const DISCARDED: u32 = 1 << 30;
const LENGTH: u32 = !(BUSY | DISCARDED);

/// One ring of a [`RingBuffer`](super::RingBuffer).
#[derive(Debug)]
pub(super) struct Ring {
    memory: Memory,
    /// What the user calls it.
    pub(super) tag: usize,
    /// The map's name, for errors.
    pub(super) name: String,
}

impl Ring {
    pub(super) fn new(memory: Memory, tag: usize, name: String) -> Ring {
        Ring { memory, tag, name }
    }

    pub(super) fn size(&self) -> usize {
        self.memory.size()
    }

    /// Bytes reserved or committed and not yet read, headers included; never more than the ring has.
    pub(super) fn available(&self) -> usize {
        let consumer = self.memory.consumer();
        self.memory.producer().wrapping_sub(consumer).min(self.memory.size())
    }

    /// Hands each committed record to `f`, oldest first, and returns how many there were.
    ///
    /// Stops at a record that is not committed yet, at the end, when `f` breaks, or after as many bytes as the ring
    /// has, so that a fast producer cannot keep the reader here for ever.
    pub(super) fn drain<F>(&mut self, f: &mut F) -> Result<(usize, ControlFlow<()>), RingBufferError>
    where
        F: FnMut(usize, &[u8]) -> ControlFlow<()>,
    {
        let memory = &self.memory;
        let size = memory.size();
        let start = memory.consumer();
        if !start.is_multiple_of(HEADER) {
            return Err(self.corrupt(start, "the consumer's position is not a multiple of 8"));
        }
        let mut read = Read { memory, published: start, position: start };
        // Giving space back costs a cache line that the producers read; a sixteenth of the ring at a time is soon enough.
        let chunk = size / 16;
        let mut count = 0;
        loop {
            let end = memory.producer();
            if end.wrapping_sub(read.position) > size {
                return Err(self.corrupt(read.position, "the producer is ahead by more than the ring's size"));
            }
            let before = read.position;
            while read.position != end {
                let header = memory.header(read.position);
                if header & BUSY != 0 {
                    break;
                }
                let length = (header & LENGTH) as usize;
                // At most 2^30 + 15: no overflow, not even in 32 bits.
                let whole = (length + HEADER).next_multiple_of(HEADER);
                if whole > end.wrapping_sub(read.position) {
                    return Err(
                        self.corrupt(read.position, "a record is longer than what the producer has written")
                    );
                }
                let record = memory.record(read.position, length);
                // Moved before the call: a callback that panics has had its record.
                read.position = read.position.wrapping_add(whole);
                if header & DISCARDED == 0 {
                    count += 1;
                    if f(self.tag, record).is_break() {
                        return Ok((count, ControlFlow::Break(())));
                    }
                }
                if read.unpublished() >= chunk {
                    read.publish();
                }
            }
            if read.position == before {
                break;
            }
            // What was read may have made a producer's wake-up unnecessary: look again before anyone sleeps.
            read.publish();
            memory.settle();
            if read.position.wrapping_sub(start) >= size {
                break;
            }
        }
        Ok((count, ControlFlow::Continue(())))
    }

    #[cold]
    fn corrupt(&self, position: usize, what: &'static str) -> RingBufferError {
        RingBufferError::Corrupt { map: self.name.clone(), position: position as u64, what }
    }
}

/// How far this reader is, and how far the kernel knows.
struct Read<'a> {
    memory: &'a Memory,
    position: usize,
    published: usize,
}

impl Read<'_> {
    #[inline]
    fn unpublished(&self) -> usize {
        self.position.wrapping_sub(self.published)
    }

    #[inline]
    fn publish(&mut self) {
        self.memory.set_consumer(self.position);
        self.published = self.position;
    }
}

impl Drop for Read<'_> {
    /// However reading ends (early, with an error, by a panic of the callback), what was read is given back.
    fn drop(&mut self) {
        if self.unpublished() != 0 {
            self.publish();
        }
    }
}
