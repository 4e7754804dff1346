//! Which privileges things take.

use std::fmt;

use crate::uapi::{MapType, ProgramType};

/// A capability that commands of bpf(2) ask for. `CAP_SYS_ADMIN` stands in for all but `CAP_SYS_RESOURCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// `CAP_BPF`, since 5.8; before that `CAP_SYS_ADMIN`.
    Bpf,
    /// `CAP_PERFMON`, since 5.8; before that `CAP_SYS_ADMIN`.
    Perfmon,
    /// `CAP_NET_ADMIN`.
    NetAdmin,
    /// `CAP_SYS_ADMIN`.
    SysAdmin,
    /// `CAP_SYS_RESOURCE`.
    SysResource,
}

impl Capability {
    /// The name of capabilities(7).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bpf => "CAP_BPF",
            Self::Perfmon => "CAP_PERFMON",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysResource => "CAP_SYS_RESOURCE",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl ProgramType {
    /// The capabilities that loading programs of this type takes (5.8; before that `CAP_SYS_ADMIN`), but for those of
    /// special helpers. Socket filters and `cgroup_skb` take none where `kernel.unprivileged_bpf_disabled` is 0.
    ///
    /// ```
    /// use oxbpf_obj::{Capability, ProgramType};
    ///
    /// assert_eq!(ProgramType::XDP.capabilities(), [Capability::Bpf, Capability::NetAdmin]);
    /// ```
    pub fn capabilities(self) -> Vec<Capability> {
        let mut needs = vec![Capability::Bpf];
        if matches!(
            self,
            Self::KPROBE
                | Self::TRACEPOINT
                | Self::PERF_EVENT
                | Self::RAW_TRACEPOINT
                | Self::RAW_TRACEPOINT_WRITABLE
                | Self::TRACING
                | Self::LSM
                | Self::STRUCT_OPS
                | Self::EXT
        ) {
            needs.push(Capability::Perfmon);
        }
        if matches!(
            self,
            Self::SCHED_CLS
                | Self::SCHED_ACT
                | Self::XDP
                | Self::LWT_IN
                | Self::LWT_OUT
                | Self::LWT_XMIT
                | Self::LWT_SEG6LOCAL
                | Self::SK_SKB
                | Self::SK_MSG
                | Self::LIRC_MODE2
                | Self::FLOW_DISSECTOR
                | Self::CGROUP_DEVICE
                | Self::CGROUP_SOCK
                | Self::CGROUP_SOCK_ADDR
                | Self::CGROUP_SOCKOPT
                | Self::CGROUP_SYSCTL
                | Self::SOCK_OPS
                | Self::NETFILTER
                | Self::EXT
        ) {
            needs.push(Capability::NetAdmin);
        }
        needs
    }
}

impl MapType {
    /// The capability that making maps of this type takes where `kernel.unprivileged_bpf_disabled` is 0; elsewhere all
    /// take `CAP_BPF` as well. Before 5.8 it is `CAP_SYS_ADMIN` in place of `CAP_BPF`.
    pub const fn capability(self) -> Option<Capability> {
        match self {
            Self::ARRAY
            | Self::PERCPU_ARRAY
            | Self::PROG_ARRAY
            | Self::PERF_EVENT_ARRAY
            | Self::CGROUP_ARRAY
            | Self::ARRAY_OF_MAPS
            | Self::HASH
            | Self::PERCPU_HASH
            | Self::HASH_OF_MAPS
            | Self::RINGBUF
            | Self::USER_RINGBUF
            | Self::CGROUP_STORAGE
            | Self::PERCPU_CGROUP_STORAGE => None,
            Self::SOCKMAP | Self::SOCKHASH | Self::DEVMAP | Self::DEVMAP_HASH | Self::XSKMAP => {
                Some(Capability::NetAdmin)
            }
            _ => Some(Capability::Bpf),
        }
    }
}

/// The capability that calling this helper takes, beyond what the program's type does; `None` for most.
///
/// ```
/// use oxbpf_obj::{Capability, helper_capability, insn::helper_id};
///
/// let printk = helper_id("bpf_trace_printk").unwrap_or_default();
/// assert_eq!(helper_capability(printk), Some(Capability::Perfmon));
/// ```
pub const fn helper_capability(id: u32) -> Option<Capability> {
    const TRACE_PRINTK: u32 = 6;
    const GET_CURRENT_TASK: u32 = 35;
    const PROBE_WRITE_USER: u32 = 36;
    const PROBE_READ_USER: u32 = 112;
    const PROBE_READ_KERNEL_STR: u32 = 115;
    const SNPRINTF_BTF: u32 = 149;
    const GET_CURRENT_TASK_BTF: u32 = 158;
    const SNPRINTF: u32 = 165;
    const SYS_BPF: u32 = 166;
    const TASK_PT_REGS: u32 = 175;
    const TRACE_VPRINTK: u32 = 177;
    match id {
        PROBE_WRITE_USER => Some(Capability::SysAdmin),
        TRACE_PRINTK
        | GET_CURRENT_TASK
        | PROBE_READ_USER..=PROBE_READ_KERNEL_STR
        | SNPRINTF_BTF
        | GET_CURRENT_TASK_BTF
        | SNPRINTF
        | SYS_BPF
        | TASK_PT_REGS
        | TRACE_VPRINTK => Some(Capability::Perfmon),
        _ => None,
    }
}
