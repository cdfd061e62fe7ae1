/* SPDX-License-Identifier: Apache-2.0 */
/* The moments of scrapes and their timestamps, and the limits of one series. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "labels_maker.h"
#include "scrape/scrape_limits.h"
#include "scrape/scrape_schedule.h"

#define S ((int64_t)NS_PER_SECOND)
#define MS ((int64_t)NS_PER_MS)

static void test_delay(void **state)
{
    static const struct {
        int64_t now;
        uint64_t interval, hash, delay;
    } cases[] = {
        {0, 15, 0, 15}, /* a grid point now is taken an interval later */
        {1, 15, 0, 14}, {14, 15, 0, 1}, {14, 15, 7, 8},  {7, 15, 7, 15},
        {8, 15, 7, 14}, {6, 15, 7, 1},  {60, 15, 22, 7}, {1, 1, UINT64_MAX, 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(scrape_schedule_delay(cases[i].now, cases[i].interval, cases[i].hash),
                         cases[i].delay);
}

/* Wherever it starts, a target's moments are the same. */
static void test_delay_is_stable(void **state)
{
    (void)state;
    for (uint64_t hash = 0; hash < 1000; hash += 37) {
        for (int64_t now = 1000000; now < 1000200; now++) {
            uint64_t delay = scrape_schedule_delay(now, 100, hash);
            assert_in_range(delay, 1, 100);
            assert_int_equal(((uint64_t)now + delay) % 100, hash % 100);
        }
    }
}

/* Targets share moments, which are no more than a second and a fifth of the interval apart, and
 * other ones on another node. */
static void test_moments_are_shared(void **state)
{
    static const struct {
        uint64_t interval, apart;
    } cases[] = {
        {1000, 200}, {1 * S, 200 * MS}, {5 * S, 1 * S}, {15 * S, 1 * S}, {3600 * S, 1 * S},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t interval = cases[i].interval, apart = cases[i].apart, moments = interval / apart;
        bool *taken = calloc(moments, sizeof(*taken));
        size_t count = 0;
        for (uint64_t hash = 1, n = 0; n < 40 * moments; n++) {
            hash = hash * 6364136223846793005u + 1442695040888963407u;
            uint64_t offset = scrape_schedule_offset(interval, hash >> 16, 7 * apart + 3);
            assert_in_range(offset, 0, interval - 1);
            assert_int_equal(offset % apart, 3);
            count += !taken[offset / apart];
            taken[offset / apart] = true;
        }
        assert_int_equal(count, moments); /* all of them */
        free(taken);
    }
}

/* Of an interval that is no multiple, too. */
static void test_moments_lie_within_the_interval(void **state)
{
    (void)state;
    for (uint64_t interval = 1; interval < 100; interval++)
        for (uint64_t hash = 0; hash < 200; hash++)
            assert_in_range(scrape_schedule_offset(interval, hash, hash * hash), 0, interval - 1);
    for (uint64_t hash = 0; hash < 7300 * MS; hash += 77 * MS + 1)
        assert_in_range(scrape_schedule_offset(7300 * MS, hash, hash), 0, 7300 * MS - 1);
}

static void test_seed(void **state)
{
    autofree struct labels *a = make_labels("cluster", "a", NULL);
    autofree struct labels *b = make_labels("cluster", "b", NULL);
    (void)state;
    assert_int_equal(scrape_schedule_seed(a), scrape_schedule_seed(a));
    assert_int_not_equal(scrape_schedule_seed(a), scrape_schedule_seed(b));
    assert_int_not_equal(scrape_schedule_seed(a), scrape_schedule_seed(NULL));
}

