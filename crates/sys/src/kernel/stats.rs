//! Statistics of running programs.

use std::os::fd::OwnedFd;

use super::Kernel;
use crate::Result;
use crate::attr::Attr;
use crate::uapi::{Cmd, EnableStatsAttr};

impl Kernel {
    /// Has the kernel count how often and how long programs run ([`ProgramInfo::run_cnt`](crate::ProgramInfo::run_cnt)),
    /// all programs and as long as the descriptor is open; several callers do not disturb each other. Costs each run
    /// two readings of the clock. Since Linux 5.8; `stats_type` 0 (`BPF_STATS_RUN_TIME`) is the only one.
    ///
    /// # Errors
    /// - `EPERM`: no `CAP_SYS_ADMIN`
    /// - `EINVAL`: another type; a kernel before 5.8
    /// - `EBUSY`: too many have it enabled (two thousand million)
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// let counting = kernel.enable_stats(0)?;
    /// // Programs that run now are counted.
    /// drop(counting);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_enable_stats")]
    #[doc(alias = "BPF_ENABLE_STATS")]
    pub fn enable_stats(&self, stats_type: u32) -> Result<OwnedFd> {
        self.bpf_fd(&mut Attr::new(Cmd::ENABLE_STATS, &EnableStatsAttr { stats_type }))
    }
}
