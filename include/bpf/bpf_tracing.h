/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tracing programs: their arguments by name and type, and the registers of probes.
 *
 * Registers differ between machines: compile with -D__TARGET_ARCH_x86, _arm64, _arm, _riscv, _s390,
 * _powerpc, _loongarch or _mips if PT_REGS_*, BPF_KPROBE or BPF_UPROBE are used.
 */
#ifndef OXBPF_BPF_TRACING_H
#define OXBPF_BPF_TRACING_H

#include "bpf_variadic.h"

/* --- registers ------------------------------------------------------------------------------ */
/*
 * For each machine, by the names that its struct pt_regs uses:
 *   ___pt_call     the arguments of a function, in order
 *   ___pt_syscall  the arguments of a system call
 *   ___pt_special  return address, frame pointer, return value, stack pointer, instruction pointer
 *   ___pt_struct   the structure that has them
 * and, where a call overwrites the first system call argument, ___pt_syscall1: where it is kept.
 */
#if defined(__TARGET_ARCH_x86)
#if defined(__KERNEL__) || defined(__VMLINUX_H__)
#define ___pt_call di, si, dx, cx, r8, r9
#define ___pt_syscall di, si, dx, r10, r8, r9
#define ___pt_special sp, bp, ax, sp, ip
#else
#define ___pt_call rdi, rsi, rdx, rcx, r8, r9
#define ___pt_syscall rdi, rsi, rdx, r10, r8, r9
#define ___pt_special rsp, rbp, rax, rsp, rip
#endif
#define ___pt_struct struct pt_regs

#elif defined(__TARGET_ARCH_arm64)
#define ___pt_call regs[0], regs[1], regs[2], regs[3], regs[4], regs[5], regs[6], regs[7]
#define ___pt_syscall regs[0], regs[1], regs[2], regs[3], regs[4], regs[5]
#define ___pt_special regs[30], regs[29], regs[0], sp, pc
#define ___pt_struct struct user_pt_regs
struct pt_regs___arm64 {
	unsigned long orig_x0;
} __attribute__((preserve_access_index));
#define ___pt_syscall1(x) ((const struct pt_regs___arm64 *)(x)), orig_x0

#elif defined(__TARGET_ARCH_arm)
#define ___pt_call uregs[0], uregs[1], uregs[2], uregs[3]
#define ___pt_syscall uregs[0], uregs[1], uregs[2], uregs[3], uregs[4], uregs[5], uregs[6]
#define ___pt_special uregs[14], uregs[11], uregs[0], uregs[13], uregs[15]
#define ___pt_struct struct pt_regs

#elif defined(__TARGET_ARCH_riscv)
#define ___pt_call a0, a1, a2, a3, a4, a5, a6, a7
#define ___pt_syscall a0, a1, a2, a3, a4, a5
#define ___pt_special ra, s0, a0, sp, pc
#define ___pt_struct struct user_regs_struct
struct pt_regs___riscv {
	unsigned long orig_a0;
} __attribute__((preserve_access_index));
#define ___pt_syscall1(x) ((const struct pt_regs___riscv *)(x)), orig_a0

#elif defined(__TARGET_ARCH_s390)
#define ___pt_call gprs[2], gprs[3], gprs[4], gprs[5], gprs[6]
#define ___pt_syscall gprs[2], gprs[3], gprs[4], gprs[5], gprs[6], gprs[7]
#define ___pt_special gprs[14], gprs[11], gprs[2], gprs[15], psw.addr
#define ___pt_struct user_pt_regs
struct pt_regs___s390 {
	unsigned long orig_gpr2;
} __attribute__((preserve_access_index));
#define ___pt_syscall1(x) ((const struct pt_regs___s390 *)(x)), orig_gpr2

