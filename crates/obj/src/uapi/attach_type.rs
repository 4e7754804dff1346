use super::open_enum;

open_enum! {
    /// The kind of place a program is attached to (`enum bpf_attach_type`).
    #[doc(alias = "bpf_attach_type")]
    pub struct AttachType;

    /// Packets that enter a cgroup.
    CGROUP_INET_INGRESS = 0, "cgroup_inet_ingress", (4, 10);
    /// Packets that leave a cgroup.
    CGROUP_INET_EGRESS = 1, "cgroup_inet_egress", (4, 10);
    /// Creation of a socket in a cgroup.
    CGROUP_INET_SOCK_CREATE = 2, "cgroup_inet_sock_create", (4, 10);
    /// TCP events in a cgroup.
    CGROUP_SOCK_OPS = 3, "cgroup_sock_ops", (4, 13);
    /// Parser of a sockmap's streams.
    SK_SKB_STREAM_PARSER = 4, "sk_skb_stream_parser", (4, 14);
    /// Verdict on a sockmap's streams.
    SK_SKB_STREAM_VERDICT = 5, "sk_skb_stream_verdict", (4, 14);
    /// Access to devices in a cgroup.
    CGROUP_DEVICE = 6, "cgroup_device", (4, 15);
    /// Verdict on messages of a sockmap.
    SK_MSG_VERDICT = 7, "sk_msg_verdict", (4, 17);
    /// bind(2), IPv4.
    CGROUP_INET4_BIND = 8, "cgroup_inet4_bind", (4, 17);
    /// bind(2), IPv6.
    CGROUP_INET6_BIND = 9, "cgroup_inet6_bind", (4, 17);
    /// connect(2), IPv4.
    CGROUP_INET4_CONNECT = 10, "cgroup_inet4_connect", (4, 17);
    /// connect(2), IPv6.
    CGROUP_INET6_CONNECT = 11, "cgroup_inet6_connect", (4, 17);
    /// After bind(2), IPv4.
    CGROUP_INET4_POST_BIND = 12, "cgroup_inet4_post_bind", (4, 17);
    /// After bind(2), IPv6.
    CGROUP_INET6_POST_BIND = 13, "cgroup_inet6_post_bind", (4, 17);
    /// sendmsg(2) on UDP, IPv4.
    CGROUP_UDP4_SENDMSG = 14, "cgroup_udp4_sendmsg", (4, 18);
    /// sendmsg(2) on UDP, IPv6.
    CGROUP_UDP6_SENDMSG = 15, "cgroup_udp6_sendmsg", (4, 18);
    /// Infrared decoder.
    LIRC_MODE2 = 16, "lirc_mode2", (4, 18);
    /// Flow dissector of a network namespace.
    FLOW_DISSECTOR = 17, "flow_dissector", (4, 20);
    /// Access to sysctls in a cgroup.
    CGROUP_SYSCTL = 18, "cgroup_sysctl", (5, 2);
    /// recvmsg(2) on UDP, IPv4.
    CGROUP_UDP4_RECVMSG = 19, "cgroup_udp4_recvmsg", (5, 2);
    /// recvmsg(2) on UDP, IPv6.
    CGROUP_UDP6_RECVMSG = 20, "cgroup_udp6_recvmsg", (5, 2);
    /// getsockopt(2) in a cgroup.
    CGROUP_GETSOCKOPT = 21, "cgroup_getsockopt", (5, 3);
    /// setsockopt(2) in a cgroup.
    CGROUP_SETSOCKOPT = 22, "cgroup_setsockopt", (5, 3);
    /// Typed raw tracepoint (tp_btf).
    TRACE_RAW_TP = 23, "trace_raw_tp", (5, 5);
    /// Entry of a kernel or BPF function.
    TRACE_FENTRY = 24, "trace_fentry", (5, 5);
    /// Exit of a kernel or BPF function.
    TRACE_FEXIT = 25, "trace_fexit", (5, 5);
    /// Change of a kernel function's result.
    MODIFY_RETURN = 26, "modify_return", (5, 7);
    /// Security hook.
    LSM_MAC = 27, "lsm_mac", (5, 7);
    /// Iterator over kernel objects.
    TRACE_ITER = 28, "trace_iter", (5, 8);
    /// getpeername(2), IPv4.
    CGROUP_INET4_GETPEERNAME = 29, "cgroup_inet4_getpeername", (5, 8);
    /// getpeername(2), IPv6.
    CGROUP_INET6_GETPEERNAME = 30, "cgroup_inet6_getpeername", (5, 8);
    /// getsockname(2), IPv4.
    CGROUP_INET4_GETSOCKNAME = 31, "cgroup_inet4_getsockname", (5, 8);
    /// getsockname(2), IPv6.
    CGROUP_INET6_GETSOCKNAME = 32, "cgroup_inet6_getsockname", (5, 8);
    /// XDP program of a devmap entry.
    XDP_DEVMAP = 33, "xdp_devmap", (5, 8);
    /// Release of a socket in a cgroup.
    CGROUP_INET_SOCK_RELEASE = 34, "cgroup_inet_sock_release", (5, 9);
    /// XDP program of a cpumap entry.
    XDP_CPUMAP = 35, "xdp_cpumap", (5, 9);
    /// Socket lookup in a network namespace.
    SK_LOOKUP = 36, "sk_lookup", (5, 9);
    /// XDP on a network device.
    XDP = 37, "xdp", (5, 9);
    /// Verdict on a sockmap's packets.
    SK_SKB_VERDICT = 38, "sk_skb_verdict", (5, 13);
    /// Choice of a socket in a reuseport group.
    SK_REUSEPORT_SELECT = 39, "sk_reuseport_select", (5, 14);
    /// Choice of a socket in a reuseport group, migration included.
    SK_REUSEPORT_SELECT_OR_MIGRATE = 40, "sk_reuseport_select_or_migrate", (5, 14);
    /// Perf event, as a link.
    PERF_EVENT = 41, "perf_event", (5, 15);
    /// Many kprobes at once.
    TRACE_KPROBE_MULTI = 42, "trace_kprobe_multi", (5, 18);
    /// Security hook for a cgroup.
    LSM_CGROUP = 43, "lsm_cgroup", (6, 0);
    /// struct_ops map, as a link.
    STRUCT_OPS = 44, "struct_ops", (6, 4);
    /// Netfilter hook.
    NETFILTER = 45, "netfilter", (6, 4);
    /// Traffic control, ingress.
    TCX_INGRESS = 46, "tcx_ingress", (6, 6);
    /// Traffic control, egress.
    TCX_EGRESS = 47, "tcx_egress", (6, 6);
    /// Many uprobes at once.
    TRACE_UPROBE_MULTI = 48, "trace_uprobe_multi", (6, 6);
    /// connect(2), AF_UNIX.
    CGROUP_UNIX_CONNECT = 49, "cgroup_unix_connect", (6, 7);
    /// sendmsg(2), AF_UNIX.
    CGROUP_UNIX_SENDMSG = 50, "cgroup_unix_sendmsg", (6, 7);
    /// recvmsg(2), AF_UNIX.
    CGROUP_UNIX_RECVMSG = 51, "cgroup_unix_recvmsg", (6, 7);
    /// getpeername(2), AF_UNIX.
    CGROUP_UNIX_GETPEERNAME = 52, "cgroup_unix_getpeername", (6, 7);
    /// getsockname(2), AF_UNIX.
    CGROUP_UNIX_GETSOCKNAME = 53, "cgroup_unix_getsockname", (6, 7);
    /// Primary end of a netkit pair.
    NETKIT_PRIMARY = 54, "netkit_primary", (6, 7);
    /// Peer end of a netkit pair.
    NETKIT_PEER = 55, "netkit_peer", (6, 7);
    /// Entry and return of many kernel functions.
    TRACE_KPROBE_SESSION = 56, "trace_kprobe_session", (6, 10);
    /// Entry and return of many user functions.
    TRACE_UPROBE_SESSION = 57, "trace_uprobe_session", (6, 13);
    /// Entry and exit of a kernel function.
    TRACE_FSESSION = 58, "trace_fsession", (7, 0);
    /// Entry of many kernel functions.
    TRACE_FENTRY_MULTI = 59, "trace_fentry_multi", (7, 2);
    /// Exit of many kernel functions.
    TRACE_FEXIT_MULTI = 60, "trace_fexit_multi", (7, 2);
    /// Entry and exit of many kernel functions.
    TRACE_FSESSION_MULTI = 61, "trace_fsession_multi", (7, 2);
}
