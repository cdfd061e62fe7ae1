/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What one line says: a request line, a status line, the two fields that tell a body's length, the size
 * of a chunk. Reads only the beginning and the end of the line.
 *
 * Spec: RFC 9112. Bare LF ends a line, as servers accept it. */
#ifndef EDGEMETER_HTTP_LINE_H
#define EDGEMETER_HTTP_LINE_H

#include "http_place.h"

#define HTTP_TEXT_CONTENT HTTP_TEXT8('c', 'o', 'n', 't', 'e', 'n', 't', '-')
#define HTTP_TEXT_LENGTH HTTP_TEXT8('l', 'e', 'n', 'g', 't', 'h', ':', 0)
#define HTTP_TEXT_TRANSFER HTTP_TEXT8('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')
#define HTTP_TEXT_ENCODIN HTTP_TEXT8('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n')
#define HTTP_TEXT_CHUNKED HTTP_TEXT8(0, 'c', 'h', 'u', 'n', 'k', 'e', 'd')
#define HTTP_TEXT_HOST HTTP_TEXT8('h', 'o', 's', 't', ':', 0, 0, 0)
#define HTTP_TEXT_VERSION HTTP_TEXT8('H', 'T', 'T', 'P', '/', '1', '.', 0)

static __always_inline __u8 http_is_digit(__u64 byte)
{
    return byte - '0' <= 9;
}

/* RFC 9110 token characters, the only ones in a method. */
static __always_inline int http_is_token(__u8 byte)
{
    const __u64 low = 0x03ff6cfa00000000ULL;  /* !#$%&'*+-. and digits */
    const __u64 high = 0x57ffffffc7fffffeULL; /* letters ^_`|~ */

    if (byte >= 128)
        return 0;
    return ((byte < 64 ? low : high) >> (byte & 63)) & 1;
}

/* The first byte of a TLS record. */
static __always_inline int http_is_tls(__u8 byte)
{
    return (byte & 0xfc) == 0x14;
}

/* The method of a request line that begins with `word`, or HTTP_METHODS where it is none of the known. */
static __always_inline __u8 http_known_method(__u64 word)
{
    if ((word & HTTP_BYTES(4)) == HTTP_TEXT8('G', 'E', 'T', ' ', 0, 0, 0, 0))
        return HTTP_METHOD_GET;
    if ((word & HTTP_BYTES(5)) == HTTP_TEXT8('P', 'O', 'S', 'T', ' ', 0, 0, 0))
        return HTTP_METHOD_POST;
    if ((word & HTTP_BYTES(5)) == HTTP_TEXT8('H', 'E', 'A', 'D', ' ', 0, 0, 0))
        return HTTP_METHOD_HEAD;
    if ((word & HTTP_BYTES(4)) == HTTP_TEXT8('P', 'U', 'T', ' ', 0, 0, 0, 0))
        return HTTP_METHOD_PUT;
    if ((word & HTTP_BYTES(7)) == HTTP_TEXT8('D', 'E', 'L', 'E', 'T', 'E', ' ', 0))
        return HTTP_METHOD_DELETE;
    if ((word & HTTP_BYTES(6)) == HTTP_TEXT8('P', 'A', 'T', 'C', 'H', ' ', 0, 0))
        return HTTP_METHOD_PATCH;
    if (word == HTTP_TEXT8('O', 'P', 'T', 'I', 'O', 'N', 'S', ' '))
        return HTTP_METHOD_OPTIONS;
    if (word == HTTP_TEXT8('C', 'O', 'N', 'N', 'E', 'C', 'T', ' '))
        return HTTP_METHOD_CONNECT;
    if ((word & HTTP_BYTES(6)) == HTTP_TEXT8('T', 'R', 'A', 'C', 'E', ' ', 0, 0))
        return HTTP_METHOD_TRACE;
    return HTTP_METHODS;
}

