// SPDX-License-Identifier: MIT OR Apache-2.0
// Defines a variable of the name that an option of the kernel's configuration has in many_one.bpf.c.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

int CONFIG_HZ = 7;

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 7;
