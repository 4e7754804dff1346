// SPDX-License-Identifier: MIT OR Apache-2.0
// One of two objects with variables in one arena, which the other has.
#include "arena.h"

extern struct pages arena SEC(".maps");

__u8 __arena table[100] = { [99] = 7 };
static volatile __u32 __arena step = 3;
__u32 __arena level = 5;
extern __u64 __arena mine;

SEC("syscall")
int add_two(void *ctx)
{
	/* Which arena it is has to be said by some instruction. */
	asm volatile("" : : "r"(&arena));
	mine += step + level;
	table[0] = table[99];
	return 0;
}

char _license[] SEC("license") = "GPL";
