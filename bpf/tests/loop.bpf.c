// SPDX-License-Identifier: MIT OR Apache-2.0
// bpf_loop (5.17) with a callback that calls a subprogram.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

static __noinline int square(int x)
{
	barrier_var(x);
	return x * x;
}

static long step(__u64 i, int *sum)
{
	*sum += square(i);
	return 0;
}

SEC("xdp")
int squares(struct xdp_md *ctx)
{
	int sum = 0;

	bpf_loop(10, step, &sum, 0);
	return sum;
}

char _license[] SEC("license") = "Dual MIT/GPL";
