/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Finds the lines of a window, and hands on those that matter. */
#ifndef EDGEMETER_HTTP_SCAN_H
#define EDGEMETER_HTTP_SCAN_H

#include "http_line.h"

/* BPF calls http_line through a global function, verified once. */
#ifndef HTTP_LINE
#define HTTP_LINE(frame, line_end) http_line(frame, line_end)
#endif

/* Which of the bytes from `at` on are newlines. Those behind the window's end mean nothing. */
static __always_inline __u64 http_newlines(const struct http_window *window, __u64 at)
{
    __u64 newlines = 0;

    compiler_forget(at);
    if (at > HTTP_WINDOW_BYTES)
        return 0;
    for (__u32 i = 0; i < HTTP_SCAN_BYTES; i += 8)
        newlines |= http_mark_bits(http_marks(load_word(window->bytes + at + i), '\n')) << i;
    return newlines;
}

/* Most fields are of no interest: seen at their first bytes. */
static __always_inline int http_line_is_boring(const struct http_frame *frame)
{
    const struct http_window *window = &frame->window;
    __u64 first = http_word(window, window->line), lower = first | HTTP_LOWER;

    if (frame->stream.phase != HTTP_PHASE_FIELDS || (first & 0xff) <= ' ')
        return 0;
    if (lower == HTTP_TEXT_CONTENT) {
        __u64 second = http_word(window, (__u64)window->line + 8) | HTTP_LOWER;
        return (second & HTTP_BYTES(7)) != HTTP_TEXT_LENGTH;
    }
    return lower != HTTP_TEXT_TRANSFER &&
           !((lower & HTTP_BYTES(5)) == HTTP_TEXT_HOST && http_hosts_are_on());
}

/* The line that ends every head. */
static __always_inline int http_line_ends_head(const struct http_frame *frame, __u32 line_end)
{
    const struct http_window *window = &frame->window;

    return frame->stream.phase == HTTP_PHASE_FIELDS && line_end == window->line + 2 &&
           http_byte(window, window->line) == '\r';
}

static __always_inline int http_scan_line(struct http_frame *frame, __u32 line_end)
{
    int event = HTTP_EVENT_NONE;

    if (http_line_is_boring(frame))
        frame->stream.field = HTTP_FIELD_NONE;
    else if (http_line_ends_head(frame, line_end))
        event = HTTP_EVENT_HEAD;
    else
        event = HTTP_LINE(frame, line_end);
    frame->window.line = line_end;
    frame->window.at = line_end;
    return event;
}

static __always_inline int http_scan_end(struct http_window *window)
{
    window->at = window->end;
    return HTTP_EVENT_MORE;
}

/* Looks at the window from `at` on, until something happened. On return window.at and window.line
 * stand behind what was looked at; the line from window.line on is unfinished. */
static __always_inline int http_scan(struct http_frame *frame)
{
    struct http_window *window = &frame->window;
    int event = HTTP_EVENT_NONE;

    window->next = window->at;
    window->newlines = 0;
    for (int i = 0; i < HTTP_SCAN_STEPS; i++) {
        compiler_barrier();
        __u64 newlines = window->newlines;
        if (newlines) {
            __u32 line_end = window->block + http_first_bit(newlines) + 1;
            if (line_end > window->end)
                return http_scan_end(window);
            window->newlines = newlines & (newlines - 1);
            event = http_scan_line(frame, line_end);
            if (event != HTTP_EVENT_NONE)
                return event;
        } else {
            __u32 at = window->next;
            if (at >= window->end)
                return http_scan_end(window);
            window->block = at;
            window->next = at + HTTP_SCAN_BYTES;
            window->newlines = http_newlines(window, at);
        }
    }
    if (!window->newlines && window->next >= window->end)
        return http_scan_end(window);
    if (!window->newlines)
        window->at = window->next;
    return HTTP_EVENT_AGAIN;
}

#ifndef HTTP_SCAN
#define HTTP_SCAN(frame) http_scan(frame)
#endif

/* Moves the unfinished line to the front, without its middle where it is long. */
static __always_inline void http_keep_line(struct http_window *window)
{
    __u32 from = window->line, length = window->end - from;
    __u64 tail = http_word(window, window->end - HTTP_LINE_TAIL);
    __u64 last = http_word(window, window->end - HTTP_LINE_TAIL + 8);

    if (from) {
        for (__u32 i = 0; i < HTTP_LINE_KEPT; i += 8) {
            compiler_barrier();
            store_word(window->bytes + i, http_word(window, from + i));
        }
    }
    if (length > HTTP_LINE_KEPT) {
        store_word(window->bytes + HTTP_LINE_KEPT - HTTP_LINE_TAIL, tail);
        store_word(window->bytes + HTTP_LINE_KEPT - HTTP_LINE_TAIL + 8, last);
        length = HTTP_LINE_KEPT;
    }
    window->sequence += window->end - length;
    window->line = 0;
    window->at = length;
    window->end = length;
}

#endif
