// SPDX-License-Identifier: MIT OR Apache-2.0
// The verifier rejects it: a packet is read without a check of its end.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int peek(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	return eth->h_proto ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual MIT/GPL";
