//! Maps by libbpf's low-level functions, as C programs call them.

use std::ffi::c_void;
use std::io;
use std::os::fd::RawFd;
use std::ptr;

use libbpf_sys as sys;

/// A map with keys `u32` and values `u64`, by its descriptor; it stays with whoever made it.
#[derive(Clone, Copy)]
pub(crate) struct Map(pub(crate) RawFd);

/// The address of a number that the kernel reads.
fn input<T>(number: &T) -> *const c_void {
    ptr::from_ref(number).cast()
}

fn done(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-result)) }
}

impl Map {
    #[inline]
    pub(crate) fn lookup(self, key: u32) -> io::Result<u64> {
        let mut value = 0_u64;
        // SAFETY: keys have 4 bytes and values 8, as those of all maps here.
        done(unsafe { sys::bpf_map_lookup_elem(self.0, input(&key), (&raw mut value).cast()) })?;
        Ok(value)
    }

    #[inline]
    pub(crate) fn update(self, key: u32, value: u64) -> io::Result<()> {
        // SAFETY: as in `lookup`.
        done(unsafe { sys::bpf_map_update_elem(self.0, input(&key), input(&value), 0) })
    }

    #[inline]
    pub(crate) fn delete(self, key: u32) -> io::Result<()> {
        // SAFETY: as in `lookup`.
        done(unsafe { sys::bpf_map_delete_elem(self.0, input(&key)) })
    }

    /// All entries as C programs mostly read them: `bpf_map_get_next_key()` and a lookup for each. The sum of all.
    pub(crate) fn sum_by_keys(self) -> io::Result<u64> {
        let mut key: Option<u32> = None;
        let mut next = 0_u32;
        let mut sum = 0_u64;
        loop {
            let last = key.as_ref().map_or(ptr::null(), input);
            // SAFETY: as in `lookup`; a null key is allowed.
            if unsafe { sys::bpf_map_get_next_key(self.0, last, (&raw mut next).cast()) } != 0 {
                return Ok(sum);
            }
            sum = sum.wrapping_add(u64::from(next)).wrapping_add(self.lookup(next)?);
            key = Some(next);
        }
    }

    /// All entries by `bpf_map_lookup_batch()`, as many at a time as the buffers hold. The sum of all.
    pub(crate) fn sum_by_batches(self, keys: &mut [u32], values: &mut [u64]) -> io::Result<u64> {
        let (mut cursor, mut next) = (0_u32, 0_u32);
        let mut first = true;
        let mut sum = 0_u64;
        loop {
            let mut count = keys.len().min(values.len()) as u32;
            let from = if first { ptr::null_mut() } else { (&raw mut cursor).cast() };
            // SAFETY: as in `lookup`, with room for `count` of both; positions of hash tables have 4 bytes.
            let result = unsafe {
                sys::bpf_map_lookup_batch(
                    self.0,
                    from,
                    (&raw mut next).cast(),
                    keys.as_mut_ptr().cast(),
                    values.as_mut_ptr().cast(),
                    &raw mut count,
                    ptr::null(),
                )
            };
            if result != 0 && result != -libc::ENOENT {
                return Err(io::Error::from_raw_os_error(-result));
            }
            for (key, value) in keys.iter().zip(&*values).take(count as usize) {
                sum = sum.wrapping_add(u64::from(*key)).wrapping_add(*value);
            }
            if result != 0 {
                return Ok(sum);
            }
            (cursor, first) = (next, false);
        }
    }

    pub(crate) fn update_batch(self, keys: &[u32], values: &[u64]) -> io::Result<()> {
        let mut count = keys.len().min(values.len()) as u32;
        // SAFETY: as in `lookup`, with `count` of both.
        done(unsafe {
            sys::bpf_map_update_batch(
                self.0,
                keys.as_ptr().cast(),
                values.as_ptr().cast(),
                &raw mut count,
                ptr::null(),
            )
        })
    }

    pub(crate) fn delete_batch(self, keys: &[u32]) -> io::Result<()> {
        let mut count = keys.len() as u32;
        // SAFETY: as in `lookup`, with `count` keys.
        done(unsafe { sys::bpf_map_delete_batch(self.0, keys.as_ptr().cast(), &raw mut count, ptr::null()) })
    }
}
