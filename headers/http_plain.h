/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The short way for the common packet: it begins with a whole plain head, in order, on a connection
 * where nothing is out of the ordinary. What such a packet costs is mostly the code it runs through,
 * which is never in the cache, so here is little of it. What is not certain is left to http_step.h, with
 * nothing changed; both ways give the same rows. */
#ifndef EDGEMETER_HTTP_PLAIN_H
#define EDGEMETER_HTTP_PLAIN_H

#include "http_connection.h"

#define HTTP_PLAIN_BYTES 512u /* the longest head */
#define HTTP_PLAIN_STEPS 48   /* blocks of HTTP_SCAN_BYTES, and lines */
#define HTTP_PLAIN_BODY (1u << 30)

enum http_plain_line { HTTP_PLAIN_NEXT, HTTP_PLAIN_END, HTTP_PLAIN_NOT };

#ifndef HTTP_PLAIN_HEAD
#define HTTP_PLAIN_HEAD(context, frame) http_plain_head(context, frame)
#endif

static __always_inline int http_plain_start(struct http_frame *frame, __u32 line_end)
{
    const struct http_window *window = &frame->window;
    __u64 word = http_word(window, 0);

    if (http_is_status_line(word)) {
        frame->stream.status = http_status(window);
        frame->stream.flags = HTTP_HEAD_IS_RESPONSE;
        return frame->stream.status >= 200 ? HTTP_PLAIN_NEXT : HTTP_PLAIN_NOT;
    }
    frame->stream.method = http_known_method(word);
    frame->stream.flags = 0;
    return frame->stream.method != HTTP_METHODS && http_byte(window, line_end - 2) == '\r' &&
                   http_ends_with_version(window, line_end - 2)
               ? HTTP_PLAIN_NEXT
               : HTTP_PLAIN_NOT;
}

/* "Content-Length: 123", as all write it. */
static __always_inline int http_plain_length(struct http_frame *frame)
{
    __u32 at = frame->window.line + 16;
    __u64 value = 0;
    __u8 byte = 0;

    if (http_byte(&frame->window, at - 1) != ' ' || frame->stream.flags & HTTP_HEAD_HAS_LENGTH)
        return HTTP_PLAIN_NOT;
    for (int i = 0; i < 10; i++, at++) {
        byte = http_byte(&frame->window, at);
        if (!http_is_digit(byte))
            break;
        value = value * 10 + (byte - '0');
    }
    if (byte != '\r' || http_byte(&frame->window, frame->window.line + 16) == '\r' ||
        value >= HTTP_PLAIN_BODY)
        return HTTP_PLAIN_NOT;
    frame->stream.flags |= HTTP_HEAD_HAS_LENGTH;
    frame->stream.body = value;
    return HTTP_PLAIN_NEXT;
}

static __always_inline int http_plain_line(struct http_frame *frame, __u32 line_end)
{
    const struct http_window *window = &frame->window;
    __u64 word = http_word(window, window->line), lower = word | HTTP_LOWER;

    if (!window->line)
        return http_plain_start(frame, line_end);
    if ((word & 0xff) <= ' ')
        return (word & 0xffff) == ('\r' | '\n' << 8) ? HTTP_PLAIN_END : HTTP_PLAIN_NOT;
    if (lower == HTTP_TEXT_TRANSFER)
        return HTTP_PLAIN_NOT;
    if (lower != HTTP_TEXT_CONTENT)
        return HTTP_PLAIN_NEXT;
    word = http_word(window, (__u64)window->line + 8) | HTTP_LOWER;
    return (word & HTTP_BYTES(7)) == HTTP_TEXT_LENGTH ? http_plain_length(frame) : HTTP_PLAIN_NEXT;
}

/* Reads the packet's head into frame->stream. 0, with frame->stream spoilt: it is not plain, or not
 * whole. Else its length is window.at. */
