// SPDX-License-Identifier: MIT OR Apache-2.0
// What the kernel gives: values of its configuration, addresses of its symbols, its variables and functions.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int CONFIG_HZ __kconfig;
extern bool CONFIG_BPF __kconfig;
extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig;
extern char CONFIG_NET __kconfig;
extern char CONFIG_CC_VERSION_TEXT[16] __kconfig;
extern unsigned long CONFIG_NO_SUCH_OPTION __kconfig __weak;

extern const void bpf_prog_put __ksym;
extern const void no_such_symbol __ksym __weak;
extern const int bpf_prog_active __ksym;
extern const int no_such_variable __ksym __weak;

/* The same function by two names; only what stands before ___ counts. */
void bpf_rcu_read_lock(void) __ksym __weak;
void bpf_rcu_read_lock___other(void) __ksym __weak;
void bpf_rcu_read_unlock(void) __ksym __weak;
int no_such_function(int) __ksym __weak;
/* It exists, and takes no such thing. */
int bpf_rcu_read_unlock___wrong(struct xdp_md *, int) __ksym __weak;

struct {
	__u64 kernel_version, has_cookie, has_wrapper, hz, bpf, bpf_syscall, net, no_such_option;
	__u64 address, no_address, variables, kfuncs, wrong_kfunc;
	char compiler[16];
} seen;

SEC("xdp")
int look(struct xdp_md *ctx)
{
	seen.kernel_version = LINUX_KERNEL_VERSION;
	seen.has_cookie = LINUX_HAS_BPF_COOKIE;
	seen.has_wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	seen.hz = CONFIG_HZ;
	seen.bpf = CONFIG_BPF;
	seen.bpf_syscall = CONFIG_BPF_SYSCALL;
	seen.net = CONFIG_NET;
	seen.no_such_option = CONFIG_NO_SUCH_OPTION;
	for (unsigned i = 0; i < sizeof(seen.compiler); i++)
		seen.compiler[i] = CONFIG_CC_VERSION_TEXT[i];

	seen.address = (__u64)&bpf_prog_put;
	seen.no_address = (__u64)&no_such_symbol;
	seen.variables = &no_such_variable ? 1 : 0;

	if (bpf_rcu_read_lock && bpf_rcu_read_unlock) {
		bpf_rcu_read_lock();
		seen.kfuncs = 1;
		bpf_rcu_read_unlock();
	}
	if (bpf_rcu_read_lock___other && bpf_rcu_read_unlock) {
		bpf_rcu_read_lock___other();
		seen.kfuncs++;
		bpf_rcu_read_unlock();
	}
	if (no_such_function)
		seen.kfuncs += no_such_function(1);
	seen.wrong_kfunc = bpf_rcu_read_unlock___wrong ? 1 : 0;
	return XDP_PASS;
}

/* Kernels that keep no names of variables (CONFIG_KALLSYMS_ALL) do not find them, though they have their types. */
SEC("?xdp")
int look_at_variable(struct xdp_md *ctx)
{
	const int *active = bpf_this_cpu_ptr(&bpf_prog_active);

	return *active < 1000 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
