// SPDX-License-Identifier: MIT OR Apache-2.0
// Uses a variable of other objects.
#include "shared.h"

extern int value;

SEC("xdp")
int reads(struct xdp_md *ctx)
{
	return value;
}

char _license[] SEC("license") = "Dual MIT/GPL";
