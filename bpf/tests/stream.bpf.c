// SPDX-License-Identifier: MIT OR Apache-2.0
// Writes to its standard output and error.
#include "../kernel.h"
#include <bpf/bpf_helpers.h>

#define STDOUT 1
#define STDERR 2

/* As Linux 6.18 calls it. */
extern int bpf_stream_vprintk_impl(int stream, const char *fmt__str, const void *args, __u32 len__sz,
				   void *aux__prog) __ksym;

SEC("syscall")
int speak(__u64 *number)
{
	static const char said[] = "number %d\n", complained[] = "oops\n";
	__u64 args[] = { *number };

	int bad = bpf_stream_vprintk_impl(STDOUT, said, args, sizeof(args), 0);

	return bad ? bad : bpf_stream_vprintk_impl(STDERR, complained, args, 0, 0);
}

char _license[] SEC("license") = "GPL";
