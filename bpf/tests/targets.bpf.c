// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs that are verified against a function: of the kernel (an iterator, a security hook, one that may sleep,
// a result), or of another program. All but the iterator are turned on by the test that has what they need.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

__u64 tasks;

SEC("iter/task")
int count_tasks(struct bpf_iter__task *ctx)
{
	if (ctx->task)
		tasks++;
	return 0;
}

SEC("?lsm/file_open")
int BPF_PROG(allow_open, struct file *file)
{
	return 0;
}

SEC("?fmod_ret/security_file_open")
int BPF_PROG(keep_result, struct file *file, int ret)
{
	return ret;
}

SEC("?lsm.s/file_open")
int BPF_PROG(may_sleep, struct file *file)
{
	return 0;
}

/* In place of the function of global_funcs.bpf.c. */
SEC("?freplace/strong")
int new_strong(int x)
{
	return x + 1000;
}

char _license[] SEC("license") = "GPL";
