/* SPDX-License-Identifier: Apache-2.0 */
/* Several shards: all of it arrives, every series in order, several requests at once, and a slow
 * shard holds the others up no more than it must. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "shipper_fixture.h"

/* Values only grow within a series: its samples were appended with growing values. */
static void assert_series_in_order(const struct receiver *r)
{
    static double newest[1000];
    for (size_t i = 0; i < ARRAY_SIZE(newest); i++)
        newest[i] = -1;
    for (size_t i = 0; i < r->taken_count; i++) {
        int series = atoi(r->taken[i].series);
        assert_true(r->taken[i].value > newest[series]);
        newest[series] = r->taken[i].value;
    }
}

static void assert_each_once(const struct fixture *f)
{
    static bool seen[RECEIVER_SAMPLES];
    const struct receiver *r = &f->receivers[0];
    memset(seen, 0, sizeof(seen));
    assert_int_equal(r->taken_count, f->appended);
    for (size_t i = 0; i < r->taken_count; i++) {
        size_t value = (size_t)r->taken[i].value;
        assert_false(seen[value]);
        seen[value] = true;
    }
}

static void start_shards(struct fixture *f, uint32_t shards)
{
    f->configs[0].queue.min_shards = f->configs[0].queue.max_shards = shards;
    start(f, 1);
}

static void test_series_stay_in_order(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    start_shards(f, 5);
    for (int i = 0; i < 20; i++) {
        append(f, 500);
        run(f, 5, NULL);
    }
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_each_once(f);
    assert_series_in_order(r);
    assert_int_equal(r->most_open, 5);
    assert_int_equal(counted(f, "shards"), 5);
    assert_int_equal(counted(f, "samples_pending"), 0);
    for (size_t i = 0; i < r->request_count; i++)
        assert_true(r->requests[i].samples <= 100);
}

static void test_faults_change_no_order(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], 500, REPLY_TAKE, REPLY_CLOSE, 503, REPLY_TAKE, REPLY_CUT, REPLY_TAKE,
           500, 500, 500, REPLY_TAKE, REPLY_CUT_BODY, 502, REPLY_TAKE, REPLY_CLOSE);
    f->receivers[0].retry_after = NULL;
    start_shards(f, 3);
    for (int i = 0; i < 10; i++) {
        append(f, 1000);
        run(f, 20, NULL);
    }
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_each_once(f);
    assert_series_in_order(&f->receivers[0]);
}

/* One request hangs: the others go on until the shard behind it is full. */
static void test_a_slow_shard_holds_the_others_only_when_full(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_HANG);
    f->configs[0].queue.capacity = 400;
    start_shards(f, 4);
    append(f, 8000);
    run_until_taken(f, 800);
    run(f, 200, NULL);
    assert_true(r->taken_count < 3000);
    assert_true(counted(f, "enqueue_retries_total") >= 1);
    receiver_cut_connections(r); /* the other requests have been answered */
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_each_once(f);
    assert_series_in_order(r);
}

static void test_flush_of_all_shards(void **state)
{
    struct fixture *f = *state;
    f->configs[0].queue.batch_send_deadline_ns = 3600 * NS_PER_SECOND;
    start_shards(f, 8);
    append(f, 333);
    run(f, 50, NULL);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_true(run(f, LIMIT_MS, is_flushed));
    assert_int_equal(f->unsent, 0);
    assert_each_once(f);
    assert_int_equal(f->receivers[0].request_count, 8);
}

/* What was appended just now is taken at once up to two batches; of more, no more than a batch
 * waits in the shard. What waits in the queue instead is seen by what a queue that is full drops.
 */
static void test_a_shard_takes_two_batches_at_once(void **state)
{
    static const struct {
        size_t appended, dropped;
    } steps[] = {{200, 0}, {201, 101}};
    struct fixture *f = *state;
    struct remote_write_config *config = &f->configs[0];
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        start_shards(f, 1);
        append(f, 10); /* from now on the remote stands at the end */
        run_until_acknowledged(f);
        receiver_down(&f->receivers[0]);
        append(f, steps[i].appended);
        run(f, 20, NULL);
        f->queue.max_bytes = 1024;
        assert_int_equal(shipper_apply(f->shipper, &f->queue, &config, 1), 0);
        append(f, 10);
        double dropped = metric_value(f, "samples_dropped_total", "reason=\"queue_full\",");
        assert_true(dropped == (steps[i].dropped ? (double)steps[i].dropped : -1));
        assert_int_equal(counted(f, "samples_pending"), steps[i].appended - steps[i].dropped + 10);
        shipper_free(&f->shipper);
        receiver_listen(&f->receivers[0], f->receivers[0].port);
        f->queue.max_bytes = 64 << 20;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIP_TEST(test_series_stay_in_order),
        SHIP_TEST(test_faults_change_no_order),
        SHIP_TEST(test_a_slow_shard_holds_the_others_only_when_full),
        SHIP_TEST(test_flush_of_all_shards),
        SHIP_TEST(test_a_shard_takes_two_batches_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
