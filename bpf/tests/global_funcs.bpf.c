// SPDX-License-Identifier: MIT OR Apache-2.0
// Global functions, which the verifier checks by themselves: a strong one, a weak one, a hidden one,
// and one in a section of its own.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

__noinline int strong(int x)
{
	barrier_var(x);
	return x + 1;
}

__weak __noinline int weak(int x)
{
	barrier_var(x);
	return x + 10;
}

__hidden __noinline int hidden(int x)
{
	barrier_var(x);
	return x + 100;
}

SEC("xdp")
int add(struct xdp_md *ctx)
{
	return strong(0) + weak(0) + hidden(0);
}

/* Another program of the same section. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
