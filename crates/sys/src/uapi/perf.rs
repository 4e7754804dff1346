//! `struct perf_event_attr` and the numbers that loaders use of it.
#![allow(missing_debug_implementations)] // of types that zerocopy's derives make

use bitflags::bitflags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `struct perf_event_attr`, the first 136 bytes (Linux 6.3). Zeros are what a kernel that knows less accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
#[allow(missing_docs)] // the kernel's names, explained at `PerfEvent`
pub struct RawPerfEventAttr {
    pub event_type: u32,
    pub size: u32,
    pub config: u64,
    /// A period or a frequency.
    pub sample_period: u64,
    pub sample_type: u64,
    pub read_format: u64,
    /// See [`PerfBits::field`].
    pub bits: u64,
    /// Events or bytes.
    pub wakeup: u32,
    pub bp_type: u32,
    /// `kprobe_func`, `uprobe_path`: an address.
    pub config1: u64,
    /// `probe_offset`, `kprobe_addr`.
    pub config2: u64,
    pub branch_sample_type: u64,
    pub sample_regs_user: u64,
    pub sample_stack_user: u32,
    pub clockid: i32,
    pub sample_regs_intr: u64,
    pub aux_watermark: u32,
    pub sample_max_stack: u16,
    pub reserved_2: u16,
    pub aux_sample_size: u32,
    pub aux_action: u32,
    pub sig_data: u64,
    pub config3: u64,
}

impl Default for RawPerfEventAttr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}

/// `PERF_TYPE_HARDWARE`: counters of the processor.
pub const PERF_TYPE_HARDWARE: u32 = 0;
/// `PERF_TYPE_SOFTWARE`: counters and clocks of the kernel.
pub const PERF_TYPE_SOFTWARE: u32 = 1;
/// `PERF_TYPE_TRACEPOINT`: `config` is the tracepoint's id.
pub const PERF_TYPE_TRACEPOINT: u32 = 2;
/// `PERF_COUNT_SW_CPU_CLOCK`: a timer for each CPU.
pub const PERF_COUNT_SW_CPU_CLOCK: u64 = 0;
/// `PERF_COUNT_SW_TASK_CLOCK`: a timer of the task.
pub const PERF_COUNT_SW_TASK_CLOCK: u64 = 1;
/// `PERF_COUNT_SW_PAGE_FAULTS`: page faults.
pub const PERF_COUNT_SW_PAGE_FAULTS: u64 = 2;
/// `PERF_COUNT_SW_BPF_OUTPUT`: what `bpf_perf_event_output` writes.
pub const PERF_COUNT_SW_BPF_OUTPUT: u64 = 10;
/// `PERF_SAMPLE_RAW`: the sample holds raw data.
pub const PERF_SAMPLE_RAW: u64 = 1 << 10;

bitflags! {
    /// The single bits of `struct perf_event_attr`, numbered in the order of their declaration.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct PerfBits: u64 {
        /// Off until enabled.
        const DISABLED = 1 << 0;
        /// Children inherit it.
        const INHERIT = 1 << 1;
        /// Must always be on the counter.
        const PINNED = 1 << 2;
        /// Nothing of user space.
        const EXCLUDE_USER = 1 << 4;
        /// Nothing of the kernel.
        const EXCLUDE_KERNEL = 1 << 5;
        /// Nothing of the hypervisor.
        const EXCLUDE_HV = 1 << 6;
        /// Nothing while idle.
        const EXCLUDE_IDLE = 1 << 7;
        /// `sample_period` is a frequency in hertz.
        const FREQ = 1 << 10;
        /// On when the task next calls exec.
        const ENABLE_ON_EXEC = 1 << 12;
        /// `wakeup` counts bytes, not events.
        const WATERMARK = 1 << 14;
        /// Gets the records of BPF loads.
        const BPF_EVENT = 1 << 30;
        const _ = !0;
    }

    /// Flags of perf_event_open(2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct PerfFlags: u64 {
        /// Not in the group of the leader given.
        const NO_GROUP = 1 << 0;
        /// Output goes to the buffer of the event given.
        const OUTPUT = 1 << 1;
        /// `pid` is the descriptor of a cgroup.
        const PID_CGROUP = 1 << 2;
        /// Closed on exec. This crate always sets it.
        const CLOEXEC = 1 << 3;
    }
}

impl PerfBits {
    /// As they stand in [`RawPerfEventAttr::bits`]: C puts the first bit field of a big-endian machine at the top.
    pub const fn field(self) -> u64 {
        if cfg!(target_endian = "big") { self.bits().reverse_bits() } else { self.bits() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bit_field_is_the_first_in_memory() {
        let first = PerfBits::DISABLED.field().to_ne_bytes();
        let expected = if cfg!(target_endian = "big") { 0x80 } else { 1 };
        assert_eq!(first, [expected, 0, 0, 0, 0, 0, 0, 0]);
        let freq = PerfBits::FREQ.field().to_ne_bytes();
        assert_eq!(freq[1], if cfg!(target_endian = "big") { 0x20 } else { 4 }, "{freq:?}");
    }
}
