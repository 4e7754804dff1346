// SPDX-License-Identifier: MIT OR Apache-2.0
// One of three objects that share a map and externs: nothing is its own.
#include "shared.h"

extern struct counts counts SEC(".maps");
extern int CONFIG_HZ __kconfig __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern int result_one;

SEC("xdp")
int many_three(struct xdp_md *ctx)
{
	__u32 key = CONFIG_HZ;

	if (bpf_rcu_read_lock)
		result_one++;
	return bpf_map_lookup_elem(&counts, &key) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
