// SPDX-License-Identifier: MIT OR Apache-2.0
// Raw tracepoints: counts the system calls of one process, by both spellings of the section.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

const volatile __u32 target_pid = 0;

__u64 entered;
__u64 left;

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_pid)
		__sync_fetch_and_add(&entered, 1);
	return 0;
}

SEC("raw_tracepoint/sys_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == target_pid)
		__sync_fetch_and_add(&left, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
