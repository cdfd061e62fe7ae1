/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the framer of headers/ over plain memory, packet by packet, as bpf/http_meter.bpf.c does
 * in the kernel. Collects exchanges and outcomes, and stops the process where a bound is
 * overstepped. */
#ifndef EDGEMETER_TESTS_FRAMER_HARNESS_H
#define EDGEMETER_TESTS_FRAMER_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_plain.h"

#define FRAMER_MAX_ROWS 1024

#define FRAMER_REQUIRE(condition)                                                          \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

struct framer {
    struct http_connection connection;
    struct http_kept kept;
    struct http_frame *frame; /* allocated alone, so that ASan guards its end */
    unsigned row_count;
    unsigned packets;      /* that were looked at */
    unsigned plain;        /* exchanges counted on the short way */
    int seen;              /* carried payload */
    uint64_t bytes_loaded; /* from packets */
    uint64_t outcomes[HTTP_OUTCOMES];
    struct http_memo memos[2];
    int interrupted; /* another packet takes the window before a head is remembered */
    void (*meanwhile)(struct framer *framer); /* what another CPU does, at each hook; NULL: nothing */
    struct http_exchange rows[FRAMER_MAX_ROWS];
};

struct framer_payload {
    const uint8_t *bytes;
    uint32_t length;
};

static struct framer *framer_in_use;

static void framer_meanwhile(struct framer *framer)
{
    if (framer->meanwhile)
        framer->meanwhile(framer);
}

static int http_packet_load(void *context, const struct http_frame *frame, __u32 offset, __u8 *to,
                            __u32 length)
{
    const struct framer_payload *payload = context;
    const uint8_t *room = frame->window.bytes;

    FRAMER_REQUIRE(length > 0 && offset < payload->length && length <= payload->length - offset);
    framer_meanwhile(framer_in_use);
    FRAMER_REQUIRE(to >= room && to + length <= room + sizeof(frame->window.bytes));
    memcpy(to, payload->bytes + offset, length);
    framer_in_use->bytes_loaded += length;
    return 0;
}

static void http_outcome_count(__u32 outcome, __u64 amount)
{
    framer_meanwhile(framer_in_use);
    FRAMER_REQUIRE(outcome < HTTP_OUTCOMES);
    framer_in_use->outcomes[outcome] += amount;
}

/* Every route and every host is configured: its number is made of its bytes. */
static uint16_t framer_place_number(const uint8_t *bytes, uint32_t length)
{
    uint32_t hash = 1;

    while (length--)
        hash = hash * 31 + *bytes++;
    return 1 + hash % 65521;
}

static int http_routes_are_on(void)
{
    return 1;
}

static int http_hosts_are_on(void)
{
    return 1;
}

static __u16 http_route_lookup(const struct http_route_key *key)
{
    FRAMER_REQUIRE(key->prefix_bits % 8 == 0 && key->prefix_bits <= 8 * HTTP_ROUTE_BYTES);
    return framer_place_number(key->path, key->prefix_bits / 8);
}

static __u16 http_host_lookup(const struct http_host_key *key)
{
    uint32_t length = sizeof(key->name);

    FRAMER_REQUIRE(!key->name[--length]);
    while (length && !key->name[length - 1])
        length--;
    return length ? framer_place_number(key->name, length) : 0;
}

static void framer_count(const struct http_exchange *exchange)
{
    struct framer *framer = framer_in_use;

    framer_meanwhile(framer);
    FRAMER_REQUIRE(framer->row_count < FRAMER_MAX_ROWS);
    FRAMER_REQUIRE(exchange->key.method < HTTP_METHODS && exchange->key.role < HTTP_ROLES);
    FRAMER_REQUIRE(exchange->start_ns <= exchange->end_ns && exchange->head_ns <= exchange->end_ns);
    framer->rows[framer->row_count++] = *exchange;
    framer->outcomes[exchange->key.status ? HTTP_HEAD_COUNTED : HTTP_HEAD_UNANSWERED]++;
}

static void http_exchange_count(struct http_frame *frame)
{
    framer_count(&frame->exchange);
}

static int http_window_is_ours(const void *context, const struct http_frame *frame)
{
    (void)context;
    (void)frame;
    return !framer_in_use->interrupted;
}

static struct http_memo *http_memo_of(__u32 kind)
{
    return &framer_in_use->memos[kind];
}

static int http_exchange_count_known(const struct http_exchange *exchange)
{
    framer_in_use->plain++;
    framer_count(exchange);
    return 1;
}

static inline void framer_new(struct framer *framer)
{
    framer->frame = malloc(sizeof(*framer->frame));
    FRAMER_REQUIRE(framer->frame);
}

static inline void framer_free(struct framer *framer)
{
    free(framer->frame);
    framer->frame = NULL;
}

/* A connection whose first payload is its first packet, as one on a listening socket. */
static inline void framer_reset(struct framer *framer)
{
    struct http_frame *frame = framer->frame;

    memset(framer, 0, offsetof(struct framer, rows));
    framer->frame = frame;
    http_connection_init(&framer->connection, 1);
}

/* A connection seen from its start, its sequence numbers known. */
static inline void framer_reset_at(struct framer *framer, const uint32_t next[HTTP_DIRECTIONS])
{
    framer_reset(framer);
    for (int i = 0; i < HTTP_DIRECTIONS; i++) {
        http_stream_begin(&framer->connection.halves[i].stream, next[i]);
    }
}

