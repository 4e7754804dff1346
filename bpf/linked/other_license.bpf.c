// SPDX-License-Identifier: MIT OR Apache-2.0
// Is under another license than the rest.
#include "shared.h"

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
