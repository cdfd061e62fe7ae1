/* SPDX-License-Identifier: Apache-2.0 */
/* ship/ against receivers that fail as scripted: what is sent again and when, what is lost and how
 * it is counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "shipper_fixture.h"

static void test_passing_errors_are_retried_with_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    /* Cut connections first: libcurl itself asks again where a connection that it reuses was
     * closed. */
    SCRIPT(r, REPLY_CLOSE, REPLY_CUT, REPLY_CUT_REQUEST, REPLY_HANG, 500, 429, 502, 599);
    r->retry_after = NULL;
    f->configs[0].remote_timeout_ns = 1000 * NS_PER_MS;
    start(f, 1);
    append(f, 250);
    run_until_taken(f, 250);
    assert_all_taken(f, 0);
    for (unsigned i = 0; i <= 8; i++) {
        if (r->requests[i].reply == REPLY_CUT_REQUEST)
            continue;
        assert_int_equal(r->requests[i].attempt, i);
        assert_int_equal(r->requests[i].body.length, r->requests[0].body.length);
        assert_memory_equal(r->requests[i].body.bytes, r->requests[0].body.bytes,
                            r->requests[0].body.length);
    }
    assert_int_equal(r->requests[9].attempt, 0);
    run(f, 100, NULL);
    assert_int_equal(counted(f, "samples_total"), 250 + 800);
    assert_int_equal(counted(f, "samples_retried_total"), 800);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    assert_int_equal(counted(f, "bytes_total"), r->requests[0].body.length +
                                                    r->requests[9].body.length +
                                                    r->requests[10].body.length);
}

static void test_backoff_doubles_up_to_its_maximum(void **state)
{
    static const double least[] = {20, 40, 80, 160, 320, 640, 640};
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, 500, 500, 500, 500, 500, 500, 500, REPLY_TAKE, 500);
    r->retry_after = NULL;
    f->configs[0].queue.max_backoff_ns = 640 * NS_PER_MS;
    start(f, 1);
    append(f, 200);
    run_until_taken(f, 200);
    for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
        assert_true(gap_ms(r, i + 1) >= least[i]);
        assert_true(gap_ticks(r, i + 1) < least[i] + 600);
    }
    assert_true(gap_ticks(r, 9) < 640); /* a new batch begins anew */
}

static void test_retry_after_is_honoured(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, 503, 500);
    start(f, 1);
    append(f, 10);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    r->retry_after = NULL;
    run_until_taken(f, 10);
    assert_true(gap_ms(r, 1) >= 1000);
    assert_true(gap_ms(r, 2) >= 160 && gap_ticks(r, 2) < 900);
}

static void test_refused_batch_is_lost_alone(void **state)
{
    static const int statuses[] = {400, 401, 404, 409, 422, 304};
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    script(r, statuses, ARRAY_SIZE(statuses));
    start(f, 1);
    append(f, 800);
    run_until_taken(f, 200);
    run(f, 100, NULL);
    assert_int_equal(r->request_count, 8);
    assert_taken(r, 0, 600, 800);
    assert_int_equal(counted(f, "samples_failed_total"), 600);
    assert_int_equal(counted(f, "samples_retried_total"), 0);
    assert_int_equal(counted(f, "samples_pending"), 0);
}

static void test_taken_although_the_response_is_cut(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], REPLY_CUT_BODY);
    start(f, 1);
    append(f, 150);
    run_until_taken(f, 150);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    assert_int_equal(counted(f, "samples_retried_total"), 0);
}

static void test_closed_idle_connection_loses_nothing(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], REPLY_TAKE, REPLY_CLOSE, REPLY_TAKE, REPLY_CLOSE);
    start(f, 1);
    append(f, 350);
    run_until_taken(f, 350);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
}

