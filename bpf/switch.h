/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Indirect jumps as clang 22 makes them of switch statements, written out: older compilers have no word for them. A
 * symbol in .jumptables stands for a table of places in the section of the function that jumps, in bytes. */
#ifndef OXBPF_SWITCH_H
#define OXBPF_SWITCH_H

#define __naked __attribute__((naked))

/* Body of a function without arguments (clang leaves their names out, which kernels refuse) that returns 1 or 2, by
 * chance. `start` is the function that comes first in its section. */
#define SWITCH(table, start)								\
	asm volatile("call 7;" /* bpf_get_prandom_u32 */				\
		     "r0 &= 1;"								\
		     "r0 <<= 3;"							\
		     "r2 = " table " ll;"						\
		     "r2 += r0;"							\
		     "r2 = *(u64 *)(r2 + 0);"						\
		     ".byte 0x0d, 0x02, 0, 0, 0, 0, 0, 0;" /* gotox r2 */		\
		     ".L" table "_1: r0 = 1; exit;"					\
		     ".L" table "_2: r0 = 2; exit;"					\
		     ".pushsection .jumptables,\"\",@progbits;"				\
		     ".balign 8;"							\
		     ".globl " table ";"						\
		     ".type " table ",@object;"						\
		     table ":"								\
		     ".quad .L" table "_2 - " start ";"				\
		     ".quad .L" table "_1 - " start ";"				\
		     ".size " table ", 16;"						\
		     ".popsection")

#endif
