// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts what the processes of a cgroup send, by protocol. It all passes.
#include "kernel.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct traffic {
	__u64 packets;
	__u64 bytes;
};

/* By EtherType (0x0800 is IPv4), in the byte order of this machine. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u16);
	__type(value, struct traffic);
} sent SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u16 protocol = bpf_ntohs(skb->protocol);
	struct traffic *traffic, none = {};

	traffic = bpf_map_lookup_elem(&sent, &protocol);
	if (!traffic) {
		bpf_map_update_elem(&sent, &protocol, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&sent, &protocol);
	}
	if (traffic) {
		traffic->packets++;
		traffic->bytes += skb->len;
	}
	return 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
