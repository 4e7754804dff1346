// SPDX-License-Identifier: MIT OR Apache-2.0
// One of two objects with variables in one arena, which this one has: its own, and one of the other's.
#include "arena.h"

struct pages arena SEC(".maps");

__u64 __arena mine = 40;
static volatile __u32 __arena step = 2;
__weak __u32 __arena level = 1;
extern __u8 __arena table[100];

SEC("syscall")
int add_one(void *ctx)
{
	mine += step + level;
	table[99]++;
	return 0;
}

char _license[] SEC("license") = "GPL";
