// SPDX-License-Identifier: MIT OR Apache-2.0
// One of two objects that jump by tables, which have the same names and lead into the same sections.
#include "shared.h"
#include "../switch.h"

__naked __noinline int choose_two(void)
{
	SWITCH("BPF.JT.0.0", "choose_two");
}

SEC("syscall")
__naked int jump_two(void)
{
	SWITCH("BPF.JT.1.0", "jump_two");
}

SEC("syscall")
int call_two(__u32 *ctx)
{
	return choose_two() + *ctx;
}

char _license[] SEC("license") = "GPL";
