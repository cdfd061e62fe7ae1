/* SPDX-License-Identifier: Apache-2.0 */
/* collect/http_rows: rows whose cgroup is gone are sent once more, then marked stale and forgotten,
 * and nothing grows whatever comes and goes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>

#include "collect/drain_moment.h"
#include "rows_fixture.h"

#define DURATION "http_server_request_duration_seconds"
#define COUNT DURATION "_count"
#define SERVER_SERIES 24

static void test_last_values_then_stale(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web"), other = cgroup_make("/other");
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    count_requests(ROW(web, SERVER, GET, 0), 0, 1);
    count_requests(ROW(other, SERVER, GET, 200), 0, 1);
    drain(1000, 2000);
    count_requests(ROW(web, SERVER, GET, 200), 0, 4);
    cgroup_remove("/web");
    drain(2000, 3000); /* once more */
    assert_sample(TOTAL("/web", "get", "200"), 3000, 5);
    assert_int_equal(entry_count, 3);

    drain(3000, 4000);
    assert_stale(TOTAL("/web", "get", "200"), 4000);
    assert_stale(DETAIL(COUNT, "/web", "GET", "200"), 4000);
    assert_stale(UNANSWERED("/web", "server"), 4000);
    assert_sample(TOTAL("/other", "get", "200"), 4000, 1);
    size_t stale = 0;
    for (size_t i = 0; i < received.count; i++)
        stale += sample_is_stale(&received.list[i].sample);
    assert_int_equal(stale, SERVER_SERIES + 1);
    assert_int_equal(received.count, 2 * SERVER_SERIES + 1);
    assert_int_equal(entry_count, 1); /* deleted from the kernel */

    drain(4000, 5000);
    assert_int_equal(received.count, SERVER_SERIES);
    assert_int_equal(series_table_count(series), SERVER_SERIES); /* released */
}

/* A row that the kernel has made and not counted in yet is no row at rest. */
static void test_row_has_just_begun(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    entry_of(ROW(web, SERVER, GET, 200));
    drain(500, 1000);
    cgroup_remove("/web");
    drain(1000, 2000);
    assert_int_equal(entry_count, 1);
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    drain(2000, 3000);
    assert_sample(TOTAL("/web", "get", "200"), 3000, 1);
    drain(3000, 4000);
    assert_int_equal(entry_count, 0);
}

/* Metering ends while the agent goes on: all that was sent goes stale, once. */
static void test_metering_ends(void **state)
{
    (void)state;
    config.native_histograms = true;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    drain(1000, 2000);
    uint64_t late = cgroup_make("/late");
    count_requests(ROW(late, SERVER, GET, 200), 0, 1);
    struct buffer text;
    buffer_init(&text, 1 << 20);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), 0);
    buffer_free(&text);
    received_clear();
    assert_int_equal(http_rows_end(rows, 2001, &received.sink), 0);
    assert_stale(TOTAL("/web", "get", "200"), 2001);
    assert_stale(DETAIL(DURATION, "/web", "GET", "200"), 2001);
    assert_int_equal(received.count, 8); /* none of what was never sent */
    received_clear();
    assert_int_equal(http_rows_end(rows, 2002, &received.sink), 0);
    assert_int_equal(received.count, 0);
}

/* Sockets outlive their cgroup: a row that still counts is kept. */
static void test_row_still_counts(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    drain(1000, 2000);
    cgroup_remove("/web");
    for (int64_t now = 3000; now < 9000; now += 1000) {
        count_requests(ROW(web, SERVER, GET, 200), 0, 1);
        drain(now - 1000, now);
        assert_sample(TOTAL("/web", "get", "200"), now, (double)(now / 1000 - 1));
    }
    drain(8000, 9000);
    assert_stale(TOTAL("/web", "get", "200"), 9000);
}

/* What the kernel refuses to delete, because it has just counted, is tried again. */
static void test_deletion_is_refused(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    drain(1000, 2000);
    cgroup_remove("/web");
    drain(2000, 3000);
    delete_error = -EAGAIN;
    drain(3000, 4000);
    assert_sample(TOTAL("/web", "get", "200"), 4000, 1);
    delete_error = 0;
    count_requests(ROW(web, SERVER, GET, 200), 0, 1);
    drain(4000, 5000);
    assert_sample(TOTAL("/web", "get", "200"), 5000, 2);
    drain(5000, 6000);
    assert_stale(TOTAL("/web", "get", "200"), 6000);
}

/* A row that comes again under a gone cgroup's id keeps its name, begins with a 0, and ends again.
 * Its first 0 must not stand at the moment of the stale marker. */
