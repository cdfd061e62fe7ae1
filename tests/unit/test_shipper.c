/* SPDX-License-Identifier: Apache-2.0 */
/* ship/ against a receiver that takes everything: what arrives and when, the flush at the end, own
 * metrics. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "shipper_fixture.h"

/* ---- batches ---- */

static void test_everything_arrives_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    start(f, 1);
    for (size_t i = 0; i < 40; i++)
        append(f, 1 + i * 7 % 90);
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    for (size_t i = 0; i < r->request_count; i++)
        assert_int_equal(r->requests[i].samples,
                         i + 1 < r->request_count ? 100 : f->appended % 100);
    assert_int_equal(counted(f, "samples_total"), f->appended);
    assert_int_equal(counted(f, "samples_pending"), 0);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    assert_int_equal(counted(f, "samples_retried_total"), 0);
    assert_int_equal(counted(f, "sent_batch_duration_seconds_count"), r->request_count);
}

static void test_headers(void **state)
{
    static const char *const lines[] = {
        "POST /api/v1/write HTTP/1.1\r\n", "\r\nContent-Encoding: snappy\r\n",
        "\r\nContent-Type: application/x-protobuf\r\n",
        "\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n", "\r\nUser-Agent: edgemeter/test\r\n"};
    struct fixture *f = *state;
    start(f, 1);
    append(f, 1);
    run_until_taken(f, 1);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_non_null(strstr(f->receivers[0].requests[0].head.bytes, lines[i]));
    assert_null(receiver_header(&f->receivers[0].requests[0], "Retry-Attempt"));
}

static void test_small_records_wait_for_the_deadline(void **state)
{
    struct fixture *f = *state;
    const struct receiver *r = &f->receivers[0];
    f->configs[0].queue.max_samples_per_send = 1000;
    f->configs[0].queue.batch_send_deadline_ns = 200 * NS_PER_MS;
    start(f, 1);
    uint64_t begin_ns = clock_monotonic_ns();
    while (r->request_count == 0 && f->appended < 1000) { /* later ones put it off no further */
        append(f, 1);
        run(f, 1, NULL);
    }
    assert_int_equal(r->request_count, 1);
    assert_in_range(r->requests[0].samples, 1, f->appended);
    assert_true(f->appended < 1000);
    assert_true(r->requests[0].at_ns - begin_ns >= 200 * NS_PER_MS);
}

static void test_full_batches_do_not_wait(void **state)
{
    struct fixture *f = *state;
    f->configs[0].queue.batch_send_deadline_ns = 3600 * NS_PER_SECOND;
    start(f, 1);
    append(f, 60);
    append(f, 60);
    append(f, 230);
    run_until_taken(f, 300);
    run(f, 50, NULL);
    assert_int_equal(f->receivers[0].taken_count, 300);
    assert_int_equal(counted(f, "samples_pending"), 50);
}

static void test_large_labels_bound_a_batch(void **state)
{
    enum { VALUE = 100 * 1000, COUNT = 90 };
    struct fixture *f = *state;
    struct sample samples[COUNT];
    struct labels_builder *builder;
    char *value = malloc(VALUE);
    memset(value, 'v', VALUE);
    start(f, 1);
    for (size_t i = 0; i < COUNT; i++) {
        autofree struct labels *labels = NULL;
        memcpy(value, (char[]){(char)('0' + i / 10), (char)('0' + i % 10)}, 2);
        assert_int_equal(labels_builder_new(&builder), 0);
        assert_int_equal(labels_builder_set(builder, TEXT("v"), (struct text){value, VALUE}), 0);
        assert_int_equal(labels_builder_build(builder, &labels), 0);
        labels_builder_free(&builder);
        samples[i] = (struct sample){.value = (double)i};
        assert_int_equal(series_table_intern(f->series, labels, &samples[i].series), 0);
    }
    sample_sink_append(shipper_sink(f->shipper), samples, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        series_table_release(f->series, samples[i].series);
    free(value);
    run_until_taken(f, COUNT);
    assert_int_equal(f->receivers[0].request_count, 3); /* 42 of 100 kB pass 4 MiB */
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal((size_t)f->receivers[0].taken[i].value, i);
}

static void test_histograms_and_stale_markers(void **state)
{
    struct fixture *f = *state;
    const struct receiver *r = &f->receivers[0];
    start(f, 1);
    struct histogram *h = calloc(1, sizeof(*h));
    h->references = 1;
    h->count = 77;
    struct sample samples[] = {
        {.series = make_series(f, 1), .timestamp_ms = 5, .value = sample_stale_value()},
        {.series = make_series(f, 2), .type = SAMPLE_HISTOGRAM, .timestamp_ms = 6, .histogram = h},
    };
    sample_sink_append(shipper_sink(f->shipper), samples, 2);
    histogram_release(h);
    series_table_release(f->series, samples[0].series);
    series_table_release(f->series, samples[1].series);
    run_until_taken(f, 2);
    uint64_t bits;
    memcpy(&bits, &r->taken[0].value, sizeof(bits));
    assert_int_equal(bits, STALE_NAN_BITS);
    assert_true(r->taken[1].is_histogram);
    assert_int_equal(r->taken[1].histogram_count, 77);
    assert_int_equal(r->taken[1].timestamp_ms, 6);
    assert_int_equal(counted(f, "samples_total"), 1);
    assert_int_equal(counted(f, "histograms_total"), 1);
}

/* ---- the end ---- */

static void test_flush_waits_for_no_deadline(void **state)
{
    struct fixture *f = *state;
    f->configs[0].queue.batch_send_deadline_ns = 3600 * NS_PER_SECOND;
    f->configs[1].queue.batch_send_deadline_ns = 3600 * NS_PER_SECOND;
    start(f, 2);
    append(f, 250);
    run(f, 50, NULL);
    append(f, 5);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_int_equal(f->flushed, 0);
    append(f, 7);
    assert_true(run(f, 1000, is_flushed));
    run(f, 50, NULL);
    assert_int_equal(f->flushed, 1);
    assert_int_equal(f->unsent, 0);
    assert_all_taken(f, 0);
    assert_all_taken(f, 1);
}

static void test_flush_of_nothing_is_done_in_the_next_turn(void **state)
{
    struct fixture *f = *state;
    start(f, 1);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_int_equal(f->flushed, 0);
    assert_true(run(f, 100, is_flushed));
    assert_int_equal(f->unsent, 0);
    assert_int_equal(f->receivers[0].request_count, 0);
}

static void test_flush_does_not_shorten_a_backoff(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, 503);
    start(f, 1);
    append(f, 10);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    run(f, 20, NULL);
    append(f, 10);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_true(run(f, LIMIT_MS, is_flushed));
    assert_int_equal(f->unsent, 0);
    assert_true(gap_ms(r, 1) >= 1000);
    assert_all_taken(f, 0);
}

