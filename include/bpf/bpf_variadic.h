/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the other headers need to treat each of a macro's arguments: counting them, and picking
 * the macro that is meant for so many. An inner part: programs include the other headers.
 */
#ifndef OXBPF_BPF_VARIADIC_H
#define OXBPF_BPF_VARIADIC_H

#ifndef ___bpf_concat
#define ___bpf_concat(a, b) a##b
#endif

/* ___bpf_apply(name, n): name##n, after n was expanded. */
#ifndef ___bpf_apply
#define ___bpf_apply(name, n) ___bpf_concat(name, n)
#endif

/* The thirteenth of what follows the first argument. */
#ifndef ___bpf_nth
#define ___bpf_nth(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, nth, ...) nth
#endif

/* How many arguments: 0 to 12. */
#ifndef ___bpf_narg
#define ___bpf_narg(...) ___bpf_nth(0, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#endif

/*
 * Declares `name` as an array of unsigned long long that holds the arguments: the form in which
 * bpf_trace_vprintk, bpf_seq_printf and bpf_snprintf take them. Pointers are welcome too.
 */
#define ___bpf_words(name, ...)                                                                    \
	_Pragma("clang diagnostic push")                                                           \
	_Pragma("clang diagnostic ignored \"-Wint-conversion\"")                                   \
	unsigned long long name[] = { __VA_ARGS__ };                                               \
	_Pragma("clang diagnostic pop")

#endif
