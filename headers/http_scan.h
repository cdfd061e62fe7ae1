/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Finds the lines of a window, and hands on those that matter. */
#ifndef EDGEMETER_HTTP_SCAN_H
#define EDGEMETER_HTTP_SCAN_H

#include "http_line.h"

/* BPF calls http_line through a global function, verified once. */
#ifndef HTTP_LINE
#define HTTP_LINE(frame, line_end) http_line(frame, line_end)
#endif

/* Most fields are of no interest: seen at their first bytes. */
static __always_inline int http_line_is_boring(const struct http_frame *frame, __u32 line_end)
{
    const struct http_window *window = &frame->window;
    __u64 first = http_word(window, window->line), lower = first | HTTP_LOWER;
    __u8 initial = first & 0xff;

    if (frame->stream.phase != HTTP_PHASE_FIELDS)
        return 0;
    if (lower == HTTP_TEXT_CONTENT) {
        __u64 second = http_word(window, (__u64)window->line + 8) | HTTP_LOWER;
        return (second & HTTP_BYTES(7)) != HTTP_TEXT_LENGTH;
    }
    return lower != HTTP_TEXT_TRANSFER &&
           !((lower & HTTP_BYTES(5)) == HTTP_TEXT_HOST && http_hosts_are_on()) &&
           line_end > window->line + 2 && initial != ' ' && initial != '\t';
}

/* The line that ends every head. */
static __always_inline int http_line_ends_head(const struct http_frame *frame, __u32 line_end)
{
    const struct http_window *window = &frame->window;

    return frame->stream.phase == HTTP_PHASE_FIELDS && line_end == window->line + 2 &&
           http_byte(window, window->line) == '\r';
}

/* 0: no newline in the HTTP_SCAN_BYTES at `at`; else the number of bytes up to and including the first. */
static __always_inline __u32 http_line_end(const struct http_window *window, __u64 at)
{
    compiler_forget(at);
    if (at > HTTP_WINDOW_BYTES)
        return 0;
    for (__u32 passed = 0; passed < HTTP_SCAN_BYTES; passed += 8) {
        __u64 marks = http_marks(load_word(window->bytes + at + passed), '\n');
        if (marks)
            return passed + http_first_mark(marks);
    }
    return 0;
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
        __u32 found = http_line_end(window, at);
        if (!found) {
            window->at = at + HTTP_SCAN_BYTES;
            continue;
        }
        at += found;
        if (at > window->end) {
            window->at = window->end;
            return HTTP_EVENT_MORE;
        }
        int event = HTTP_EVENT_NONE;
        if (http_line_ends_head(frame, at))
            event = HTTP_EVENT_HEAD;
        else if (http_line_is_boring(frame, at))
            frame->stream.field = HTTP_FIELD_NONE;
        else
            event = HTTP_LINE(frame, at);
        window->line = at;
        window->at = at;
        if (event != HTTP_EVENT_NONE)
            return event;
    }
    if (window->at < window->end)
        return HTTP_EVENT_AGAIN;
    window->at = window->end;
    return HTTP_EVENT_MORE;
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
