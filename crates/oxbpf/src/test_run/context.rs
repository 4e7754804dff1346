//! The contexts of programs as user space sees them (`linux/bpf.h`). What a test run does not let one choose has to
//! be zero.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The context of XDP programs (`struct xdp_md`).
///
/// Bytes of the data up to `data` are metadata. A `data_end` of 0 stands for the end of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[doc(alias = "xdp_md")]
pub struct XdpMd {
    /// Where the packet begins in the data: a multiple of 4, at most 32 (255 since Linux 6.6).
    pub data: u32,
    /// Where it ends.
    pub data_end: u32,
    /// Where its metadata begins: 0.
    pub data_meta: u32,
    /// The interface that it comes from; of a live frame, that it is sent from. 0 is loopback.
    pub ingress_ifindex: u32,
    /// The queue of that interface.
    pub rx_queue_index: u32,
    /// The interface that it leaves by: for programs of device maps, which cannot be run by hand.
    pub egress_ifindex: u32,
}

/// The context of programs on socket buffers (`struct __sk_buff`): traffic control, socket filters, cgroups.
///
/// One may choose `mark`, `priority`, `ingress_ifindex`, `ifindex`, `cb`, `tstamp`, `wire_len`, `gso_segs`, `gso_size`
/// and `hwtstamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[doc(alias = "__sk_buff")]
#[allow(missing_docs)] // the kernel's names
pub struct SkBuff {
    pub len: u32,
    pub pkt_type: u32,
    pub mark: u32,
    pub queue_mapping: u32,
    pub protocol: u32,
    pub vlan_present: u32,
    pub vlan_tci: u32,
    pub vlan_proto: u32,
    pub priority: u32,
    pub ingress_ifindex: u32,
    pub ifindex: u32,
    pub tc_index: u32,
    pub cb: [u32; 5],
    pub hash: u32,
    pub tc_classid: u32,
    pub data: u32,
    pub data_end: u32,
    pub napi_id: u32,
    pub family: u32,
    pub remote_ip4: u32,
    pub local_ip4: u32,
    pub remote_ip6: [u32; 4],
    pub local_ip6: [u32; 4],
    pub remote_port: u32,
    pub local_port: u32,
    pub data_meta: u32,
    pub flow_keys: u64,
    pub tstamp: u64,
    pub wire_len: u32,
    pub gso_segs: u32,
    pub sk: u64,
    pub gso_size: u32,
    pub tstamp_type: u8,
    pub reserved: [u8; 3],
    pub hwtstamp: u64,
}

/// The context of socket lookup programs (`struct bpf_sk_lookup`). Addresses and `remote_port` are in network byte
/// order, `local_port` in the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[doc(alias = "bpf_sk_lookup")]
pub struct SkLookup {
    /// Afterwards: the cookie of the socket that the program chose, 0 for none.
    pub cookie: u64,
    /// `AF_INET` = 2 or `AF_INET6` = 10.
    pub family: u32,
    /// `IPPROTO_TCP` = 6 or `IPPROTO_UDP` = 17.
    pub protocol: u32,
    /// Where the packet comes from.
    pub remote_ip4: u32,
    /// Where the packet comes from.
    pub remote_ip6: [u32; 4],
    /// Where the packet comes from.
    pub remote_port: u16,
    /// Zero.
    pub reserved: u16,
    /// Where it goes.
    pub local_ip4: u32,
    /// Where it goes.
    pub local_ip6: [u32; 4],
    /// Where it goes.
    pub local_port: u32,
    /// The interface it came in by: has to be 0 in a test run.
    pub ingress_ifindex: u32,
    /// Zero.
    pub padding: u32,
}

/// What a flow dissector finds out (`struct bpf_flow_keys`), and, with only `flags` set, its context. Ports and
/// protocols are in network byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[doc(alias = "bpf_flow_keys")]
#[allow(missing_docs)] // the kernel's names
pub struct FlowKeys {
    pub nhoff: u16,
    pub thoff: u16,
    pub addr_proto: u16,
    pub is_frag: u8,
    pub is_first_frag: u8,
    pub is_encap: u8,
    pub ip_proto: u8,
    pub n_proto: u16,
    pub sport: u16,
    pub dport: u16,
    /// Source and destination: the first two for IPv4, four each for IPv6.
    pub addresses: [u32; 8],
    pub flags: u32,
    pub flow_label: u32,
}

const _: () = assert!(size_of::<XdpMd>() == 24 && size_of::<SkBuff>() == 192);
const _: () = assert!(size_of::<SkLookup>() == 72 && size_of::<FlowKeys>() == 56);
