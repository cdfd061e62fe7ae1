/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* One connection: what its two directions' actions mean together. Requests wait in the order they
 * came in; an answer that is complete becomes an exchange, and the exchange is counted. */
#ifndef EDGEMETER_HTTP_CONNECTION_H
#define EDGEMETER_HTTP_CONNECTION_H

#include "http_step.h"
#include "http_users.h"

#define HTTP_PACKET_STEPS 96 /* at least 16 heads and 64 chunks of one packet are looked at */

/* Hook: adds frame->exchange to its row. */
static void http_exchange_count(struct http_frame *frame);

#ifndef HTTP_STEP
#define HTTP_STEP(context, frame) http_step(context, frame)
#define HTTP_STEP_LAST(frame) http_step_last(frame)
#endif

static __always_inline void http_connection_init(struct http_connection *connection, __u64 cgroup)
{
    connection->cgroup = cgroup;
    connection->turn.request_direction = HTTP_DIRECTIONS;
    connection->lone_number = HTTP_NO_NUMBER;
}

static __always_inline void http_stream_begin(struct http_stream *stream, __u32 next)
{
    stream->phase = HTTP_PHASE_START;
    stream->next = next;
    stream->seen = next;
}

static __always_inline void http_stream_wake(struct http_connection *connection, __u8 direction)
{
    struct http_stream *stream = &connection->halves[direction & 1].stream;

    if (!connection->turn.idle[direction & 1])
        return;
    stream->next = connection->idle_next[direction & 1];
    stream->seen = stream->next;
}

/* Is there anything in this packet for its direction? Cheap, and no for most packets of a body. */
static __always_inline int http_packet_concerns(struct http_connection *connection,
                                                const struct http_packet *packet)
{
    struct http_stream *stream = &connection->halves[packet->direction & 1].stream;
    __u32 end = packet->sequence + packet->length;

    http_stream_wake(connection, packet->direction);
    switch (stream->phase) {
    case HTTP_PHASE_IGNORED:
        return 0;
    case HTTP_PHASE_NEW:
    case HTTP_PHASE_LOST:
        return packet->length > 0;
    case HTTP_PHASE_UNTIL_CLOSE:
        return 1;
    case HTTP_PHASE_BODY:
    case HTTP_PHASE_CHUNK_DATA:
        if (packet->fin || (__s32)(stream->next - end) <= 0)
            return 1;
        if ((__s32)(end - stream->seen) > 0)
            stream->seen = end;
        return 0;
    default:
        return packet->fin || (__s32)(end - stream->next) > 0;
    }
}

static __always_inline void http_is_http(struct http_connection *connection,
                                         struct http_frame *frame, __u8 request_direction)
{
    if (connection->turn.request_direction != HTTP_DIRECTIONS)
        return;
    connection->turn.request_direction = request_direction;
    frame->turn.request_direction = request_direction;
    http_outcome_count(HTTP_CONNECTION_HTTP, 1);
}

/* Where more wait than there are slots, requests go unstored until all have been answered: their
 * answers, which come in order, then find no slot and are counted as too many. */
static __always_inline void http_request_push(struct http_connection *connection,
                                              struct http_frame *frame)
{
    struct http_turn *turn = &connection->turn;
    __u32 number = connection->counts[frame->packet.direction & 1];
    __u32 waiting = number - connection->counts[!(frame->packet.direction & 1)];
    __u32 index = number % HTTP_MAX_OUTSTANDING;

