// SPDX-License-Identifier: MIT OR Apache-2.0
// The verifier rejects it: the fault is in a subprogram, called from the second of two programs.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

__u64 table[4];

static __noinline __u64 pick(__u64 i)
{
	return table[i];
}

SEC("xdp")
int good(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int bad(struct xdp_md *ctx)
{
	return pick(ctx->data_end - ctx->data);
}

char _license[] SEC("license") = "Dual MIT/GPL";