static __always_inline int http_plain_head(void *context, struct http_frame *frame)
{
    struct http_window *window = &frame->window;
    __u64 length = frame->packet.length;

    if (length > HTTP_PLAIN_BYTES)
        length = HTTP_PLAIN_BYTES;
    length--; /* see http_refill */
    compiler_forget(length);
    if (length >= HTTP_PLAIN_BYTES)
        return 0;
    length++;
    if (http_packet_load(context, frame, 0, window->bytes, length))
        return 0;
    frame->stream.body = 0;
    window->end = length;
    window->line = 0;
    window->next = 0;
    window->newlines = 0;
    for (int i = 0; i < HTTP_PLAIN_STEPS; i++) {
        compiler_barrier();
        __u64 newlines = window->newlines;
        if (newlines) {
            __u32 line_end = window->block + http_first_bit(newlines) + 1;
            if (line_end > window->end)
                return 0;
            window->newlines = newlines & (newlines - 1);
            int line = http_plain_line(frame, line_end);
            window->line = line_end;
            if (line != HTTP_PLAIN_NEXT) {
                window->at = line_end;
                return line == HTTP_PLAIN_END;
            }
        } else {
            __u32 at = window->next;
            if (at >= window->end)
                return 0;
            window->block = at;
            window->next = at + HTTP_SCAN_BYTES;
            window->newlines = http_newlines(window, at);
        }
    }
    return 0;
}

/* Could the packet be plain, and nothing else be due? */
static __always_inline int http_packet_may_be_plain(const struct http_connection *connection,
                                                    const struct http_packet *packet)
{
    const struct http_stream *stream = &connection->halves[packet->direction & 1].stream;
    const struct http_turn *turn = &connection->turn;

    return stream->phase == HTTP_PHASE_START && !stream->kept && !packet->fin &&
           stream->next == packet->sequence && stream->seen == packet->sequence &&
           turn->request_direction != HTTP_DIRECTIONS &&
           !(turn->unread | turn->early | turn->unstored) && !http_routes_are_on() &&
           !http_hosts_are_on();
}

static __always_inline int http_plain_request(struct http_connection *connection,
                                              struct http_frame *frame)
{
    struct http_half *half = &connection->halves[frame->packet.direction & 1];

    if (frame->stream.flags & HTTP_HEAD_IS_RESPONSE ||
        frame->window.at + frame->stream.body != frame->packet.length ||
        connection->turn.pushed - connection->turn.popped >= HTTP_MAX_OUTSTANDING)
        return 0;
    frame->head_ns = half->head_ns ? half->head_ns : frame->packet.now_ns;
    frame->stream.place = (struct http_place){0, 0};
    http_request_push(connection, frame);
    half->head_ns = 0;
    half->stream.flags = frame->stream.flags;
    half->stream.method = frame->stream.method;
    half->stream.body = frame->stream.body;
    half->stream.place = frame->stream.place;
    return 1;
}

static __always_inline int http_plain_answer(struct http_connection *connection,
                                             struct http_frame *frame)
{
    struct http_half *half = &connection->halves[frame->packet.direction & 1];
    struct http_turn *turn = &connection->turn;
    __u8 method = http_waiting_method(turn, turn->popped);
    __u16 status = frame->stream.status;

    if (!(frame->stream.flags & HTTP_HEAD_IS_RESPONSE) || turn->popped == turn->pushed ||
        method == HTTP_METHOD_CONNECT)
        return 0;
    if (method == HTTP_METHOD_HEAD || status == 204 || status == 304)
        frame->stream.body = 0;
    else if (!(frame->stream.flags & HTTP_HEAD_HAS_LENGTH))
        return 0;
    if (frame->window.at + frame->stream.body != frame->packet.length)
        return 0;
    frame->turn = *turn;
    frame->head_ns = half->head_ns ? half->head_ns : frame->packet.now_ns;
    http_answer(connection, frame);
    half->head_ns = 0;
    half->stream.flags = frame->stream.flags;
    half->stream.status = status;
    half->stream.body = frame->stream.body;
    return 1;
}

/* 1: done. 0: nothing has changed but the frame, which http_packet_begin fills anew. */
static __always_inline int http_packet_plain(void *context, struct http_connection *connection,
                                             struct http_frame *frame)
{
    struct http_stream *stream = &connection->halves[frame->packet.direction & 1].stream;
    int done;

    if (!HTTP_PLAIN_HEAD(context, frame))
        return 0;
    if (connection->turn.request_direction == frame->packet.direction)
        done = http_plain_request(connection, frame);
    else
        done = http_plain_answer(connection, frame);
    if (done)
        stream->next = stream->seen = frame->packet.sequence + frame->packet.length;
    return done;
}

#endif
