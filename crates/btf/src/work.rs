//! Work that a hostile BTF may cause: bounded, where its size alone does not bound it.

use crate::{Btf, Error};

/// Names compared or copied byte by byte, types compared one by one: how many more may be.
pub(crate) struct Work {
    left: u64,
    what: &'static str,
}

impl Work {
    /// So many times the bytes of these, and some more for small ones. Names that do not overlap, and types that do
    /// not all share one, take far less.
    pub(crate) fn on(btfs: &[&Btf], times: u64, what: &'static str) -> Work {
        let len = btfs.iter().fold(0u64, |n, b| n.saturating_add(b.as_bytes().len() as u64));
        Work::on_bytes(len, times, what)
    }

    /// The same for so many bytes.
    pub(crate) fn on_bytes(len: u64, times: u64, what: &'static str) -> Work {
        Work { left: len.saturating_mul(times).saturating_add(1 << 20), what }
    }

    #[inline]
    pub(crate) fn spend(&mut self, n: usize) -> Result<(), Error> {
        match self.left.checked_sub(n as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Error::TooMuchWork { what: self.what }),
        }
    }
}
