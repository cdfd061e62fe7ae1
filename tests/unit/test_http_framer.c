/* SPDX-License-Identifier: Apache-2.0 */
/* http_framer: what is counted, and that it does not depend on how TCP cuts, repeats or loses the
 * bytes. FRAMER_CASES and FRAMER_SEED in the environment: how many random conversations are tried,
 * and which. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "framer_cases.h"
#include "framer_generator.h"

#define RANDOM_CASES 30000 /* conversations, each cut in three ways */
#define RANDOM_CUTS 60     /* of each case of the table */

static struct replay *replay;

static int set_up(void **state)
{
    (void)state;
    replay = replay_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    replay_free(replay);
    return 0;
}

static int rows_differ(const char *name, const struct expected_row *rows, unsigned count)
{
    unsigned differs = replay_differs(replay, rows, count);

    if (!differs)
        return 0;
    fprintf(stderr, "%s: cut %d at %u: row %u of %u\n", name, replay->cut, replay->place, differs,
            count);
    replay_print(replay);
    return 1;
}

/* Beside the rows; all requests have ended in one. */
static int outcomes_differ(const char *name, const uint8_t *others, unsigned count)
{
    const struct framer *framer = &replay->framer;
    uint64_t expected[HTTP_OUTCOMES] = {[HTTP_CONNECTION_SEEN] = 1};
    int differs = 0;

    for (unsigned i = 0; i < framer->row_count; i++)
        expected[framer->rows[i].key.status ? HTTP_HEAD_COUNTED : HTTP_HEAD_UNANSWERED]++;
    for (unsigned i = 0; i < count; i++)
        if (others[i])
            expected[others[i]]++;
    expected[HTTP_HEAD_SEEN] = framer->row_count + expected[HTTP_HEAD_REQUEST_UNSEEN];
    expected[HTTP_CONNECTION_HTTP] = expected[HTTP_HEAD_SEEN] > 0;
    for (unsigned i = 0; i < HTTP_OUTCOMES; i++)
        differs |= framer->outcomes[i] != expected[i];
    if (!differs)
        return 0;
    fprintf(stderr, "%s: cut %d at %u: outcomes\n", name, replay->cut, replay->place);
    replay_print(replay);
    return 1;
}

/* The rows of a case; what it does not tell is learned from a replay byte by byte. */
static unsigned case_rows(const struct framer_case *framer_case,
                          const struct conversation *conversation, struct expected_row *rows)
{
    unsigned count = 0;

    while (count < CASE_MAX_ROWS && framer_case->rows[count].status)
        count++;
    memset(rows, 0, count * sizeof(*rows));
    replay_run(replay, conversation, REPLAY_BYTES);
    if (replay->framer.row_count == count)
        replay_learn(replay, rows);
    for (unsigned i = 0; i < count; i++) {
        uint16_t status = framer_case->rows[i].status;
        rows[i].method = framer_case->rows[i].method;
        rows[i].status = status == NONE ? 0 : status;
        rows[i].request_bytes = framer_case->rows[i].request_bytes;
        rows[i].response_bytes = framer_case->rows[i].response_bytes;
    }
    return count;
}

/* Cuts of each kind must count what the case says, at the times of the right bytes. */
static int case_fails(const struct framer_case *framer_case)
{
    struct conversation conversation = {framer_case->turns, 0};
    struct expected_row rows[CASE_MAX_ROWS];
    uint32_t length = 0;

    while (conversation.turn_count < CASE_MAX_TURNS &&
           framer_case->turns[conversation.turn_count].bytes)
        length += framer_case->turns[conversation.turn_count++].length;
    unsigned count = case_rows(framer_case, &conversation, rows);
    for (int cut = 0; cut < REPLAY_CUTS; cut++) {
        unsigned times = cut == REPLAY_AT ? length : RANDOM_CUTS;
        if (cut == REPLAY_SWEEP && framer_case->order_matters)
            continue;
        for (unsigned i = 0; i < times; i++) {
            replay->place = i;
            replay_run(replay, &conversation, cut);
            if (rows_differ(framer_case->name, rows, count) ||
                outcomes_differ(framer_case->name, framer_case->outcomes,
                                sizeof(framer_case->outcomes)))
                return 1;
        }
    }
    return 0;
}

static void test_cases(void **state)
{
    int failed = 0;

    (void)state;
    replay->random = 42;
    for (unsigned i = 0; i < FRAMER_CASES; i++)
        for (replay->swapped = 0; replay->swapped < 2; replay->swapped++)
            failed += case_fails(&framer_cases[i]);
    replay->swapped = 0;
    assert_int_equal(failed, 0);
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void test_random_conversations(void **state)
{
    static struct generator generator;
    unsigned long cases = number_of("FRAMER_CASES", RANDOM_CASES),
                  first = number_of("FRAMER_SEED", 7);

    (void)state;
    generator.random = first;
    replay->random = first + 2;
    for (unsigned long i = 0; i < cases; i++) {
        uint64_t seed = generator.random;
        generate(&generator);
        struct conversation conversation = {generator.turns, generator.turn_count};
        for (int cut = REPLAY_RANDOM; cut <= REPLAY_SWEEP; cut++) {
            if (cut == REPLAY_SWEEP && generator.asked > HTTP_MAX_OUTSTANDING)
                continue;
            replay->swapped = random_below(&replay->random, 2);
            replay_run(replay, &conversation, cut);
            char name[64];
            snprintf(name, sizeof(name), "conversation %lu (seed %llu)", i,
                     (unsigned long long)seed);
            if (cut == REPLAY_SWEEP && replay->framer.outcomes[HTTP_LOSS_BOUND])
                continue;             /* more heads and chunks than one packet may hold */
            if (cut == REPLAY_RANDOM) /* the hosts are learned */
                for (unsigned j = 0; j < generator.row_count; j++)
                    generator.rows[j].host = replay->framer.rows[j].key.host;
            assert_false(rows_differ(name, generator.rows, generator.row_count) ||
                         outcomes_differ(name, NULL, 0));
        }
    }
    replay->swapped = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_random_conversations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
