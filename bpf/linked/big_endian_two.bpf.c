// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -target bpfeb
// The object of two.bpf.c, in the other byte order: to be linked, not loaded, on little-endian machines.
#include "two.bpf.c"
