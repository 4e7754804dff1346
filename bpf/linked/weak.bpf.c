// SPDX-License-Identifier: MIT OR Apache-2.0
// A definition that another may override.
#include "shared.h"

__weak int value = 1;

char _license[] SEC("license") = "Dual MIT/GPL";