static __always_inline int http_is_status_line(__u64 word)
{
    return (word & HTTP_BYTES(7)) == HTTP_TEXT_VERSION && http_is_digit(word >> 56);
}

/* "HTTP/1.1 200 OK": the status, or 0. */
static __always_inline __u16 http_status(const struct http_window *window)
{
    __u64 rest = http_word(window, window->line + 8);
    __u64 hundreds = (rest >> 8) & 0xff, tens = (rest >> 16) & 0xff, ones = (rest >> 24) & 0xff;
    __u64 after = (rest >> 32) & 0xff;

    if ((rest & 0xff) != ' ' || hundreds - '1' > 8 || !http_is_digit(tens) || !http_is_digit(ones))
        return 0;
    if (after != ' ' && after != '\r' && after != '\n')
        return 0;
    return (hundreds - '0') * 100 + (tens - '0') * 10 + (ones - '0');
}

/* A request line ends with " HTTP/1.x". */
static __always_inline int http_ends_with_version(const struct http_window *window, __u32 content_end)
{
    if (content_end < window->line + 12)
        return 0;
    __u64 word = http_word(window, content_end - 8);
    return (word & HTTP_BYTES(7)) == HTTP_TEXT_VERSION && http_is_digit(word >> 56) &&
           http_byte(window, content_end - 9) == ' ';
}

/* The same, as servers read it: blanks may follow, the version may have two digits behind its point
 * or, where the method is known, be another one. Where the blank before it is; 0: it ends
 * otherwise. */
static __always_inline __u32 http_target_end(const struct http_window *window, __u32 content_end,
                                             int is_known)
{
    for (int i = 0; i < 4; i++) {
        __u8 last = http_byte(window, content_end - 1);
        if (last != ' ' && last != '\t')
            break;
        content_end--;
    }
    if (http_ends_with_version(window, content_end))
        return content_end - 9;
    if (content_end < window->line + 13)
        return 0;
    __u64 word = http_word(window, content_end - 8);
    if (is_known && (word & HTTP_BYTES(5)) == (HTTP_TEXT_VERSION & HTTP_BYTES(5)) &&
        http_is_digit(word >> 40 & 0xff) && (word >> 48 & 0xff) == '.' && http_is_digit(word >> 56))
        return http_byte(window, content_end - 9) == ' ' ? content_end - 9 : 0;
    word = http_word(window, content_end - 9);
    if ((word & HTTP_BYTES(7)) == HTTP_TEXT_VERSION && http_is_digit(word >> 56) &&
        http_is_digit(http_byte(window, content_end - 1)))
        return http_byte(window, content_end - 10) == ' ' ? content_end - 10 : 0;
    return 0;
}

/* What a proxy may say in front of a connection of those for whom it speaks (the PROXY protocol):
 * in version 1 a line, in version 2 what reads as four of them and goes on in bytes. */
static __always_inline int http_proxy_line(struct http_frame *frame, __u32 content_end, __u8 before)
{
    struct http_stream *stream = &frame->stream;
    __u64 word = http_word(&frame->window, frame->window.line);
    __u32 length = content_end - frame->window.line;

    if (frame->turn.request_direction != HTTP_DIRECTIONS)
        return HTTP_EVENT_NOT_HTTP;
    if (length == 1 && !(word & 0xff)) {
        stream->field = HTTP_FIELD_PROXY;
    } else if (before == HTTP_FIELD_PROXY && length == 4 &&
               (word & HTTP_BYTES(5)) == HTTP_TEXT8('Q', 'U', 'I', 'T', '\n', 0, 0, 0)) {
        stream->phase = HTTP_PHASE_PROXY;
        stream->body = 1;
    } else if ((word & HTTP_BYTES(6)) != HTTP_TEXT8('P', 'R', 'O', 'X', 'Y', ' ', 0, 0)) {
        return HTTP_EVENT_NOT_HTTP;
    }
    frame->head_ns = 0; /* the request is yet to begin */
    return stream->phase == HTTP_PHASE_PROXY ? HTTP_EVENT_PROXY : HTTP_EVENT_NONE;
}

