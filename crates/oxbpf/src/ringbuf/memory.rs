//! The memory that a ring buffer map shares between the kernel and this process.
//!
//! A page with the consumer's position (ours to write), a page with the producer's position, and the data, which
//! is mapped twice in a row so that a record that wraps is in one piece. Only this module has `unsafe`: it turns
//! offsets that it checks into references.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

use oxbpf_sys::{Kernel, Mapping, Prot, SysError};

/// Bytes before each record: its length with two flag bits, and its page offset, which only the kernel uses.
pub(crate) const HEADER: usize = 8;

/// Whether the kernel's positions may be wider than this process's: a process of 32 bits on a kernel of 64. Where the
/// first bytes of a number are its low ones, all 64 bits can be written for a kernel of 32, too, as it has nothing that
/// counts behind a position of this side.
pub(crate) const MAY_BE_WIDER: bool = cfg!(all(target_pointer_width = "32", target_endian = "little"));

/// Stores a position at the start of a page where the kernel's may be wider. In release order, as every number is written.
pub(crate) fn store_wider(page: &Mapping, position: usize) {
    let old = page.load_u64(0).unwrap_or(0);
    page.store_u64(0, moved_to(old, position as u32));
}

/// A position of which the last 32 bits are known, at or after `old`.
pub(super) fn moved_to(old: u64, low: u32) -> u64 {
    old.wrapping_add(low.wrapping_sub(old as u32).into())
}

/// One ring, mapped.
#[derive(Debug)]
pub(super) struct Memory {
    /// The consumer's page.
    consumer: Mapping,
    /// The producer's page and the data, twice.
    producer: Mapping,
    page: usize,
    /// Bytes of data: a power of two.
    size: usize,
}

impl Memory {
    /// Maps the ring of `fd`, whose data has `size` bytes, a power of two that the caller has checked.
    pub(super) fn map(kernel: &Kernel, fd: BorrowedFd<'_>, size: usize) -> Result<Memory, SysError> {
        let page = rustix::param::page_size();
        debug_assert!(size.is_power_of_two() && size >= HEADER);
        // On 32 bits, twice the largest ring does not fit: the sum saturates and mmap says ENOMEM.
        let len = size.saturating_mul(2).saturating_add(page);
        let consumer = kernel.mmap(fd, page, 0, Prot::ReadWrite)?;
        let producer = kernel.mmap(fd, len, page as u64, Prot::Read)?;
        Ok(Memory { consumer, producer, page, size })
    }

    /// Bytes of data.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    #[inline]
    fn consumer_cell(&self) -> &AtomicUsize {
        // SAFETY: the mapping is one page, aligned to a page, readable and writable, and lives as long as
        // `self`. Whoever else touches the word (the kernel, another process with this map) does so by word-sized
        // atomic accesses, which is what an `AtomicUsize` is for; the kernel's type is `unsigned long`.
        unsafe { &*self.consumer.as_ptr().cast::<AtomicUsize>() }
    }

    /// How far all that was read has been given back to the kernel.
    #[inline]
    pub(super) fn consumer(&self) -> usize {
        self.consumer_cell().load(Ordering::Acquire)
    }

    /// Gives the ring's bytes before `position` back to the kernel, which may overwrite them from now on.
    #[inline]
    pub(super) fn set_consumer(&self, position: usize) {
        // Release: the reads of the records come before.
        if MAY_BE_WIDER {
            return store_wider(&self.consumer, position);
        }
        self.consumer_cell().store(position, Ordering::Release);
    }

    /// How far the kernel has reserved.
    #[inline]
    pub(super) fn producer(&self) -> usize {
        // SAFETY: the first word of the producer's mapping, which is longer than a page, aligned to a page,
        // readable, and lives as long as `self`. Only loads go through the reference; the kernel stores whole words.
        let position = unsafe { &*self.producer.as_ptr().cast::<AtomicUsize>() }.load(Ordering::Relaxed);
        // Not part of the load: of memory for reading only, relaxed loads are sure to be mere reads.
        fence(Ordering::Acquire);
        position
    }

    /// Orders an earlier [`set_consumer`](Self::set_consumer) before later loads.
    ///
    /// The kernel wakes a reader if, after it committed a record, the consumer stands right before it. This side
    /// moves the consumer and then looks for committed records. With a full barrier on both sides (the kernel's is
    /// an exchange) one of the two sees the other, so no wake-up is lost, edge-triggered or not.
    #[inline]
    pub(super) fn settle(&self) {
        fence(Ordering::SeqCst);
    }

    /// The header word of the record at `position`: its length and the flag bits. `position` must be a multiple of 8.
    #[inline]
    pub(super) fn header(&self, position: usize) -> u32 {
        let at = self.page + (position & (self.size - 1) & !(HEADER - 1));
        // SAFETY: `at` is at most `page + size - 8`, the mapping has `page + 2 * size` bytes, and `at` is a multiple
        // of 8, so the word is in bounds and aligned. The kernel writes it with an atomic exchange or a plain aligned
        // store; here are only loads.
        let header = unsafe { &*self.producer.as_ptr().add(at).cast::<AtomicU32>() }.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        header
    }

    /// The `len` bytes of the record whose header is at `position`, empty if they are more than the ring has.
    #[inline]
    pub(super) fn record(&self, position: usize, len: usize) -> &[u8] {
        let at = (position & (self.size - 1)) + HEADER;
        if len > self.size - HEADER {
            return &[];
        }
        // SAFETY: `at + len <= (size - 1 + HEADER) + (size - HEADER) < 2 * size`, so the slice ends before the
        // mapping does, which lives as long as `self` (the borrow).
        //
        // That nobody writes to the bytes while they are borrowed is the ring's protocol: a record is committed
        // (its busy bit was seen clear with acquire order), programs have lost access to it, the pages are read-only
        // to every process, and the kernel reuses them only once the consumer's position has passed them, which this
        // reader stores after the borrow has ended. As with any shared mapping, a second reader of the same map breaks
        // the protocol; its result is then unspecified bytes, never an access outside of the mapping.
        unsafe { std::slice::from_raw_parts(self.producer.as_ptr().add(self.page + at), len) }
    }
}
