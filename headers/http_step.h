/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* One direction of a connection, step by step through one packet: which bytes to look at, by TCP
 * sequence number, so that a retransmitted byte is not looked at twice and a body is passed over by
 * arithmetic; what a head means for what follows it. Works on a frame alone and tells by its
 * actions what the connection must do.
 *
 * Spec of message lengths: RFC 9112, section 6.3. */
#ifndef EDGEMETER_HTTP_STEP_H
#define EDGEMETER_HTTP_STEP_H

#include "http_scan.h"

#define HTTP_LINE_END ('\r' | '\n' << 8)
#define HTTP_HOP (1u << 30) /* the longest step of a sequence number at once */

enum http_action {
    HTTP_ACTION_MORE = 1,        /* the packet is not done */
    HTTP_ACTION_REQUEST = 2,     /* a request head: it waits for its answer */
    HTTP_ACTION_REQUEST_END = 4, /* its body's length is known only now */
    HTTP_ACTION_ANSWER = 8,      /* an answer is complete */
    HTTP_ACTION_IGNORE = 16,     /* neither direction is looked at any more */
    HTTP_ACTION_UNREAD = 32,     /* bytes that begin no head */
};

/* Hooks, defined by whoever includes this. `context` is theirs. */
static int http_packet_load(void *context, const struct http_frame *frame, __u32 offset, __u8 *to,
                            __u32 length);
static void http_outcome_count(__u32 outcome, __u64 amount);

/* The position is lost: what is known of the message in progress is all that will be known. */
static __always_inline int http_lose(struct http_frame *frame, __u32 reason)
{
    struct http_stream *stream = &frame->stream;
    __u8 phase = stream->phase;
    int action = 0;

    stream->phase = HTTP_PHASE_LOST;
    stream->flags |= HTTP_HEAD_PASSED;
    stream->kept = 0;
    http_outcome_count(reason, 1);
    if (!frame->head_ns)
        frame->head_ns = frame->packet.now_ns;
    if (phase < HTTP_PHASE_FIELDS || phase > HTTP_PHASE_UNTIL_CLOSE)
        return 0;
    if (stream->flags & HTTP_HEAD_IS_RESPONSE)
        action = stream->status >= 200 ? HTTP_ACTION_ANSWER : 0;
    else if (phase == HTTP_PHASE_FIELDS)
        action = HTTP_ACTION_REQUEST;
    return action;
}

/* Have the bytes at `next` come too early, and gone by? */
static __always_inline int http_went_by(const struct http_stream *stream)
{
    return (__s32)(stream->seen - stream->next) > 0 && (__s32)(stream->skipped - stream->next) <= 0;
}

/* The rest of the line, or all of it, has gone by. Of a start line its first bytes tell enough. */
static __always_inline int http_lose_line(struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    const struct http_window *window = &frame->window;

    if (stream->phase == HTTP_PHASE_START && window->end >= window->line + HTTP_LINE_TAIL) {
        __u64 word = http_word(window, window->line);
        int is_status = http_is_status_line(word);
        __u8 method = http_known_method(word);
        if (method == HTTP_METHODS && http_is_unknown_method(window, ~0u))
            method = HTTP_METHOD_OTHER;
        stream->flags = is_status ? HTTP_HEAD_IS_RESPONSE : 0;
        stream->status = is_status ? http_status(window) : 0;
        stream->method = method == HTTP_METHODS ? HTTP_METHOD_OTHER : method;
        stream->left = 0;
        stream->body = 0;
        stream->place = (struct http_place){0, 0};
        if (is_status || method != HTTP_METHODS)
            stream->phase = HTTP_PHASE_FIELDS;
    }
    return http_lose(frame, HTTP_LOSS_RESYNC);
}

static __always_inline int http_ignore(struct http_frame *frame, __u32 outcome)
{
    frame->stream.phase = HTTP_PHASE_IGNORED;
    http_outcome_count(outcome, 1);
    return HTTP_ACTION_IGNORE;
}

/* Bytes that are not HTTP where a head should start. A connection seen from its start is not HTTP
 * once both sides have sent such; on any other it may be the middle of something, or a request that
 * only the server can make sense of. */