    http_is_http(connection, frame, frame->packet.direction);
    if (turn->request_direction != frame->packet.direction) {
        frame->head_ns = 0;
        return; /* begun before the other direction was known to be the one of requests */
    }
    turn->unread = 0;
    if (turn->early) {
        turn->early = 0;
        frame->head_ns = 0;
        return;
    }
    http_outcome_count(HTTP_HEAD_SEEN, 1);
    if (!waiting)
        turn->unstored = 0;
    if (waiting >= HTTP_MAX_OUTSTANDING && !turn->unstored) {
        turn->unstored = 1;
        connection->unstored_from = number;
    }
    if (frame->stream.flags & HTTP_HEAD_IS_CHUNKED)
        frame->stream.body = 0;
    if (!waiting && !(frame->stream.flags & HTTP_HEAD_IS_CHUNKED) &&
        frame->stream.body < HTTP_LONE_BODY) {
        connection->lone_number = number;
        connection->lone_start_ns = frame->head_ns;
        connection->lone_body = frame->stream.body;
        connection->lone_method = frame->stream.method;
        connection->lone_place = frame->stream.place;
    } else if (!turn->unstored) {
        connection->methods[index] = frame->stream.method;
        connection->places[index] = frame->stream.place;
        connection->waiting[index].start_ns = frame->head_ns;
        connection->waiting[index].body = frame->stream.body;
    }
    frame->head_ns = 0;
    connection->counts[frame->packet.direction & 1] = number + 1;
}

static __always_inline void http_request_end(struct http_connection *connection,
                                             const struct http_frame *frame)
{
    const struct http_turn *turn = &connection->turn;
    __u32 last = connection->counts[frame->packet.direction & 1] - 1;

    if (!turn->unstored && turn->request_direction == frame->packet.direction)
        connection->waiting[last % HTTP_MAX_OUTSTANDING].body = frame->stream.body;
}

/* No request waits: the answer is to one whose head has not ended (too long, too slow), or that
 * only the server could make out. 0: there is neither, the request went by unseen. */
static __always_inline int http_answer_early(struct http_connection *connection,
                                             struct http_exchange *exchange, __u8 direction)
{
    const struct http_stream *requests = &connection->halves[direction & 1].stream;
    struct http_turn *turn = &connection->turn;
    __u8 phase = requests->phase;

    int unread = turn->unread >> (direction & 1) & 1;

    exchange->key.method =
        unread || phase == HTTP_PHASE_FIELDS ? requests->method : HTTP_METHOD_OTHER;
    exchange->start_ns = connection->halves[direction & 1].head_ns;
    exchange->request_bytes = 0;
    if (phase == HTTP_PHASE_FIELDS || (phase == HTTP_PHASE_START && requests->kept)) {
        turn->early = 1;
        return 1;
    }
    turn->unread = 0;
    return unread;
}

static __always_inline void http_answer_waiting(struct http_connection *connection,
                                                struct http_frame *frame, __u32 number)
{
    struct http_exchange *exchange = &frame->exchange;
    __u32 index = number % HTTP_MAX_OUTSTANDING;

    if (number == connection->lone_number) {
        exchange->key.method = connection->lone_method;
        exchange->key.route = connection->lone_place.route;
        exchange->key.host = connection->lone_place.host;
        exchange->start_ns = connection->lone_start_ns;
        exchange->request_bytes = connection->lone_body;
    } else {
        exchange->key.method = connection->methods[index];
        exchange->key.route = connection->places[index].route;
        exchange->key.host = connection->places[index].host;
        exchange->start_ns = connection->waiting[index].start_ns;
        exchange->request_bytes = connection->waiting[index].body;
    }
    compiler_barrier();
}

/* Of a chunked request that has not ended the length is what came so far. */
static __always_inline void http_answer_midway(const struct http_connection *connection,
                                               struct http_exchange *exchange)
{
    const struct http_stream *requests =
        &connection->halves[connection->turn.request_direction & 1].stream;

    if (requests->flags & HTTP_HEAD_IS_CHUNKED && requests->phase != HTTP_PHASE_FIELDS)
        exchange->request_bytes = requests->body;
}

/* Looks up the method of the request that is answered next. */
static __always_inline void http_asker_find(const struct http_connection *connection,
                                            struct http_frame *frame)
{
    __u32 number = frame->popped;

    if (number == connection->lone_number)
        frame->asked_by = connection->lone_method;
    else
        frame->asked_by = connection->methods[number % HTTP_MAX_OUTSTANDING];
    compiler_barrier();
}

