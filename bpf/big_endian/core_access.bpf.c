// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -target bpfeb
// The object of tests/core_access.bpf.c, in the other byte order: to be read, not loaded, on little-endian machines.
#include "../tests/core_access.bpf.c"
