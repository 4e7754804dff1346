// SPDX-License-Identifier: MIT OR Apache-2.0
// One of three objects that share a map and externs: it has the map.
#include "shared.h"

struct counts counts SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_HZ __kconfig __weak;
extern const int nowhere __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;

int result_one;

SEC("xdp")
int many_one(struct xdp_md *ctx)
{
	__u32 key = 1;

	result_one = LINUX_KERNEL_VERSION + CONFIG_HZ + (&nowhere ? 1 : 0);
	if (bpf_rcu_read_lock)
		result_one++;
	return bpf_map_lookup_elem(&counts, &key) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 7;
