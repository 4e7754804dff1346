// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions that are in the kernel or in a module, nf_conntrack: is there a connection like this?
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct nf_conn {
};

/* Of its size, too, the kernel wants to know no more. */
struct bpf_ct_opts___12 {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 reserved[3];
};

struct bpf_sock_tuple {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *, struct bpf_sock_tuple *, __u32,
				  struct bpf_ct_opts___12 *, __u32) __ksym;
void bpf_ct_release(struct nf_conn *) __ksym;

__s32 error;

SEC("?xdp")
int look_up(struct xdp_md *ctx)
{
	struct bpf_ct_opts___12 opts = { .netns_id = -1, .l4proto = 6 };
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *found;

	found = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple), &opts, sizeof(opts));
	error = opts.error;
	if (!found)
		return XDP_PASS;
	bpf_ct_release(found);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
