// SPDX-License-Identifier: MIT OR Apache-2.0
// Maps of maps, with their contents given, and a program array with its programs.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
};

struct inner inner_a SEC(".maps");
struct inner inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, struct inner);
} outer_array SEC(".maps") = {
	.values = { [0] = &inner_a, [2] = &inner_b },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 5);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 10);
		__type(key, __u64);
		__type(value, __u64);
	});
} outer_hash SEC(".maps");

int tail_two(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} jumps SEC(".maps") = {
	.values = { [1] = &tail_two },
};

SEC("xdp")
int tail_two(struct xdp_md *ctx)
{
	return 22;
}

SEC("xdp")
int run(struct xdp_md *ctx)
{
	__u32 two = 2, one = 1;
	void *map = bpf_map_lookup_elem(&outer_array, &two);
	__u32 *value = map ? bpf_map_lookup_elem(map, &one) : NULL;

	if (value && *value)
		return *value;
	bpf_tail_call(ctx, &jumps, 1);
	return 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
