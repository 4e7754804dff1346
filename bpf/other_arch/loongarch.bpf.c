// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_loongarch
// Probes on loongarch: their registers have other places and names.
#include "../kernel.h"

struct user_pt_regs {
	unsigned long regs[32], orig_a0, csr_era, csr_badv;
};

#include "probe.h"
