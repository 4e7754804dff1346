//! Memory shared with the kernel.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

use rustix::mm::{MapFlags, ProtFlags};

use crate::Errno;

/// Where the files are that the kernel maps from its own image.
const KERNEL_TYPES: &[u8] = b"/sys/kernel/btf/";

/// `SYSFS_MAGIC`.
const SYSFS_MAGIC: u32 = 0x6265_6572;

/// What a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prot {
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading the types of the kernel or a module, which never change: the mapping can become
    /// [plain bytes](Mapping::into_bytes). Refused (`EINVAL`) for files elsewhere than in `/sys/kernel/btf`.
    KernelTypes,
}

/// Memory mapped from a map, a perf event or a file; unmapped on drop.
///
/// The kernel, BPF programs and other processes may write to it at any time, so it gives out no plain
/// references: positions are read and written as atomics, bytes are copied. [`slice`](Self::slice) is for
/// who knows that a part of it is at rest, as a committed record of a ring buffer is.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
    writable: bool,
    at_rest: bool,
}

// SAFETY: a mapping belongs to the process, not to a thread, and all safe access is atomic.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of `fd` from `offset` on, shared with whoever else has it.
    ///
    /// # Errors
    /// What mmap(2) says: `EINVAL` for an offset that is no multiple of the page size or an empty mapping,
    /// `EACCES` or `EPERM` for what may not be mapped so, `ENODEV` for what cannot be mapped.
    pub fn of(fd: BorrowedFd<'_>, offset: u64, len: usize, prot: Prot) -> Result<Self, Errno> {
        let writable = prot == Prot::ReadWrite;
        let at_rest = prot == Prot::KernelTypes;
        if at_rest {
            let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
            // The path alone could be that of a file which somebody mounted there.
            let of_sysfs = rustix::fs::fstatfs(fd)?.f_type as u32 == SYSFS_MAGIC;
            if !of_sysfs || !rustix::fs::readlink(link, Vec::new())?.as_bytes().starts_with(KERNEL_TYPES) {
                return Err(Errno::EINVAL);
            }
        }
        begins_a_page(offset)?;
        let prot = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // Its own types the kernel maps privately only.
        let sharing = if at_rest { MapFlags::PRIVATE } else { MapFlags::SHARED };
        // SAFETY: a new mapping at an address that the kernel chooses touches no memory in use.
        let start = unsafe { rustix::mm::mmap(std::ptr::null_mut(), len, prot, sharing, fd, offset)? };
        Self::own(start, len, writable, at_rest)
    }

    /// As [`of`](Self::of), to this address, where nothing may be mapped yet; since Linux 4.17.
    ///
    /// # Errors
    /// As there; `EEXIST` if something is mapped there, `EINVAL` for an address that does not begin a page and for
    /// [`Prot::KernelTypes`].
    pub fn at_address(
        fd: BorrowedFd<'_>,
        address: NonZeroUsize,
        offset: u64,
        len: usize,
        prot: Prot,
    ) -> Result<Self, Errno> {
        let flags = match prot {
            Prot::Read => ProtFlags::READ,
            Prot::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
            Prot::KernelTypes => return Err(Errno::EINVAL),
        };
        begins_a_page(offset)?;
        let sharing = MapFlags::SHARED | MapFlags::FIXED_NOREPLACE;
        let wanted = std::ptr::without_provenance_mut::<c_void>(address.get());
        // SAFETY: FIXED_NOREPLACE (and without it, before 4.17, a mere hint) replaces nothing that is mapped, so no
        // memory in use is touched.
        let start = unsafe { rustix::mm::mmap(wanted, len, flags, sharing, fd, offset)? };
        let mapping = Self::own(start, len, prot == Prot::ReadWrite, false)?;
        // Before 4.17 it may be elsewhere; dropping it unmaps it.
        if start.addr() == address.get() { Ok(mapping) } else { Err(Errno::EEXIST) }
    }

    /// Memory of this process alone, zeroed, for doors that play a kernel.
    ///
    /// # Errors
    /// `ENOMEM`, `EINVAL` for no bytes.
    pub fn anonymous(len: usize) -> Result<Self, Errno> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: as in `of`.
        let start = unsafe { rustix::mm::mmap_anonymous(std::ptr::null_mut(), len, prot, MapFlags::SHARED)? };
        Self::own(start, len, true, false)
    }

    fn own(start: *mut c_void, len: usize, writable: bool, at_rest: bool) -> Result<Self, Errno> {
        let start = NonNull::new(start.cast()).ok_or(Errno::EFAULT)?;
        Ok(Self { start, len, writable, at_rest })
    }

    /// How many bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: an empty mapping does not exist.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it was mapped for writing.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Its address, for those who hand it on (C) or view it as a type of their own.
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes `range`, if they are inside.
    #[inline]
    fn at(&self, range: &Range<usize>) -> Option<NonNull<u8>> {
        if range.start <= range.end && range.end <= self.len {
            // SAFETY: the offset is within the mapping, one object as far as Rust knows.
            Some(unsafe { self.start.add(range.start) })
        } else {
            None
        }
    }

    /// A whole number that others write too, or `None` if `offset` is outside or no multiple of 8.
    ///
    /// Only for a writable mapping or with loads: a store to memory mapped for reading is a SIGSEGV, so
    /// [`store_u64`](Self::store_u64) is the way to write.
    #[inline]
    fn atomic_u64(&self, offset: usize) -> Option<&AtomicU64> {
        if !offset.is_multiple_of(8) {
            return None;
        }
        let p = self.at(&(offset..offset.checked_add(8)?))?;
        // SAFETY: in bounds, aligned (the mapping starts at a page), alive as long as `self`, and of this
        // process's accesses all safe ones are atomic.
        Some(unsafe { AtomicU64::from_ptr(p.as_ptr().cast()) })
    }

    /// Reads a `u64` that the kernel may write at the same time, with acquire ordering. `None` if `offset` is
    /// outside or no multiple of 8.
    #[inline]
    pub fn load_u64(&self, offset: usize) -> Option<u64> {
        self.atomic_u64(offset).map(|a| acquired(a.load(Ordering::Relaxed)))
    }

    /// Writes a `u64` that the kernel may read at the same time, with release ordering. Returns false,
    /// without writing, if `offset` is outside or no multiple of 8, or the mapping is not for writing.
    #[inline]
    pub fn store_u64(&self, offset: usize, value: u64) -> bool {
        match self.atomic_u64(offset) {
            Some(a) if self.writable => {
                a.store(value, Ordering::Release);
                true
            }
            _ => false,
        }
    }

    fn atomic_u32(&self, offset: usize) -> Option<&AtomicU32> {
        if !offset.is_multiple_of(4) {
            return None;
        }
        let p = self.at(&(offset..offset.checked_add(4)?))?;
        // SAFETY: as in `atomic_u64`.
        Some(unsafe { AtomicU32::from_ptr(p.as_ptr().cast()) })
    }

    fn atomic_u16(&self, offset: usize) -> Option<&AtomicU16> {
        if !offset.is_multiple_of(2) {
            return None;
        }
        let p = self.at(&(offset..offset.checked_add(2)?))?;
        // SAFETY: as in `atomic_u64`.
        Some(unsafe { AtomicU16::from_ptr(p.as_ptr().cast()) })
    }

    fn atomic_u8(&self, offset: usize) -> Option<&AtomicU8> {
        let p = self.at(&(offset..offset.checked_add(1)?))?;
        // SAFETY: as in `atomic_u64`; a byte is always aligned.
        Some(unsafe { AtomicU8::from_ptr(p.as_ptr()) })
    }

    /// Reads a `u32` as [`load_u64`](Self::load_u64) does a `u64`; `offset` a multiple of 4.
    #[inline]
    pub fn load_u32(&self, offset: usize) -> Option<u32> {
        self.atomic_u32(offset).map(|a| acquired(a.load(Ordering::Relaxed)))
    }

    /// Copies out the bytes from `offset` on, each read once. False, and nothing done, if they are not all inside.
    ///
    /// They are read in the largest numbers of 1, 2, 4 or 8 bytes that are aligned: whatever number of a structure is
    /// aligned as in C comes out as it was at one moment. The structure as a whole may change between two of them.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> bool {
        if self.at(&(offset..offset.saturating_add(out.len()))).is_none() {
            return false;
        }
        let mut rest = out;
        let mut at = offset;
        while !rest.is_empty() {
            let (to, after) = rest.split_at_mut(piece(at, rest.len()));
            let relaxed = Ordering::Relaxed;
            let done = match to.len() {
                8 => {
                    self.atomic_u64(at).map(|a| to.copy_from_slice(&acquired(a.load(relaxed)).to_ne_bytes()))
                }
                4 => {
                    self.atomic_u32(at).map(|a| to.copy_from_slice(&acquired(a.load(relaxed)).to_ne_bytes()))
                }
                2 => {
                    self.atomic_u16(at).map(|a| to.copy_from_slice(&acquired(a.load(relaxed)).to_ne_bytes()))
                }
                _ => self.atomic_u8(at).map(|a| to.fill(acquired(a.load(relaxed)))),
            };
            if done.is_none() {
                return false;
            }
            at += to.len();
            rest = after;
        }
        true
    }

    /// Copies bytes in, as [`read`](Self::read) does out. False, too, if the mapping is not for writing.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> bool {
        if !self.writable || self.at(&(offset..offset.saturating_add(bytes.len()))).is_none() {
            return false;
        }
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            let (from, after) = rest.split_at(piece(at, rest.len()));
            let done = match *from {
                [a, b, c, d, e, f, g, h] => self
                    .atomic_u64(at)
                    .map(|to| to.store(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), Ordering::Release)),
                [a, b, c, d] => self
                    .atomic_u32(at)
                    .map(|to| to.store(u32::from_ne_bytes([a, b, c, d]), Ordering::Release)),
                [a, b] => {
                    self.atomic_u16(at).map(|to| to.store(u16::from_ne_bytes([a, b]), Ordering::Release))
                }
                [a, ..] => self.atomic_u8(at).map(|to| to.store(a, Ordering::Release)),
                [] => None,
            };
            if done.is_none() {
                return false;
            }
            at += from.len();
            rest = after;
        }
        true
    }

    /// A view of the bytes in `range`, `None` if they are not all inside.
    ///
    /// # Safety
    /// Nobody (kernel, BPF program, process, thread) writes to them as long as the slice lives. A record of a
    /// ring buffer, for one, is at rest from its commit until the consumer's position passes it.
    #[inline]
    pub unsafe fn slice(&self, range: Range<usize>) -> Option<&[u8]> {
        let p = self.at(&range)?;
        // SAFETY: in bounds, alive as long as `self`; at rest as the caller promises.
        Some(unsafe { std::slice::from_raw_parts(p.as_ptr(), range.end - range.start) })
    }

    /// The mapping as plain bytes, if it is one of [`Prot::KernelTypes`]; otherwise it comes back.
    pub fn into_bytes(self) -> Result<MappedBytes, Self> {
        if self.at_rest { Ok(MappedBytes(self)) } else { Err(self) }
    }
}

