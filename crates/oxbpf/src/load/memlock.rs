//! `RLIMIT_MEMLOCK`, to which kernels before 5.11 charge maps, programs and BTF.

use oxbpf_sys::{Errno, Kernel, SysError};

use crate::features::{Feature, lacks};

/// Does `create`; where it is refused and this kernel charges what it makes to `RLIMIT_MEMLOCK`, lifts the limit and
/// does it again.
pub(crate) fn retried<T>(
    kernel: &Kernel,
    mut create: impl FnMut() -> Result<T, SysError>,
) -> Result<T, SysError> {
    match create() {
        Err(error) if error.errno == Errno::EPERM && lift(kernel) => create(),
        done => done,
    }
}

/// Lifts the limit; false if it does not matter here, is lifted already or cannot be.
fn lift(kernel: &Kernel) -> bool {
    if !lacks(kernel, Feature::MemcgAccounting) {
        return false;
    }
    match kernel.memlock() {
        Ok(u64::MAX) => return false,
        Ok(limit) => tracing::debug!(limit, "raising RLIMIT_MEMLOCK"),
        Err(error) => tracing::debug!(%error, "RLIMIT_MEMLOCK unknown"),
    }
    match kernel.set_memlock(u64::MAX) {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "RLIMIT_MEMLOCK stays as it is");
            false
        }
    }
}

/// The limit in bytes, if this kernel charges to it and it is not infinite.
pub(crate) fn limit(kernel: &Kernel) -> Option<u64> {
    if !lacks(kernel, Feature::MemcgAccounting) {
        return None;
    }
    kernel.memlock().ok().filter(|limit| *limit != u64::MAX)
}
