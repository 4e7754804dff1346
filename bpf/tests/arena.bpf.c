// SPDX-License-Identifier: MIT OR Apache-2.0
// Variables in an arena, which user space sees at the same addresses: whole numbers, static ones, more than a page of
// them, and a list whose pointers hold on both sides.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

#define BPF_MAP_TYPE_ARENA 33
#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct node {
	__u64 value;
	struct node __arena *next;
};

__u64 __arena counter = 40;
static volatile __u32 __arena step = 2;
__u8 __arena table[5000] = { 1 };
__u64 __arena zero;
struct node __arena nodes[3] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
struct node __arena *__arena first;

/* And one that is not. */
__u64 runs;

SEC("syscall")
int count(void *ctx)
{
	runs++;
	counter += step;
	table[4999] = table[0] + 8;
	zero++;
	return 0;
}

/* Links the nodes, the last first. */
SEC("syscall")
int chain(void *ctx)
{
	nodes[2].next = &nodes[1];
	nodes[1].next = &nodes[0];
	first = &nodes[2];
	return 0;
}

char _license[] SEC("license") = "GPL";
