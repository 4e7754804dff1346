/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A histogram by powers of two: an array per CPU, so that no counting waits for another CPU.
 * Slot 0 counts 0 and 1, slot n the values from 2^n to 2^(n+1) - 1, the last one all that is larger.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#define HISTOGRAM_SLOTS 32

/* Declares the map. A name that ends in _hist is shown as a chart by `oxbpf run`. */
#define HISTOGRAM(name)                                                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, HISTOGRAM_SLOTS);                                              \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

/* The logarithm of a value, rounded down, by halves: no loop, and no instruction that BPF lacks. */
static __always_inline __u32 histogram_slot(__u64 value)
{
	__u32 slot = 0;

	if (value >> HISTOGRAM_SLOTS)
		return HISTOGRAM_SLOTS - 1;
	if (value >> 16)
		slot += 16, value >>= 16;
	if (value >> 8)
		slot += 8, value >>= 8;
	if (value >> 4)
		slot += 4, value >>= 4;
	if (value >> 2)
		slot += 2, value >>= 2;
	if (value >> 1)
		slot += 1;
	return slot;
}

static __always_inline void histogram_add(void *map, __u64 value)
{
	__u32 slot = histogram_slot(value);
	__u64 *count = bpf_map_lookup_elem(map, &slot);

	if (count)
		*count += 1;
}

#endif
