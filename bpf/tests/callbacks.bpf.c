// SPDX-License-Identifier: MIT OR Apache-2.0
// A function whose address is taken: bpf_for_each_map_elem (5.13) calls it.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

struct total {
	__u32 sum;
	__u32 seen;
};

static long add(void *map, __u32 *key, __u32 *value, struct total *total)
{
	total->sum += *value;
	total->seen++;
	return 0;
}

SEC("xdp")
int sum(struct xdp_md *ctx)
{
	struct total total = {};

	bpf_for_each_map_elem(&numbers, add, &total, 0);
	return total.seen == 8 ? total.sum : -1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