static __always_inline int http_not_http(struct http_frame *frame, int is_tls)
{
    struct http_turn *turn = &frame->turn;

    if (turn->late || turn->request_direction != HTTP_DIRECTIONS)
        return HTTP_ACTION_UNREAD | http_lose(frame, HTTP_LOSS_RESYNC);
    if (turn->unread & ~(1 << frame->packet.direction))
        return http_ignore(frame, is_tls ? HTTP_CONNECTION_TLS : HTTP_CONNECTION_NOT_HTTP);
    if (!frame->head_ns)
        frame->head_ns = frame->packet.now_ns;
    frame->stream.phase = HTTP_PHASE_LOST;
    frame->stream.flags |= HTTP_HEAD_PASSED;
    return HTTP_ACTION_UNREAD;
}

/* Is the request stored that the current answer belongs to? */
static __always_inline int http_asker_is_stored(const struct http_frame *frame)
{
    const struct http_turn *turn = &frame->turn;

    return frame->popped != frame->pushed &&
           !(turn->unstored && (__s32)(frame->popped - frame->unstored_from) >= 0);
}

/* The next `left` bytes are body. */
static __always_inline void http_skip(struct http_stream *stream, __u8 phase)
{
    __u32 hop = stream->left < HTTP_HOP ? stream->left : HTTP_HOP;

    stream->phase = phase;
    stream->left -= hop;
    stream->next += hop;
}

/* Has the last byte of the body gone by? */
static __always_inline int http_body_is_by(const struct http_stream *stream)
{
    return !stream->left && (__s32)(stream->next - stream->seen) <= 0;
}

/* Does the packet go on where the stream does? Where that is unknown it may. */
static __always_inline int http_more(const struct http_frame *frame)
{
    __u32 end = frame->packet.sequence + frame->packet.length;

    if (frame->stream.phase == HTTP_PHASE_LOST)
        return HTTP_ACTION_MORE;
    return (__s32)(end - frame->stream.next) > 0 ? HTTP_ACTION_MORE : 0;
}

/* The body will go no further than it has come. */
static __always_inline void http_body_cut(struct http_stream *stream)
{
    __s32 missing = stream->next - stream->seen;

    if (stream->phase != HTTP_PHASE_BODY && stream->phase != HTTP_PHASE_CHUNK_DATA)
        return;
    stream->body -= stream->left;
    if (missing > 0)
        stream->body -= missing;
}

static __always_inline int http_message_end(struct http_stream *stream)
{
    stream->phase = HTTP_PHASE_START;
    if (stream->flags & HTTP_HEAD_IS_RESPONSE)
        return HTTP_ACTION_ANSWER;
    return stream->flags & HTTP_HEAD_IS_CHUNKED ? HTTP_ACTION_REQUEST_END : 0;
}

static __always_inline int http_body_begin(struct http_stream *stream)
{
    if (stream->flags & HTTP_HEAD_IS_CHUNKED) {
        stream->body = 0;
        stream->phase = HTTP_PHASE_CHUNK_SIZE;
    } else if (stream->flags & HTTP_HEAD_HAS_LENGTH && stream->body) {
        stream->left = stream->body;
        http_skip(stream, HTTP_PHASE_BODY);
    } else if (stream->flags & HTTP_HEAD_IS_RESPONSE && !(stream->flags & HTTP_HEAD_HAS_LENGTH)) {
        stream->phase = HTTP_PHASE_UNTIL_CLOSE;
    } else {
        return http_message_end(stream);
    }
    return 0;
}

static __always_inline int http_response_head(struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    __u16 status = stream->status;
    __u8 method = HTTP_METHOD_GET;

    if (status < 200 && status != 101) { /* 100, 102, 103: the answer is yet to come */
        frame->head_ns = 0;
        stream->phase = HTTP_PHASE_START;
        return 0;
    }
    if (http_asker_is_stored(frame))
        method = frame->asked_by;
    if (!frame->head_ns)
        frame->head_ns = frame->packet.now_ns;
    if (status == 101 || (method == HTTP_METHOD_CONNECT && status < 300)) {
        stream->body = 0;
        return HTTP_ACTION_ANSWER | http_ignore(frame, HTTP_LOSS_TUNNEL);
    }
    if (method == HTTP_METHOD_HEAD || status == 204 || status == 304) {
        stream->body = 0;
        return http_message_end(stream);
    }
    return http_body_begin(stream);
}

