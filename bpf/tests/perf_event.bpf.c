// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_x86
// A program on a perf event: counts the samples by process.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, __u32);
	__type(value, __u64);
} samples SEC(".maps");

__u64 total;
__u64 last_period;

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1, *count = bpf_map_lookup_elem(&samples, &pid);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&samples, &pid, &one, BPF_ANY);
	__sync_fetch_and_add(&total, 1);
	last_period = ctx->sample_period;
	return 0;
}

char _license[] SEC("license") = "GPL";