#elif defined(__TARGET_ARCH_powerpc)
#define ___pt_call gpr[3], gpr[4], gpr[5], gpr[6], gpr[7], gpr[8], gpr[9], gpr[10]
#define ___pt_syscall orig_gpr3, gpr[4], gpr[5], gpr[6], gpr[7], gpr[8]
#define ___pt_special link, ___pt_no_such_register, gpr[3], gpr[1], nip
#define ___pt_struct struct pt_regs

#elif defined(__TARGET_ARCH_loongarch)
#define ___pt_call regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], regs[10], regs[11]
#define ___pt_syscall regs[4], regs[5], regs[6], regs[7], regs[8], regs[9]
#define ___pt_special regs[1], regs[22], regs[4], regs[3], csr_era
#define ___pt_struct struct user_pt_regs

#elif defined(__TARGET_ARCH_mips)
#define ___pt_call regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], regs[10], regs[11]
#define ___pt_syscall regs[4], regs[5], regs[6], regs[7], regs[8], regs[9]
#define ___pt_special regs[31], regs[30], regs[2], regs[29], cp0_epc
#define ___pt_struct struct pt_regs
#endif

struct pt_regs;

#ifdef ___pt_struct

#define ___pt_nth1(a, ...) a
#define ___pt_nth2(a, b, ...) b
#define ___pt_nth3(a, b, c, ...) c
#define ___pt_nth4(a, b, c, d, ...) d
#define ___pt_nth5(a, b, c, d, e, ...) e
#define ___pt_nth6(a, b, c, d, e, f, ...) f
#define ___pt_nth7(a, b, c, d, e, f, g, ...) g
#define ___pt_nth8(a, b, c, d, e, f, g, h, ...) h
/* A machine that has no n-th argument register: the field of this name does not exist. */
#define ___pt_none ___pt_no_such_register
#define ___pt_pick(n, ...)                                                                         \
	___pt_nth##n(__VA_ARGS__, ___pt_none, ___pt_none, ___pt_none, ___pt_none, ___pt_none)

#define ___pt_cast(x) ((const ___pt_struct *)(x))
/* Directly, where the program's context is the pt_regs ... */
#define ___pt_reg(x, n, ...) (___pt_cast(x)->___pt_pick(n, __VA_ARGS__))
/* ... and through a read of kernel memory, relocated, where it is not. (Needs bpf_core_read.h.) */
#define ___pt_reg_core(x, n, ...) ___pt_core_read(___pt_cast(x), ___pt_pick(n, __VA_ARGS__))
#define ___pt_core_read(p, field) BPF_CORE_READ(p, field)

#define PT_REGS_PARM1(x) ___pt_reg(x, 1, ___pt_call)
#define PT_REGS_PARM2(x) ___pt_reg(x, 2, ___pt_call)
#define PT_REGS_PARM3(x) ___pt_reg(x, 3, ___pt_call)
#define PT_REGS_PARM4(x) ___pt_reg(x, 4, ___pt_call)
#define PT_REGS_PARM5(x) ___pt_reg(x, 5, ___pt_call)
#define PT_REGS_PARM6(x) ___pt_reg(x, 6, ___pt_call)
#define PT_REGS_PARM7(x) ___pt_reg(x, 7, ___pt_call)
#define PT_REGS_PARM8(x) ___pt_reg(x, 8, ___pt_call)
#define PT_REGS_RET(x) ___pt_reg(x, 1, ___pt_special)
#define PT_REGS_FP(x) ___pt_reg(x, 2, ___pt_special)
#define PT_REGS_RC(x) ___pt_reg(x, 3, ___pt_special)
#define PT_REGS_SP(x) ___pt_reg(x, 4, ___pt_special)
#define PT_REGS_IP(x) ___pt_reg(x, 5, ___pt_special)

