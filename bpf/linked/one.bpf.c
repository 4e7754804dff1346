// SPDX-License-Identifier: MIT OR Apache-2.0
// One of two objects that need each other: variables, functions and maps of the other, some weak, some of the same name
// in both.
#include "shared.h"

/* In the other object. */
extern struct totals totals;
extern const volatile int factor;
extern int add(int, int);
extern struct counts counts SEC(".maps");
/* Nowhere. */
extern int nowhere __ksym __weak;

/* For the other object. */
int in_one = 5;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");
__weak __noinline __hidden int twice(int x)
{
	return x + x;
}

/* The other object has the one that counts. */
__weak int base = 1;
__weak __noinline int scale(int x)
{
	return x + 1;
}

/* Both objects have these, each its own. */
static volatile int calls = 100;
static volatile const char greeting[] = "one";
static __noinline int helper(int x)
{
	calls++;
	return x * calls + greeting[0];
}

int result_one;

SEC("xdp")
int run_one(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct totals new = {}, *old = bpf_map_lookup_elem(&counts, &key);

	if (old)
		new = *old;
	new.runs++;
	new.sum += add(in_one, base);
	bpf_map_update_elem(&counts, &key, &new, BPF_ANY);
	totals.runs++;
	totals.sum += scale(factor);
	result_one = helper(twice(10)) + (&nowhere ? 1000 : 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