/// Processes of 32 bits tell the kernel the number of a page, so that it cannot see what is wrong.
fn begins_a_page(offset: u64) -> Result<(), Errno> {
    let page = rustix::param::page_size() as u64;
    if offset.is_multiple_of(page) { Ok(()) } else { Err(Errno::EINVAL) }
}

/// How many bytes from `offset` on are one aligned number, of `left`.
#[inline]
fn piece(offset: usize, left: usize) -> usize {
    match left {
        8.. if offset.is_multiple_of(8) => 8,
        4.. if offset.is_multiple_of(4) => 4,
        2.. if offset.is_multiple_of(2) => 2,
        _ => 1,
    }
}

/// A value just loaded, before all that is loaded later. Of memory that is mapped for reading only, relaxed loads are
/// sure to be mere reads on all machines; loads that acquire by themselves are not.
#[inline]
fn acquired<T>(value: T) -> T {
    fence(Ordering::Acquire);
    value
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `of`, `at_address` or `anonymous` with this length, and every view of it borrows
        // from `self`.
        let r = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert!(r.is_ok(), "munmap of a mapping of our own");
    }
}

/// Mapped memory that nobody writes to: a byte slice.
#[derive(Debug)]
pub struct MappedBytes(Mapping);

impl AsRef<[u8]> for MappedBytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the whole mapping. It is at rest: `of` saw that it is of a file that the kernel
        // maps from its own image or a module's, for reading only.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr(), self.0.len) }
    }
}

#[cfg(test)]
mod tests;
