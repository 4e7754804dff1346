// SPDX-License-Identifier: MIT OR Apache-2.0
// Has another type in mind for a function of two.bpf.c.
#include "shared.h"

extern int add(int, struct totals *);

SEC("xdp")
int calls(struct xdp_md *ctx)
{
	struct totals totals = {};

	return add(1, &totals);
}

char _license[] SEC("license") = "Dual MIT/GPL";
