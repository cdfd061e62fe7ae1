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

/* Where the path of a request line's target begins: behind the method, and in absolute form behind
 * scheme and authority too. */
static __always_inline __u32 http_path_begin(const struct http_window *window, __u32 end)
{
    __u32 at = window->line, slashes = 0;
    __u8 spaces = 0;

    for (__u32 i = 0; i < HTTP_LINE_KEPT; i++, at++) {
        if (at >= end)
            return end;
        __u8 byte = http_byte(window, at);
        if (!spaces) {
            spaces = byte == ' ';
            slashes = spaces && http_byte(window, at + 1) != '/' ? 0 : 2;
        } else if (byte == '/' && slashes++ == 2) {
            return at;
        } else if (byte == ' ') {
            return end;
        }
    }
    return end;
}

/* A route holds no '?': matching the whole target by prefix is matching its path. */
static __always_inline __u16 http_route_find(struct http_frame *frame, __u32 content_end)
{
    struct http_route_key *key = &frame->keys.route;

    if (!http_routes_are_on())
        return 0;
    __u32 end = content_end - 9; /* " HTTP/1.1" */
    __u32 at = http_path_begin(&frame->window, end);
    if (at >= end)
        return 0;
    for (__u32 i = 0; i < HTTP_ROUTE_BYTES; i += 8)
        store_word(key->path + i, http_word(&frame->window, at + i));
    __u32 length = end - at;
    key->prefix_bits = 8 * (length < HTTP_ROUTE_BYTES ? length : HTTP_ROUTE_BYTES);
    return http_route_lookup(key);
}

/* The value of a Host field that begins at `at`: lower case, without its port. */
static __always_inline __u16 http_host_find(struct http_frame *frame, __u32 at, __u32 content_end)
{
    struct http_host_key *key = &frame->keys.host;
    __u32 length = 0;

    for (int i = 0; i < HTTP_HOST_BYTES; i += 8)
        store_word(key->name + i, 0);
    for (int i = 0; i < HTTP_HOST_BYTES + 8; i++, at++) {
        __u8 byte = at < content_end ? http_byte(&frame->window, at) : ':';
        if ((byte == ' ' || byte == '\t') && !length)
            continue;
        if (byte == ':' || byte == ' ' || byte == '\t')
            break;
        __u64 to = length++;
        compiler_forget(to);
        if (to >= HTTP_HOST_BYTES - 1)
            return 0;
        key->name[to] = byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    return length ? http_host_lookup(key) : 0;
}

#endif
