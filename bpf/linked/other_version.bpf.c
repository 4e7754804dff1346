// SPDX-License-Identifier: MIT OR Apache-2.0
// Of another version than many_one.bpf.c.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 8;
