/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the objects of this folder, which are linked with each other, agree on. */
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct totals {
	__u32 runs;
	__u64 sum;
};

struct counts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct totals);
};
