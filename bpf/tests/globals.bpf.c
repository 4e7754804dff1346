// SPDX-License-Identifier: MIT OR Apache-2.0
// Global variables of all kinds of sections, among them custom ones; static ones; one in an array;
// constants that the loader sets before it loads.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 a;
	__u64 b;
};

/* .rodata */
const volatile __u32 limit = 10;
const volatile struct pair pair = { .a = 1, .b = 2 };
const volatile char name[16] = "unset";

/* .data */
__u64 counter = 1000;
static volatile __u32 hidden_counter = 7;
struct pair table[4] = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } };

/* .bss */
__u64 zero;
__u8 buffer[300];

/* sections of our own */
__u32 in_data_custom SEC(".data.custom") = 42;
const volatile __u32 in_rodata_custom SEC(".rodata.custom") = 43;
__u32 in_bss_custom SEC(".bss.custom");

SEC("xdp")
int run(struct xdp_md *ctx)
{
	counter += limit;
	hidden_counter++;
	zero += pair.a + pair.b;
	table[1].b += hidden_counter;
	buffer[299] = name[0];
	in_bss_custom = in_data_custom + in_rodata_custom;
	return counter;
}

char _license[] SEC("license") = "Dual MIT/GPL";
