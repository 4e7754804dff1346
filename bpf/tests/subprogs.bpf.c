// SPDX-License-Identifier: MIT OR Apache-2.0
// Static functions that stay functions: two programs of different sections share them, one calls
// another, and a program's image must hold only those that it reaches.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

__u64 sum;

static __noinline int twice(int x)
{
	barrier_var(x);
	return x * 2;
}

static __noinline int twice_plus(int x, int y)
{
	return twice(x) + y;
}

static __noinline int only_second(int x)
{
	sum += x;
	return twice_plus(x, 1);
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return twice(ctx->data_end - ctx->data);
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return only_second(ctx->data_end - ctx->data);
}

SEC("socket")
int third(struct __sk_buff *skb)
{
	return twice_plus(skb->len, 2) + twice(3);
}

char _license[] SEC("license") = "Dual MIT/GPL";
