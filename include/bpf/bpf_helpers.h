/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every BPF program includes: section and map declarations, the kernel's helper functions,
 * printing, loops.
 *
 * Before it, the program declares the types that it shares with the kernel (at least __u8 ... __u64,
 * __be16, __be32 and __wsum): by <linux/bpf.h>, by a vmlinux.h made from a kernel's BTF, or, as the
 * programs in bpf/ do, by declaring the few that it uses.
 */
#ifndef OXBPF_BPF_HELPERS_H
#define OXBPF_BPF_HELPERS_H

#include "bpf_variadic.h"
#include "bpf_helper_defs.h"

/* --- declarations ------------------------------------------------------------------------- */

/* Puts a program, a map or a variable into a section. Its name tells the loader what it is. */
#define SEC(name)                                                                                  \
	_Pragma("GCC diagnostic push")                                                             \
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"")                                 \
	__attribute__((section(name), used))                                                       \
	_Pragma("GCC diagnostic pop")

/*
 * The members of a map's declaration. The values are never stored anywhere: they are encoded in the
 * types of the members, which is where the loader reads them, from BTF.
 *
 *	struct {
 *		__uint(type, BPF_MAP_TYPE_HASH);
 *		__uint(max_entries, 1024);
 *		__type(key, __u32);
 *		__type(value, struct counts);
 *	} counts SEC(".maps");
 */
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
/* For values that need 64 bits, such as map_extra. */
#define __ulong(name, val) enum { ___bpf_apply(__unique_value, __COUNTER__) = val } name

/* The value of a map's `pinning` member. */
enum libbpf_pin_type {
	LIBBPF_PIN_NONE = 0,
	/* The loader pins the map under its name in bpffs, or takes the one that is pinned there. */
	LIBBPF_PIN_BY_NAME = 1,
};

/* The value of a `bool`-like kernel configuration option. */
enum libbpf_tristate {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MODULE = 2,
};

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
/* A global function that the verifier shall check with its callers, like a static one. */
#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif

/* Externs that the loader resolves: the kernel's configuration, and the kernel's symbols. */
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

/* Whether the kernel has a symbol that was declared `extern ... __ksym __weak`. */
#define bpf_ksym_exists(sym)                                                                       \
	({                                                                                         \
		_Static_assert(!__builtin_constant_p(!!(sym)), #sym " is not declared __weak");    \
		!!(sym);                                                                           \
	})

/* Pointers to kernel objects that a map's value keeps. */
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))

/* What the verifier may assume of, and must demand for, a parameter of a global function. */
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* --- the compiler ------------------------------------------------------------------------- */

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifndef container_of
#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		typeof(((type *)0)->member) *___member = (ptr);                                    \
		(type *)((char *)___member - offsetof(type, member));                              \
	})
#endif

/* Memory accesses are not moved across it. */
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
/* The compiler forgets what it knows of the variable, so that a check of it stays where it stands. */
#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

/* Compilation fails if this code is not proven dead. */
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/* The kernel's version, as the `version` section and LINUX_KERNEL_VERSION have it. */
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif

#if defined(__bpf__)
/*
 * A tail call to a slot known at compile time. Written in assembler, so that map and slot are set
 * right at the call, on one path: the kernel's JIT then makes it a direct jump.
 */
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const __u32 slot)
{
	if (!__builtin_constant_p(slot))
		__bpf_unreachable();
	asm volatile("r1 = %0; r2 = %1; r3 = %2; call 12"
		     :
		     : "r"(ctx), "r"(map), "i"(slot)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
}
#endif

/* --- printing ----------------------------------------------------------------------------- */

#ifdef BPF_NO_GLOBAL_DATA
#define ___bpf_fmt_storage
#else
#define ___bpf_fmt_storage static const
#endif

#define __bpf_printk(fmt, ...)                                                                     \
	({                                                                                         \
		___bpf_fmt_storage char ___fmt[] = fmt;                                            \
		bpf_trace_printk(___fmt, sizeof(___fmt), ##__VA_ARGS__);                           \
	})

#define __bpf_vprintk(fmt, ...)                                                                    \
	({                                                                                         \
		static const char ___fmt[] = fmt;                                                  \
		___bpf_words(___args, __VA_ARGS__);                                                \
		bpf_trace_vprintk(___fmt, sizeof(___fmt), ___args, sizeof(___args));               \
	})

/*
 * Prints a line to the kernel's trace buffer (trace_pipe). Up to three arguments go through
 * bpf_trace_printk, which every kernel has; more of them need bpf_trace_vprintk, of 5.16.
 */
#define bpf_printk(fmt, ...)                                                                       \
	___bpf_nth(0, ##__VA_ARGS__, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,   \
		   __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,      \
		   __bpf_printk, __bpf_printk, __bpf_printk, __bpf_printk)                         \
	(fmt, ##__VA_ARGS__)

/* Prints into the file that an iterator program fills. */
#define BPF_SEQ_PRINTF(seq, fmt, ...)                                                              \
	({                                                                                         \
		static const char ___fmt[] = fmt;                                                  \
		___bpf_words(___args, __VA_ARGS__);                                                \
		bpf_seq_printf(seq, ___fmt, sizeof(___fmt), ___args, sizeof(___args));             \
	})

/* Prints into a buffer; gives the length with its NUL. */
#define BPF_SNPRINTF(out, out_size, fmt, ...)                                                      \
	({                                                                                         \
		static const char ___fmt[] = fmt;                                                  \
		___bpf_words(___args, __VA_ARGS__);                                                \
		bpf_snprintf(out, out_size, ___fmt, ___args, sizeof(___args));                     \
	})

/* Prints to one of the program's own streams, standard output or standard error (6.17). */
#define bpf_stream_printk(stream, fmt, ...)                                                        \
	({                                                                                         \
		static const char ___fmt[] = fmt;                                                  \
		___bpf_words(___args, __VA_ARGS__);                                                \
		bpf_stream_vprintk(stream, ___fmt, ___args, sizeof(___args));                      \
	})

/* --- loops over the kernel's iterators (6.4) ------------------------------------------------ */

struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;

/*
 * Declares the iterator of a for loop: made once, before the first step, and destroyed on every
 * way out of the loop. The destructor is named in an expression as well, since clang leaves out of
 * BTF a function that only the cleanup attribute names.
 */
#define ___bpf_iter(kind, ...)                                                                     \
	struct bpf_iter_##kind ___it                                                               \
		__attribute__((aligned(8), cleanup(bpf_iter_##kind##_destroy))),                   \
		*___made __attribute__((unused)) =                                                 \
			(bpf_iter_##kind##_new(&___it, ##__VA_ARGS__),                             \
			 (void)bpf_iter_##kind##_destroy, NULL)

/* for each element `cur` of the kernel's iterator bpf_iter_<kind>. */
#ifndef bpf_for_each
#define bpf_for_each(kind, cur, ...)                                                               \
	for (___bpf_iter(kind, ##__VA_ARGS__); ((cur) = bpf_iter_##kind##_next(&___it));)
#endif

/* for i from `start` to `end` - 1, and the verifier knows that i is within these bounds. */
#ifndef bpf_for
#define bpf_for(i, start, end)                                                                     \
	for (___bpf_iter(num, (start), (end)); ({                                                  \
		     int *___cur = bpf_iter_num_next(&___it);                                      \
		     ___cur && ((i) = *___cur, (i) >= (start) && (i) < (end));                     \
	     });)
#endif

/* So many times. */
#ifndef bpf_repeat
#define bpf_repeat(times) for (___bpf_iter(num, 0, (times)); bpf_iter_num_next(&___it);)
#endif

#endif
