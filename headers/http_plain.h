/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The short way for the common packet: it is a whole plain message, in order, on a connection where
 * nothing is out of the ordinary and at most this one request waits. What such a packet costs is
 * mostly the code it runs through, which is never in the cache, so here is little of it. What is
 * not certain is left to http_step.h, with nothing changed; both ways give the same rows. */
#ifndef EDGEMETER_HTTP_PLAIN_H
#define EDGEMETER_HTTP_PLAIN_H

#include "http_connection.h"
#include "http_memo.h"

#define HTTP_PLAIN_BYTES HTTP_WINDOW_BYTES /* the longest head: more than a segment of Ethernet */
#define HTTP_PLAIN_STEPS 144               /* of up to 16 bytes, or of a line */

/* What a plain head says, in one number: the way of a result through a register. 0: it is not
 * plain. */
#define HTTP_PLAIN_LENGTH 0x7ffu /* the head's length */
#define HTTP_PLAIN_IS_RESPONSE 0x800u
#define HTTP_PLAIN_HAS_LENGTH 0x1000u /* of the body */
#define HTTP_PLAIN_IS_WHOLE 0x2000u   /* as much follows it in the packet as it says, or nothing */
#define HTTP_PLAIN_CODE 16            /* 16 bits: status, or method */
#define HTTP_PLAIN_ROUTE 32
#define HTTP_PLAIN_HOST 48
_Static_assert(HTTP_PLAIN_BYTES <= HTTP_PLAIN_LENGTH, "a head's length");

/* Hook: adds the exchange to its row. 0, with nothing done: it has none yet. */
static int http_exchange_count_known(const struct http_exchange *exchange);

/* Marks, up to the first and with it, the bytes of the word that are no text: controls, and those
 * from 0xa0 on, which carry. */
static __always_inline __u64 http_control_marks(__u64 word)
{
    return ~(word + HTTP_EACH(0x80 - ' ')) & HTTP_EACH(0x80);
}

/* How many bytes of the word there are before the first mark: 8 where there is none. */
static __always_inline __u64 http_bytes_before(__u64 marks)
{
    __u64 below = ((marks & -marks) >> 7) - 1;

    return (below & HTTP_EACH(1)) * HTTP_EACH(1) >> 56 & 15;
}

/* The request line has ended at `line_end`: is it one, and of which route? */
static __always_inline int http_plain_request_line(struct http_frame *frame, __u64 line_end)
{
    const struct http_window *window = &frame->window;

    frame->window.line = 0;
    if (!http_ends_with_version(window, line_end - 2))
        return 0;
    if (http_routes_are_on())
        frame->stream.place.route = HTTP_ROUTE_FIND(frame, line_end - 11);
    return 1;
}

/* The number that the first `count` digits of the word are; 1 to 7. */
static __always_inline __u64 http_digits_value(__u64 word, __u64 count)
{
    __u64 value = (word & HTTP_EACH(0xf)) << (64 - 8 * count); /* zeros go ahead */

    value = (value * 10 + (value >> 8)) & 0x00ff00ff00ff00ffULL;
    value = (value * 100 + (value >> 16)) & 0x0000ffff0000ffffULL;
    return (value * 10000 + (value >> 32)) & 0xffffffff;
}

/* "Content-Length: 123", as all write it, of up to 7 digits: from its colon on. 0: not so. */
static __always_inline int http_plain_length(struct http_frame *frame, const __u8 *colon)
{
    __u64 word = load_word(colon + 2), digits = word ^ HTTP_EACH('0');
    __u64 others = ((digits & HTTP_EACH(0x7f)) + HTTP_EACH(0x80 - 10)) | digits;
    __u64 count = http_bytes_before(others & HTTP_EACH(0x80));

    if (colon[1] != ' ' || count - 1 >= 7 || ((word >> 8 * count) & 0xff) != '\r' ||
        frame->stream.flags & HTTP_HEAD_HAS_LENGTH)
        return 0;
    frame->stream.flags |= HTTP_HEAD_HAS_LENGTH;
    frame->stream.body = http_digits_value(word, count);
    return 1;
}