static void test_align(void **state)
{
    static const struct {
        int64_t interval, now, time, grid; /* the grid starts at 100 s */
    } cases[] = {
        {15 * S, 100 * S, 100 * S, 100 * S},
        {15 * S, 100 * S + MS, 100 * S, 100 * S},
        {15 * S, 100 * S + 2 * MS, 100 * S, 100 * S},
        {15 * S, 100 * S + 2 * MS + 1, 100 * S + 2 * MS + 1, 100 * S}, /* too late to be told off */
        {15 * S, 115 * S + MS, 115 * S, 115 * S},
        {15 * S, 115 * S - MS, 115 * S, 115 * S}, /* early */
        {15 * S, 115 * S - 3 * MS, 115 * S - 3 * MS, 100 * S},
        {15 * S, 160 * S + MS, 160 * S, 160 * S}, /* ticks were skipped */
        {15 * S, 161 * S, 161 * S, 160 * S},
        {100 * MS, 100 * S + MS, 100 * S, 100 * S}, /* 1 % of the interval */
        {100 * MS, 100 * S + MS + 1, 100 * S + MS + 1, 100 * S},
        {15 * S, 40 * S, 40 * S, 40 * S},                         /* the clock was set back */
        {15 * S, 9000 * S + 5 * MS, 9000 * S + 5 * MS, 8995 * S}, /* and forth */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t grid = 100 * S;
        int64_t time = scrape_schedule_align(cases[i].now, (uint64_t)cases[i].interval, &grid);
        if (time != cases[i].time || grid != cases[i].grid)
            fail_msg("case %zu: %lld, grid %lld", i, (long long)time, (long long)grid);
    }
}

static void test_text(void **state)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        {15 * NS_PER_SECOND, "15s"},      {NS_PER_SECOND, "1s"},
        {60 * NS_PER_SECOND, "1m0s"},     {90 * NS_PER_SECOND, "1m30s"},
        {3600 * NS_PER_SECOND, "1h0m0s"}, {86400 * NS_PER_SECOND, "24h0m0s"},
        {1500 * NS_PER_MS, "1.5s"},       {500 * NS_PER_MS, "500ms"},
        {61500 * NS_PER_MS, "1m1.5s"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[SCRAPE_SCHEDULE_TEXT_SIZE];
        scrape_schedule_text(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_limits(void **state)
{
    static const struct {
        struct scrape_limits limits;
        const char *reason; /* NULL: fine */
    } cases[] = {
        {{0}, NULL},
        {{.label_limit = 3}, NULL},
        {{.label_limit = 2}, "label_limit exceeded (metric: abc, number of labels: 3, limit: 2)"},
        {{.label_name_length_limit = 8}, NULL}, /* that of __name__ */
        {{.label_name_length_limit = 7},
         "label_name_length_limit exceeded (metric: abc, label name: __name__, length: 8, "
         "limit: 7)"},
        {{.label_value_length_limit = 5}, NULL},
        {{.label_value_length_limit = 4},
         "label_value_length_limit exceeded (metric: abc, label name: x, value: \"12345\", "
         "length: 5, limit: 4)"},
    };
    autofree struct labels *labels = make_labels("__name__", "abc", "job", "j", "x", "12345", NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char reason[SCRAPE_LIMITS_REASON_SIZE] = "";
        int error = scrape_limits_check(&cases[i].limits, labels, reason);
        assert_int_equal(error, cases[i].reason ? -EINVAL : 0);
        if (error)
            assert_string_equal(reason, cases[i].reason);
    }
}

/* What is long is cut: the reason fits. */
static void test_long_labels_are_cut(void **state)
{
    char name[300], value[300], reason[SCRAPE_LIMITS_REASON_SIZE];
    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    memset(value, 'v', sizeof(value) - 1);
    name[sizeof(name) - 1] = value[sizeof(value) - 1] = '\0';
    autofree struct labels *labels = make_labels("__name__", name, name, value, NULL);
    const struct scrape_limits limits = {.label_value_length_limit = 298};
    assert_int_equal(scrape_limits_check(&limits, labels, reason), -EINVAL);
    assert_string_equal(reason + strlen(reason) - 11, "limit: 298)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_delay_is_stable),
        cmocka_unit_test(test_moments_are_shared),
        cmocka_unit_test(test_moments_lie_within_the_interval),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_long_labels_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