static double counted_at(struct fixture *f, const char *host, const char *name)
{
    char series[256];
    snprintf(series, sizeof(series),
             "%s{remote_name=\"first\",url=\"http://user:xxxxx@%s:%d/api/v1/write\"}", name, host,
             f->receivers[0].port);
    return metric_line(f->metrics, series);
}

/* Such a connection may end behind a request that the receiver took: what it says to the second one
 * is said to samples that it may have. */
static void refused_after_a_kept_connection(struct fixture *f, const char *host)
{
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_TAKE, REPLY_CLOSE, 400, REPLY_TAKE, REPLY_TAKE, 400);
    snprintf(f->urls[0], sizeof(f->urls[0]), "http://user:pw@%s:%d/api/v1/write", host, r->port);
    start(f, 1);
    append(f, 600);
    run_until_taken(f, 300);
    run(f, 100, NULL);
    assert_int_equal(r->requests[2].attempt, 0);
    assert_int_equal(counted_at(f, host, "edgemeter_remote_write_samples_replay_refused_total"),
                     100);
    assert_int_equal(counted_at(f, host, "prometheus_remote_storage_samples_failed_total"), 100);
}

static void test_refused_after_a_kept_connection(void **state)
{
    refused_after_a_kept_connection(*state, "127.0.0.1");
}

static void test_refused_after_a_connection_kept_by_libcurl(void **state)
{
    refused_after_a_kept_connection(*state, "localhost");
}

static void test_receiver_that_is_down_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    start(f, 1);
    append(f, 120);
    run_until_taken(f, 120);
    receiver_down(r);
    for (int i = 0; i < 5; i++) {
        append(f, 77);
        run(f, 100, NULL);
    }
    assert_true(counted(f, "samples_retried_total") > 0);
    assert_int_equal(counted(f, "samples_pending"), 385);
    receiver_listen(r, r->port);
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
}

static void test_full_queue_drops_the_oldest(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_HANG);
    f->queue.max_bytes = 64 * 1024;
    start(f, 1);
    append(f, 100);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    for (int i = 0; i < 120; i++)
        append(f, 100);
    double pending = counted(f, "samples_pending");
    assert_true(pending > 5000 &&
                pending < 12000); /* a queue this small drops a quarter at a time */
    receiver_cut_connections(r);
    run_until_taken(f, (uint64_t)pending);
    run(f, 100, NULL);
    assert_taken(r, 0, 0, 100); /* was on its way */
    assert_taken(r, 100, f->appended - (uint64_t)pending + 100, f->appended);
    assert_int_equal(r->taken_count, (uint64_t)pending);
    assert_int_equal(metric_value(f, "samples_dropped_total", "reason=\"queue_full\","),
                     f->appended - (uint64_t)pending);
}

static void test_slow_remote_does_not_hold_another(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], REPLY_HANG);
    start(f, 2);
    append(f, 1000);
    f->wanted = 1000;
    assert_true(run(f, LIMIT_MS, second_has_taken));
    assert_int_equal(f->receivers[0].taken_count, 0);
    append(f, 500);
    receiver_cut_connections(&f->receivers[0]);
    run_until_taken(f, 1500);
    assert_all_taken(f, 0);
    assert_all_taken(f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIP_TEST(test_passing_errors_are_retried_with_the_same_bytes),
        SHIP_TEST(test_backoff_doubles_up_to_its_maximum),
        SHIP_TEST(test_retry_after_is_honoured),
        SHIP_TEST(test_refused_batch_is_lost_alone),
        SHIP_TEST(test_taken_although_the_response_is_cut),
        SHIP_TEST(test_closed_idle_connection_loses_nothing),
        SHIP_TEST(test_refused_after_a_kept_connection),
        SHIP_TEST(test_refused_after_a_connection_kept_by_libcurl),
        SHIP_TEST(test_receiver_that_is_down_for_a_while),
        SHIP_TEST(test_full_queue_drops_the_oldest),
        SHIP_TEST(test_slow_remote_does_not_hold_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