static __always_inline void http_answer(struct http_connection *connection,
                                        struct http_frame *frame)
{
    __u32 pushed = connection->counts[!(frame->packet.direction & 1)];
    struct http_turn *turn = &frame->turn;
    struct http_exchange *exchange = &frame->exchange;
    __u32 number = frame->popped, outcome = 0;

    http_is_http(connection, frame, !(frame->packet.direction & 1));
    if (turn->request_direction == frame->packet.direction) {
        frame->head_ns = 0;
        return;
    }
    exchange->key.cgroup = connection->cgroup;
    exchange->key.status = frame->stream.status;
    exchange->key.role =
        turn->request_direction == HTTP_EGRESS ? HTTP_ROLE_CLIENT : HTTP_ROLE_SERVER;
    exchange->key.route = 0;
    exchange->key.host = 0;
    exchange->end_ns = frame->packet.now_ns;
    exchange->head_ns = frame->head_ns;
    exchange->response_bytes = frame->stream.body;
    frame->head_ns = 0;
    if (number == pushed) {
        http_outcome_count(HTTP_HEAD_SEEN, 1);
        if (!http_answer_early(connection, exchange, turn->request_direction))
            outcome = HTTP_HEAD_REQUEST_UNSEEN;
    } else {
        if (!http_asker_is_stored(frame))
            outcome = HTTP_HEAD_TOO_MANY;
        http_answer_waiting(connection, frame, number);
        if (number + 1 == pushed && number != connection->lone_number)
            http_answer_midway(connection, exchange);
        frame->popped = number + 1;
        connection->counts[frame->packet.direction & 1] = number + 1;
        http_asker_find(connection, frame);
    }
    if (outcome)
        http_outcome_count(outcome, 1);
    else
        http_exchange_count(frame);
}

static __always_inline void http_direction_ignore(struct http_connection *connection,
                                                  __u8 direction)
{
    connection->turn.idle[direction & 1] = 0;
    connection->halves[direction & 1].stream.phase = HTTP_PHASE_IGNORED;
}

static __always_inline void http_connection_act(struct http_connection *connection,
                                                struct http_frame *frame, int action)
{
    if (action & HTTP_ACTION_REQUEST)
        http_request_push(connection, frame);
    if (action & HTTP_ACTION_REQUEST_END)
        http_request_end(connection, frame);
    if (action & HTTP_ACTION_ANSWER)
        http_answer(connection, frame);
    if (action & HTTP_ACTION_UNREAD) {
        connection->turn.unread |= 1 << (frame->packet.direction & 1);
        frame->turn.unread = connection->turn.unread;
    }
    if (action & HTTP_ACTION_IGNORE)
        http_direction_ignore(connection, !(frame->packet.direction & 1));
}

/* The connection has ended. An answer that was cut short is counted as far as it came; who still
 * waits will not be answered. frame->packet.now_ns is set. */
static __always_inline void http_connection_end(struct http_connection *connection,
                                                struct http_frame *frame)
{
    struct http_turn *turn = &connection->turn;
    __u8 answers = !(turn->request_direction & 1);
    const struct http_stream *stream = &connection->halves[answers].stream;

    if (turn->request_direction == HTTP_DIRECTIONS)
        return;
    frame->packet.direction = answers;
    frame->stream = *stream;
    frame->turn = *turn;
    frame->unstored_from = connection->unstored_from;
    frame->pushed = connection->counts[!answers];
    frame->popped = connection->counts[answers];
    frame->head_ns = connection->halves[answers].head_ns;
    if (stream->flags & HTTP_HEAD_IS_RESPONSE && stream->status >= 200 &&
        stream->phase >= HTTP_PHASE_FIELDS && stream->phase <= HTTP_PHASE_UNTIL_CLOSE) {
        http_body_cut(&frame->stream);
        http_answer(connection, frame);
    }
    http_direction_ignore(connection, answers);
    frame->stream.body = 0;
    frame->exchange.key.cgroup = connection->cgroup;
    frame->exchange.key.role = answers == HTTP_INGRESS ? HTTP_ROLE_CLIENT : HTTP_ROLE_SERVER;
    frame->exchange.key.status = 0;
    frame->exchange.end_ns = frame->packet.now_ns;
    frame->exchange.head_ns = 0;
    frame->exchange.response_bytes = 0;
    for (int i = 0; i < HTTP_MAX_OUTSTANDING; i++) {
        compiler_barrier();
        if (!http_asker_is_stored(frame))
            break;
        http_answer_waiting(connection, frame, frame->popped);
        frame->popped++;
        http_exchange_count(frame);
    }
    if (frame->popped != frame->pushed)
        http_outcome_count(HTTP_HEAD_TOO_MANY, frame->pushed - frame->popped);
    connection->counts[answers] = frame->pushed;
}

