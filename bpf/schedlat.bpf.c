// SPDX-License-Identifier: MIT OR Apache-2.0
// Scheduling latency: how long a task that is ready to run waits for a CPU.
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "histogram.h"

/* Only this process (0: all of them). Set before loading. */
const volatile __u32 target_pid = 0;

#define TASK_RUNNING 0

/* A task's state: the field is `__state` since 5.14, and was `state`, a long, before. */
struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

/* When a task became ready, by its thread id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} ready SEC(".maps");

/* Microseconds. */
HISTOGRAM(usecs_hist);

static __always_inline bool still_running(struct task_struct *task)
{
	struct task_struct___new *new = (void *)task;

	if (bpf_core_field_exists(new->__state))
		return BPF_CORE_READ(new, __state) == TASK_RUNNING;
	return BPF_CORE_READ((struct task_struct___old *)task, state) == TASK_RUNNING;
}

static __always_inline void mark_ready(struct task_struct *task)
{
	__u32 tid = task->pid;
	__u64 now;

	/* The idle tasks are always ready, and many at a time: one for each CPU, all with tid 0. */
	if (!tid || (target_pid && (__u32)task->tgid != target_pid))
		return;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&ready, &tid, &now, BPF_ANY);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	mark_ready(task);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	mark_ready(task);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u32 tid = next->pid;
	__u64 *since;
	__s64 waited;

	/* Who loses the CPU but could go on is ready again. */
	if (still_running(prev))
		mark_ready(prev);
	since = bpf_map_lookup_elem(&ready, &tid);
	if (!since)
		return 0;
	waited = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&ready, &tid);
	if (waited >= 0)
		histogram_add(&usecs_hist, waited / 1000);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