/* Of a line in which nothing that is a target can begin at `end` or behind it. */
static __always_inline int http_is_unknown_method(const struct http_window *window, __u32 end)
{
    for (__u32 i = 0; i < 32; i++) {
        __u8 byte = http_byte(window, window->line + i);
        if (byte == ' ')
            return i > 0 && window->line + i + 1 < end;
        if (!http_is_token(byte))
            return 0;
    }
    return 0;
}

static __always_inline int http_start_line(struct http_frame *frame, __u32 content_end)
{
    struct http_stream *stream = &frame->stream;
    const struct http_window *window = &frame->window;
    __u64 word = http_word(window, window->line);
    __u8 before = stream->field;

    stream->flags = 0;
    stream->method = HTTP_METHOD_OTHER; /* the short way sets none: what was here is too old */
    stream->field = HTTP_FIELD_NONE;
    stream->left = 0;
    stream->body = 0;
    stream->place = (struct http_place){0, 0};
    if (http_is_status_line(word)) {
        if (frame->turn.request_direction == frame->packet.direction)
            return HTTP_EVENT_NOT_HTTP;
        stream->status = http_status(window);
        stream->flags = HTTP_HEAD_IS_RESPONSE;
        if (!stream->status)
            return HTTP_EVENT_NOT_HTTP;
    } else {
        __u8 method = http_known_method(word);
        if (method != HTTP_METHODS)
            stream->method = method;
        __u32 target_end = http_target_end(window, content_end, method != HTTP_METHODS);
        if (frame->turn.request_direction == !frame->packet.direction || !target_end)
            return http_is_tls(word) ? HTTP_EVENT_TLS : http_proxy_line(frame, content_end, before);
        if (method == HTTP_METHODS && !http_is_unknown_method(window, target_end))
            return HTTP_EVENT_NOT_HTTP;
        if (http_routes_are_on())
            stream->place.route = HTTP_ROUTE_FIND(frame, target_end);
    }
    stream->phase = HTTP_PHASE_FIELDS;
    return HTTP_EVENT_NONE;
}

/* The number at `at`; blanks before it are passed over. Flags a second, different length as well. */
static __always_inline void http_content_length(struct http_frame *frame, __u32 at, __u32 content_end)
{
    struct http_stream *stream = &frame->stream;
    __u64 value = 0;
    int digits = 0;

    for (int i = 0; i < 32; i++, at++) {
        if (at >= content_end)
            break;
        __u8 byte = http_byte(&frame->window, at);
        if (http_is_digit(byte)) {
            value = value * 10 + (byte - '0');
            digits++;
        } else if (byte != ' ' && byte != '\t') {
            digits = 20;
            break;
        } else if (digits) {
            break;
        }
    }
    if (digits > 18 || (at < content_end && http_is_digit(http_byte(&frame->window, at))) ||
        (stream->flags & HTTP_HEAD_HAS_LENGTH && value != stream->body)) {
        stream->flags |= HTTP_HEAD_BAD_LENGTH;
        stream->body = 0;
    } else if (digits) {
        stream->flags |= HTTP_HEAD_HAS_LENGTH;
        stream->body = value;
    }
}

/* Transfer-Encoding counts as chunked where its last coding is. */
static __always_inline void http_transfer_encoding(struct http_frame *frame, __u32 content_end)
{
    for (int i = 0; i < 8; i++) {
        __u8 last = content_end ? http_byte(&frame->window, content_end - 1) : 0;
        if (last != ' ' && last != '\t')
            break;
        content_end--;
    }
    if (content_end < frame->window.line + 8)
        return;
    __u64 word = http_word(&frame->window, content_end - 8) | HTTP_LOWER;
    if ((word & ~0xffULL) == HTTP_TEXT_CHUNKED)
        frame->stream.flags |= HTTP_HEAD_IS_CHUNKED;
    else
        frame->stream.flags &= ~HTTP_HEAD_IS_CHUNKED;
}

