// SPDX-License-Identifier: MIT OR Apache-2.0
// Global functions that take the program's context: kernels before 6.8 know it by its type only, later ones by the tag.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

/* Says it by the tag alone. Programs of two types call it. */
__noinline int byte(void *ctx __arg_ctx, __u32 at)
{
	__u8 byte = 0;

	bpf_skb_load_bytes(ctx, at, &byte, sizeof(byte));
	return byte;
}

/* Says it by its type, too. */
__noinline int length(struct __sk_buff *skb __arg_ctx)
{
	return skb->len;
}

SEC("tc")
int of_tc(struct __sk_buff *skb)
{
	return byte(skb, 1) + length(skb);
}

SEC("socket")
int of_socket(struct __sk_buff *skb)
{
	return byte(skb, 0);
}

__noinline int cut(void *ctx __arg_ctx)
{
	return bpf_xdp_adjust_tail(ctx, -4);
}

SEC("xdp")
int of_xdp(struct xdp_md *ctx)
{
	return cut(ctx) + 100;
}

char _license[] SEC("license") = "Dual MIT/GPL";
