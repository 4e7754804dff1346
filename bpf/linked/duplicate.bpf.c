// SPDX-License-Identifier: MIT OR Apache-2.0
// Defines what two.bpf.c does.
#include "shared.h"

struct totals totals;

char _license[] SEC("license") = "Dual MIT/GPL";
