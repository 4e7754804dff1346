// SPDX-License-Identifier: MIT OR Apache-2.0
// clang: -target bpfeb
// The object of tests/inner_maps.bpf.c, in the other byte order: to be read, not loaded, on little-endian machines.
#include "../tests/inner_maps.bpf.c"
