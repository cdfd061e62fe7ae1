/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The head that was read last, with what it said. Clients and servers repeat themselves: a head of
 * the same bytes says the same, and comparing takes a third of the time that reading takes. */
#ifndef EDGEMETER_HTTP_MEMO_H
#define EDGEMETER_HTTP_MEMO_H

#include "http_window.h"

#define HTTP_MEMO_BYTES 512 /* a longer head is not remembered */
#define HTTP_MEMO_PIECE 32  /* compared at once; nor is a shorter head */
#define HTTP_MEMO_EVERY 8   /* of so many heads that differ one is remembered instead */

struct http_memo {
    __u64 writers; /* who comes in between does not write */
    __u64 differed;
    __u64 length; /* of the head; 0: none, or it is being written */
    __u64 says;   /* as in http_plain.h, but for HTTP_PLAIN_IS_WHOLE */
    __u64 body;
    __u8 bytes[HTTP_MEMO_BYTES];
};

/* Hooks. One of this CPU's two, for requests and for answers. */
static struct http_memo *http_memo_of(__u32 kind);
/* Does the window still hold the packet's bytes? Not where another packet came in between. */
static int http_window_is_ours(const void *context, const struct http_frame *frame);

static __always_inline __u64 http_piece_difference(const __u8 *a, const __u8 *b)
{
    return (load_word(a) ^ load_word(b)) | (load_word(a + 8) ^ load_word(b + 8)) |
           (load_word(a + 16) ^ load_word(b + 16)) | (load_word(a + 24) ^ load_word(b + 24));
}

/* Whether the first `length` bytes of the window begin with the head. Its last piece first: it ends
 * where the head does. */
static __always_inline int http_memo_is_next(const struct http_memo *memo,
                                             const struct http_window *window, __u64 length)
{
    __u64 last = memo->length - HTTP_MEMO_PIECE;

    if (length < memo->length)
        return 0;
    compiler_forget(last);
    if (last > HTTP_MEMO_BYTES - HTTP_MEMO_PIECE)
        return 0;
    if (http_piece_difference(memo->bytes + last, window->bytes + last))
        return 0;
    for (__u64 at = 0; at < HTTP_MEMO_BYTES && at < last; at += HTTP_MEMO_PIECE)
        if (http_piece_difference(memo->bytes + at, window->bytes + at))
            return 0;
    return 1;
}

/* Remembers the head at the front of the window. */
static __always_inline void http_memo_keep(const void *context, const struct http_frame *frame,
                                           struct http_memo *memo, __u64 length, __u64 says)
{
    const struct http_window *window = &frame->window;

    if (length < HTTP_MEMO_PIECE || length > HTTP_MEMO_BYTES || memo->differed++ % HTTP_MEMO_EVERY)
        return;
    __sync_fetch_and_add(&memo->writers, 1);
    if (*(volatile __u64 *)&memo->writers == 1) {
        *(volatile __u64 *)&memo->length = 0;
        compiler_barrier();
        for (__u64 at = 0; at < HTTP_MEMO_BYTES && at < length; at += 8)
            store_word(memo->bytes + at, load_word(window->bytes + at));
        memo->says = says;
        memo->body = frame->stream.body;
        compiler_barrier();
        if (http_window_is_ours(context, frame)) /* then all that was copied is of one packet */
            *(volatile __u64 *)&memo->length = length;
    }
    __sync_fetch_and_add(&memo->writers, -1);
}

#endif
