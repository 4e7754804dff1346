// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_x86
// A function of a user-space library: the directories that processes list with libc's opendir(3).
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct event {
	__u32 pid;
	bool failed;
	__u64 nsecs;
	char comm[TASK_COMM_LEN];
	char path[128];
};
const struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct call {
	const char *path;
	__u64 since;
};

/* The calls under way, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

/* How many events found the ring buffer full. */
__u64 lost;

SEC("uprobe/libc.so.6:opendir")
int BPF_UPROBE(on_entry, const char *path)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call call = { .path = path, .since = bpf_ktime_get_ns() };

	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
	return 0;
}

SEC("uretprobe/libc.so.6:opendir")
int BPF_URETPROBE(on_return, void *dir)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	struct event *e;

	if (!call)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		goto done;
	}
	e->pid = id >> 32;
	e->failed = !dir;
	e->nsecs = bpf_ktime_get_ns() - call->since;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->path[0] = '\0';
	bpf_probe_read_user_str(e->path, sizeof(e->path), call->path);
	bpf_ringbuf_submit(e, 0);
done:
	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
