// SPDX-License-Identifier: MIT OR Apache-2.0
// The verifier rejects it: a field that no kernel has is read, with nothing to guard the read.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct___no {
	int no_such_field;
} __attribute__((preserve_access_index));

__u32 value;

SEC("raw_tp/sys_enter")
int read(void *ctx)
{
	struct task_struct___no *task = (void *)bpf_get_current_task();

	value = BPF_CORE_READ(task, no_such_field);
	return 0;
}

char _license[] SEC("license") = "GPL";
