// SPDX-License-Identifier: MIT OR Apache-2.0
// Every kind of CO-RE relocation, against types that all kernels have, and against some that none has:
// what the kernel answers is in the globals after a test run.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Fields of task_struct by which the kernel stores bits. */
struct task_struct___bits {
	unsigned int sched_reset_on_fork : 1;
	unsigned int in_execve : 1;
};

/* A field and a type that no kernel has. */
struct task_struct___no {
	int no_such_field;
};

struct no_such_struct {
	int field;
};

struct list_head {
	struct list_head *next, *prev;
};

struct file {
	unsigned int f_flags;
};

struct pid_namespace;
struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct___pid {
	struct pid *thread_pid;
};

#pragma clang attribute pop

/* Not the kernel's numbers: they are to be replaced by those. */
enum pid_type {
	PIDTYPE_PID = 100,
	PIDTYPE_TGID = 101,
	PIDTYPE_NO_SUCH = 102,
};

__u64 task_size;
__u64 list_head_size;
__u64 no_such_size = 1;
__u32 task_exists;
__u32 no_such_exists = 1;
__u32 list_head_matches;
__u32 field_exists;
__u32 no_such_field_exists = 1;
__u32 comm_size;
__u32 comm_offset;
__u32 pid_signed;
__u32 task_local_id;
__u32 task_kernel_id;
__u64 pidtype_tgid;
__u32 pidtype_tgid_exists;
__u32 pidtype_no_such_exists = 1;
__s32 pid;
__s32 pid_of_struct_pid;
__u64 bits = ~0ULL;
__u32 guarded = 1;
char comm[TASK_COMM_LEN];

SEC("raw_tp/sys_enter")
int ask(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct___no *no = (void *)task;
	struct task_struct___pid *with_pid = (void *)task;

	task_size = bpf_core_type_size(struct task_struct);
	list_head_size = bpf_core_type_size(struct list_head);
	no_such_size = bpf_core_type_size(struct no_such_struct);
	task_exists = bpf_core_type_exists(struct task_struct);
	no_such_exists = bpf_core_type_exists(struct no_such_struct);
	list_head_matches = bpf_core_type_matches(struct list_head);
	field_exists = bpf_core_field_exists(task->tgid);
	no_such_field_exists = bpf_core_field_exists(no->no_such_field);
	comm_size = bpf_core_field_size(struct task_struct, comm);
	comm_offset = bpf_core_field_offset(struct task_struct, comm);
	pid_signed = __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED);
	task_local_id = bpf_core_type_id_local(struct task_struct);
	task_kernel_id = bpf_core_type_id_kernel(struct task_struct);
	pidtype_tgid = bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	pidtype_tgid_exists = bpf_core_enum_value_exists(enum pid_type, PIDTYPE_TGID);
	pidtype_no_such_exists = bpf_core_enum_value_exists(enum pid_type, PIDTYPE_NO_SUCH);
	pid = BPF_CORE_READ(task, pid);
	pid_of_struct_pid = BPF_CORE_READ(with_pid, thread_pid, numbers[0].nr);
	bits = BPF_CORE_READ_BITFIELD_PROBED((struct task_struct___bits *)task, in_execve);
	BPF_CORE_READ_STR_INTO(&comm, task, comm);
	/* The kernel has no such field: this code is poisoned, and never reached. */
	if (bpf_core_field_exists(no->no_such_field))
		guarded = BPF_CORE_READ(no, no_such_field);
	else
		guarded = 0;
	return 0;
}

char _license[] SEC("license") = "GPL";
