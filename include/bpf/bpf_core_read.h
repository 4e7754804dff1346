/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * CO-RE: reading the kernel's structures by the names of their fields. The compiler records which
 * field of which structure each access means; the loader puts in the offsets of the running kernel.
 *
 * A type takes part if it carries __attribute__((preserve_access_index)), or if it is read by the
 * macros below.
 */
#ifndef OXBPF_BPF_CORE_READ_H
#define OXBPF_BPF_CORE_READ_H

#include "bpf_variadic.h"

/* --- what the loader can be asked ----------------------------------------------------------- */

/* The second argument of the compiler's builtins: what is to be known. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0,
	BPF_FIELD_BYTE_SIZE = 1,
	BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3,
	BPF_FIELD_LSHIFT_U64 = 4,
	BPF_FIELD_RSHIFT_U64 = 5,
};

enum bpf_type_id_kind {
	BPF_TYPE_ID_LOCAL = 0,
	BPF_TYPE_ID_TARGET = 1,
};

enum bpf_type_info_kind {
	BPF_TYPE_EXISTS = 0,
	BPF_TYPE_SIZE = 1,
	BPF_TYPE_MATCHES = 2,
};

enum bpf_enum_value_kind {
	BPF_ENUMVAL_EXISTS = 0,
	BPF_ENUMVAL_VALUE = 1,
};

/* A field is named by an expression, p->field, or by its type and name: struct t, field. */
#define ___bpf_field1(expr) expr
#define ___bpf_field2(type, field) ((typeof(type) *)0)->field
#define ___bpf_field(...) ___bpf_apply(___bpf_field, ___bpf_narg(__VA_ARGS__))(__VA_ARGS__)

/* Whether the kernel's structure has the field. */
#define bpf_core_field_exists(...)                                                                 \
	__builtin_preserve_field_info(___bpf_field(__VA_ARGS__), BPF_FIELD_EXISTS)
/* Its size there, in bytes. */
#define bpf_core_field_size(...)                                                                   \
	__builtin_preserve_field_info(___bpf_field(__VA_ARGS__), BPF_FIELD_BYTE_SIZE)
/* Its offset there, in bytes. */
#define bpf_core_field_offset(...)                                                                 \
	__builtin_preserve_field_info(___bpf_field(__VA_ARGS__), BPF_FIELD_BYTE_OFFSET)

/* The type's id in the object's BTF. */
#define bpf_core_type_id_local(type)                                                               \
	__builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_LOCAL)
/* The type's id in the kernel's BTF. */
#define bpf_core_type_id_kernel(type)                                                              \
	__builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_TARGET)
/* Whether the kernel has a type of this name and kind. */
#define bpf_core_type_exists(type)                                                                 \
	__builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_EXISTS)
/* Whether the kernel has a type with all that this one declares. */
#define bpf_core_type_matches(type)                                                                \
	__builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_MATCHES)
/* Its size there, in bytes; 0 if there is none. */
#define bpf_core_type_size(type)                                                                   \
	__builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_SIZE)