/* A connection that has carried payload before. */
static inline void framer_reset_late(struct framer *framer)
{
    framer_reset(framer);
    framer->connection.turn.late = 1;
    framer->connection.halves[HTTP_INGRESS].stream.phase = HTTP_PHASE_LOST;
    framer->connection.halves[HTTP_EGRESS].stream.phase = HTTP_PHASE_LOST;
}

/* How many requests wait for their answer. */
static inline int32_t framer_waiting(const struct framer *framer)
{
    const uint32_t *counts = framer->connection.counts;
    uint8_t requests = framer->connection.turn.request_direction & 1;

    return counts[requests] - counts[!requests];
}

/* What must always hold; seen = counted + lost, as far as the framer decides it. */
static inline void framer_check(const struct framer *framer)
{
    const struct http_turn *turn = &framer->connection.turn;
    const uint64_t *outcomes = framer->outcomes;

    for (int i = 0; i < HTTP_DIRECTIONS; i++) {
        FRAMER_REQUIRE(framer->connection.halves[i].stream.phase <= HTTP_PHASE_PROXY);
        FRAMER_REQUIRE(framer->connection.halves[i].stream.kept <= HTTP_LINE_KEPT);
        FRAMER_REQUIRE(!framer->connection.turn.idle[i] ||
                       (framer->connection.halves[i].stream.phase == HTTP_PHASE_START &&
                        !framer->connection.halves[i].stream.kept));
    }
    FRAMER_REQUIRE(framer_waiting(framer) >= 0);
    FRAMER_REQUIRE(outcomes[HTTP_HEAD_COUNTED] + outcomes[HTTP_HEAD_UNANSWERED] ==
                   framer->row_count);
    FRAMER_REQUIRE(outcomes[HTTP_HEAD_SEEN] == framer->row_count + outcomes[HTTP_HEAD_TOO_MANY] +
                                                   outcomes[HTTP_HEAD_REQUEST_UNSEEN] +
                                                   framer_waiting(framer));
    FRAMER_REQUIRE(outcomes[HTTP_CONNECTION_HTTP] + outcomes[HTTP_CONNECTION_NOT_HTTP] +
                       outcomes[HTTP_CONNECTION_TLS] <=
                   outcomes[HTTP_CONNECTION_SEEN]);
    FRAMER_REQUIRE(outcomes[HTTP_CONNECTION_HTTP] == (turn->request_direction != HTTP_DIRECTIONS));
    FRAMER_REQUIRE(outcomes[HTTP_CONNECTION_HTTP] || !outcomes[HTTP_HEAD_SEEN]);
}

/* One TCP segment. The scratch space holds something else each time, as on a CPU that works on many
 * connections. */
static inline void feed(struct framer *framer, uint8_t direction, uint32_t sequence,
                        const void *bytes, uint32_t length, int fin, uint64_t now_ns)
{
    static const uint8_t remains[] = {'\n', 0, 'A', '\r', 0xff, '0', ' '};
    struct framer_payload payload = {bytes, length};
    struct http_frame *frame = framer->frame;
    uint8_t *kept = framer->kept.bytes[direction];
    struct http_packet packet = {
        .sequence = sequence, .length = length, .direction = direction, .fin = !!fin};

    if ((!length && !fin) || (!length && !framer->seen))
        return;
    framer_in_use = framer;
    framer->outcomes[HTTP_CONNECTION_SEEN] += !framer->seen;
    framer->seen = 1;
    if (!http_packet_concerns(&framer->connection, &packet))
        return;
    memset(frame, remains[framer->packets++ % sizeof(remains)], sizeof(*frame));
    packet.now_ns = now_ns;
    frame->packet = packet;
    if (http_packet_may_be_plain(&framer->connection, &packet) &&
        http_packet_plain(&framer->connection, &packet, http_plain_head(&payload, frame))) {
        framer_check(framer);
        return;
    }
    http_packet_begin(&framer->connection, frame);
    if (frame->stream.kept)
        memcpy(frame->window.bytes, kept, HTTP_LINE_KEPT);
    http_packet_run(&payload, &framer->connection, frame);
    FRAMER_REQUIRE(frame->window.end <= HTTP_WINDOW_BYTES && frame->stream.kept <= HTTP_LINE_KEPT);
    if (frame->stream.kept)
        memcpy(kept, frame->window.bytes, HTTP_LINE_KEPT);
    http_packet_end(&framer->connection, frame);
    framer_check(framer);
}

static inline int framer_is_lost(const struct framer *framer)
{
    return framer->connection.halves[HTTP_INGRESS].stream.phase == HTTP_PHASE_LOST ||
           framer->connection.halves[HTTP_EGRESS].stream.phase == HTTP_PHASE_LOST;
}

/* The socket is closed. */
static inline void framer_end(struct framer *framer, uint64_t now_ns)
{
    framer_in_use = framer;
    memset(&framer->frame->packet, 0, sizeof(framer->frame->packet));
    framer->frame->packet.now_ns = now_ns;
    if (framer->seen)
        http_connection_end(&framer->connection, framer->frame);
    framer_check(framer);
    FRAMER_REQUIRE(!framer_waiting(framer));
}

#endif