/* Fills the frame from the connection; the caller has set frame->packet, and brings back the kept
 * line where stream.kept says that there is one. */
static __always_inline void http_packet_begin(const struct http_connection *connection,
                                              struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;

    *stream = connection->halves[frame->packet.direction & 1].stream;
    frame->turn = connection->turn;
    frame->unstored_from = connection->unstored_from;
    frame->pushed = connection->counts[!(frame->packet.direction & 1)];
    frame->popped = connection->counts[frame->packet.direction & 1];
    frame->head_ns = connection->halves[frame->packet.direction & 1].head_ns;
    http_asker_find(connection, frame);
    if (stream->phase == HTTP_PHASE_NEW) {
        stream->phase = HTTP_PHASE_START;
        stream->next = frame->packet.sequence;
        stream->seen = frame->packet.sequence;
    }
    __u32 sequence = frame->packet.sequence, end = sequence + frame->packet.length;
    if ((__s32)(sequence - stream->next) > 0 &&
        ((__s32)(stream->seen - stream->next) <= 0 || (__s32)(sequence - stream->skipped) < 0))
        stream->skipped = sequence;
    if ((__s32)(end - stream->seen) > 0)
        stream->seen = end;
    frame->window.sequence = stream->next - stream->kept;
    frame->window.line = 0;
    frame->window.at = stream->kept;
    frame->window.end = stream->kept;
}

static __always_inline int http_keep_nothing(struct http_frame *frame)
{
    frame->stream.kept = 0;
    return 0;
}

/* Is the packet's end also the end of all that was looked for in it? */
static __always_inline int http_packet_is_plain(const struct http_frame *frame)
{
    __u8 phase = frame->stream.phase;

    return !frame->packet.fin &&
           ((phase == HTTP_PHASE_START && frame->window.line == frame->window.end) ||
            phase == HTTP_PHASE_BODY);
}

static __always_inline void http_packet_run(void *context, struct http_connection *connection,
                                            struct http_frame *frame)
{
    int action = 0;

    for (int i = 0; i < HTTP_PACKET_STEPS; i++) {
        compiler_barrier();
        action = HTTP_STEP(context, frame);
        if (action & ~HTTP_ACTION_MORE)
            http_connection_act(connection, frame, action);
        if (!(action & HTTP_ACTION_MORE))
            break;
    }
    if (action & HTTP_ACTION_MORE)
        action = http_lose(frame, HTTP_LOSS_BOUND);
    else
        action = http_packet_is_plain(frame) ? http_keep_nothing(frame) : HTTP_STEP_LAST(frame);
    if (action)
        http_connection_act(connection, frame, action);
}

/* The caller then keeps the unfinished line aside: stream.kept bytes of the window. */
static __always_inline void http_packet_end(struct http_connection *connection,
                                            const struct http_frame *frame)
{
    struct http_half *half = &connection->halves[frame->packet.direction & 1];
    const struct http_stream *stream = &frame->stream;

    half->stream = *stream;
    half->head_ns = frame->head_ns;
    connection->idle_next[frame->packet.direction & 1] = stream->next;
    connection->turn.idle[frame->packet.direction & 1] = stream->phase == HTTP_PHASE_START &&
                                                         !stream->kept && !frame->head_ns &&
                                                         stream->seen == stream->next;
}

#endif
