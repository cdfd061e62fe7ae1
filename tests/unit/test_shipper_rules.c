/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of one remote: what it sends at once, how fast, what it leaves out, and that everything
 * is counted once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules_maker.h"
#include "shipper_fixture.h"

static double ours(struct fixture *f, const char *name, const char *more)
{
    return metric_value_of(f, "edgemeter_remote_write_", name, more);
}

static double sum_of_drops(struct fixture *f)
{
    static const char *const reasons[] = {"reason=\"queue_full\",",
                                          "reason=\"too_old\",",
                                          "reason=\"too_large\",",
                                          "reason=\"no_memory\",",
                                          "reason=\"native_histograms_not_sent\",",
                                          "reason=\"dropped_series\","};
    double sum = 0;
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        double count = metric_value(f, "samples_dropped_total", reasons[i]);
        sum += count > 0 ? count : 0;
    }
    return sum;
}

static void assert_adds_up(struct fixture *f)
{
    double known = ours(f, "samples_acknowledged_total", "") + counted(f, "samples_failed_total") +
                   ours(f, "samples_replay_refused_total", "") + sum_of_drops(f) +
                   counted(f, "samples_pending");
    assert_int_equal(known, f->appended);
}

/* ---- how much at once ---- */

static void test_too_large_goes_out_in_smaller_requests(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    r->most_samples = 30;
    start(f, 1);
    append(f, 450);
    run_until_taken(f, 450);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    assert_int_equal(r->requests[0].samples, 100);
    assert_int_equal(r->requests[1].samples, 50);
    assert_int_equal(r->requests[2].samples, 25);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(r->requests[i].reply, i < 2 ? 413 : REPLY_TAKE);
    assert_true(gap_ms(r, 1) > 49 && gap_ms(r, 2) > 49); /* each at a deadline */
    for (size_t i = 3; i < r->request_count; i++)        /* slowly more again */
        assert_true(r->requests[i].samples <= r->requests[i - 1].samples + 1 ||
                    r->requests[i - 1].reply == 413);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    assert_adds_up(f);
}

/* It is no retry: what was too large goes out in less when the next batch would, or at the end. */
static void test_smaller_requests_wait_for_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    r->most_samples = 30;
    f->configs[0].queue.batch_send_deadline_ns = 3600 * NS_PER_SECOND;
    start(f, 1);
    append(f, 220);
    f->wanted = 2;
    assert_false(run(f, 200, first_was_asked));
    assert_int_equal(r->request_count, 1);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_true(run(f, LIMIT_MS, is_flushed));
    assert_int_equal(f->unsent, 0);
    assert_all_taken(f, 0);
    assert_adds_up(f);
}

static void test_one_sample_that_is_too_large(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, 413, 413, 413);
    f->configs[0].queue.max_samples_per_send = 4;
    start(f, 1);
    append(f, 8);
    run_until_taken(f, 7);
    run(f, 150, NULL);
    assert_taken(r, 0, 1, 8);
    assert_int_equal(counted(f, "samples_failed_total"), 1);
    assert_int_equal(ours(f, "samples_refused_total", "code=\"413\","), 1);
    assert_adds_up(f);
}

/* What the receiver may have goes out apart from what is newer, in however many pieces, and its
 * refusal is no loss. */
static void test_too_large_after_a_lost_answer(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_CLOSE, 504, 413, 400, 400);
    f->receivers[0].retry_after = NULL;
    start(f, 1);
    append(f, 330);
    run_until_taken(f, 230);
    run(f, 100, NULL);
    assert_taken(r, 0, 100, 330);
    assert_int_equal(r->requests[3].samples, 50);
    assert_int_equal(r->requests[4].samples, 50);
    assert_int_equal(ours(f, "samples_replay_refused_total", ""), 100);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    assert_adds_up(f);
}

/* A part of it, whose answer was lost too, is all that the receiver may have beside: no request
 * has samples of both sides of its end, however the size grows. */
static void test_too_large_within_what_was_too_large(void **state)
{
    static const size_t sizes[] = {100, 50, 25, 25, 27, 23};
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, 504, 413, 504, 413);
    r->retry_after = NULL;
    start(f, 1);
    append(f, 200);
    run_until_taken(f, 200);
    assert_all_taken(f, 0);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        assert_int_equal(r->requests[i < 2 ? 2 * i : i + 2].samples, sizes[i]);
    assert_adds_up(f);
}

