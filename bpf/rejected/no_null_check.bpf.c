// SPDX-License-Identifier: MIT OR Apache-2.0
// The verifier rejects it: what a lookup gives is used without a check.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&counts, &zero);

	*count += 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
