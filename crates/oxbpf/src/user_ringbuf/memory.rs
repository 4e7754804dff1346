//! The memory that a user ring buffer shares between this process and the kernel.
//!
//! A page with the consumer's position (the kernel's), a page with the producer's position (ours), and the data, which is
//! mapped twice in a row so that a record that wraps is in one piece. All access is by atomic numbers, so whatever another
//! process with the map does, nothing here is undefined.

use std::os::fd::BorrowedFd;

use oxbpf_sys::{Kernel, Mapping, Prot, SysError};

use crate::ringbuf::{HEADER, MAY_BE_WIDER, store_wider};

/// One ring, mapped.
#[derive(Debug)]
pub(super) struct Memory {
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
        let len = size.saturating_mul(2).saturating_add(page);
        let consumer = kernel.mmap(fd, page, 0, Prot::Read)?;
        let producer = kernel.mmap(fd, len, page as u64, Prot::ReadWrite)?;
        Ok(Memory { consumer, producer, page, size })
    }

    /// Bytes of data.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// How far the kernel has read.
    #[inline]
    pub(super) fn consumer(&self) -> usize {
        word(&self.consumer)
    }

    /// How far records are reserved.
    #[inline]
    pub(super) fn producer(&self) -> usize {
        word(&self.producer)
    }

    /// Shows the kernel all records before `position`; their headers are written.
    #[inline]
    pub(super) fn set_producer(&self, position: usize) {
        // Release order, as every number is written.
        if MAY_BE_WIDER {
            return store_wider(&self.producer, position);
        }
        self.producer.write(0, &position.to_ne_bytes());
    }

    /// Writes the header of the record at `position`: length and flags, and a word that is zero. What was written to the
    /// record before is seen by whoever sees the header.
    #[inline]
    pub(super) fn set_header(&self, position: usize, length: u32) {
        let at = self.page + (position & (self.size - 1));
        self.producer.write(at + 4, &[0; 4]);
        self.producer.write(at, &length.to_ne_bytes());
    }

    /// Writes bytes of the record whose header is at `position`; they are inside of the record, as the caller has
    /// checked.
    #[inline]
    pub(super) fn write(&self, position: usize, offset: usize, bytes: &[u8]) {
        self.producer.write(self.page + (position & (self.size - 1)) + HEADER + offset, bytes);
    }
}

/// The first word of a mapping, with acquire order.
#[inline]
fn word(memory: &Mapping) -> usize {
    let mut bytes = [0; size_of::<usize>()];
    memory.read(0, &mut bytes);
    usize::from_ne_bytes(bytes)
}
