// SPDX-License-Identifier: MIT OR Apache-2.0
// Every form in which clang accesses what CO-RE relocates: loads and stores of each size, immediates, bit
// fields read whole and by shifts, elements, nested and anonymous members. No kernel has these types, so
// there all of it is guarded by one question whose answer is no; tests relocate it against types of their own.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct core_inner {
	int first;
	__u16 second;
};

enum core_choice {
	CORE_ONE = 1,
	CORE_TWO = 2,
};

enum core_wide {
	CORE_WIDE = 0x123456789a,
};

struct core_sample {
	__u8 byte;
	__u16 half;
	__u32 word;
	__u64 wide;
	int number;
	void *pointer;
	__u32 low : 3, high : 9;
	__s64 signed_bits : 40;
	struct core_inner inner;
	struct core_inner inners[3];
	union {
		__u32 either;
		struct {
			char pad;
			__u32 deep;
		};
	};
	__u32 grid[2][3];
	__u32 tail[];
};

typedef struct core_inner core_inner_t;

#pragma clang attribute pop

__u64 out;

static __always_inline struct core_sample *sample(void *ctx)
{
	return bpf_core_type_exists(struct core_sample) ? ctx : 0;
}

SEC("raw_tp/sys_enter")
int loads(void *ctx)
{
	struct core_sample *s = sample(ctx);

	if (s)
		out = s->byte + s->half + s->word + s->wide + s->number + (__u64)s->pointer;
	return 0;
}

SEC("raw_tp/sys_enter")
int stores(void *ctx)
{
	struct core_sample *s = sample(ctx);

	if (s) {
		s->byte = out;
		s->half = out;
		s->word = out;
		s->wide = out;
		s->number = out;
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int places(void *ctx)
{
	struct core_sample *s = sample(ctx);

	if (s)
		out = (__u64)&s->inner.second + (__u64)&s->inners[2].second + (__u64)&s->deep +
		      (__u64)&s->grid[1][2] + (__u64)&s->tail[5] + (__u64)&s[2].word;
	return 0;
}

SEC("raw_tp/sys_enter")
int bits(void *ctx)
{
	struct core_sample *s = sample(ctx);

	if (s)
		out = BPF_CORE_READ_BITFIELD(s, low) + BPF_CORE_READ_BITFIELD(s, high) +
		      BPF_CORE_READ_BITFIELD(s, signed_bits) + BPF_CORE_READ_BITFIELD(s, word);
	return 0;
}

SEC("raw_tp/sys_enter")
int questions(void *ctx)
{
	struct core_sample *s = sample(ctx);

	if (s) {
		out = bpf_core_field_exists(s->half);
		out += bpf_core_field_size(s->inners);
		out += bpf_core_type_size(core_inner_t);
		out += bpf_core_type_exists(enum core_choice);
		out += bpf_core_enum_value(enum core_choice, CORE_TWO);
		out += bpf_core_enum_value(enum core_wide, CORE_WIDE);
		out += bpf_core_enum_value_exists(enum core_choice, CORE_ONE);
		out += bpf_core_type_matches(struct core_inner);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
