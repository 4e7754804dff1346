/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an object of aya's eBPF crates holds: maps as 28 plain bytes in a section "maps", sections that say the kind of
 * a program and not where it belongs, a section "license", functions that stay in .text. Rust names its statics in
 * capitals.
 */
#pragma once

#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 id;
	__u32 pinning;
};

struct bpf_map_def COUNTS SEC("maps") = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 16,
	.map_flags = BPF_F_NO_PREALLOC,
};

/* As many entries as there are CPUs: the loader knows. */
struct bpf_map_def EVENTS SEC("maps") = {
	.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	.key_size = 4,
	.value_size = 4,
};

struct bpf_map_def JUMPS SEC("maps") = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 2,
};

/* Pinned by its name. */
struct bpf_map_def OXBPF_AYA_SHARED SEC("maps") = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 1,
	.pinning = 1,
};

const volatile __u32 STEP = 1;
__u64 RUNS;

struct event {
	__u32 words[4];
};

static __noinline void fill(struct event *event, __u32 word)
{
	for (int i = 0; i < 4; i++)
		event->words[i] = word;
}

static __always_inline int count(void *ctx, __u32 key)
{
	__u64 one = STEP, *value = bpf_map_lookup_elem(&COUNTS, &key);
	struct event event;

	if (value)
		__sync_fetch_and_add(value, STEP);
	else
		bpf_map_update_elem(&COUNTS, &key, &one, BPF_ANY);
	fill(&event, key);
	bpf_perf_event_output(ctx, &EVENTS, BPF_F_CURRENT_CPU, &event, sizeof(event));
	RUNS += event.words[3];
	return key;
}

SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *shared = bpf_map_lookup_elem(&OXBPF_AYA_SHARED, &zero);

	if (shared)
		++*shared;
	bpf_tail_call(ctx, &JUMPS, 1);
	return count(ctx, 2);
}

SEC("classifier")
int tc_count(struct __sk_buff *skb)
{
	return count(skb, 3);
}

SEC("kprobe")
int kprobe_count(void *ctx)
{
	return count(ctx, 4);
}

SEC("uprobe")
int uprobe_count(void *ctx)
{
	return count(ctx, 5);
}

SEC("tracepoint")
int tracepoint_count(void *ctx)
{
	return count(ctx, 6);
}

SEC("raw_tracepoint")
int raw_tracepoint_count(void *ctx)
{
	return count(ctx, 7);
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup/skb")
int cgroup_skb(struct __sk_buff *skb)
{
	return 1;
}

SEC("socket")
int socket_filter(struct __sk_buff *skb)
{
	return 0;
}

SEC("sockops")
int sock_ops(void *ctx)
{
	return 1;
}

SEC("sk_skb/stream_parser")
int stream_parser(struct __sk_buff *skb)
{
	return 0;
}

SEC("sk_msg")
int sk_msg_all(void *ctx)
{
	return 1;
}

SEC("perf_event")
int on_sample(void *ctx)
{
	return count(ctx, 8);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