static void test_flush_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], REPLY_HANG);
    start(f, 2);
    append(f, 130);
    f->wanted = 130;
    assert_true(run(f, LIMIT_MS, second_has_taken));
    append(f, 20);
    uint64_t begin_ns = clock_monotonic_ns();
    shipper_flush(f->shipper, 300 * NS_PER_MS, on_flushed, f);
    assert_true(run(f, LIMIT_MS, is_flushed));
    assert_true(clock_monotonic_ns() - begin_ns >= 300 * NS_PER_MS);
    assert_int_equal(f->unsent, 150);
    receiver_cut_connections(&f->receivers[0]);
    run_until_acknowledged(f);
    run(f, 50, NULL);
    assert_all_taken(f, 0);
    assert_all_taken(f, 1);
    assert_int_equal(f->flushed, 1);
}

static void test_free_with_a_request_on_its_way(void **state)
{
    struct fixture *f = *state;
    SCRIPT(&f->receivers[0], REPLY_HANG);
    start(f, 1);
    append(f, 150);
    f->wanted = 1;
    assert_true(run(f, LIMIT_MS, first_was_asked));
    shipper_free(&f->shipper);
    assert_null(f->shipper);
    run(f, 500, NULL);
    assert_int_equal(series_table_count(f->series), 0);
}

/* ---- the rest ---- */

static void test_without_remotes_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    start(f, 0);
    append(f, 100);
    assert_int_equal(series_table_count(f->series), 0);
    shipper_flush(f->shipper, 3600 * NS_PER_SECOND, on_flushed, f);
    assert_true(run(f, 100, is_flushed));
    assert_int_equal(f->unsent, 0);
}

/* A reload: the first remote goes on untouched, the second ends, comes back, is changed. */
static void test_apply(void **state)
{
    struct fixture *f = *state;
    struct remote_write_config *both[] = {&f->configs[0], &f->configs[1]};
    f->configs[0].digest = 1;
    f->configs[1].digest = 2;
    start(f, 2);
    append(f, 100);
    run_until_taken(f, 100);
    assert_int_equal(shipper_apply(f->shipper, &f->queue, both, 1), 0);
    append(f, 100);
    run_until_taken(f, 200);
    assert_int_equal(f->receivers[1].taken_count, 100);

    /* what the receiver has refused so far, its successor sends */
    struct remote_write_config changed = f->configs[1];
    changed.digest = 3;
    changed.references = 0;
    f->configs[1].queue.min_backoff_ns = f->configs[1].queue.max_backoff_ns = 3600 * NS_PER_SECOND;
    assert_int_equal(shipper_apply(f->shipper, &f->queue, both, 2), 0);
    SCRIPT(&f->receivers[1], REPLY_TAKE, REPLY_TAKE, 503); /* the first is behind us */
    append(f, 100);
    f->wanted = 200;
    assert_true(run(f, LIMIT_MS, second_has_taken));
    append(f, 100);
    run_until_taken(f, 400);
    f->wanted = 3;
    assert_true(run(f, LIMIT_MS, second_was_asked));
    both[1] = &changed;
    assert_int_equal(shipper_apply(f->shipper, &f->queue, both, 2), 0);
    assert_int_equal(shipper_apply(f->shipper, &f->queue, both, 2),
                     0); /* the same again: nothing happens */
    f->wanted = 300;
    assert_true(run(f, LIMIT_MS, second_has_taken));
    shipper_free(&f->shipper);
    assert_int_equal(f->configs[0].references, 0);
    assert_int_equal(f->configs[1].references, 0);
    assert_int_equal(changed.references, 0);
}

