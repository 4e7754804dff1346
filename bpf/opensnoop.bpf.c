// SPDX-License-Identifier: MIT OR Apache-2.0
// Every file that is opened by openat(2): by whom, and with which result.
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* Only this process (0: all of them), and only what failed. Set before loading. */
const volatile __u32 target_pid = 0;
const volatile bool failed_only = false;

struct event {
	__u32 pid;
	__u32 ppid;
	__s32 ret;
	__u32 flags;
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
	__u32 flags;
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

SEC("tracepoint/syscalls/sys_enter_openat")
int on_enter(struct trace_event_raw_sys_enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct call call = {};

	if (target_pid && id >> 32 != target_pid)
		return 0;
	call.path = (const char *)ctx->args[1];
	call.flags = ctx->args[2];
	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int on_exit(struct trace_event_raw_sys_exit *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct call *call;
	struct event *e;

	call = bpf_map_lookup_elem(&calls, &tid);
	if (!call)
		return 0;
	if (failed_only && ctx->ret >= 0)
		goto done;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		goto done;
	}
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	e->pid = id >> 32;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->ret = ctx->ret;
	e->flags = call->flags;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	/* Read at the end of the call: the kernel has it in memory by now. */
	e->path[0] = '\0';
	bpf_probe_read_user_str(e->path, sizeof(e->path), call->path);
	bpf_ringbuf_submit(e, 0);
done:
	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
