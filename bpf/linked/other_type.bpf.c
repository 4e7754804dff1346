// SPDX-License-Identifier: MIT OR Apache-2.0
// Has another type in mind for a variable of two.bpf.c.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct totals {
	__u32 runs;
	__u32 sum;
};

extern struct totals totals;

SEC("xdp")
int reads(struct xdp_md *ctx)
{
	return totals.sum;
}

char _license[] SEC("license") = "Dual MIT/GPL";