#define PT_REGS_PARM1_CORE(x) ___pt_reg_core(x, 1, ___pt_call)
#define PT_REGS_PARM2_CORE(x) ___pt_reg_core(x, 2, ___pt_call)
#define PT_REGS_PARM3_CORE(x) ___pt_reg_core(x, 3, ___pt_call)
#define PT_REGS_PARM4_CORE(x) ___pt_reg_core(x, 4, ___pt_call)
#define PT_REGS_PARM5_CORE(x) ___pt_reg_core(x, 5, ___pt_call)
#define PT_REGS_PARM6_CORE(x) ___pt_reg_core(x, 6, ___pt_call)
#define PT_REGS_PARM7_CORE(x) ___pt_reg_core(x, 7, ___pt_call)
#define PT_REGS_PARM8_CORE(x) ___pt_reg_core(x, 8, ___pt_call)
#define PT_REGS_RET_CORE(x) ___pt_reg_core(x, 1, ___pt_special)
#define PT_REGS_FP_CORE(x) ___pt_reg_core(x, 2, ___pt_special)
#define PT_REGS_RC_CORE(x) ___pt_reg_core(x, 3, ___pt_special)
#define PT_REGS_SP_CORE(x) ___pt_reg_core(x, 4, ___pt_special)
#define PT_REGS_IP_CORE(x) ___pt_reg_core(x, 5, ___pt_special)

/* The pt_regs with a system call's arguments: a syscall wrapper's only argument points to it. */
#if defined(__TARGET_ARCH_powerpc) || defined(__TARGET_ARCH_loongarch)
#define PT_REGS_SYSCALL_REGS(ctx) (ctx)
#else
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#endif

#ifdef ___pt_syscall1
#define ___pt_arrow(p, field) ((p)->field)
#define ___pt_with(macro, ...) macro(__VA_ARGS__)
#define PT_REGS_PARM1_SYSCALL(x) ___pt_with(___pt_arrow, ___pt_syscall1(x))
#define PT_REGS_PARM1_CORE_SYSCALL(x) ___pt_with(___pt_core_read, ___pt_syscall1(x))
#else
#define PT_REGS_PARM1_SYSCALL(x) ___pt_reg(x, 1, ___pt_syscall)
#define PT_REGS_PARM1_CORE_SYSCALL(x) ___pt_reg_core(x, 1, ___pt_syscall)
#endif
#define PT_REGS_PARM2_SYSCALL(x) ___pt_reg(x, 2, ___pt_syscall)
#define PT_REGS_PARM3_SYSCALL(x) ___pt_reg(x, 3, ___pt_syscall)
#define PT_REGS_PARM4_SYSCALL(x) ___pt_reg(x, 4, ___pt_syscall)
#define PT_REGS_PARM5_SYSCALL(x) ___pt_reg(x, 5, ___pt_syscall)
#define PT_REGS_PARM6_SYSCALL(x) ___pt_reg(x, 6, ___pt_syscall)
#define PT_REGS_PARM7_SYSCALL(x) ___pt_reg(x, 7, ___pt_syscall)
#define PT_REGS_PARM2_CORE_SYSCALL(x) ___pt_reg_core(x, 2, ___pt_syscall)
#define PT_REGS_PARM3_CORE_SYSCALL(x) ___pt_reg_core(x, 3, ___pt_syscall)
#define PT_REGS_PARM4_CORE_SYSCALL(x) ___pt_reg_core(x, 4, ___pt_syscall)
#define PT_REGS_PARM5_CORE_SYSCALL(x) ___pt_reg_core(x, 5, ___pt_syscall)
#define PT_REGS_PARM6_CORE_SYSCALL(x) ___pt_reg_core(x, 6, ___pt_syscall)
#define PT_REGS_PARM7_CORE_SYSCALL(x) ___pt_reg_core(x, 7, ___pt_syscall)

#endif /* ___pt_struct */

/* --- programs with named arguments ------------------------------------------------------------ */

/*
 * The program `name` that the kernel calls with its context, and the body that the author writes
 * after the macro, with the arguments that he names. `prologue` is the list of values that the one
 * hands to the other.
 */
