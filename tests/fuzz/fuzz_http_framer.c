/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for the HTTP framer. The input is a conversation: bytes of one side, then of the
 * other. Whatever they are, nothing is read or written out of bounds, the account adds up, and any
 * cut of them into packets gives the same rows, times and outcomes.
 *
 *   clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
 * -D_GNU_SOURCE \ -Iheaders -Itests/unit tests/fuzz/fuzz_http_framer.c -o fuzz_http_framer
 *   ./fuzz_http_framer -dict=tests/fuzz/http_framer.dict -max_len=4096 -max_total_time=300 \
 *       NEW_CORPUS_FOLDER tests/fuzz/corpus/http_framer */
#include "framer_replay.h"

#define MAX_INPUT 12000
#define MAX_TURNS 64

/* Bytes of the input that are no payload. */
enum mark {
    MARK_CLOSE = 0xfd, /* the side that speaks closes; the other goes on */
    MARK_CUT = 0xfe,   /* a packet ends */
    MARK_TURN = 0xff,  /* the other side goes on */
};

static struct turn turns[MAX_TURNS];
static struct expected_row rows[FRAMER_MAX_ROWS];
static struct replay *replay;

static struct conversation parse(const uint8_t *bytes, size_t size)
{
    struct conversation conversation = {turns, 0};
    int closed[HTTP_DIRECTIONS] = {0};
    uint8_t direction = HTTP_INGRESS;
    size_t from = 0;

    for (size_t at = 0; at <= size && conversation.turn_count < MAX_TURNS; at++) {
        if (at < size && bytes[at] < MARK_CLOSE)
            continue;
        uint8_t mark = at < size ? bytes[at] : MARK_CUT;
        if (!closed[direction] && (at > from || mark == MARK_CLOSE)) {
            closed[direction] = mark == MARK_CLOSE;
            turns[conversation.turn_count++] =
                (struct turn){(const char *)bytes + from, at - from, direction, mark == MARK_CLOSE};
        }
        direction ^= mark != MARK_CUT;
        from = at + 1;
    }
    return conversation;
}

static uint64_t seed_of(const uint8_t *bytes, size_t size)
{
    uint64_t seed = 0x9e3779b97f4a7c15;

    while (size--)
        seed = (seed ^ *bytes++) * 0x100000001b3;
    return seed | 1;
}

static void check_cuts(const struct conversation *conversation)
{
    uint64_t outcomes[HTTP_OUTCOMES];

    replay->careful = 1;
    replay->place = random_below(&replay->random, 4096);
    replay_run(replay, conversation, REPLAY_BYTES);
    unsigned count = replay->framer.row_count;
    replay_learn(replay, rows);
    memcpy(outcomes, replay->framer.outcomes, sizeof(outcomes));
    for (int cut = 0; cut < REPLAY_SWEEP; cut++) {
        replay_run(replay, conversation, cut);
        if (replay->framer.outcomes[HTTP_LOSS_BOUND])
            continue;
        if (replay_differs(replay, rows, count) ||
            memcmp(outcomes, replay->framer.outcomes, sizeof(outcomes))) {
            fprintf(stderr, "cut %d at %u differs:\n", cut, replay->place);
            replay_print(replay);
            replay_run(replay, conversation, REPLAY_BYTES);
            fprintf(stderr, "byte by byte:\n");
            replay_print(replay);
            abort();
        }
    }
}

/* Sequence numbers that no TCP would send, on a connection known from its start, or not. */
static void check_chaos(const struct conversation *conversation)
{
    uint32_t next[HTTP_DIRECTIONS] = {0u - 100, 0u - 300},
             begin[HTTP_DIRECTIONS] = {next[0], next[1]};

    if (random_below(&replay->random, 2))
        framer_reset_at(&replay->framer, begin);
    else
        framer_reset_late(&replay->framer);
    for (unsigned i = 0; i < 2 * conversation->turn_count; i++) {
        unsigned number = random_below(&replay->random, 4)
                              ? i % conversation->turn_count
                              : random_below(&replay->random, conversation->turn_count);
        const struct turn *turn = &conversation->turns[number];
        int32_t distance = 0;
        if (!random_below(&replay->random, 3))
            distance = (int32_t)random_next(&replay->random) >> random_below(&replay->random, 32);
        feed(&replay->framer, turn->direction, next[turn->direction] + distance, turn->bytes,
             turn->length, turn->fin, i + 1);
        next[turn->direction] += turn->length + (random_below(&replay->random, 8) ? 0 : distance);
    }
    framer_end(&replay->framer, 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!replay)
        replay = replay_new();
    if (size > MAX_INPUT)
        return 0;
    struct conversation conversation = parse(bytes, size);
    if (!conversation.turn_count)
        return 0;
    replay->random = seed_of(bytes, size);
    replay->swapped = random_below(&replay->random, 2);
    check_cuts(&conversation);
    check_chaos(&conversation);
    return 0;
}
