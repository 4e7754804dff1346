// SPDX-License-Identifier: MIT OR Apache-2.0
// Static functions that stand in the section of a program, a program that is off until asked for, a
// hidden variable, and one that is only read.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

__u64 seen;
__hidden __u64 secret;
const __u32 table[4] = { 2, 3, 5, 7 };

SEC("xdp")
static __noinline int in_section(int x)
{
	barrier_var(x);
	return x + 1;
}

static __noinline int in_text(int x)
{
	secret += x;
	return x & 3;
}

SEC("xdp")
int on(struct xdp_md *ctx)
{
	seen++;
	return in_section(in_text(ctx->data_end - ctx->data)) - 1;
}

SEC("?xdp")
int off(struct xdp_md *ctx)
{
	return table[ctx->rx_queue_index & 3] + in_text(secret);
}

char _license[] SEC("license") = "Dual MIT/GPL";
__u32 _version SEC("version") = 0x060100;