/* Whether the kernel's enum has the enumerator, and its value there. */
#define bpf_core_enum_value_exists(enum_type, enumerator)                                          \
	__builtin_preserve_enum_value(*(typeof(enum_type) *)enumerator, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(enum_type, enumerator)                                                 \
	__builtin_preserve_enum_value(*(typeof(enum_type) *)enumerator, BPF_ENUMVAL_VALUE)

/* The pointer as a pointer to the kernel's type, which can be read without a helper (6.2). */
#define bpf_core_cast(ptr, type)                                                                   \
	((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/* --- one read ------------------------------------------------------------------------------- */

#define ___bpf_core_addr(src) (const void *)__builtin_preserve_access_index(src)

/* bpf_core_read(dst, size, &p->field): the kernel's memory; the others: strings, user memory. */
#define bpf_core_read(dst, sz, src) bpf_probe_read_kernel(dst, sz, ___bpf_core_addr(src))
#define bpf_core_read_str(dst, sz, src) bpf_probe_read_kernel_str(dst, sz, ___bpf_core_addr(src))
#define bpf_core_read_user(dst, sz, src) bpf_probe_read_user(dst, sz, ___bpf_core_addr(src))
#define bpf_core_read_user_str(dst, sz, src) bpf_probe_read_user_str(dst, sz, ___bpf_core_addr(src))

/* --- a walk through pointers ----------------------------------------------------------------- */

#if defined(__clang__) && __clang_major__ >= 19
#define ___bpf_typeof(...) __typeof_unqual__(__VA_ARGS__)
#else
#define ___bpf_typeof(...) typeof(__VA_ARGS__)
#endif

/* ___bpf_path(p, a, b, c): p->a->b->c */
#define ___bpf_path1(p, f) (p)->f
#define ___bpf_path2(p, f, ...) ___bpf_path1((p)->f, __VA_ARGS__)
#define ___bpf_path3(p, f, ...) ___bpf_path2((p)->f, __VA_ARGS__)
#define ___bpf_path4(p, f, ...) ___bpf_path3((p)->f, __VA_ARGS__)
#define ___bpf_path5(p, f, ...) ___bpf_path4((p)->f, __VA_ARGS__)
#define ___bpf_path6(p, f, ...) ___bpf_path5((p)->f, __VA_ARGS__)
#define ___bpf_path7(p, f, ...) ___bpf_path6((p)->f, __VA_ARGS__)
#define ___bpf_path8(p, f, ...) ___bpf_path7((p)->f, __VA_ARGS__)
#define ___bpf_path9(p, f, ...) ___bpf_path8((p)->f, __VA_ARGS__)
#define ___bpf_path10(p, f, ...) ___bpf_path9((p)->f, __VA_ARGS__)
#define ___bpf_path(p, ...) ___bpf_apply(___bpf_path, ___bpf_narg(__VA_ARGS__))(p, __VA_ARGS__)

/*
 * ___bpf_walk(hop, last, dst, p, a, b, c): reads p->a, then ->b of what that points to, with `hop`;
 * then ->c, with `last`, into *dst. Each level's pointer has a name of its own, as its declaration
 * is written in terms of the one before.
 */
#define ___bpf_hop(n, hop, p, f)                                                                   \
	const void *___addr##n = NULL;                                                             \
	hop(&___addr##n, sizeof(___addr##n), &(p)->f);                                             \
	___bpf_typeof((p)->f) ___p##n = (void *)___addr##n;

#define ___bpf_walk1(hop, last, dst, p, f) last((void *)(dst), sizeof(*(dst)), &(p)->f)
#define ___bpf_walk2(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(2, hop, p, f) ___bpf_walk1(hop, last, dst, ___p2, __VA_ARGS__); })
#define ___bpf_walk3(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(3, hop, p, f) ___bpf_walk2(hop, last, dst, ___p3, __VA_ARGS__); })
#define ___bpf_walk4(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(4, hop, p, f) ___bpf_walk3(hop, last, dst, ___p4, __VA_ARGS__); })
#define ___bpf_walk5(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(5, hop, p, f) ___bpf_walk4(hop, last, dst, ___p5, __VA_ARGS__); })
#define ___bpf_walk6(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(6, hop, p, f) ___bpf_walk5(hop, last, dst, ___p6, __VA_ARGS__); })
#define ___bpf_walk7(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(7, hop, p, f) ___bpf_walk6(hop, last, dst, ___p7, __VA_ARGS__); })
#define ___bpf_walk8(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(8, hop, p, f) ___bpf_walk7(hop, last, dst, ___p8, __VA_ARGS__); })
#define ___bpf_walk9(hop, last, dst, p, f, ...)                                                    \
	({ ___bpf_hop(9, hop, p, f) ___bpf_walk8(hop, last, dst, ___p9, __VA_ARGS__); })
#define ___bpf_walk10(hop, last, dst, p, f, ...)                                                   \
	({ ___bpf_hop(10, hop, p, f) ___bpf_walk9(hop, last, dst, ___p10, __VA_ARGS__); })
#define ___bpf_walk(hop, last, dst, p, ...)                                                        \
	___bpf_apply(___bpf_walk, ___bpf_narg(__VA_ARGS__))(hop, last, dst, p, __VA_ARGS__)

#define ___bpf_walk_value(read, p, ...)                                                            \
	({                                                                                         \
		___bpf_typeof(___bpf_path(p, __VA_ARGS__)) ___value;                               \
		___bpf_walk(read, read, &___value, p, __VA_ARGS__);                                \
		___value;                                                                          \
	})

/*
 * BPF_CORE_READ(task, real_parent, tgid) is task->real_parent->tgid, as a value; each hop is a
 * bpf_core_read, so that a bad pointer gives zeroes, not a fault. Up to ten fields.
 */
#define BPF_CORE_READ(src, ...) ___bpf_walk_value(bpf_core_read, src, __VA_ARGS__)
/* The same, but the memory is the user's. (Not for walks that begin in the kernel's.) */
#define BPF_CORE_READ_USER(src, ...) ___bpf_walk_value(bpf_core_read_user, src, __VA_ARGS__)

/*
 * The same into *dst, giving the last read's result: 0, a string's length with its NUL, or -EFAULT.
 * The string is the last field itself, an array of char, not what a pointer there points to.
 */
#define BPF_CORE_READ_INTO(dst, src, ...)                                                          \
	___bpf_walk(bpf_core_read, bpf_core_read, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_USER_INTO(dst, src, ...)                                                     \
	___bpf_walk(bpf_core_read_user, bpf_core_read_user, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(dst, src, ...)                                                      \
	___bpf_walk(bpf_core_read, bpf_core_read_str, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_USER_STR_INTO(dst, src, ...)                                                 \
	___bpf_walk(bpf_core_read_user, bpf_core_read_user_str, dst, src, __VA_ARGS__)

/* The same walks with the offsets of the declarations at hand, not relocated. */
#define BPF_PROBE_READ(src, ...) ___bpf_walk_value(bpf_probe_read_kernel, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER(src, ...) ___bpf_walk_value(bpf_probe_read_user, src, __VA_ARGS__)
#define BPF_PROBE_READ_INTO(dst, src, ...)                                                         \
	___bpf_walk(bpf_probe_read_kernel, bpf_probe_read_kernel, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(dst, src, ...)                                                    \
	___bpf_walk(bpf_probe_read_user, bpf_probe_read_user, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_STR_INTO(dst, src, ...)                                                     \
	___bpf_walk(bpf_probe_read_kernel, bpf_probe_read_kernel_str, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER_STR_INTO(dst, src, ...)                                                \
	___bpf_walk(bpf_probe_read_user, bpf_probe_read_user_str, dst, src, __VA_ARGS__)

/* --- bit fields ------------------------------------------------------------------------------ */

#define ___bpf_bits(p, field, what) __builtin_preserve_field_info((p)->field, BPF_FIELD_##what)

/* A word that holds the field is in ___word: shifts what surrounds the field out of it. */
#define ___bpf_bits_extract(p, field, ___word)                                                     \
	({                                                                                         \
		(___word) <<= ___bpf_bits(p, field, LSHIFT_U64);                                   \
		if (___bpf_bits(p, field, SIGNED))                                                 \
			(___word) = (long long)(___word) >> ___bpf_bits(p, field, RSHIFT_U64);     \
		else                                                                               \
			(___word) >>= ___bpf_bits(p, field, RSHIFT_U64);                           \
		(___word);                                                                         \
	})

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ___bpf_bits_dst(word, size) ((void *)&(word))
#else
#define ___bpf_bits_dst(word, size) ((void *)&(word) + (8 - (size)))
#endif

/* A bit field of any memory of the kernel, as an unsigned long long. */
#define BPF_CORE_READ_BITFIELD_PROBED(p, field)                                                    \
	({                                                                                         \
		unsigned long long ___bits = 0;                                                    \
		const unsigned int ___size = ___bpf_bits(p, field, BYTE_SIZE);                     \
		bpf_probe_read_kernel(___bpf_bits_dst(___bits, ___size), ___size,                  \
				      (const void *)(p) + ___bpf_bits(p, field, BYTE_OFFSET));     \
		___bpf_bits_extract(p, field, ___bits);                                            \
	})

/* The same of memory that the program may read directly (tp_btf, fentry and their like). */
#define BPF_CORE_READ_BITFIELD(p, field)                                                           \
	({                                                                                         \
		const void *___at = (const void *)(p) + ___bpf_bits(p, field, BYTE_OFFSET);        \
		unsigned long long ___bits = 0;                                                    \
		/* Without it the compiler would fold the offset into loads of a fixed size. */    \
		barrier_var(___at);                                                                \
		switch (___bpf_bits(p, field, BYTE_SIZE)) {                                        \
		case 1:                                                                            \
			___bits = *(const unsigned char *)___at;                                   \
			break;                                                                     \
		case 2:                                                                            \
			___bits = *(const unsigned short *)___at;                                  \
			break;                                                                     \
		case 4:                                                                            \
			___bits = *(const unsigned int *)___at;                                    \
			break;                                                                     \
		case 8:                                                                            \
			___bits = *(const unsigned long long *)___at;                              \
			break;                                                                     \
		}                                                                                  \
		___bpf_bits_extract(p, field, ___bits);                                            \
	})

/* Sets a bit field, where the program may write; its neighbours in the word stay as they are. */
#define BPF_CORE_WRITE_BITFIELD(p, field, new_value)                                               \
	({                                                                                         \
		void *___at = (void *)(p) + ___bpf_bits(p, field, BYTE_OFFSET);                    \
		const unsigned int ___up = ___bpf_bits(p, field, RSHIFT_U64);                      \
		const unsigned int ___down = ___bpf_bits(p, field, LSHIFT_U64);                    \
		const unsigned long long ___mask = ~0ULL << ___up >> ___down;                      \
		const unsigned long long ___new =                                                  \
			(unsigned long long)(new_value) << ___up >> ___down;                       \
		barrier_var(___at);                                                                \
		switch (___bpf_bits(p, field, BYTE_SIZE)) {                                        \
		case 1:                                                                            \
			*(unsigned char *)___at = (*(unsigned char *)___at & ~___mask) | ___new;   \
			break;                                                                     \
		case 2:                                                                            \
			*(unsigned short *)___at = (*(unsigned short *)___at & ~___mask) | ___new; \
			break;                                                                     \
		case 4:                                                                            \
			*(unsigned int *)___at = (*(unsigned int *)___at & ~___mask) | ___new;     \
			break;                                                                     \
		case 8:                                                                            \
			*(unsigned long long *)___at =                                             \
				(*(unsigned long long *)___at & ~___mask) | ___new;                \
			break;                                                                     \
		}                                                                                  \
	})

#ifdef OXBPF_BPF_HELPERS_H
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#endif

#endif
