// SPDX-License-Identifier: MIT OR Apache-2.0
// Every program that is started: who started it, and with which arguments.
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define ARGS_LEN 128

struct event {
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	char comm[TASK_COMM_LEN];
	char filename[64];
	char args[ARGS_LEN];
};
const struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* How many events found the ring buffer full. */
__u64 lost;

SEC("tracepoint/sched/sched_process_exec")
int on_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct event *e;

	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	/* The lower half is the string's offset in the record, the upper its length. */
	bpf_probe_read_kernel_str(e->filename, sizeof(e->filename),
				  (void *)ctx + (ctx->__data_loc_filename & 0xffff));

	/* The new program's memory begins with its arguments, each ended by a NUL. */
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long len = BPF_CORE_READ(task, mm, arg_end) - start;
	if (len > ARGS_LEN)
		len = ARGS_LEN;
	/* The bound is checked on the very register that the helper gets. */
	barrier_var(len);
	if (len > ARGS_LEN || bpf_probe_read_user(e->args, len, (void *)start))
		len = 0;
	for (unsigned int i = 0; i < ARGS_LEN - 1; i++)
		if (i + 1 < len && e->args[i] == '\0')
			e->args[i] = ' ';
		else if (i >= len)
			e->args[i] = '\0';
	e->args[ARGS_LEN - 1] = '\0';

	bpf_ringbuf_submit(e, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
