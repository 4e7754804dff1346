// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_mips -target bpfeb
// Probes on mips: their registers have other places and names.
#include "../kernel.h"

struct pt_regs {
	unsigned long regs[32], cp0_status, hi, lo, cp0_badvaddr, cp0_cause, cp0_epc;
};

#include "probe.h"
