/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A probe that uses every register macro which all machines have. Sources for other machines than this one
 * declare their machine's structure of registers, and include it.
 */
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 seen;

SEC("kprobe/do_exit")
int BPF_KPROBE(on_entry, long a, long b, long c, long d)
{
	seen = a + b + c + d + PT_REGS_RET(ctx) + PT_REGS_SP(ctx) + PT_REGS_IP(ctx);
	seen += PT_REGS_PARM1_CORE(ctx) + PT_REGS_IP_CORE(ctx);
	return 0;
}

SEC("kprobe/sys_openat")
int on_syscall(struct pt_regs *ctx)
{
	struct pt_regs *regs = PT_REGS_SYSCALL_REGS(ctx);

	seen += PT_REGS_PARM1_CORE_SYSCALL(regs) + PT_REGS_PARM2_CORE_SYSCALL(regs);
	seen += PT_REGS_PARM4_CORE_SYSCALL(regs) + PT_REGS_PARM6_CORE_SYSCALL(regs);
	return 0;
}

SEC("kretprobe/do_exit")
int BPF_KRETPROBE(on_return, long ret)
{
	seen += ret;
	return 0;
}

char _license[] SEC("license") = "GPL";
