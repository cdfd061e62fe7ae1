/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a conversation as TCP segments, cut in many ways, and compares what was counted with what
 * must be: the rows, and for each row the packets that its times must come from. */
#ifndef EDGEMETER_TESTS_FRAMER_REPLAY_H
#define EDGEMETER_TESTS_FRAMER_REPLAY_H

#include "framer_harness.h"

#define REPLAY_MAX_BYTES (1u << 20) /* of one direction */

/* A number of bytes that one side sends before the other goes on. */
struct turn {
    const char *bytes;
    uint32_t length;
    uint8_t direction; /* HTTP_INGRESS: what a client sends to the metered server */
    uint8_t fin;
};

struct conversation {
    const struct turn *turns;
    unsigned turn_count;
};

/* A row as it must be. Offsets in the bytes of the request's and of the answer's direction; the one
 * behind all bytes is the FIN. */
struct expected_row {
    uint64_t request_bytes, response_bytes;
    uint32_t start, first, end;
    uint16_t status; /* 0: unanswered */
    uint16_t route, host;
    uint8_t method;
    uint8_t asker; /* the direction of requests; HTTP_INGRESS but under the fuzzer */
};

#define OFFSET_NONE UINT32_MAX      /* the time is not known */
#define OFFSET_END (UINT32_MAX - 1) /* when the socket was closed */

enum replay_cut {
    REPLAY_WHOLE,  /* each turn is one packet */
    REPLAY_AT,     /* the same, cut in two at one place */
    REPLAY_BYTES,  /* each byte is a packet */
    REPLAY_RANDOM, /* packets of any length */
    REPLAY_REPEAT, /* the same, with retransmissions, overlaps and keep-alive probes between them */
    REPLAY_SWEEP, /* all that the client says is one packet, then all that the server says is one */
    REPLAY_CUTS,
};

struct replay {
    struct framer framer;
    enum replay_cut cut;
    uint32_t place;  /* REPLAY_AT: bytes from the conversation's start */
    uint8_t swapped; /* the metered side is the client */
    uint8_t
        careful; /* says nothing more once a position is lost: what follows depends on the cuts */
    uint64_t random;
    uint64_t now;
    uint32_t first[HTTP_DIRECTIONS]; /* sequence numbers */
    uint32_t sent[HTTP_DIRECTIONS];  /* bytes */
    uint8_t fin_sent[HTTP_DIRECTIONS];
    uint8_t *bytes[HTTP_DIRECTIONS];
    uint64_t *times[HTTP_DIRECTIONS]; /* when each byte, and behind them the FIN, was first seen */
};

static inline uint64_t random_next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static inline uint32_t random_below(uint64_t *random, uint32_t limit)
{
    return (random_next(random) >> 20) % limit;
}

/* 1 to `limit`, mostly small. */
static inline uint32_t random_length(uint64_t *random, uint32_t limit)
{
    uint32_t length = 1 + random_below(random, 1u << random_below(random, 14));
    return length < limit ? length : limit;
}

static inline struct replay *replay_new(void)
{
    struct replay *replay = calloc(1, sizeof(*replay));

    FRAMER_REQUIRE(replay);
    framer_new(&replay->framer);
    for (int i = 0; i < HTTP_DIRECTIONS; i++) {
        replay->bytes[i] = malloc(REPLAY_MAX_BYTES);
        replay->times[i] = malloc((REPLAY_MAX_BYTES + 1) * sizeof(uint64_t));
        FRAMER_REQUIRE(replay->bytes[i] && replay->times[i]);
    }
    return replay;
}

static inline void replay_free(struct replay *replay)
{
    framer_free(&replay->framer);
    for (int i = 0; i < HTTP_DIRECTIONS; i++) {
        free(replay->bytes[i]);
        free(replay->times[i]);
    }
    free(replay);
}