/* ---- when ---- */

static void test_too_many_requests_can_be_final(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], 429, 503);
    f->receivers[0].retry_after = NULL;
    f->configs[0].queue.retry_on_http_429 = false;
    start(f, 1);
    append(f, 200);
    run_until_taken(f, 100);
    run(f, 50, NULL);
    assert_taken(&f->receivers[0], 0, 100, 200);
    assert_int_equal(ours(f, "samples_refused_total", "code=\"429\","), 100);
    assert_int_equal(counted(f, "samples_retried_total"), 100);
    assert_adds_up(f);
}

static void test_retry_after_in_every_form(void **state)
{
    static const struct {
        const char *value;
        double least_ms, most_ms;
    } table[] = {
        {"0", 20, 900},
        {"-5", 20, 900},
        {"soon", 20, 900},
        {"1", 1000, 2500},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 20, 900}, /* has passed */
        {"", 20, 900},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct fixture *f;
        setup((void **)&f);
        SCRIPT(&f->receivers[0], 429);
        f->receivers[0].retry_after = table[i].value;
        start(f, 1);
        append(f, 1);
        run_until_taken(f, 1);
        assert_true(gap_ms(&f->receivers[0], 1) >= table[i].least_ms);
        assert_true(gap_ticks(&f->receivers[0], 1) < table[i].most_ms);
        teardown((void **)&f);
    }
    (void)state;
}

/* A date, and one so far away that it is cut: told by what the log would say of it. */
static void test_retry_after_as_a_date(void **state)
{
    struct fixture *f = *state;
    char date[64];
    time_t soon = time(NULL) + 2;
    uint64_t begin_ns = clock_monotonic_ns();
    double least_ms = (double)(soon * 1000 - clock_wall_ms());
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&soon));
    SCRIPT(&f->receivers[0], 503);
    f->receivers[0].retry_after = date;
    start(f, 1);
    append(f, 1);
    run_until_taken(f, 1);
    assert_true((double)(f->receivers[0].requests[1].at_ns - begin_ns) / NS_PER_MS >= least_ms - 1);
    assert_true(gap_ticks(&f->receivers[0], 1) < 3500);
}

static void test_pace(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    f->configs[0].max_bytes_per_second = 10000;
    uint64_t begin_ns = clock_monotonic_ns();
    double least_ms = 0; /* until a request is sent */
    start(f, 1);
    append(f, 1000);
    run_until_taken(f, 1000);
    assert_all_taken(f, 0);
    for (size_t i = 1; i < r->request_count; i++) {
        assert_true(r->requests[i - 1].body.length > 200);
        least_ms += (double)r->requests[i - 1].body.length / 10000 * 1000;
        assert_true((double)(r->requests[i].at_ns - begin_ns) / NS_PER_MS > least_ms - 1);
    }
}

/* ---- what is left out ---- */

static void test_samples_that_are_too_old(void **state)
{
    struct fixture *f = *state;
    f->configs[0].queue.sample_age_limit_ns = 3600 * NS_PER_SECOND;
    start(f, 1);
    int64_t now_ms = clock_wall_ms();
    struct sample samples[10];
    for (size_t i = 0; i < 10; i++)
        samples[i] = (struct sample){.series = make_series(f, i),
                                     .timestamp_ms = now_ms - (i % 2 ? 3700 * 1000 : 3500 * 1000),
                                     .value = (double)i};
    sample_sink_append(shipper_sink(f->shipper), samples, 10);
    for (size_t i = 0; i < 10; i++)
        series_table_release(f->series, samples[i].series);
    f->appended = 10;
    run_until_taken(f, 5);
    run(f, 100, NULL);
    assert_int_equal(f->receivers[0].taken_count, 5);
    assert_int_equal(metric_value(f, "samples_dropped_total", "reason=\"too_old\","), 5);
    assert_adds_up(f);
}

