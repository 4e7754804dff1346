// SPDX-License-Identifier: MIT OR Apache-2.0
// The verifier rejects every program here, each for another reason. Their logs, from several kernels, are
// what the reader of such logs is tested with.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define __naked __attribute__((naked))

struct event {
	__u32 pid;
	char comm[TASK_COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

volatile const __u32 limit = 1;
__u64 table[8];
__u64 out;

SEC("raw_tp/sys_enter")
int no_null_check(void *ctx)
{
	__u32 key = 1;
	struct event *event = bpf_map_lookup_elem(&events, &key);

	event->pid = 7;
	return 0;
}

SEC("raw_tp/sys_enter")
int not_a_pointer(void *ctx)
{
	__u64 *pointer = (void *)bpf_get_current_task();

	out = *pointer;
	return 0;
}

SEC("raw_tp/sys_enter")
int index_not_checked(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid();

	out = table[pid];
	return 0;
}

SEC("raw_tp/sys_enter")
int index_too_large(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() & 15;

	out = table[pid];
	return 0;
}

SEC("raw_tp/sys_enter")
int index_negative(void *ctx)
{
	int pid = bpf_get_current_pid_tgid();

	if (pid < 8)
		out = table[pid];
	return 0;
}

SEC("raw_tp/sys_enter")
int value_too_small(void *ctx)
{
	__u32 key = 1;
	struct event *event = bpf_map_lookup_elem(&events, &key);

	if (event)
		out = *(volatile __u64 *)(event + 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int constant_written(void *ctx)
{
	*(volatile __u32 *)&limit = 2;
	return 0;
}

SEC("raw_tp/sys_enter")
int size_unbounded(void *ctx)
{
	char buffer[32];
	__u64 length = bpf_get_current_pid_tgid();

	bpf_probe_read_kernel(buffer, length, ctx);
	out = buffer[0];
	return 0;
}

SEC("raw_tp/sys_enter")
int wrong_argument(void *ctx)
{
	__u32 key = 1;

	out = (__u64)bpf_map_lookup_elem((void *)&key, &key);
	return 0;
}

SEC("raw_tp/sys_enter")
int no_such_field(void *ctx)
{
	struct task_struct___no {
		struct {
			int no_such_field;
		} in;
	} __attribute__((preserve_access_index)) *task = (void *)bpf_get_current_task();

	out = BPF_CORE_READ(task, in.no_such_field);
	return 0;
}

SEC("raw_tp/sys_enter")
int reference_lost(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	if (event)
		event->pid = 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int released_twice(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	if (event) {
		bpf_ringbuf_submit(event, 0);
		bpf_ringbuf_submit(event, 0);
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int loop_without_end(void *ctx)
{
	for (volatile int i = 0; i < 1; )
		out++;
	return 0;
}

SEC("raw_tp/sys_enter")
int too_much_work(void *ctx)
{
	for (int i = 0; i < 10000000; i++)
		out += bpf_ktime_get_ns() & 3;
	return 0;
}

SEC("raw_tp/sys_enter")
__naked int too_many_paths(void)
{
	asm volatile("r6 = 0; 1: call 5; if r0 == 7 goto 2f; r6 += 1; if r6 < 20000 goto 1b; 2: r0 = 0; exit");
}

static __noinline int deeper(char *bytes)
{
	volatile char more[300];

	more[bytes[0] & 7] = 1;
	return more[0];
}

SEC("raw_tp/sys_enter")
int stack_too_large(void *ctx)
{
	char bytes[300];

	bpf_get_current_comm(bytes, sizeof(bytes));
	return deeper(bytes);
}

__weak __noinline int first_byte(char *bytes)
{
	return bytes[0];
}

SEC("raw_tp/sys_enter")
int in_global_function(void *ctx)
{
	char byte = 1;

	return first_byte(&byte);
}

static __noinline __u64 read_from(struct event *event, int which)
{
	if (which > 3)
		return event->comm[which & 3];
	return event->comm[16 + which];
}

SEC("raw_tp/sys_enter")
int in_static_function(void *ctx)
{
	__u32 key = 1;
	struct event *event = bpf_map_lookup_elem(&events, &key);

	if (event)
		out = read_from(event, bpf_get_smp_processor_id());
	return 0;
}

static long in_callback(__u32 index, void *data)
{
	*(volatile __u64 *)(data + index * 8) = index;
	return 0;
}

SEC("?raw_tp/sys_enter")
int callback(void *ctx)
{
	__u64 sums[2] = {};

	bpf_loop(4, in_callback, sums, 0);
	out = sums[0];
	return 0;
}

SEC("xdp")
int packet_not_checked(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	return eth->h_proto ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int packet_checked_for_less(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (data + 6 > end)
		return XDP_DROP;
	return eth->h_proto ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int context_beyond(struct xdp_md *ctx)
{
	return *(volatile __u32 *)((void *)ctx + 200);
}

SEC("xdp")
int helper_not_for_this(struct xdp_md *ctx)
{
	char byte;

	bpf_skb_load_bytes(ctx, 0, &byte, 1);
	return XDP_PASS;
}

SEC("cgroup_skb/egress")
int verdict_out_of_range(struct __sk_buff *skb)
{
	return skb->len > 100 ? 9 : 1;
}

SEC("raw_tp/sys_enter")
__naked int register_not_set(void)
{
	asm volatile("r0 = r7; exit");
}

SEC("raw_tp/sys_enter")
__naked int nothing_returned(void)
{
	asm volatile("exit");
}

SEC("raw_tp/sys_enter")
__naked int never_reached(void)
{
	asm volatile("r0 = 0; exit; r0 = 1; exit");
}

SEC("raw_tp/sys_enter")
__naked int no_exit(void)
{
	asm volatile("r0 = 0; r1 = 1");
}

SEC("raw_tp/sys_enter")
__naked int loop_in_place(void)
{
	asm volatile("r0 = 0; 1: if r0 == 0 goto 1b; exit");
}

SEC("raw_tp/sys_enter")
__naked int no_such_helper(void)
{
	asm volatile("r1 = 0; call 12345; exit");
}

SEC("raw_tp/sys_enter")
__naked int stack_beyond(void)
{
	asm volatile("r1 = 0; *(u64 *)(r10 - 520) = r1; r0 = 0; exit");
}

SEC("raw_tp/sys_enter")
__naked int stack_not_written(void)
{
	asm volatile("r0 = *(u64 *)(r10 - 16); exit");
}

SEC("raw_tp/sys_enter")
__naked int stack_misaligned(void)
{
	asm volatile("r1 = 0; *(u64 *)(r10 - 12) = r1; r0 = 0; exit");
}

SEC("raw_tp/sys_enter")
__naked int frame_pointer_written(void)
{
	asm volatile("r10 = 0; r0 = 0; exit");
}

SEC("raw_tp/sys_enter")
__naked int pointer_arithmetic(void)
{
	asm volatile("r1 *= 8; r0 = *(u64 *)(r1 + 0); exit");
}

SEC("raw_tp/sys_enter")
__naked int context_moved(void)
{
	asm volatile("r0 = r1; r0 += 8; r0 = *(u32 *)(r0 - 4); r0 = *(u8 *)(r1 - 8); exit");
}

char _license[] SEC("license") = "GPL";
