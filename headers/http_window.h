/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Reading the bytes of a window, each access checked beside itself, and words of eight bytes as text. */
#ifndef EDGEMETER_HTTP_WINDOW_H
#define EDGEMETER_HTTP_WINDOW_H

#include "http_connection_state.h"

#define HTTP_TEXT8(a, b, c, d, e, f, g, h)                                                         \
    ((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |       \
     (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
#define HTTP_BYTES(count) (~0ULL >> (64 - 8 * (count)))
#define HTTP_EACH(byte) (0x0101010101010101ULL * (byte))
#define HTTP_LOWER HTTP_EACH(0x20)

static __always_inline __u64 http_word(const struct http_window *window, __u64 at)
{
    compiler_forget(at);
    if (at > HTTP_WINDOW_BYTES)
        return 0;
    return load_word(window->bytes + at);
}

static __always_inline __u8 http_byte(const struct http_window *window, __u64 at)
{
    compiler_forget(at);
    if (at > HTTP_WINDOW_BYTES)
        return 0;
    return window->bytes[at];
}

/* Marks, in their highest bit, the bytes of the word that equal `byte`. */
static __always_inline __u64 http_marks(__u64 word, __u8 byte)
{
    __u64 zeroed = word ^ HTTP_EACH(byte);
    __u64 others = ((zeroed & HTTP_EACH(0x7f)) + HTTP_EACH(0x7f)) | zeroed; /* highest bits */

    return ~others & HTTP_EACH(0x80);
}

/* Bit i: byte i is marked. */
static __always_inline __u64 http_mark_bits(__u64 marks)
{
    return (marks >> 7) * 0x0102040810204080ULL >> 56;
}

/* The number of the lowest bit that is set. */
static __always_inline __u32 http_first_bit(__u64 bits)
{
    static const __u8 numbers[64] = {
        0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
        22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
        23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
    };

    return numbers[(bits & -bits) * 0x022fdd63cc95386dULL >> 58];
}

#endif
