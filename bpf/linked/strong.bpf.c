// SPDX-License-Identifier: MIT OR Apache-2.0
// The definition that counts.
#include "shared.h"

int before = 7;
int value = 2;

char _license[] SEC("license") = "Dual MIT/GPL";
