// SPDX-License-Identifier: MIT OR Apache-2.0
// The other of two objects that need each other.
#include "shared.h"

extern int in_one;
extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");
extern int twice(int x);
extern int CONFIG_HZ __kconfig;

struct totals totals;
const volatile int factor = 7;
struct counts counts SEC(".maps");
int base = 30;
__noinline int add(int a, int b)
{
	return a + b;
}
__noinline int scale(int x)
{
	return x * 10;
}

static volatile int calls = 200;
static volatile const char greeting[] = "two";
static __noinline int helper(int x)
{
	calls += 2;
	return x * calls + greeting[0];
}

int result_two;

SEC("xdp")
int run_two(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *slot = bpf_map_lookup_elem(&slots, &key);

	if (slot)
		*slot = CONFIG_HZ;
	in_one++;
	result_two = helper(twice(1));
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