static void test_row_comes_again(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200), 0, 5);
    drain(1000, 2000);
    cgroup_remove("/web");
    drain(2000, 3000);
    drain(3000, 4000);
    assert_stale(TOTAL("/web", "get", "200"), 4000);

    count_requests(ROW(web, SERVER, GET, 200), 0, 2);
    drain(4000, 5000);
    assert_sample(TOTAL("/web", "get", "200"), 4001, 0);
    assert_sample(TOTAL("/web", "get", "200"), 5000, 2);
    drain(5000, 6000);
    assert_stale(TOTAL("/web", "get", "200"), 6000);
    drain(6000, 7000);

    count_requests(ROW(web, SERVER, GET, 200), 0, 3);
    drain(7000, 8000);
    assert_sample(TOTAL("/web", "get", "200"), 7000, 0);
    assert_sample(TOTAL("/web", "get", "200"), 8000, 3);
}

/* A service that is restarted has a new cgroup of the same path. Its series go on: what the old row
 * counted stays in them, so that the counter neither falls nor counts twice. */
static void test_restarted_service(void **state)
{
    (void)state;
    config.native_histograms = true;
    uint64_t old = cgroup_make("/web");
    count_requests(ROW(old, SERVER, GET, 200), 0, 100);
    drain(1000, 2000);
    cgroup_remove("/web");
    uint64_t new = cgroup_make("/web");
    assert_true(new != old);
    count_requests(ROW(old, SERVER, GET, 200), 0, 5);
    count_requests(ROW(new, SERVER, GET, 200), 1, 1);
    drain(2000, 3000);
    assert_sample(TOTAL("/web", "get", "200"), 3000, 106);
    assert_no_sample(TOTAL("/web", "get", "200"), 2000);
    drain(3000, 4000);
    assert_int_equal(entry_count, 1);
    assert_sample(TOTAL("/web", "get", "200"), 4000, 106);
    count_requests(ROW(new, SERVER, GET, 200), 1, 1);
    drain(4000, 5000);
    assert_sample(TOTAL("/web", "get", "200"), 5000, 107);
    const struct sample *duration =
        received_find(DETAIL("http_server_request_duration_seconds", "/web", "GET", "200"), 5000);
    assert_non_null(duration);
    assert_int_equal(duration->histogram->count, 107);

    struct buffer text;
    buffer_init(&text, 1 << 20);
    assert_int_equal(http_rows_write(rows, entries, entry_count, &text), 0);
    assert_non_null(strstr(text.bytes, "method=\"get\"} 107\n"));
    buffer_free(&text);

    cgroup_remove("/web");
    drain(5000, 6000);
    drain(6000, 7000);
    assert_stale(TOTAL("/web", "get", "200"), 7000);
    drain(7000, 8000);
    assert_int_equal(series_table_count(series), 0);
}

/* Series that have ended begin anew: what rows before had left in them is over. */
static void test_restarted_after_the_end(void **state)
{
    (void)state;
    uint64_t old = cgroup_make("/web");
    count_requests(ROW(old, SERVER, GET, 200), 0, 100);
    drain(1000, 2000);
    cgroup_remove("/web");
    uint64_t new = cgroup_make("/web");
    count_requests(ROW(new, SERVER, GET, 200), 0, 1);
    drain(2000, 3000);
    drain(3000, 4000);
    cgroup_remove("/web");
    drain(4000, 5000);
    assert_sample(TOTAL("/web", "get", "200"), 5000, 101);
    drain(5000, 6000);
    assert_stale(TOTAL("/web", "get", "200"), 6000);
    uint64_t third = cgroup_make("/web");
    count_requests(ROW(third, SERVER, GET, 200), 0, 7);
    drain(6000, 7000);
    assert_sample(TOTAL("/web", "get", "200"), 6001, 0);
    assert_sample(TOTAL("/web", "get", "200"), 7000, 7);
}

/* All rows of a shared series end at once: one marker, nothing left. */
static void test_shared_series_ends(void **state)
{
    static const char *const routes[] = {"/a", "/b"};
    (void)state;
    names_set(&config.routes, routes, 2);
    uint64_t web = cgroup_make("/web");
    for (uint16_t route = 0; route <= 2; route++)
        count_requests(ROW(web, SERVER, GET, 200, .route = route), 0, 1);
    drain(1000, 2000);
    assert_sample(TOTAL("/web", "get", "200"), 2000, 3);
    cgroup_remove("/web");
    drain(2000, 3000);
    drain(3000, 4000);
    assert_int_equal(received_at(4000), 3 * (SERVER_SERIES - 1) + 1);
    assert_stale(TOTAL("/web", "get", "200"), 4000);
}