/* One remote drops half of the series and changes the others; the other gets all as they are. */
static void test_write_relabel_configs(void **state)
{
    struct fixture *f = *state;
    struct relabel_rules *rules = &f->configs[0].relabels;
    char series[32];

    add_rule(rules, RELABEL_DROP, "n", ".*[02468]", "", "$1");
    add_rule(rules, RELABEL_REPLACE, "n", "(.*)", "n", "r$1");
    start(f, 2);
    for (int round = 0; round < 10; round++)
        append(f, 20);
    run_until_taken(f, 100);
    f->wanted = 200;
    assert_true(run(f, LIMIT_MS, second_has_taken));
    run(f, 100, NULL);
    assert_all_taken(f, 1);
    const struct receiver *first = &f->receivers[0];
    assert_int_equal(first->taken_count, 100);
    for (uint64_t i = 0; i < 100; i++) {
        snprintf(series, sizeof(series), "r%u", (unsigned)(2 * i + 1));
        assert_string_equal(first->taken[i].series, series);
        assert_int_equal((uint64_t)first->taken[i].value, 2 * i + 1);
    }
    assert_int_equal(metric_value(f, "samples_dropped_total", "reason=\"dropped_series\","), 100);
    assert_adds_up(f);
    shipper_free(&f->shipper);
    relabel_rules_free(rules);
}

static void test_samples_that_grow_too_old_on_their_way(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], 503);
    f->configs[0].queue.sample_age_limit_ns = NS_PER_SECOND;
    start(f, 1);
    int64_t now_ms = clock_wall_ms();
    struct sample samples[2];
    for (size_t i = 0; i < 2; i++) /* the second one stays young for as long as the test takes */
        samples[i] = (struct sample){.series = make_series(f, i),
                                     .timestamp_ms = now_ms + (i ? 60 * 1000 : 0)};
    sample_sink_append(shipper_sink(f->shipper), samples, 2);
    for (size_t i = 0; i < 2; i++)
        series_table_release(f->series, samples[i].series);
    f->appended = 2;
    run_until_taken(f, 1);
    run(f, 50, NULL);
    assert_int_equal(f->receivers[0].requests[0].samples, 2);
    assert_int_equal(f->receivers[0].requests[1].samples, 1);
    assert_int_equal(metric_value(f, "samples_dropped_total", "reason=\"too_old\","), 1);
    assert_adds_up(f);
}

/* A float and a histogram: the first remote takes the float alone, and says why. */
static void histogram_is_for_the_second(struct fixture *f, int32_t schema, const char *reason)
{
    start(f, 2);
    struct histogram *h = calloc(1, sizeof(*h));
    h->references = 1;
    h->schema = schema;
    struct sample samples[] = {
        {.series = make_series(f, 1), .timestamp_ms = 5, .value = 1},
        {.series = make_series(f, 2), .type = SAMPLE_HISTOGRAM, .timestamp_ms = 6, .histogram = h},
    };
    sample_sink_append(shipper_sink(f->shipper), samples, 2);
    histogram_release(h);
    series_table_release(f->series, samples[0].series);
    series_table_release(f->series, samples[1].series);
    f->wanted = 2;
    assert_true(run(f, LIMIT_MS, second_has_taken));
    run_until_taken(f, 1);
    run(f, 50, NULL);
    assert_int_equal(f->receivers[0].taken_count, 1);
    assert_int_equal(metric_value(f, "histograms_dropped_total", reason), 1);
    assert_int_equal(counted(f, "histograms_pending"), 0);
}

static void test_histograms_are_sent_if_asked_for(void **state)
{
    struct fixture *f = *state;
    f->configs[0].send_native_histograms = false;
    histogram_is_for_the_second(f, 0, "reason=\"native_histograms_not_sent\",");
}

static void test_custom_buckets_are_sent_by_2_0_alone(void **state)
{
    struct fixture *f = *state;
    f->configs[1].protocol = REMOTE_WRITE_V2;
    histogram_is_for_the_second(f, HISTOGRAM_CUSTOM_SCHEMA,
                                "reason=\"nhcb_in_rw1_not_supported\",");
}

/* ---- metadata ---- */

static void describe(struct fixture *f, series_id series, const char *family)
{
    const struct metadata metadata = {text_of(family), TEXT("Help."), TEXT(""), METADATA_GAUGE};
    assert_int_equal(series_table_describe(f->series, series, &metadata), 0);
}

static bool metadata_has_come(struct fixture *f)
{
    size_t entries = 0;
    for (size_t i = 0; i < f->receivers[0].request_count; i++)
        entries += f->receivers[0].requests[i].metadata;
    return entries >= f->wanted;
}

