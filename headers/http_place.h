/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Where a request goes: which of the configured routes its target begins with, and which of the
 * configured hosts its Host field names. Costs nothing where neither is configured. */
#ifndef EDGEMETER_HTTP_PLACE_H
#define EDGEMETER_HTTP_PLACE_H

#include "http_window.h"

/* Hooks. The number of the route or host, 0 for none; called only where the setting is on. */
static int http_routes_are_on(void);
static int http_hosts_are_on(void);
static __u16 http_route_lookup(const struct http_route_key *key);
static __u16 http_host_lookup(const struct http_host_key *key);

/* Marks where the target of the current request line begins: behind the method's space. */
static __always_inline void http_mark_target(struct http_frame *frame)
{
    frame->mark = frame->window.line;
    for (__u32 i = 0; i < 32; i++) {
        compiler_barrier();
        __u8 byte = http_byte(&frame->window, frame->mark);
        frame->mark++;
        if (byte == ' ')
            break;
    }
    compiler_barrier();
}

/* Of a target in absolute form, marks where its path begins: at the third slash. */
static __always_inline void http_mark_path(struct http_frame *frame)
{
    __u32 *slashes = &frame->keys.route.prefix_bits;

    *slashes = 0;
    for (__u32 i = 0; i < HTTP_LINE_KEPT; i++) {
        compiler_barrier();
        __u8 byte = http_byte(&frame->window, frame->mark);
        *slashes += byte == '/';
        if (byte == ' ' || *slashes == 3)
            break;
        frame->mark++;
    }
    compiler_barrier();
}

/* The request's target ends at `end`. A route holds no '?': matching the whole target by prefix is
 * matching its path. */
static __always_inline __u16 http_route_find(struct http_frame *frame, __u32 end)
{
    struct http_route_key *key = &frame->keys.route;
    __u32 known = frame->window.line + HTTP_LINE_KEPT - HTTP_LINE_TAIL;

    if (end > known) /* behind it, a line over several packets has lost its middle */
        end = known;
    http_mark_target(frame);
    if (http_byte(&frame->window, frame->mark) != '/')
        http_mark_path(frame);
    __u32 at = frame->mark;
    if (at >= end)
        return 0;
    for (__u32 i = 0; i < HTTP_ROUTE_BYTES; i += 8)
        store_word(key->path + i, http_word(&frame->window, (__u64)at + i));
    __u32 length = end - at;
    key->prefix_bits = 8 * (length < HTTP_ROUTE_BYTES ? length : HTTP_ROUTE_BYTES);
    return http_route_lookup(key);
}

static __always_inline __u64 http_lower_case(__u64 word)
{
    __u64 low = word & HTTP_EACH(0x7f);
    __u64 from_a = low + HTTP_EACH(0x80 - 'A'), behind_z = low + HTTP_EACH(0x80 - 'Z' - 1);

    return word | ((from_a & ~behind_z & ~word & HTTP_EACH(0x80)) >> 2);
}

/* The value of the current line, a Host field: lower case, without its port. */
static __always_inline __u16 http_host_find(struct http_frame *frame)
{
    struct http_host_key *key = &frame->keys.host;
    __u64 at = frame->window.line + 5, ends = 0;

    for (int i = 0; i < 8; i++, at++) {
        __u8 blank = http_byte(&frame->window, at);
        if (blank != ' ' && blank != '\t')
            break;
    }
    for (int i = 0; i < HTTP_HOST_BYTES; i += 8) {
        __u64 word = ends ? 0 : http_lower_case(http_word(&frame->window, at + i));
        if (!ends) {
            ends = http_marks(word, ':') | http_marks(word, ' ') | http_marks(word, '\t') |
                   http_marks(word, '\r') | http_marks(word, '\n');
            if (ends) /* the bytes below the first mark */
                word &= ((ends & -ends) >> 7) - 1;
        }
        store_word(key->name + i, word);
    }
    return ends ? http_host_lookup(key) : 0;
}

#ifndef HTTP_ROUTE_FIND
#define HTTP_ROUTE_FIND(frame, end) http_route_find(frame, end)
#define HTTP_HOST_FIND(frame) http_host_find(frame)
#endif

#endif
