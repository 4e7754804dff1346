use super::open_enum;

open_enum! {
    /// The type of a program (`enum bpf_prog_type`).
    #[doc(alias = "bpf_prog_type")]
    pub struct ProgramType;

    /// No type: the kernel refuses it.
    UNSPEC = 0, "unspec", (3, 18);
    /// Filter of a socket.
    SOCKET_FILTER = 1, "socket_filter", (3, 19);
    /// kprobe, uprobe, and what is built on them.
    KPROBE = 2, "kprobe", (4, 1);
    /// Traffic classifier (tc, tcx, netkit).
    SCHED_CLS = 3, "sched_cls", (4, 1);
    /// Traffic action (tc).
    SCHED_ACT = 4, "sched_act", (4, 1);
    /// Tracepoint.
    TRACEPOINT = 5, "tracepoint", (4, 7);
    /// Packets as the driver receives them.
    XDP = 6, "xdp", (4, 8);
    /// Perf event: samples of counters and clocks.
    PERF_EVENT = 7, "perf_event", (4, 9);
    /// Packets of a cgroup.
    CGROUP_SKB = 8, "cgroup_skb", (4, 10);
    /// Creation, binding and release of a cgroup's sockets.
    CGROUP_SOCK = 9, "cgroup_sock", (4, 10);
    /// Lightweight tunnel, input.
    LWT_IN = 10, "lwt_in", (4, 10);
    /// Lightweight tunnel, output.
    LWT_OUT = 11, "lwt_out", (4, 10);
    /// Lightweight tunnel, transmit.
    LWT_XMIT = 12, "lwt_xmit", (4, 10);
    /// Events of TCP sockets of a cgroup.
    SOCK_OPS = 13, "sock_ops", (4, 13);
    /// Stream parsing and redirection of a sockmap.
    SK_SKB = 14, "sk_skb", (4, 14);
    /// Access to device files by a cgroup.
    CGROUP_DEVICE = 15, "cgroup_device", (4, 15);
    /// Messages sent on sockets of a sockmap.
    SK_MSG = 16, "sk_msg", (4, 17);
    /// Tracepoint with its raw arguments.
    RAW_TRACEPOINT = 17, "raw_tracepoint", (4, 17);
    /// Addresses of a cgroup's sockets: bind, connect, sendmsg, recvmsg and so on.
    CGROUP_SOCK_ADDR = 18, "cgroup_sock_addr", (4, 17);
    /// Segment routing, local.
    LWT_SEG6LOCAL = 19, "lwt_seg6local", (4, 18);
    /// Infrared decoder.
    LIRC_MODE2 = 20, "lirc_mode2", (4, 18);
    /// Choice of a socket in a reuseport group.
    SK_REUSEPORT = 21, "sk_reuseport", (4, 19);
    /// Flow dissector of a network namespace.
    FLOW_DISSECTOR = 22, "flow_dissector", (4, 20);
    /// Access to sysctls by a cgroup.
    CGROUP_SYSCTL = 23, "cgroup_sysctl", (5, 2);
    /// Raw tracepoint whose arguments may be written.
    RAW_TRACEPOINT_WRITABLE = 24, "raw_tracepoint_writable", (5, 2);
    /// Socket options of a cgroup.
    CGROUP_SOCKOPT = 25, "cgroup_sockopt", (5, 3);
    /// Typed tracing: tp_btf, fentry, fexit, fmod_ret, iter.
    TRACING = 26, "tracing", (5, 5);
    /// One function of a struct_ops map.
    STRUCT_OPS = 27, "struct_ops", (5, 6);
    /// Replacement of a function of another program (freplace).
    EXT = 28, "ext", (5, 6);
    /// Security hook.
    LSM = 29, "lsm", (5, 7);
    /// Choice of the socket that receives a packet.
    SK_LOOKUP = 30, "sk_lookup", (5, 9);
    /// Program run by user space that may make bpf(2) calls.
    SYSCALL = 31, "syscall", (5, 14);
    /// Netfilter hook.
    NETFILTER = 32, "netfilter", (6, 4);
}
