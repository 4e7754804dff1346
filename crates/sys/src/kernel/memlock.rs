//! The limit of locked memory.

use super::Kernel;
use crate::Result;
use crate::door::Call;

/// The call's name in errors.
const OP: &str = "prlimit(RLIMIT_MEMLOCK)";

impl Kernel {
    /// Raises the limit of locked memory (`RLIMIT_MEMLOCK`) of this process to at least `bytes`: kernels before
    /// 5.11 count BPF maps, programs and BTF against it, and refuse those that go beyond with `EPERM`. A limit that
    /// is as high already stays, so 0 changes nothing and `u64::MAX` is no limit at all. Returns what it was.
    ///
    /// Child processes inherit it.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_RESOURCE`, if `bytes` is beyond the hard limit; the limit stays as it is then, and
    /// may do for what is to be made.
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// kernel.raise_memlock(128 << 20)?;
    /// kernel.raise_memlock(1 << 20)?;
    /// assert_eq!(kernel.memlock()?, 128 << 20);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "libbpf_set_memlock_rlim")]
    pub fn raise_memlock(&self, bytes: u64) -> Result<u64> {
        let now = self.memlock()?;
        if now < bytes { self.set_memlock(bytes) } else { Ok(now) }
    }

    /// Sets the limit of locked memory in bytes, be it higher or lower, and returns what it was. The hard limit is
    /// raised where it is lower, and never lowered: that could not be undone without privileges.
    ///
    /// # Errors
    /// As [`raise_memlock`](Self::raise_memlock).
    pub fn set_memlock(&self, bytes: u64) -> Result<u64> {
        self.call_value(OP, Call::Memlock(Some(bytes)))
    }

    /// The (soft) limit of locked memory in bytes, `u64::MAX` for none.
    ///
    /// # Errors
    /// None of the kernel of this machine.
    pub fn memlock(&self) -> Result<u64> {
        self.call_value(OP, Call::Memlock(None))
    }
}
