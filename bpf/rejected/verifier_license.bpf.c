// SPDX-License-Identifier: MIT OR Apache-2.0
// The verifier rejects it: the helper is for programs with a licence compatible with the GPL.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

__u64 out;

SEC("raw_tp/sys_enter")
int gpl_only(void *ctx)
{
	out = bpf_get_current_task();
	return 0;
}

char _license[] SEC("license") = "Proprietary";
