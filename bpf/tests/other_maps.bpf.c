// SPDX-License-Identifier: MIT OR Apache-2.0
// Kinds of maps that tests/maps and tests/map_kinds do not have: of devices, sockets and cgroups, and a bloom filter.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

#define BPF_MAP_TYPE_CGROUP_ARRAY 8
#define BPF_MAP_TYPE_DEVMAP 14
#define BPF_MAP_TYPE_SOCKMAP 15
#define BPF_MAP_TYPE_CPUMAP 16
#define BPF_MAP_TYPE_XSKMAP 17
#define BPF_MAP_TYPE_SOCKHASH 18
#define BPF_MAP_TYPE_REUSEPORT_SOCKARRAY 20
#define BPF_MAP_TYPE_DEVMAP_HASH 25
#define BPF_MAP_TYPE_BLOOM_FILTER 30

#define DESCRIPTORS(name, kind, entries)                                                           \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32);                                                                \
		__type(value, __u32);                                                              \
	} name SEC(".maps")

DESCRIPTORS(cgroups, BPF_MAP_TYPE_CGROUP_ARRAY, 2);
DESCRIPTORS(devices, BPF_MAP_TYPE_DEVMAP, 3);
DESCRIPTORS(devices_by_key, BPF_MAP_TYPE_DEVMAP_HASH, 4);
DESCRIPTORS(cpus, BPF_MAP_TYPE_CPUMAP, 2);
DESCRIPTORS(xsks, BPF_MAP_TYPE_XSKMAP, 5);
DESCRIPTORS(sockets, BPF_MAP_TYPE_SOCKMAP, 6);
DESCRIPTORS(sockets_by_key, BPF_MAP_TYPE_SOCKHASH, 7);

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} reuseport SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, __u32);
} bloom SEC(".maps");

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
