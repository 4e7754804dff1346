// SPDX-License-Identifier: MIT OR Apache-2.0
// One of three objects that share a map and externs: it says that some must be there which others could do without.
#include "shared.h"

extern struct counts counts SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig __weak;
extern int CONFIG_HZ __kconfig;
extern const int nowhere __ksym __weak;
extern bool CONFIG_BPF_SYSCALL __kconfig __weak;

int result_two;

SEC("xdp")
int many_two(struct xdp_md *ctx)
{
	__u32 key = 2;

	result_two = LINUX_KERNEL_VERSION + CONFIG_HZ + !!CONFIG_BPF_SYSCALL + (&nowhere ? 1 : 0);
	return bpf_map_lookup_elem(&counts, &key) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 7;