/* A field that may matter, by the first word of its line. 0: the head is not plain. */
static __always_inline int http_plain_field(struct http_frame *frame, const __u8 *line, __u64 lower)
{
    if (lower == HTTP_TEXT_CONTENT)
        return ((load_word(line + 8) | HTTP_LOWER) & HTTP_BYTES(7)) != HTTP_TEXT_LENGTH ||
               http_plain_length(frame, line + 14);
    if (http_hosts_are_on() && (lower & HTTP_BYTES(5)) == HTTP_TEXT_HOST)
        frame->window.line = line - frame->window.bytes;
    return lower != HTTP_TEXT_TRANSFER;
}

/* All that the head's own bytes say. */
static __always_inline __u64 http_plain_result(const struct http_stream *stream, __u64 head_length)
{
    __u64 result = head_length;

    if (stream->flags & HTTP_HEAD_IS_RESPONSE)
        result |= HTTP_PLAIN_IS_RESPONSE | (__u64)stream->status << HTTP_PLAIN_CODE;
    else
        result |= (__u64)stream->method << HTTP_PLAIN_CODE |
                  (__u64)stream->place.route << HTTP_PLAIN_ROUTE |
                  (__u64)stream->place.host << HTTP_PLAIN_HOST;
    if (stream->flags & HTTP_HEAD_HAS_LENGTH)
        result |= HTTP_PLAIN_HAS_LENGTH;
    return result;
}

static __always_inline __u64 http_plain_in_packet(__u64 result, __u64 body, __u32 packet_length)
{
    __u64 is_whole = (result & HTTP_PLAIN_LENGTH) + body == packet_length;

    return is_whole ? result | HTTP_PLAIN_IS_WHOLE : result;
}

/* Sets the state in which the head's lines are read. 0: it begins like none. */
static __always_inline int http_plain_start(struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    __u64 word = http_word(&frame->window, 0);

    stream->body = 0;
    stream->place = (struct http_place){0, 0};
    frame->window.line = 0;
    frame->window.at = 0;
    if (http_is_status_line(word)) {
        stream->flags = HTTP_HEAD_IS_RESPONSE;
        stream->status = http_status(&frame->window);
        return stream->status >= 200;
    }
    stream->flags = 0;
    stream->method = http_known_method(word);
    return stream->method != HTTP_METHODS;
}

/* Goes through the window up to the empty line, whose end it returns; 0: not plain, which a head
 * is not either where anything but text stands between its line ends. */
static __always_inline __u64 http_plain_lines(struct http_frame *frame, __u64 length)
{
    struct http_window *window = &frame->window;
    __u64 at = 0, forget = verifier_forget(&window->newlines);

    for (__u64 i = 0; i < HTTP_PLAIN_STEPS; i++) {
        at += forget;
        compiler_forget(at); /* and checks that, not what it is made of */
        if (at >= HTTP_PLAIN_BYTES)
            return 0;
        __u64 first = http_control_marks(load_word(window->bytes + at));
        __u64 second = http_control_marks(load_word(window->bytes + at + 8));
        if (!(first | second)) {
            at += 16;
            continue;
        }
        __u64 before = http_bytes_before(first); /* a jump would be a guess */
        at += before + (http_bytes_before(second) & -(before >> 3));
        compiler_forget(at);
        const __u8 *line = window->bytes + at + 2;
        __u64 word = load_word(line);
        if ((load_word(line - 2) & 0xffff) != HTTP_LINE_END)
            return 0;
        at += 2;
        if ((word & 0xff) <= ' ')
            return (word & 0xffff) == HTTP_LINE_END && at + 2 <= length ? at + 2 : 0;
        if (!http_plain_field(frame, line, word | HTTP_LOWER))
            return 0;
        if (!window->at)
            window->at = at;
    }
    return 0;
}

/* Reads the head in the window's first `length` bytes. */
static __always_inline __u64 http_plain_read(struct http_frame *frame, __u64 length)
{
    struct http_window *window = &frame->window;

    if (!http_plain_start(frame))
        return 0;
    __u64 end = http_plain_lines(frame, length);
    if (!end)
        return 0;
    if (!(frame->stream.flags & HTTP_HEAD_IS_RESPONSE)) {
        if (http_hosts_are_on() && window->line)
            frame->stream.place.host = HTTP_HOST_FIND(frame);
        if (!http_plain_request_line(frame, window->at))
            return 0;
    }
    return http_plain_result(&frame->stream, end);
}