static __always_inline int http_head(struct http_frame *frame)
{
    if (frame->stream.flags & HTTP_HEAD_BAD_LENGTH)
        return http_lose(frame, HTTP_LOSS_RESYNC);
    if (frame->stream.flags & HTTP_HEAD_IS_RESPONSE)
        return http_response_head(frame);
    if (!frame->head_ns)
        frame->head_ns = frame->packet.now_ns;
    return HTTP_ACTION_REQUEST | http_body_begin(&frame->stream);
}

/* A path behind what could be a method at the mark, in the first 16 bytes. */
static __always_inline int http_looks_like_target(const struct http_frame *frame)
{
    for (__u32 i = frame->mark; i < 15; i++) {
        __u8 byte = http_byte(&frame->window, i);
        if (byte == ' ')
            return i > frame->mark && http_byte(&frame->window, i + 1) == '/';
        if (!http_is_token(byte))
            return 0;
    }
    return 0;
}

/* Marks where a request may begin: behind the empty lines that some send before it. */
static __always_inline void http_mark_request(struct http_frame *frame)
{
    frame->mark = 0;
    for (int i = 0; i < 4; i++) {
        compiler_barrier();
        __u64 word = http_word(&frame->window, frame->mark);
        if ((word & 0xffff) == HTTP_LINE_END)
            frame->mark += 2;
        else if ((word & 0xff) == '\n')
            frame->mark++;
        else
            break;
    }
    compiler_barrier();
}

/* Does the payload start like a head of this direction? */
static __always_inline int http_looks_like_head(void *context, struct http_frame *frame)
{
    __u8 requests = frame->turn.request_direction, direction = frame->packet.direction;

    if (frame->packet.length < 16 || http_packet_load(context, frame, 0, frame->window.bytes, 16))
        return 0;
    if (requests != direction && http_is_status_line(http_word(&frame->window, 0)))
        return 1;
    if (requests != direction && requests != HTTP_DIRECTIONS)
        return 0;
    http_mark_request(frame);
    return http_known_method(http_word(&frame->window, frame->mark)) != HTTP_METHODS ||
           (requests == direction && http_looks_like_target(frame));
}

/* A lost position is regained where a segment starts like a head; not where it was looked at
 * before, until a position is too old to be compared with. */
static __always_inline int http_step_lost(void *context, struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    __s32 ahead = frame->packet.sequence - stream->next;

    if (frame->packet.tried)
        return 0;
    frame->packet.tried = 1;
    frame->window.end = 0;
    if (stream->flags & HTTP_HEAD_PASSED && ahead < 0)
        return 0;
    if (ahead > (__s32)HTTP_HOP)
        stream->flags &= ~HTTP_HEAD_PASSED;
    if (!http_looks_like_head(context, frame))
        return 0;
    if (!(stream->flags & HTTP_HEAD_PASSED))
        stream->seen = frame->packet.sequence + frame->packet.length;
    stream->phase = HTTP_PHASE_START;
    stream->next = frame->packet.sequence;
    frame->head_ns = 0;
    frame->window.sequence = frame->packet.sequence;
    frame->window.line = 0;
    frame->window.at = 0;
    return HTTP_ACTION_MORE;
}

