// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_arm
// Probes on arm: their registers have other places and names.
#include "../kernel.h"

struct pt_regs {
	unsigned long uregs[18];
};

#include "probe.h"
