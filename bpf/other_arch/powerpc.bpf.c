// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_powerpc
// Probes on powerpc: their registers have other places and names.
#include "../kernel.h"

struct pt_regs {
	unsigned long gpr[32], nip, msr, orig_gpr3, ctr, link;
};

#include "probe.h"
