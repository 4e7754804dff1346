// SPDX-License-Identifier: MIT OR Apache-2.0
// Defines what many_one.bpf.c wants of the kernel: a function, and a number of its configuration.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

__noinline void bpf_rcu_read_lock(void)
{
	asm volatile("");
}

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 7;
