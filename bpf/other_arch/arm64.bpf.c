// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_arm64
// Probes on arm64: their registers have other places and names.
#include "../kernel.h"

struct user_pt_regs {
	__u64 regs[31], sp, pc, pstate;
};

#include "probe.h"
