// SPDX-License-Identifier: MIT OR Apache-2.0
// A map that is pinned by its name, and shared by all that load this object.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} oxbpf_test_pinned SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *runs = bpf_map_lookup_elem(&oxbpf_test_pinned, &zero);

	return runs ? ++*runs : 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
