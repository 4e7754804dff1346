// SPDX-License-Identifier: MIT OR Apache-2.0
// How long a kernel function takes: vfs_read, by a program at its entry and one at its exit.
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "histogram.h"

/* Only this process (0: all of them). Set before loading. */
const volatile __u32 target_pid = 0;

/* When the function was entered, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} entered SEC(".maps");

/* Nanoseconds. */
HISTOGRAM(nsecs_hist);

/* What the calls that succeeded read. */
__u64 calls;
__u64 bytes;

SEC("fentry/vfs_read")
int BPF_PROG(on_entry)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	__u64 now;

	if (target_pid && id >> 32 != target_pid)
		return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&entered, &tid, &now, BPF_ANY);
	return 0;
}

SEC("fexit/vfs_read")
int BPF_PROG(on_exit, void *file, char *buf, unsigned long count, long long *pos, long ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 *since = bpf_map_lookup_elem(&entered, &tid);

	if (!since)
		return 0;
	histogram_add(&nsecs_hist, bpf_ktime_get_ns() - *since);
	bpf_map_delete_elem(&entered, &tid);
	if (ret >= 0) {
		__sync_fetch_and_add(&calls, 1);
		__sync_fetch_and_add(&bytes, ret);
	}
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
