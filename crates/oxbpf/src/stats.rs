//! How often programs ran and for how long.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use oxbpf_sys::Kernel;

use crate::{Error, Program};

/// Has the kernel count the runs of all its programs until this is dropped. See [`enable_stats`].
#[derive(Debug)]
#[must_use = "the kernel stops counting when this is dropped"]
pub struct StatsGuard {
    _counting: OwnedFd,
}

/// Has the kernel count how often programs run and how long it takes, until the result is dropped (Linux 5.8).
///
/// It costs every run of every program on the machine some 20 to 30 ns, so it is off by default. Several guards may be
/// there at a time.
///
/// # Errors
/// [`Error::Kernel`]: `EPERM` without `CAP_SYS_ADMIN`, `EINVAL` before Linux 5.8.
#[doc(alias = "bpf_enable_stats")]
pub fn enable_stats(kernel: &Kernel) -> Result<StatsGuard, Error> {
    /// `BPF_STATS_RUN_TIME`.
    const RUN_TIME: u32 = 0;
    Ok(StatsGuard { _counting: kernel.enable_stats(RUN_TIME)? })
}

/// What the kernel counted of a program, while it was told to count ([`enable_stats`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProgramStats {
    /// How often it ran (Linux 5.1).
    pub runs: u64,
    /// How long that took, in sum (Linux 5.1).
    pub time: Duration,
    /// How often it did not run because it was running on that CPU already (Linux 5.12). Counted always.
    pub missed: u64,
}

impl ProgramStats {
    /// How long a run took on average; `None` if there was none.
    pub fn mean(&self) -> Option<Duration> {
        let nanos = self.time.as_nanos().checked_div(u128::from(self.runs))?;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

impl Program {
    /// What the kernel counted of this program. All zero unless [`enable_stats`] was in force meanwhile.
    ///
    /// # Errors
    /// [`Error::Kernel`].
    pub fn stats(&self) -> Result<ProgramStats, Error> {
        let info = self.kernel().prog_info(self.as_fd()).map_err(|source| self.failed(source))?;
        let time = Duration::from_nanos(info.run_time_ns);
        Ok(ProgramStats { runs: info.run_cnt, time, missed: info.recursion_misses })
    }
}
