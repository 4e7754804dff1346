/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Congestion control of TCP. */
#ifndef OXBPF_TCP_OPS_H
#define OXBPF_TCP_OPS_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock {
};

/* As much as is needed of the kernel's; fields are matched by name. */
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
};

#endif
