/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* One connection: what its two directions' actions mean together. Requests wait in the order they
 * came in; an answer that is complete becomes an exchange, and the exchange is counted. */
#ifndef EDGEMETER_HTTP_CONNECTION_H
#define EDGEMETER_HTTP_CONNECTION_H

#include "http_step.h"

#define HTTP_PACKET_STEPS 160 /* at least 16 heads and 64 chunks of one packet are looked at */

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
}

/* Is there anything in this packet for the stream? Cheap, and no for most packets of a body. */
static __always_inline int http_packet_concerns(const struct http_stream *stream,
                                                const struct http_packet *packet)
{
    __u32 end = packet->sequence + packet->length;

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
        return packet->fin || (__s32)(stream->next - end) <= 0;
    default:
        return packet->fin || (__s32)(end - stream->next) > 0;
    }
}

/* Where more wait than there are slots, requests go unstored until all have been answered: their
 * answers, which come in order, then find no slot and are counted as too many. */
static __always_inline void http_request_push(struct http_connection *connection,
                                              struct http_frame *frame)
{
    struct http_turn *turn = &connection->turn;
    __u32 number = turn->pushed, waiting = number - turn->popped;

    if (turn->request_direction == HTTP_DIRECTIONS) {
        turn->request_direction = frame->packet.direction;
        frame->turn.request_direction = frame->packet.direction;
        http_outcome_count(HTTP_CONNECTION_HTTP, 1);
    }
    if (!waiting)
        turn->unstored = 0;
    if (waiting >= HTTP_MAX_OUTSTANDING && !turn->unstored) {
        turn->unstored = 1;
        turn->unstored_from = number;
    }
    if (!turn->unstored) {
        struct http_waiting *slot = &connection->waiting[number % HTTP_MAX_OUTSTANDING];
        turn->methods[number % HTTP_MAX_OUTSTANDING] = frame->stream.method;
        slot->start_ns = frame->head_ns;
        slot->body = frame->stream.flags & HTTP_HEAD_IS_CHUNKED ? 0 : frame->stream.body;
    }
    frame->head_ns = 0;
    turn->pushed = number + 1;
}

static __always_inline void http_request_end(struct http_connection *connection,
                                             const struct http_frame *frame)
{
    __u32 last = connection->turn.pushed - 1;

    if (!connection->turn.unstored)
        connection->waiting[last % HTTP_MAX_OUTSTANDING].body = frame->stream.body;
}

static __always_inline void http_answer(struct http_connection *connection, struct http_frame *frame)
{
    struct http_turn *turn = &frame->turn;
    struct http_exchange *exchange = &frame->exchange;
    __u32 number = turn->popped;
    __u64 head_ns = frame->head_ns;

    frame->head_ns = 0;
    if (number == turn->pushed) {
        http_outcome_count(HTTP_HEAD_REQUEST_UNSEEN, 1);
        return;
    }
    int stored = http_turn_is_stored(turn);
    const struct http_waiting *request = &connection->waiting[number % HTTP_MAX_OUTSTANDING];
    exchange->key.cgroup = connection->cgroup;
    exchange->key.status = frame->stream.status;
    exchange->key.role = turn->request_direction == HTTP_EGRESS ? HTTP_ROLE_CLIENT : HTTP_ROLE_SERVER;
    exchange->key.method = turn->methods[number % HTTP_MAX_OUTSTANDING];
    exchange->key.reserved = 0;
    exchange->duration_ns = frame->packet.now_ns - request->start_ns;
    exchange->first_byte_ns = head_ns - request->start_ns;
    exchange->request_bytes = request->body;
    exchange->response_bytes = frame->stream.body;
    turn->popped = number + 1;
    connection->turn.popped = number + 1;
    if (stored)
        http_exchange_count(frame);
    else
        http_outcome_count(HTTP_HEAD_TOO_MANY, 1);
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
    if (action & HTTP_ACTION_IGNORE)
        connection->streams[!(frame->packet.direction & 1)].phase = HTTP_PHASE_IGNORED;
}

/* Fills the frame from the connection; the caller has set frame->packet, and brings back the kept
 * line where stream.kept says that there is one. */
static __always_inline void http_packet_begin(const struct http_connection *connection,
                                              struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;

    *stream = connection->streams[frame->packet.direction & 1];
    frame->turn = connection->turn;
    frame->head_ns = connection->head_ns[frame->packet.direction & 1];
    if (stream->phase == HTTP_PHASE_NEW) {
        stream->phase = HTTP_PHASE_START;
        stream->next = frame->packet.sequence;
    }
    frame->window.sequence = stream->next - stream->kept;
    frame->window.line = 0;
    frame->window.at = stream->kept;
    frame->window.end = stream->kept;
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
        http_lose(frame, HTTP_CONNECTION_BOUND);
    action = HTTP_STEP_LAST(frame);
    if (action)
        http_connection_act(connection, frame, action);
}

/* The caller then keeps the unfinished line aside: stream.kept bytes of the window. */
static __always_inline void http_packet_end(struct http_connection *connection,
                                            const struct http_frame *frame)
{
    connection->streams[frame->packet.direction & 1] = frame->stream;
    connection->head_ns[frame->packet.direction & 1] = frame->head_ns;
}

#endif
