// SPDX-License-Identifier: MIT OR Apache-2.0
// Maps as objects declared them before BTF: a section "maps" of plain structures.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

struct bpf_map_def old_hash SEC("maps") = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 64,
	.map_flags = BPF_F_NO_PREALLOC,
};

struct bpf_map_def old_array SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 2,
};

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 one = 1;
	__u64 *runs = bpf_map_lookup_elem(&old_array, &one);

	if (!runs)
		return 0;
	++*runs;
	bpf_map_update_elem(&old_hash, &one, runs, BPF_ANY);
	return *runs;
}

char _license[] SEC("license") = "Dual MIT/GPL";
__u32 _version SEC("version") = KERNEL_VERSION(5, 10, 7);
