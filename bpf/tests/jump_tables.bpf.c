// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions that jump by tables (Linux 6.19): two programs of a section, and a function that another calls.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>
#include "../switch.h"

__naked __noinline int chosen(void)
{
	SWITCH("BPF.JT.0.0", "chosen");
}

SEC("syscall")
__naked int first(void)
{
	SWITCH("BPF.JT.1.0", "first");
}

SEC("syscall")
__naked int second(void)
{
	SWITCH("BPF.JT.2.0", "first");
}

SEC("syscall")
int third(__u32 *ctx)
{
	return chosen() + *ctx;
}

char _license[] SEC("license") = "GPL";
