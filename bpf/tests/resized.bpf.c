// SPDX-License-Identifier: MIT OR Apache-2.0
// Arrays that are the last variable of their section: the loader may give them another size.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

const volatile __u32 count = 1;

/* .bss */
__u64 sum;
struct {
	__u32 a, b;
} pairs[1];

__u32 step SEC(".data.samples") = 3;
__u32 samples[1] SEC(".data.samples") = { 7 };

/* The last one is no array. */
__u32 list[4] SEC(".data.fixed") = { 1 };
__u32 number SEC(".data.fixed") = 5;

SEC("syscall")
int fill(void *ctx)
{
	volatile __u32 *to = samples;

	for (__u32 i = 0; i < count && i < 1000; i++) {
		volatile __u32 *slot = to + i;
		/* Not an index of an array of one: its size is for the verifier to know. */
		asm volatile("" : "+r"(slot));
		*slot = i * step;
		sum += *slot;
	}
	pairs[0].a = list[0] + number;
	return 0;
}

char _license[] SEC("license") = "GPL";