/* One route's row still counts while the others end: the sum keeps what they counted. */
static void test_sum_outlives_a_row(void **state)
{
    static const char *const routes[] = {"/a"};
    (void)state;
    names_set(&config.routes, routes, 1);
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 200, .route = 0), 0, 10);
    count_requests(ROW(web, SERVER, GET, 200, .route = 1), 0, 20);
    drain(1000, 2000);
    cgroup_remove("/web");
    for (int64_t now = 3000; now < 6000; now += 1000) {
        count_requests(ROW(web, SERVER, GET, 200, .route = 1), 0, 1);
        drain(now - 1000, now);
    }
    assert_int_equal(entry_count, 1);
    assert_sample(TOTAL("/web", "get", "200"), 5000, 33);
}

/* Gone before it was ever looked for. */
static void test_unknown_cgroup_ends_too(void **state)
{
    (void)state;
    count_requests(ROW(424242424242, CLIENT, GET, 0), 0, 1);
    drain(1000, 2000);
    assert_sample(UNANSWERED("id:424242424242", "client"), 2000, 1);
    drain(2000, 3000);
    assert_stale(UNANSWERED("id:424242424242", "client"), 3000);
    assert_int_equal(entry_count, 0);
}

/* Somebody else deleted the row. */
static void test_row_vanishes(void **state)
{
    (void)state;
    uint64_t web = cgroup_make("/web");
    count_requests(ROW(web, SERVER, GET, 0), 0, 1);
    drain(1000, 2000);
    entry_count = 0;
    drain(2000, 3000);
    assert_stale(UNANSWERED("/web", "server"), 3000);
    drain(3000, 4000);
    assert_int_equal(series_table_count(series), 0);
}

/* A clock that is set back by more than it may be slewed takes the drains with it. */
static void test_moments(void **state)
{
    static const struct {
        int64_t last, clock, before, now;
        bool back;
    } cases[] = {
        {100000, 115000, 100000, 115000, false},
        {100000, 100002, 100000, 100002, false},
        {100000, 100001, 100000, 100002, false}, /* two drains in a moment */
        {100000, 100000, 100000, 100002, false},
        {100000, 99000, 100000, 100002, false}, /* slewed */
        {100000, 98999, 83999, 98999, true},
        {3700000, 100000, 85000, 100000, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct drain_moment moment = drain_moment_next(cases[i].last, cases[i].clock, 15000);
        assert_int_equal(moment.before_ms, cases[i].before);
        assert_int_equal(moment.now_ms, cases[i].now);
        assert_int_equal(moment.clock_went_back, cases[i].back);
    }
}

/* Short-lived cgroups by the thousands: the tables come back to where they were. */
static void test_nothing_grows(void **state)
{
    char path[32];
    size_t after_first = 0;
    int64_t now = 1000;
    (void)state;
    for (int round = 0; round < 120; round++) {
        for (int i = 0; i < 20; i++) {
            snprintf(path, sizeof(path), "/job-%d-%d", round, i);
            uint64_t id = cgroup_make(path);
            count_requests(ROW(id, SERVER, GET, 200), 0, 1);
            count_requests(ROW(id, CLIENT, GET, 0), 0, 1);
        }
        drain(now, now + 1000);
        for (int i = 0; i < 20; i++) {
            snprintf(path, sizeof(path), "/job-%d-%d", round, i);
            cgroup_remove(path);
        }
        for (int i = 0; i < 3; i++, now += 1000)
            drain(now + 1000, now + 2000);
        now += 1000;
        assert_int_equal(entry_count, 0);
        assert_int_equal(received.count, 0);
        assert_int_equal(series_table_count(series), 0);
        if (round == 60)
            after_first = mallinfo2().uordblks;
    }
    /* but for the paths of gone cgroups, which are bounded: here 60 rounds of them */
    assert_true(mallinfo2().uordblks < after_first + (60 * 20 * 200));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_last_values_then_stale),  TEST(test_row_has_just_begun),
        TEST(test_metering_ends),           TEST(test_row_still_counts),
        TEST(test_restarted_after_the_end), TEST(test_deletion_is_refused),
        TEST(test_row_comes_again),         TEST(test_restarted_service),
        TEST(test_shared_series_ends),      TEST(test_sum_outlives_a_row),
        TEST(test_unknown_cgroup_ends_too), TEST(test_row_vanishes),
        cmocka_unit_test(test_moments),     TEST(test_nothing_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
