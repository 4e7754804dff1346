// SPDX-License-Identifier: MIT OR Apache-2.0
// Maps as iproute2's loader has them: a longer structure, in a section "maps".
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct bpf_elf_map {
	__u32 type;
	__u32 size_key;
	__u32 size_value;
	__u32 max_elem;
	__u32 flags;
	__u32 id;
	__u32 pinning;
	__u32 inner_id;
	__u32 inner_idx;
};

struct bpf_elf_map tc_array SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 3,
};

SEC("tc")
int count(struct __sk_buff *skb)
{
	__u32 two = 2;
	__u32 *runs = bpf_map_lookup_elem(&tc_array, &two);

	return runs ? ++*runs : 0;
}

char _license[] SEC("license") = "GPL";
