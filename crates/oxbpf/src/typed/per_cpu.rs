//! Values that each CPU has its own of, as the kernel hands them out: one after the other, each rounded up to 8 bytes.

use zerocopy::IntoBytes;

use super::{Plain, read};
use crate::{Error, Map};

/// How the values of one entry lie in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) cpus: usize,
    /// Bytes from one CPU's value to the next.
    stride: usize,
}

impl Layout {
    pub(super) fn new<V>(map: &Map) -> Result<Layout, Error> {
        let cpus = map.kernel().possible_cpus()?;
        Ok(Layout { cpus: cpus as usize, stride: size_of::<V>().next_multiple_of(8) })
    }

    /// Bytes of one entry.
    pub(super) fn len(self) -> usize {
        self.stride * self.cpus
    }

    /// Whether `[V]` in memory is what the kernel hands out, so that nothing need be copied.
    fn is_slice<V>(self) -> bool {
        self.stride == size_of::<V>()
    }

    /// The values out of their bytes.
    pub(super) fn unpack<V: Plain>(self, bytes: &[u8]) -> Vec<V> {
        // A stride of 0 is that of values without bytes.
        bytes
            .chunks_exact(self.stride.max(1))
            .map(|one| read(one.get(..size_of::<V>()).unwrap_or_default()))
            .collect()
    }

    /// Lets the kernel write an entry's values; `fetch` does the call.
    pub(super) fn fetch<V: Plain>(
        self,
        fetch: impl FnOnce(&mut [u8]) -> Result<bool, Error>,
    ) -> Result<Option<Vec<V>>, Error> {
        if self.is_slice::<V>() {
            let mut values: Vec<V> = (0..self.cpus).map(|_| V::new_zeroed()).collect();
            return Ok(fetch(values.as_mut_slice().as_mut_bytes())?.then_some(values));
        }
        let mut bytes = vec![0; self.len()];
        Ok(fetch(&mut bytes)?.then(|| self.unpack(&bytes)))
    }

    /// Hands an entry's values to the kernel; `store` does the call.
    pub(super) fn store<V: Plain>(
        self,
        map: &Map,
        values: &[V],
        store: impl FnOnce(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if values.len() != self.cpus {
            return Err(Error::CpuCount { map: map.name().to_owned(), cpus: self.cpus, got: values.len() });
        }
        if self.is_slice::<V>() {
            return store(values.as_bytes());
        }
        let mut bytes = vec![0; self.len()];
        for (to, from) in bytes.chunks_exact_mut(self.stride.max(1)).zip(values) {
            for (to, from) in to.iter_mut().zip(from.as_bytes()) {
                *to = *from;
            }
        }
        store(&bytes)
    }
}
