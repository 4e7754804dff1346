// SPDX-License-Identifier: MIT OR Apache-2.0
// Two ring buffers with records of different types and sizes, filled by test runs of the programs.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

struct small {
	__u64 seq;
};

struct large {
	__u64 seq;
	__u32 cpu;
	char text[100];
};
const struct small *unused_small __attribute__((unused));
const struct large *unused_large __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} large SEC(".maps");

__u64 seq_small;
__u64 seq_large;
__u64 lost;

SEC("raw_tp/sys_enter")
int emit_small(void *ctx)
{
	struct small record = { .seq = seq_small };

	if (bpf_ringbuf_output(&small, &record, sizeof(record), 0))
		lost++;
	else
		seq_small++;
	return 0;
}

/* Every other record is discarded: readers never see it. */
SEC("raw_tp/sys_enter")
int emit_large(void *ctx)
{
	struct large *record = bpf_ringbuf_reserve(&large, sizeof(*record), 0);

	if (!record) {
		lost++;
		return 0;
	}
	record->seq = seq_large++;
	record->cpu = bpf_get_smp_processor_id();
	__builtin_memset(record->text, 'x', sizeof(record->text));
	if (record->seq % 2)
		bpf_ringbuf_discard(record, 0);
	else
		bpf_ringbuf_submit(record, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
