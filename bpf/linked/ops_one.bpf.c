// SPDX-License-Identifier: MIT OR Apache-2.0
// One of two objects with struct_ops: the functions of its table are its own, but for those of the other object.
#include "../tcp_ops.h"

extern __u32 undo_two(unsigned long long *ctx);

__u64 inits;

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(ssthresh_one, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid_one, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops/init")
void BPF_PROG(init_one, struct sock *sk)
{
	inits++;
}

SEC(".struct_ops")
struct tcp_congestion_ops old_one = {
	.ssthresh = (void *)ssthresh_one,
	.cong_avoid = (void *)cong_avoid_one,
	.undo_cwnd = (void *)undo_two,
	.init = (void *)init_one,
	.name = "oxbpf_old_one",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops new_one = {
	.ssthresh = (void *)ssthresh_one,
	.cong_avoid = (void *)cong_avoid_one,
	.undo_cwnd = (void *)undo_two,
	.name = "oxbpf_new_one",
};

char _license[] SEC("license") = "GPL";
