// SPDX-License-Identifier: MIT OR Apache-2.0
// Congestion control of TCP: tables of functions that the kernel calls.
#include "../tcp_ops.h"

/* With a field that no kernel has; what follows ___ does not count. */
struct tcp_congestion_ops___more {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u64 no_such_field;
	void (*no_such_function)(struct sock *sk);
};

__u64 inits;

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	return 10;
}

SEC("struct_ops/init")
void BPF_PROG(init, struct sock *sk)
{
	inits++;
}

/* Loaded with the map that has it, and only then. */
SEC("?struct_ops/init")
void BPF_PROG(other_init, struct sock *sk)
{
	inits += 100;
}

SEC(".struct_ops")
struct tcp_congestion_ops plain = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.init = (void *)init,
	.name = "oxbpf_plain",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops linked = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.init = (void *)init,
	.name = "oxbpf_linked",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops replacement = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.init = (void *)other_init,
	.name = "oxbpf_linked",
};

SEC("?.struct_ops")
struct tcp_congestion_ops___more more = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "oxbpf_more",
};

char _license[] SEC("license") = "GPL";