/* Takes bytes from the packet behind what the window holds. 0: there are none. */
static __always_inline int http_refill(void *context, struct http_frame *frame)
{
    struct http_window *window = &frame->window;
    __u32 offset = frame->stream.next - frame->packet.sequence;

    if (window->at < window->end)
        return 1;
    if (offset >= frame->packet.length)
        return 0;
    /* 64 bits wide: a bound checked on half a register is forgotten with the other half; and used at
     * once: an old verifier forgets it where the register goes to the stack. Less one while it is
     * checked: before 6.2 the verifier learns nothing from a comparison with 0. */
    __u64 length = frame->packet.length - offset, end = window->end;
    if (length > HTTP_WINDOW_LOAD)
        length = HTTP_WINDOW_LOAD;
    compiler_forget(end);
    if (end > HTTP_LINE_KEPT)
        return 0;
    __u8 *to = window->bytes + end;
    compiler_forget(to);
    length--;
    compiler_forget(length);
    if (length >= HTTP_WINDOW_LOAD)
        return 0;
    length++;
    if (http_packet_load(context, frame, offset, to, length))
        return 0;
    window->end = end + length;
    return 1;
}

/* After a skip: the window goes on where it still holds the bytes, else it is empty. */
static __always_inline void http_window_seek(struct http_frame *frame)
{
    struct http_window *window = &frame->window;
    __u32 at = frame->stream.next - window->sequence;

    if (at >= window->end) {
        window->sequence = frame->stream.next;
        window->end = 0;
        at = 0;
    }
    window->at = at;
    window->line = at;
}

static __always_inline int http_step_event(struct http_frame *frame, int event)
{
    struct http_stream *stream = &frame->stream;
    int action = 0;

    switch (event) {
    case HTTP_EVENT_MORE:
        http_keep_line(&frame->window);
        return 0;
    case HTTP_EVENT_HEAD:
        action = http_head(frame);
        if (stream->phase == HTTP_PHASE_BODY && http_body_is_by(stream))
            action |= http_message_end(stream);
        break;
    case HTTP_EVENT_CHUNK:
        stream->body += stream->left;
        if (stream->left)
            http_skip(stream, HTTP_PHASE_CHUNK_DATA);
        if (stream->phase == HTTP_PHASE_CHUNK_DATA && http_body_is_by(stream))
            stream->phase = HTTP_PHASE_CHUNK_END;
        break;
    case HTTP_EVENT_END:
        action = http_message_end(stream);
        break;
    case HTTP_EVENT_NOT_HTTP:
    case HTTP_EVENT_TLS:
        return http_not_http(frame, event == HTTP_EVENT_TLS);
    case HTTP_EVENT_BROKEN:
        return http_lose(frame, HTTP_LOSS_RESYNC);
    default:
        return 0;
    }
    http_window_seek(frame);
    return action;
}

/* Where a message should start, another one came first: a final answer before its 103, or a
 * pipeline. */
static __always_inline int http_begins_another(void *context, struct http_frame *frame)
{
    return frame->stream.phase == HTTP_PHASE_START && frame->window.line == frame->window.end &&
           http_looks_like_head(context, frame);
}

static __always_inline int http_step_lines(void *context, struct http_frame *frame)
{
    if ((__s32)(frame->packet.sequence - frame->stream.next) > 0) { /* a hole before a line */
        if (frame->packet.early && !http_went_by(&frame->stream) &&
            !http_begins_another(context, frame))
            return 0;
        return HTTP_ACTION_MORE | http_lose_line(frame);
    }
    if (!http_refill(context, frame))
        return 0;
    int event = HTTP_SCAN(frame);
    frame->stream.next = frame->window.sequence + frame->window.at;
    int action = http_step_event(frame, event);
    return action | http_more(frame);
}

/* Goes on behind a body whose last byte has gone by. */
static __always_inline int http_step_body(struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;

    if ((__s32)(stream->next - stream->seen) > 0)
        return 0;
    if (stream->left) {
        http_skip(stream, stream->phase);
        http_window_seek(frame);
        return HTTP_ACTION_MORE;
    }
    if (stream->phase == HTTP_PHASE_CHUNK_DATA) {
        stream->phase = HTTP_PHASE_CHUNK_END;
        return http_more(frame);
    }
    int action = http_message_end(stream);
    return action | http_more(frame);
}