static void count_remote(void *context, const struct shown_remote *remote)
{
    (void)remote;
    ++*(size_t *)context;
}

/* An entry that stands in the file so often is so many remotes, after a reload as at the start. */
static void test_apply_of_equal_remotes(void **state)
{
    static const size_t steps[] = {1, 2, 2, 1, 0, 2};
    struct fixture *f = *state;
    struct remote_write_config *equal[] = {&f->configs[0], &f->configs[0]};
    f->configs[0].name = NULL;
    start(f, 1);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        size_t shown = 0;
        assert_int_equal(shipper_apply(f->shipper, &f->queue, equal, steps[i]), 0);
        shipper_show(f->shipper, count_remote, &shown);
        assert_int_equal(shown, steps[i]);
    }
    append(f, 100);
    run_until_taken(f, 200);
}

static void test_two_remotes_of_one_name_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct shipper_environment environment = {f->loop, f->http, f->series, f->metrics};
    struct remote_write_config *const configs[] = {&f->configs[0], &f->configs[1]};
    f->configs[1].name = "first";
    assert_int_equal(shipper_new(&environment, &f->queue, configs, 2, &f->shipper), -EEXIST);
    assert_null(f->shipper);
    autobuffer struct buffer page;
    buffer_init(&page, 1 << 20);
    assert_int_equal(metric_registry_write(f->metrics, &page), 0);
    assert_null(page.bytes ? strstr(page.bytes, "first") : NULL);
}

/* They may differ in write_relabel_configs, say. */
static void test_two_remotes_of_one_url_have_names_of_their_own(void **state)
{
    struct fixture *f = *state;
    f->configs[0].name = NULL;
    f->configs[1].url = f->configs[0].url;
    start(f, 2);
    append(f, 150);
    run_until_taken(f, 300);
    assert_int_equal(f->receivers[0].taken_count, 300);
}

static void test_own_metrics(void **state)
{
    static const struct {
        const char *name;
        double value;
    } expected[] = {
        {"samples_total", 250},
        {"histograms_total", 0},
        {"samples_failed_total", 0},
        {"histograms_failed_total", 0},
        {"samples_retried_total", 0},
        {"histograms_retried_total", 0},
        {"samples_pending", 0},
        {"histograms_pending", 0},
        {"sent_batch_duration_seconds_count", 3},
        {"queue_highest_timestamp_seconds", TIMESTAMP_MS / 1000},
        {"queue_highest_sent_timestamp_seconds", TIMESTAMP_MS / 1000},
        {"shards", 1},
        {"shards_max", 50},
        {"shards_min", 1},
        {"shards_desired", 1},
        {"shard_capacity", 10000},
        {"max_samples_per_send", 100},
    };
    struct fixture *f = *state;
    start(f, 2);
    assert_int_equal(counted(f, "queue_highest_sent_timestamp_seconds"), 0);
    append(f, 250);
    run_until_acknowledged(f);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_true(counted(f, expected[i].name) == expected[i].value);
    assert_true(metric_value(f, "samples_dropped_total", "") < 0);
    autobuffer struct buffer page;
    buffer_init(&page, 1 << 20);
    assert_int_equal(metric_registry_write(f->metrics, &page), 0);
    assert_non_null(strstr(page.bytes, "\nprometheus_remote_storage_samples_in_total 250\n"));
    assert_non_null(strstr(page.bytes, "\nprometheus_remote_storage_histograms_in_total 0\n"));
    assert_non_null(
        strstr(page.bytes, "\nprometheus_remote_storage_highest_timestamp_in_seconds 1.79e+09\n"));
    assert_null(strstr(page.bytes, ":pw@"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIP_TEST(test_everything_arrives_once_and_in_order),
        SHIP_TEST(test_headers),
        SHIP_TEST(test_small_records_wait_for_the_deadline),
        SHIP_TEST(test_full_batches_do_not_wait),
        SHIP_TEST(test_large_labels_bound_a_batch),
        SHIP_TEST(test_histograms_and_stale_markers),
        SHIP_TEST(test_flush_waits_for_no_deadline),
        SHIP_TEST(test_flush_of_nothing_is_done_in_the_next_turn),
        SHIP_TEST(test_flush_does_not_shorten_a_backoff),
        SHIP_TEST(test_flush_ends_at_its_deadline),
        SHIP_TEST(test_free_with_a_request_on_its_way),
        SHIP_TEST(test_without_remotes_nothing_is_kept),
        SHIP_TEST(test_two_remotes_of_one_name_are_refused),
        SHIP_TEST(test_two_remotes_of_one_url_have_names_of_their_own),
        SHIP_TEST(test_apply),
        SHIP_TEST(test_apply_of_equal_remotes),
        SHIP_TEST(test_own_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
