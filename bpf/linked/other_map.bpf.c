// SPDX-License-Identifier: MIT OR Apache-2.0
// Has another definition in mind for a map of two.bpf.c.
#include "shared.h"

extern struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct totals);
} counts SEC(".maps");

SEC("xdp")
int looks(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&counts, &key) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