/* Feeds the bytes [from, to) of one direction as a packet of exactly that size. */
static inline void replay_packet(struct replay *replay, uint8_t direction, uint32_t from,
                                 uint32_t to, int fin)
{
    uint32_t *sent = &replay->sent[direction];
    uint64_t *times = replay->times[direction];

    replay->now += 1000;
    for (; *sent < to; ++*sent)
        times[*sent] = replay->now;
    if (fin && !replay->fin_sent[direction]) {
        replay->fin_sent[direction] = 1;
        times[to] = replay->now;
    }
    if (replay->careful && framer_is_lost(&replay->framer))
        return;
    feed(&replay->framer, direction ^ replay->swapped, replay->first[direction] + from,
         replay->bytes[direction] + from, to - from, fin, replay->now);
}

/* Sends something again, or a byte that the other side has, and no new byte. */
static inline void replay_repeat(struct replay *replay)
{
    uint8_t direction = random_next(&replay->random) >> 40 & 1;
    uint32_t sent = replay->sent[direction];

    if (!sent)
        return;
    if (!random_below(&replay->random, 4)) {
        replay_packet(replay, direction, sent - 1, sent, 0);
        return;
    }
    uint32_t from = random_below(&replay->random, sent);
    uint32_t to = from + 1 + random_below(&replay->random, sent - from);
    replay_packet(replay, direction, from, to, to == sent && replay->fin_sent[direction]);
}

static inline uint32_t replay_step(struct replay *replay, uint32_t done, uint32_t left)
{
    switch (replay->cut) {
    case REPLAY_AT:
        return replay->place > done && replay->place - done < left ? replay->place - done : left;
    case REPLAY_BYTES:
        return left ? 1 : 0;
    case REPLAY_RANDOM:
    case REPLAY_REPEAT:
        return left ? random_length(&replay->random, left) : 0;
    default:
        return left;
    }
}

/* One turn; `done` bytes of the conversation came before it. */
static inline void replay_turn(struct replay *replay, const struct turn *turn, uint32_t done)
{
    uint8_t direction = turn->direction;
    uint32_t begin = replay->sent[direction], end = begin + turn->length;
    int random = replay->cut == REPLAY_RANDOM || replay->cut == REPLAY_REPEAT;
    int fin_alone = replay->cut == REPLAY_BYTES || !turn->length ||
                    (random && random_below(&replay->random, 2));

    memcpy(replay->bytes[direction] + begin, turn->bytes, turn->length);
    while (begin < end) {
        uint32_t to = begin + replay_step(replay, done, end - begin), from = begin;
        if (replay->cut == REPLAY_REPEAT) {
            if (!random_below(&replay->random, 3))
                replay_repeat(replay);
            if (begin && !random_below(&replay->random, 4))
                from -= random_length(&replay->random, begin);
        }
        replay_packet(replay, direction, from, to, turn->fin && to == end && !fin_alone);
        done += to - begin;
        begin = to;
    }
    if (turn->fin && fin_alone)
        replay_packet(replay, direction, end, end, 1);
}

static inline void replay_sweep(struct replay *replay, const struct conversation *conversation)
{
    for (unsigned direction = 0; direction < HTTP_DIRECTIONS; direction++) {
        uint32_t length = 0;
        int fin = 0;
        for (unsigned i = 0; i < conversation->turn_count; i++) {
            const struct turn *turn = &conversation->turns[i];
            if (turn->direction != direction)
                continue;
            memcpy(replay->bytes[direction] + length, turn->bytes, turn->length);
            length += turn->length;
            fin |= turn->fin;
        }
        replay_packet(replay, direction, 0, length, fin);
    }
}

/* Positions are chosen so that sequence numbers often wrap inside the conversation. */
static inline void replay_run(struct replay *replay, const struct conversation *conversation,
                              enum replay_cut cut)
{
    uint32_t next[HTTP_DIRECTIONS], done = 0;

    replay->cut = cut;
    replay->now = 1000000;
    for (int i = 0; i < HTTP_DIRECTIONS; i++) {
        replay->sent[i] = 0;
        replay->fin_sent[i] = 0;
        replay->first[i] = 0u - random_below(&replay->random, 2000);
        next[i ^ replay->swapped] = replay->first[i];
    }
    if (random_below(&replay->random, 2))
        framer_reset_at(&replay->framer, next);
    else
        framer_reset(&replay->framer);
    if (cut == REPLAY_SWEEP)
        replay_sweep(replay, conversation);
    for (unsigned i = 0; i < conversation->turn_count && cut != REPLAY_SWEEP; i++) {
        replay_turn(replay, &conversation->turns[i], done);
        done += conversation->turns[i].length;
    }
    replay->now += 1000;
    framer_end(&replay->framer, replay->now);
}

