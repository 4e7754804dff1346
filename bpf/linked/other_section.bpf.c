// SPDX-License-Identifier: MIT OR Apache-2.0
// Looks for a variable of two.bpf.c in the kernel.
#include "shared.h"

extern const struct totals totals __ksym;

SEC("xdp")
int reads(struct xdp_md *ctx)
{
	return totals.runs;
}

char _license[] SEC("license") = "Dual MIT/GPL";
