// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts the packets that an interface receives, by protocol. They all pass.
#include "kernel.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum protocol {
	OTHER,
	IPV4,
	IPV6,
	ARP,
	PROTOCOLS,
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROTOCOLS);
	__type(key, __u32); /* an enum protocol */
	__type(value, struct traffic);
} received SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 protocol = OTHER;
	struct traffic *traffic;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
		protocol = IPV4;
		break;
	case bpf_htons(ETH_P_IPV6):
		protocol = IPV6;
		break;
	case bpf_htons(ETH_P_ARP):
		protocol = ARP;
		break;
	}
	traffic = bpf_map_lookup_elem(&received, &protocol);
	if (traffic) {
		traffic->packets++;
		traffic->bytes += end - data;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