static inline uint64_t replay_time(const struct replay *replay, uint8_t direction, uint32_t offset)
{
    if (offset == OFFSET_NONE)
        return 0;
    return offset == OFFSET_END ? replay->now : replay->times[direction][offset];
}

/* 0, or the number from 1 of the first row that is not as expected. */
static inline unsigned replay_differs(const struct replay *replay,
                                      const struct expected_row *expected, unsigned count)
{
    const struct framer *framer = &replay->framer;
    for (unsigned i = 0; i < count && i < framer->row_count; i++) {
        const struct expected_row *row = &expected[i];
        const struct http_exchange *got = &framer->rows[i];
        uint8_t role = row->asker ^ replay->swapped ? HTTP_ROLE_CLIENT : HTTP_ROLE_SERVER;

        if (got->key.method != row->method || got->key.status != row->status ||
            got->key.role != role || got->key.cgroup != 1 || got->key.route != row->route ||
            got->key.host != row->host || got->request_bytes != row->request_bytes ||
            got->response_bytes != row->response_bytes ||
            got->start_ns != replay_time(replay, row->asker, row->start) ||
            got->head_ns != replay_time(replay, !row->asker, row->first) ||
            got->end_ns != replay_time(replay, !row->asker, row->end))
            return i + 1;
    }
    if (framer->row_count == count)
        return 0;
    return (count < framer->row_count ? count : framer->row_count) + 1;
}

/* After a replay byte by byte: which byte a time belongs to. */
static inline uint32_t replay_offset(const struct replay *replay, uint8_t direction, uint64_t time)
{
    const uint64_t *times = replay->times[direction];
    uint32_t length = replay->sent[direction] + replay->fin_sent[direction];

    if (!time)
        return OFFSET_NONE;
    if (time == replay->now)
        return OFFSET_END;
    for (uint32_t i = 0; i < length; i++)
        if (times[i] == time)
            return i;
    FRAMER_REQUIRE(!"a time of this direction");
    return 0;
}

/* What a replay byte by byte counted, as what every other replay must count. */
static inline void replay_learn(const struct replay *replay, struct expected_row *rows)
{
    for (unsigned i = 0; i < replay->framer.row_count; i++) {
        const struct http_exchange *exchange = &replay->framer.rows[i];
        uint8_t asker = (exchange->key.role == HTTP_ROLE_CLIENT) ^ replay->swapped;
        rows[i] = (struct expected_row){
            .request_bytes = exchange->request_bytes,
            .response_bytes = exchange->response_bytes,
            .start = replay_offset(replay, asker, exchange->start_ns),
            .first = replay_offset(replay, !asker, exchange->head_ns),
            .end = replay_offset(replay, !asker, exchange->end_ns),
            .status = exchange->key.status,
            .route = exchange->key.route,
            .host = exchange->key.host,
            .method = exchange->key.method,
            .asker = asker,
        };
    }
}

static inline void replay_print(const struct replay *replay)
{
    for (unsigned i = 0; i < replay->framer.row_count; i++) {
        const struct http_exchange *row = &replay->framer.rows[i];
        fprintf(stderr,
                "  row: role %u method %u status %u route %u host %u bytes %llu %llu times %llu "
                "%llu %llu\n",
                row->key.role, row->key.method, row->key.status, row->key.route, row->key.host,
                (unsigned long long)row->request_bytes, (unsigned long long)row->response_bytes,
                (unsigned long long)row->start_ns, (unsigned long long)row->head_ns,
                (unsigned long long)row->end_ns);
    }
    for (unsigned i = 0; i < HTTP_OUTCOMES; i++)
        if (replay->framer.outcomes[i])
            fprintf(stderr, "  outcome %u: %llu\n", i,
                    (unsigned long long)replay->framer.outcomes[i]);
}

#endif