/* One byte of a PROXY header: version, family, and two of length, gathered in `body` behind a 1. */
static __always_inline int http_step_proxy(void *context, struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    __u32 offset = stream->next - frame->packet.sequence;
    __u8 *byte = frame->window.bytes + HTTP_WINDOW_BYTES; /* which holds none of the packet's */

    if (offset >= frame->packet.length || http_packet_load(context, frame, offset, byte, 1))
        return 0;
    stream->next++;
    stream->body = stream->body << 8 | *byte;
    if (!(stream->body >> 32))
        return http_more(frame);
    if ((stream->body >> 28 & 0xf) != 2)
        return http_not_http(frame, 0);
    stream->left = stream->body & 0xffff;
    stream->body = 0;
    http_skip(stream, HTTP_PHASE_BODY);
    http_window_seek(frame);
    return HTTP_ACTION_MORE;
}

/* One step through the frame's packet; HTTP_ACTION_* */
static __always_inline int http_step(void *context, struct http_frame *frame)
{
    __u8 phase = frame->stream.phase;

    if (phase == HTTP_PHASE_BODY || phase == HTTP_PHASE_CHUNK_DATA)
        return http_step_body(frame);
    if (phase >= HTTP_PHASE_START && phase <= HTTP_PHASE_TRAILERS)
        return http_step_lines(context, frame);
    if (phase == HTTP_PHASE_LOST)
        return http_step_lost(context, frame);
    if (phase == HTTP_PHASE_PROXY)
        return http_step_proxy(context, frame);
    return 0;
}

/* Can the bytes kept begin a start line? */
static __always_inline int http_may_start(const struct http_window *window, __u32 kept)
{
    __u32 compared = kept < 7 ? kept : 7;

    if (!((http_word(window, 0) ^ HTTP_TEXT_VERSION) & HTTP_BYTES(compared)))
        return 1;
    if (kept <= 2 && !((http_word(window, 0) ^ '\r' << 8) & HTTP_BYTES(kept)))
        return 1; /* it may begin a PROXY header */
    for (__u32 i = 0; i < 32; i++) {
        if (i >= kept)
            return 1;
        __u8 byte = http_byte(window, i);
        if (byte == ' ')
            return i > 0;
        if (!http_is_token(byte))
            return 0;
    }
    return 0;
}

/* At the packet's end. An answer whose end only the connection's end tells, or that was cut short
 * by it, is complete; bytes that cannot begin a start line are not waited for; what there is of a
 * line is kept. */
static __always_inline int http_step_last(struct http_frame *frame)
{
    struct http_stream *stream = &frame->stream;
    const struct http_packet *packet = &frame->packet;
    __u32 end = packet->sequence + packet->length;
    __u8 first = http_byte(&frame->window, 0);

    if (stream->phase == HTTP_PHASE_UNTIL_CLOSE && (__s32)(end - stream->next) > 0) {
        stream->body += end - stream->next;
        stream->next = end;
    }
    stream->kept = 0;
    if (packet->fin && stream->flags & HTTP_HEAD_IS_RESPONSE &&
        stream->phase >= HTTP_PHASE_CHUNK_SIZE && stream->phase <= HTTP_PHASE_UNTIL_CLOSE &&
        (stream->phase >= HTTP_PHASE_BODY || (__s32)(packet->sequence - stream->next) <= 0)) {
        http_body_cut(stream);
        return http_message_end(stream);
    }
    if (stream->phase < HTTP_PHASE_START || stream->phase > HTTP_PHASE_TRAILERS)
        return 0;
    if (http_went_by(stream))
        return http_lose_line(frame);
    stream->kept = frame->window.end - frame->window.line; /* the line, if any, is in front */
    int begun = stream->kept > 1 || (stream->kept && first != '\r');
    if (stream->phase == HTTP_PHASE_START && begun &&
        !http_may_start(&frame->window, stream->kept)) {
        stream->kept = 0;
        stream->method = HTTP_METHOD_OTHER;
        return http_not_http(frame, http_is_tls(first));
    }
    if (!frame->head_ns &&
        (stream->phase == HTTP_PHASE_FIELDS || (stream->phase == HTTP_PHASE_START && begun)))
        frame->head_ns = packet->now_ns;
    return 0;
}

#endif
