// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -target bpfeb
// The object of one.bpf.c, in the other byte order: to be linked, not loaded, on little-endian machines.
#include "one.bpf.c"
