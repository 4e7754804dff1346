// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -D__TARGET_ARCH_s390 -target bpfeb
// Probes on s390: their registers have other places and names.
#include "../kernel.h"

typedef struct {
	unsigned long args[1];
	struct {
		unsigned long mask, addr;
	} psw;
	unsigned long gprs[16];
} user_pt_regs;

#include "probe.h"