/* Reads the head at the front of the packet, in a frame of which only `packet` is set. */
static __always_inline __u64 http_plain_head(void *context, struct http_frame *frame)
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
    struct http_memo *memo = http_memo_of(window->bytes[0] == 'H'); /* an answer, or a HEAD */
    if (memo && http_memo_is_next(memo, window, length))
        return http_plain_in_packet(memo->says, memo->body, frame->packet.length);
    __u64 says = http_plain_read(frame, length);
    if (!says)
        return 0;
    if (memo)
        http_memo_keep(context, frame, memo, says & HTTP_PLAIN_LENGTH, says);
    return http_plain_in_packet(says, frame->stream.body, frame->packet.length);
}

/* Could the packet be plain, and nothing else be due? */
static __always_inline int http_packet_may_be_plain(const struct http_connection *connection,
                                                    const struct http_packet *packet)
{
    const struct http_turn *turn = &connection->turn;

    return turn->idle[packet->direction & 1] && !packet->fin &&
           connection->idle_next[packet->direction & 1] == packet->sequence &&
           turn->request_direction != HTTP_DIRECTIONS &&
           !(turn->unread | turn->early | turn->unstored);
}

static __always_inline void http_plain_end(struct http_connection *connection,
                                           const struct http_packet *packet)
{
    connection->idle_next[packet->direction & 1] = packet->sequence + packet->length;
    connection->counts[packet->direction & 1]++;
}

/* A request that finds none before it. */
static __always_inline int http_plain_request(struct http_connection *connection,
                                              const struct http_packet *packet, __u64 head)
{
    __u32 number = connection->counts[packet->direction & 1];

    if (head & HTTP_PLAIN_IS_RESPONSE || !(head & HTTP_PLAIN_IS_WHOLE) ||
        number != connection->counts[!(packet->direction & 1)])
        return 0;
    http_outcome_count(HTTP_HEAD_SEEN, 1);
    connection->lone_number = number;
    connection->lone_start_ns = packet->now_ns;
    connection->lone_body = packet->length - (head & HTTP_PLAIN_LENGTH);
    connection->lone_method = head >> HTTP_PLAIN_CODE;
    connection->lone_place.route = head >> HTTP_PLAIN_ROUTE;
    connection->lone_place.host = head >> HTTP_PLAIN_HOST;
    http_plain_end(connection, packet);
    return 1;
}

/* The answer to a lone request. */
static __always_inline int http_plain_answer(struct http_connection *connection,
                                             const struct http_packet *packet, __u64 head)
{
    __u32 number = connection->counts[packet->direction & 1];
    __u64 body = packet->length - (head & HTTP_PLAIN_LENGTH);
    __u16 status = head >> HTTP_PLAIN_CODE;
    __u8 method = connection->lone_method;

    if (!(head & HTTP_PLAIN_IS_RESPONSE) ||
        connection->counts[!(packet->direction & 1)] - number != 1 ||
        connection->lone_number != number || method == HTTP_METHOD_CONNECT)
        return 0;
    if (method == HTTP_METHOD_HEAD || status == 204 || status == 304) {
        if (body)
            return 0;
    } else if (!(head & HTTP_PLAIN_HAS_LENGTH) || !(head & HTTP_PLAIN_IS_WHOLE)) {
        return 0;
    }
    struct http_exchange exchange = {
        .key = {.cgroup = connection->cgroup,
                .status = status,
                .role = packet->direction == HTTP_EGRESS ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT,
                .method = method,
                .route = connection->lone_place.route,
                .host = connection->lone_place.host},
        .start_ns = connection->lone_start_ns,
        .head_ns = packet->now_ns,
        .end_ns = packet->now_ns,
        .request_bytes = connection->lone_body,
        .response_bytes = body,
    };
    if (!http_exchange_count_known(&exchange))
        return 0;
    http_plain_end(connection, packet);
    return 1;
}

/* 1: done. 0: nothing has changed. */
static __always_inline int http_packet_plain(struct http_connection *connection,
                                             const struct http_packet *packet, __u64 head)
{
    if (!head)
        return 0;
    return connection->turn.request_direction == packet->direction
               ? http_plain_request(connection, packet, head)
               : http_plain_answer(connection, packet, head);
}

#endif
