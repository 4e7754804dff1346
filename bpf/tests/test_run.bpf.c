// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs that are run by hand, one of each type that takes something of its own.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

/* Of the contexts only the fields that are used, at the places that they have. */
struct skb_fields {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 unused[9];
	__u32 cb[5];
};

struct lookup_fields {
	__u32 unused[15];
	__u32 local_port;
	__u32 ingress_ifindex;
};

struct bpf_flow_keys {
	__u16 nhoff;
	__u16 thoff;
	__u16 addr_proto;
	__u8 is_frag;
	__u8 is_first_frag;
	__u8 is_encap;
	__u8 ip_proto;
	__be16 n_proto;
};

struct flow_skb {
	__u32 len;
	__u32 unused[35];
	struct bpf_flow_keys *flow_keys;
};

struct calls {
	__u64 in;
	__u64 out;
};

__u64 ran;
__u32 cpu;

/* 100 bytes of headroom become part of the packet. */
SEC("xdp")
int grow(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&ran, 1);
	return bpf_xdp_adjust_head(ctx, -100) ? XDP_ABORTED : XDP_TX;
}

/* 4 bytes of metadata are the answer. */
SEC("xdp")
int meta(struct xdp_md *ctx)
{
	__u32 *meta = (void *)(long)ctx->data_meta;
	void *data = (void *)(long)ctx->data;

	if ((void *)(meta + 1) > data)
		return XDP_DROP;
	return *meta;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&ran, 1);
	return XDP_DROP;
}

SEC("tc")
int mark(struct skb_fields *skb)
{
	skb->mark += 1;
	skb->cb[0] += 2;
	return skb->len;
}

SEC("cgroup_skb/egress")
int even(struct skb_fields *skb)
{
	return !(skb->len & 1);
}

SEC("raw_tp/sys_enter")
int sum(struct bpf_raw_tracepoint_args *ctx)
{
	cpu = bpf_get_smp_processor_id();
	return ctx->args[0] + ctx->args[1];
}

SEC("syscall")
int twice(struct calls *calls)
{
	calls->out = 2 * calls->in;
	return 9;
}

SEC("flow_dissector")
int dissect(struct flow_skb *skb)
{
	skb->flow_keys->thoff = 34;
	skb->flow_keys->ip_proto = 17;
	return 0;
}

SEC("sk_lookup")
int web(struct lookup_fields *ctx)
{
	return ctx->local_port == 80;
}

SEC("perf_event")
int sample(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
