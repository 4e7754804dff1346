//! Which options of the kernel's build types depend on. Nearly every distribution sets them.

use crate::uapi::{MapType, ProgramType};

impl ProgramType {
    /// The option of the kernel's build without which it does not load programs of this type; `None` for those that
    /// every kernel with bpf(2) loads.
    ///
    /// ```
    /// assert_eq!(oxbpf_obj::ProgramType::LSM.config(), Some("CONFIG_BPF_LSM"));
    /// ```
    pub const fn config(self) -> Option<&'static str> {
        Some(match self {
            Self::SOCKET_FILTER
            | Self::SCHED_CLS
            | Self::SCHED_ACT
            | Self::XDP
            | Self::LWT_IN
            | Self::LWT_OUT
            | Self::LWT_XMIT
            | Self::LWT_SEG6LOCAL
            | Self::SOCK_OPS
            | Self::SK_SKB
            | Self::SK_MSG
            | Self::FLOW_DISSECTOR => "CONFIG_NET",
            Self::CGROUP_SKB
            | Self::CGROUP_SOCK
            | Self::CGROUP_SOCK_ADDR
            | Self::CGROUP_DEVICE
            | Self::CGROUP_SYSCTL
            | Self::CGROUP_SOCKOPT => "CONFIG_CGROUP_BPF",
            Self::KPROBE
            | Self::TRACEPOINT
            | Self::PERF_EVENT
            | Self::RAW_TRACEPOINT
            | Self::RAW_TRACEPOINT_WRITABLE
            | Self::TRACING => "CONFIG_BPF_EVENTS",
            Self::LIRC_MODE2 => "CONFIG_BPF_LIRC_MODE2",
            Self::SK_REUSEPORT | Self::SK_LOOKUP => "CONFIG_INET",
            Self::STRUCT_OPS | Self::EXT => "CONFIG_BPF_JIT",
            Self::LSM => "CONFIG_BPF_LSM",
            Self::NETFILTER => "CONFIG_NETFILTER_BPF_LINK",
            _ => return None,
        })
    }
}

impl MapType {
    /// The option of the kernel's build without which it does not make maps of this type; `None` for those that every
    /// kernel with bpf(2) makes.
    pub const fn config(self) -> Option<&'static str> {
        Some(match self {
            Self::CGROUP_ARRAY | Self::CGRP_STORAGE => "CONFIG_CGROUPS",
            Self::CGROUP_STORAGE | Self::PERCPU_CGROUP_STORAGE => "CONFIG_CGROUP_BPF",
            Self::STACK_TRACE => "CONFIG_PERF_EVENTS",
            Self::INODE_STORAGE => "CONFIG_BPF_LSM",
            Self::DEVMAP | Self::DEVMAP_HASH | Self::CPUMAP | Self::SK_STORAGE => "CONFIG_NET",
            Self::XSKMAP => "CONFIG_XDP_SOCKETS",
            Self::SOCKMAP | Self::SOCKHASH | Self::REUSEPORT_SOCKARRAY => "CONFIG_INET",
            Self::STRUCT_OPS => "CONFIG_BPF_JIT",
            Self::ARENA => "CONFIG_MMU",
            _ => return None,
        })
    }
}

/// The option of the kernel's build that a kernel function which programs may call comes with; `None` for those that come
/// with what every such kernel has, and for those that this crate does not know. The option may be `m`: then a module has
/// the function.
pub fn kfunc_config(name: &str) -> Option<&'static str> {
    let has = |part| name.contains(part);
    Some(match name {
        "bpf_kfree_skb" | "bpf_skb_get_hash" => "CONFIG_NET_SCH_BPF",
        "bpf_get_fsverity_digest" => "CONFIG_FS_VERITY",
        "bpf_xdp_flow_lookup" => "CONFIG_NF_FLOW_TABLE",
        _ if has("_ct_") => "CONFIG_NF_CONNTRACK",
        _ if has("scx_") => "CONFIG_SCHED_CLASS_EXT",
        _ if has("hid_bpf_") => "CONFIG_HID_BPF",
        _ if has("bbr_") => "CONFIG_TCP_CONG_BBR",
        _ if has("dctcp_") => "CONFIG_TCP_CONG_DCTCP",
        _ if has("cubictcp_") => "CONFIG_TCP_CONG_CUBIC",
        _ if has("_qdisc_") => "CONFIG_NET_SCH_BPF",
        _ if has("_xfrm_info") => "CONFIG_XFRM_INTERFACE",
        _ if has("_fou_encap") => "CONFIG_NET_FOU",
        _ => return None,
    })
}
