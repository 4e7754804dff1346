// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs that throw: with a callback of their own, which no instruction refers to, and without. All off, as exceptions
// need Linux 6.7.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

void bpf_throw(__u64 cookie) __ksym;

static __noinline int seven_more(int x)
{
	barrier_var(x);
	return x + 7;
}

__noinline int caught(__u64 cookie)
{
	return seven_more(cookie);
}

SEC("?tc")
__exception_cb(caught)
int throws(struct __sk_buff *skb)
{
	bpf_throw(100);
	return 1;
}

SEC("?tc")
int throws_uncaught(struct __sk_buff *skb)
{
	bpf_throw(5);
	return 1;
}

SEC("?tc")
__exception_cb(nowhere)
int nothing_catches(struct __sk_buff *skb)
{
	return 0;
}

static __noinline int is_static(__u64 cookie)
{
	barrier_var(cookie);
	return cookie;
}

SEC("?tc")
__exception_cb(is_static)
int static_catches(struct __sk_buff *skb)
{
	return is_static(skb->len);
}

SEC("?tc")
__exception_cb(caught)
__exception_cb(caught_too)
int two_catch(struct __sk_buff *skb)
{
	return 0;
}

__noinline int caught_too(__u64 cookie)
{
	barrier_var(cookie);
	return cookie;
}

char _license[] SEC("license") = "GPL";
