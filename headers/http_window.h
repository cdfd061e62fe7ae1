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

/* Marks, in their highest bit, the bytes of the word that equal `byte`; right up to the first. */
static __always_inline __u64 http_marks(__u64 word, __u8 byte)
{
    __u64 zeroed = word ^ HTTP_EACH(byte);

    return (zeroed - HTTP_EACH(1)) & ~zeroed & HTTP_EACH(0x80);
}

#endif
