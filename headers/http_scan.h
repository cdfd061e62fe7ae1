/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Finds the lines of a window, eight bytes at a time, and hands on those that matter. */
#ifndef EDGEMETER_HTTP_SCAN_H
#define EDGEMETER_HTTP_SCAN_H

#include "http_line.h"

/* BPF calls http_line through a global function, verified once. */
#ifndef HTTP_LINE
#define HTTP_LINE(frame, line_end) http_line(frame, line_end)
#endif

/* Most fields are of no interest: seen at their first eight bytes. */
static __always_inline int http_line_is_boring(const struct http_frame *frame, __u32 line_end)
{
    __u64 first = http_word(&frame->window, frame->window.line), lower = first | HTTP_LOWER;
    __u8 initial = first & 0xff;

    return frame->stream.phase == HTTP_PHASE_FIELDS && lower != HTTP_TEXT_CONTENT &&
           lower != HTTP_TEXT_TRANSFER &&
           !((lower & HTTP_BYTES(5)) == HTTP_TEXT_HOST && http_hosts_are_on()) &&
           line_end > frame->window.line + 2 && initial != ' ' &&
           initial != '\t';
}

/* Looks at the window from `at` on, until something happened. On return window.at and window.line
 * stand behind what was looked at; the line from window.line on is unfinished. */
static __always_inline int http_scan(struct http_frame *frame)
{
    struct http_window *window = &frame->window;

    for (int i = 0; i < HTTP_SCAN_STEPS; i++) {
        compiler_barrier();
        __u32 at = window->at;
        if (at >= window->end) {
            window->at = window->end;
            return HTTP_EVENT_MORE;
        }
        __u32 found = http_newline(http_word(window, at));
        if (!found) {
            window->at = at + 8;
            continue;
        }
        at += found;
        if (at > window->end) {
            window->at = window->end;
            return HTTP_EVENT_MORE;
        }
        int event = HTTP_EVENT_NONE;
        if (http_line_is_boring(frame, at))
            frame->stream.field = HTTP_FIELD_NONE;
        else
            event = HTTP_LINE(frame, at);
        window->line = at;
        window->at = at;
        if (event != HTTP_EVENT_NONE)
            return event;
    }
    return HTTP_EVENT_AGAIN;
}

/* Moves the unfinished line to the front, without its middle where it is long. */
static __always_inline void http_keep_line(struct http_window *window)
{
    __u32 from = window->line, length = window->end - from;

    if (from) {
        for (__u32 i = 0; i < HTTP_LINE_KEPT; i += 8) {
            compiler_barrier();
            store_word(window->bytes + i, http_word(window, from + i));
        }
    }
    if (length > HTTP_LINE_KEPT) {
        for (__u32 i = 0; i < HTTP_LINE_TAIL; i += 8)
            store_word(window->bytes + HTTP_LINE_KEPT - HTTP_LINE_TAIL + i,
                       http_word(window, window->end - HTTP_LINE_TAIL + i));
        length = HTTP_LINE_KEPT;
    }
    window->sequence += window->end - length;
    window->line = 0;
    window->at = length;
    window->end = length;
}

#ifndef HTTP_SCAN
#define HTTP_SCAN(frame) http_scan(frame)
#endif

#endif
