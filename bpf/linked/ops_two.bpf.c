// SPDX-License-Identifier: MIT OR Apache-2.0
// One of two objects with struct_ops: tables in the sections that the other has, and in some that it has not.
#include "../tcp_ops.h"

/* In ops_one. */
extern __u64 inits;

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(ssthresh_two, struct sock *sk)
{
	return 4;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid_two, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(undo_two, struct sock *sk)
{
	return 10;
}

SEC("?struct_ops/init")
void BPF_PROG(init_two, struct sock *sk)
{
	inits += 100;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops new_two = {
	.ssthresh = (void *)ssthresh_two,
	.cong_avoid = (void *)cong_avoid_two,
	.undo_cwnd = (void *)undo_two,
	.name = "oxbpf_new_two",
};

SEC("?.struct_ops")
struct tcp_congestion_ops old_two = {
	.ssthresh = (void *)ssthresh_two,
	.cong_avoid = (void *)cong_avoid_two,
	.undo_cwnd = (void *)undo_two,
	.init = (void *)init_two,
	.name = "oxbpf_old_two",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops off_two = {
	.ssthresh = (void *)ssthresh_two,
	.cong_avoid = (void *)cong_avoid_two,
	.undo_cwnd = (void *)undo_two,
	.init = (void *)init_two,
	.name = "oxbpf_off_two",
};

char _license[] SEC("license") = "GPL";