static void test_metadata_in_requests_of_its_own(void **state)
{
    struct fixture *f = *state;
    const struct receiver *r = &f->receivers[0];
    series_id series[5];
    f->configs[0].metadata.send = true;
    f->configs[0].metadata.send_interval_ns = 200 * NS_PER_MS;
    f->configs[0].metadata.max_samples_per_send = 2;
    for (size_t i = 0; i < 5; i++) {
        char family[16];
        snprintf(family, sizeof(family), "f%zu", i);
        series[i] = make_series(f, i);
        describe(f, series[i], family);
    }
    start(f, 1);
    f->wanted = 5;
    assert_true(run(f, LIMIT_MS, metadata_has_come));
    assert_int_equal(r->requests[0].metadata, 2);
    assert_int_equal(r->requests[1].metadata, 2);
    assert_int_equal(r->requests[2].metadata, 1);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(r->requests[i].samples, 0);
    f->wanted = 10; /* and again */
    assert_true(run(f, LIMIT_MS, metadata_has_come));
    run(f, 20, NULL);
    assert_true(counted(f, "metadata_total") >= 10);
    assert_true(counted(f, "metadata_bytes_total") > 0);
    assert_int_equal(counted(f, "bytes_total"), 0);
    assert_int_equal(counted(f, "metadata_failed_total"), 0);
    for (size_t i = 0; i < 5; i++)
        series_table_release(f->series, series[i]);
}

static void test_refused_metadata_holds_nothing(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], 400);
    series_id series = make_series(f, 0);
    describe(f, series, "f");
    f->configs[0].metadata.send = true;
    f->configs[0].metadata.send_interval_ns = 50 * NS_PER_MS;
    start(f, 1);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    append(f, 250);
    run_until_taken(f, 250);
    assert_all_taken(f, 0);
    assert_int_equal(counted(f, "metadata_failed_total"), 1);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    series_table_release(f->series, series);
}

/* ---- all together ---- */

static void test_counts_add_up_whatever_happens(void **state)
{
    static const int faults[] = {REPLY_TAKE, 500, 400, REPLY_CLOSE, 413, 404,
                                 REPLY_TAKE, 429, 400, REPLY_CUT,   200, REPLY_CUT_BODY};
    static int replies[200];
    struct fixture *f = *state;
    uint32_t random = 12345;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        random = random * 1103515245 + 12345;
        replies[i] = faults[(random >> 16) % ARRAY_SIZE(faults)];
    }
    script(&f->receivers[0], replies, ARRAY_SIZE(replies));
    f->receivers[0].retry_after = NULL;
    f->configs[0].queue.min_backoff_ns = f->configs[0].queue.max_backoff_ns = 2 * NS_PER_MS;
    start(f, 1);
    for (int i = 0; i < 60; i++) {
        append(f, 1 + (size_t)i * 13 % 170);
        run(f, 20, NULL);
        assert_adds_up(f);
    }
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_true(run(f, LIMIT_MS, is_flushed));
    assert_int_equal(counted(f, "samples_pending"), 0);
    assert_true(counted(f, "samples_failed_total") > 0);
    assert_adds_up(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIP_TEST(test_too_large_goes_out_in_smaller_requests),
        SHIP_TEST(test_smaller_requests_wait_for_the_deadline),
        SHIP_TEST(test_one_sample_that_is_too_large),
        SHIP_TEST(test_too_large_after_a_lost_answer),
        SHIP_TEST(test_too_large_within_what_was_too_large),
        SHIP_TEST(test_too_many_requests_can_be_final),
        cmocka_unit_test(test_retry_after_in_every_form),
        SHIP_TEST(test_retry_after_as_a_date),
        SHIP_TEST(test_pace),
        SHIP_TEST(test_samples_that_are_too_old),
        SHIP_TEST(test_write_relabel_configs),
        SHIP_TEST(test_samples_that_grow_too_old_on_their_way),
        SHIP_TEST(test_histograms_are_sent_if_asked_for),
        SHIP_TEST(test_custom_buckets_are_sent_by_2_0_alone),
        SHIP_TEST(test_metadata_in_requests_of_its_own),
        SHIP_TEST(test_refused_metadata_holds_nothing),
        SHIP_TEST(test_counts_add_up_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
