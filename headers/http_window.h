/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Reading the bytes of a window: each access checked beside itself. */
#ifndef EDGEMETER_HTTP_WINDOW_H
#define EDGEMETER_HTTP_WINDOW_H

#include "http_connection_state.h"

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

#endif
