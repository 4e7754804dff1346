// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -g0
// An object without types: variables are known by their symbols.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

struct bpf_map_def counts SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 2,
};

const volatile __u32 step = 1;
__u64 total = 5;
__u32 calls;

static __noinline __u64 add(__u64 x)
{
	total += x;
	return total;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *slot = bpf_map_lookup_elem(&counts, &zero);

	calls++;
	if (slot)
		*slot = add(step);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
