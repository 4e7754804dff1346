// SPDX-License-Identifier: MIT OR Apache-2.0
// Two programs that use the same map: the loader may make it one's own.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} own SEC(".maps");

__u64 offset = 5;

static __noinline int add(__u64 n)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&own, &key);

	if (value)
		*value += n + offset;
	return 0;
}

SEC("syscall")
int owner(void *ctx)
{
	return add(1);
}

SEC("?syscall")
int other(void *ctx)
{
	return add(2);
}

char _license[] SEC("license") = "GPL";
