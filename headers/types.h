/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the shared headers need of the side that includes them: fixed-width types, and the two
 * things that BPF and userspace C spell differently. */
#ifndef EDGEMETER_TYPES_H
#define EDGEMETER_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Keeps the compiler from reusing what it knows of memory across a loop's turns: the verifier then
 * sees each turn start from the same unknown state, and prunes. */
#define compiler_barrier() __asm__ volatile("" ::: "memory")
/* Makes a bounds check stay beside the access that it is for. */
#define compiler_forget(variable) __asm__ volatile("" : "+r"(variable))

/* A zero, by way of memory: the verifier takes it for any number, and what it is added to for unknown. A
 * loop's turns then look alike, and are pruned, though no variable of theirs goes through memory. */
static __always_inline __u64 verifier_forget(__u64 *memory)
{
    *(volatile __u64 *)memory = 0;
    return *(volatile __u64 *)memory;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "words are compared as little-endian text");

/* Eight bytes at any alignment. BPF's backend would split a packed load into single bytes; every
 * architecture that the kernel JITs for takes the wide one. */
static __always_inline __u64 load_word(const __u8 *bytes)
{
#ifdef __bpf__
    return *(const __u64 *)bytes;
#else
    __u64 word;
    __builtin_memcpy(&word, bytes, sizeof(word));
    return word;
#endif
}

static __always_inline void store_word(__u8 *bytes, __u64 word)
{
#ifdef __bpf__
    *(__u64 *)bytes = word;
#else
    __builtin_memcpy(bytes, &word, sizeof(word));
#endif
}

#endif
