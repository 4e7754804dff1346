/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Byte order: of the network (big) and of the machine that the program is compiled for.
 * On constants these are constants.
 */
#ifndef OXBPF_BPF_ENDIAN_H
#define OXBPF_BPF_ENDIAN_H

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ___bpf_to_be(bits, x) ((__u##bits)__builtin_bswap##bits((__u##bits)(x)))
#define ___bpf_to_le(bits, x) ((__u##bits)(x))
#elif __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ___bpf_to_be(bits, x) ((__u##bits)(x))
#define ___bpf_to_le(bits, x) ((__u##bits)__builtin_bswap##bits((__u##bits)(x)))
#else
#error "a byte order that is neither little nor big"
#endif

#define bpf_htons(x) ___bpf_to_be(16, x)
#define bpf_ntohs(x) ___bpf_to_be(16, x)
#define bpf_htonl(x) ___bpf_to_be(32, x)
#define bpf_ntohl(x) ___bpf_to_be(32, x)
#define bpf_cpu_to_be64(x) ___bpf_to_be(64, x)
#define bpf_be64_to_cpu(x) ___bpf_to_be(64, x)

#endif
