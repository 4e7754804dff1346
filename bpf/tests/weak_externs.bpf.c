// SPDX-License-Identifier: MIT OR Apache-2.0
// A variable and a function that no kernel has, and that may be missing: their addresses are 0.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

extern const int no_such_variable __ksym __weak;
extern int no_such_function(int) __ksym __weak;

SEC("xdp")
int ask(struct xdp_md *ctx)
{
	if (&no_such_variable)
		return XDP_DROP;
	if (no_such_function)
		return no_such_function(1);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
