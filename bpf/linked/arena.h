/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The arena that objects which are linked share. */
#include "shared.h"

#define BPF_MAP_TYPE_ARENA 33
#define __arena __attribute__((address_space(1)))

struct pages {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
};