#define ___bpf_prog(name, context, list, ...)                                                      \
	name(context *ctx);                                                                        \
	static __attribute__((always_inline)) typeof(name(0)) ____##name(context *ctx,             \
									 ##__VA_ARGS__);           \
	typeof(name(0)) name(context *ctx)                                                         \
	{                                                                                          \
		_Pragma("GCC diagnostic push")                                                     \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                             \
		return ____##name(___bpf_apply(list, ___bpf_narg(__VA_ARGS__)));                   \
		_Pragma("GCC diagnostic pop")                                                      \
	}                                                                                          \
	static __attribute__((always_inline)) typeof(name(0)) ____##name(context *ctx,             \
									 ##__VA_ARGS__)

/*
 * For programs whose context is an array of 64-bit words: tp_btf, fentry, fexit, fmod_ret, lsm,
 * raw_tp, struct_ops.
 *
 *	SEC("tp_btf/sched_wakeup")
 *	int BPF_PROG(on_wakeup, struct task_struct *task)
 *	{
 *
 * `ctx` is there too.
 */
#define BPF_PROG(name, ...) ___bpf_prog(name, unsigned long long, ___bpf_word_list, ##__VA_ARGS__)

#define ___bpf_word_list0 ctx
#define ___bpf_word_list1 ___bpf_word_list0, (void *)ctx[0]
#define ___bpf_word_list2 ___bpf_word_list1, (void *)ctx[1]
#define ___bpf_word_list3 ___bpf_word_list2, (void *)ctx[2]
#define ___bpf_word_list4 ___bpf_word_list3, (void *)ctx[3]
#define ___bpf_word_list5 ___bpf_word_list4, (void *)ctx[4]
#define ___bpf_word_list6 ___bpf_word_list5, (void *)ctx[5]
#define ___bpf_word_list7 ___bpf_word_list6, (void *)ctx[6]
#define ___bpf_word_list8 ___bpf_word_list7, (void *)ctx[7]
#define ___bpf_word_list9 ___bpf_word_list8, (void *)ctx[8]
#define ___bpf_word_list10 ___bpf_word_list9, (void *)ctx[9]
#define ___bpf_word_list11 ___bpf_word_list10, (void *)ctx[10]
#define ___bpf_word_list12 ___bpf_word_list11, (void *)ctx[11]

/* For kprobes and uprobes: the arguments of the function that they stand on. */
#define BPF_KPROBE(name, ...) ___bpf_prog(name, struct pt_regs, ___bpf_parm_list, ##__VA_ARGS__)
#define BPF_UPROBE(name, ...) BPF_KPROBE(name, ##__VA_ARGS__)

#define ___bpf_parm_list0 ctx
#define ___bpf_parm_list1 ___bpf_parm_list0, (void *)PT_REGS_PARM1(ctx)
#define ___bpf_parm_list2 ___bpf_parm_list1, (void *)PT_REGS_PARM2(ctx)
#define ___bpf_parm_list3 ___bpf_parm_list2, (void *)PT_REGS_PARM3(ctx)
#define ___bpf_parm_list4 ___bpf_parm_list3, (void *)PT_REGS_PARM4(ctx)
#define ___bpf_parm_list5 ___bpf_parm_list4, (void *)PT_REGS_PARM5(ctx)
#define ___bpf_parm_list6 ___bpf_parm_list5, (void *)PT_REGS_PARM6(ctx)
#define ___bpf_parm_list7 ___bpf_parm_list6, (void *)PT_REGS_PARM7(ctx)
#define ___bpf_parm_list8 ___bpf_parm_list7, (void *)PT_REGS_PARM8(ctx)

/* For kretprobes and uretprobes: at most one argument, the value that the function returned. */
#define BPF_KRETPROBE(name, ...) ___bpf_prog(name, struct pt_regs, ___bpf_ret_list, ##__VA_ARGS__)
#define BPF_URETPROBE(name, ...) BPF_KRETPROBE(name, ##__VA_ARGS__)

#define ___bpf_ret_list0 ctx
#define ___bpf_ret_list1 ___bpf_ret_list0, (void *)PT_REGS_RC(ctx)

#endif