static __always_inline void http_field_line(struct http_frame *frame, __u32 content_end)
{
    const struct http_window *window = &frame->window;
    struct http_stream *stream = &frame->stream;
    __u64 first = http_word(window, window->line), lower = first | HTTP_LOWER;
    __u64 second = http_word(window, window->line + 8) | HTTP_LOWER;
    __u32 value = window->line;

    if ((lower & HTTP_BYTES(5)) == HTTP_TEXT_HOST) {
        stream->field = HTTP_FIELD_NONE;
        if (http_hosts_are_on() && !(stream->flags & HTTP_HEAD_IS_RESPONSE))
            stream->place.host = HTTP_HOST_FIND(frame);
        return;
    }
    if ((first & 0xff) != ' ' && (first & 0xff) != '\t') {
        stream->field = HTTP_FIELD_NONE;
        if (lower == HTTP_TEXT_CONTENT && (second & HTTP_BYTES(7)) == HTTP_TEXT_LENGTH)
            stream->field = HTTP_FIELD_LENGTH;
        else if (lower == HTTP_TEXT_TRANSFER && second == HTTP_TEXT_ENCODIN &&
                 (http_byte(window, window->line + 16) | 0x20) == 'g' &&
                 http_byte(window, window->line + 17) == ':')
            stream->field = HTTP_FIELD_ENCODING;
        value += 15;
    }
    if (stream->field == HTTP_FIELD_LENGTH)
        http_content_length(frame, value, content_end);
    else if (stream->field == HTTP_FIELD_ENCODING)
        http_transfer_encoding(frame, content_end);
}

/* "1a2b;extension": the size into `left`. */
static __always_inline int http_chunk_line(struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    __u64 size = 0;
    int digits = 0;

    for (; digits < 16; digits++) {
        __u8 byte = http_byte(&frame->window, frame->window.line + digits);
        __u8 lower = byte | 0x20;
        if (http_is_digit(byte))
            size = size << 4 | (byte - '0');
        else if (lower >= 'a' && lower <= 'f')
            size = size << 4 | (lower - 'a' + 10);
        else
            break;
    }
    if (!digits || digits > 15)
        return HTTP_EVENT_BROKEN;
    stream->left = size;
    stream->phase = size ? HTTP_PHASE_CHUNK_DATA : HTTP_PHASE_TRAILERS;
    return HTTP_EVENT_CHUNK;
}

/* One whole line: [window.line, line_end), its newline included. */
static __always_inline int http_line(struct http_frame *frame, __u32 line_end)
{
    struct http_stream *stream = &frame->stream;
    __u32 content_end = line_end - 1;

    if (content_end > frame->window.line && http_byte(&frame->window, content_end - 1) == '\r')
        content_end--;
    int empty = content_end == frame->window.line;

    switch (stream->phase) {
    case HTTP_PHASE_START:
        return empty ? HTTP_EVENT_NONE : http_start_line(frame, content_end);
    case HTTP_PHASE_FIELDS:
        if (empty)
            return HTTP_EVENT_HEAD;
        http_field_line(frame, content_end);
        return HTTP_EVENT_NONE;
    case HTTP_PHASE_CHUNK_SIZE:
        return http_chunk_line(frame);
    case HTTP_PHASE_CHUNK_END:
        if (!empty)
            return HTTP_EVENT_BROKEN;
        stream->phase = HTTP_PHASE_CHUNK_SIZE;
        return HTTP_EVENT_NONE;
    case HTTP_PHASE_TRAILERS:
        return empty ? HTTP_EVENT_END : HTTP_EVENT_NONE;
    default:
        return HTTP_EVENT_BROKEN;
    }
}

#endif
