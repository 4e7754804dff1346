// SPDX-License-Identifier: MIT OR Apache-2.0
// Much that no kernel has. What only the second program needs does not keep the first from loading.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __kconfig;
extern int CONFIG_NO_SUCH_OPTION __kconfig;
extern bool LINUX_NO_SUCH_FACT __kconfig;
extern const void no_such_symbol __ksym;
extern const int no_such_variable __ksym;
extern const int bpf_rcu_read_lock __ksym;
int no_such_function(int) __ksym;
int bpf_task_from_pid(struct xdp_md *, int, int) __ksym;

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	return CONFIG_HZ;
}

SEC("?xdp")
int needs(struct xdp_md *ctx)
{
	__u64 sum = (__u64)&no_such_symbol + (__u64)&no_such_variable + (__u64)&bpf_rcu_read_lock;

	if (CONFIG_NO_SUCH_OPTION && LINUX_NO_SUCH_FACT)
		return no_such_function(sum);
	return bpf_task_from_pid(ctx, 1, 2);
}

char _license[] SEC("license") = "GPL";
