// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_riscv
// Probes on riscv: their registers have other places and names.
#include "../kernel.h"

struct user_regs_struct {
	unsigned long pc, ra, sp, gp, tp, t0, t1, t2, s0, s1;
	unsigned long a0, a1, a2, a3, a4, a5, a6, a7;
};

#include "probe.h"
