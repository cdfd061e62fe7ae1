/* SPDX-License-Identifier: Apache-2.0 */
/* ship/ over remote write 2.0: what goes out, what the receiver's counts mean, and a receiver that
 * knows 1.0 alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "shipper_fixture.h"

static int setup_v2(void **state)
{
    setup(state);
    struct fixture *f = *state;
    f->configs[0].protocol = REMOTE_WRITE_V2;
    return 0;
}

static double ours(struct fixture *f, const char *name, const char *more)
{
    return metric_value_of(f, "edgemeter_remote_write_", name, more);
}

static void test_headers(void **state)
{
    static const char *const lines[] = {
        "\r\nContent-Encoding: snappy\r\n",
        "\r\nContent-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n",
        "\r\nX-Prometheus-Remote-Write-Version: 2.0.0\r\n", "\r\nUser-Agent: edgemeter/test\r\n"};
    struct fixture *f = *state;
    start(f, 1);
    append(f, 1);
    run_until_taken(f, 1);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_non_null(strstr(f->receivers[0].requests[0].head.bytes, lines[i]));
}

static void test_everything_arrives_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    start(f, 1);
    for (size_t i = 0; i < 20; i++)
        append(f, 1 + i * 7 % 90);
    run_until_taken(f, f->appended);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    assert_int_equal(counted(f, "samples_total"), f->appended);
    assert_int_equal(ours(f, "samples_acknowledged_total", ""), f->appended);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
}

/* One record with all that can be beside a sample. */
static void append_rich(struct fixture *f)
{
    const struct metadata metadata = {TEXT("x"), TEXT("Help of x."), TEXT(""), METADATA_COUNTER};
    struct labels_builder *builder;
    autofree struct labels *labels = NULL;
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("trace_id"), TEXT("abc")), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    struct sample samples[2];
    for (size_t i = 0; i < 2; i++)
        samples[i] = (struct sample){
            .series = make_series(f, i), .timestamp_ms = TIMESTAMP_MS, .value = (double)i};
    assert_int_equal(series_table_describe(f->series, samples[1].series, &metadata), 0);
    const struct exemplar exemplar = {1, labels, 0.25, TIMESTAMP_MS - 5};
    const struct sample_created created = {1, TIMESTAMP_MS - 60000};
    const struct sample_record record = {samples, 2, &exemplar, 1, &created, 1};
    sample_sink_append_record(shipper_sink(f->shipper), &record);
    for (size_t i = 0; i < 2; i++)
        series_table_release(f->series, samples[i].series);
}

static void test_metadata_exemplars_and_created(void **state)
{
    struct fixture *f = *state;
    const struct taken_sample *taken = f->receivers[0].taken;
    f->configs[0].metadata.send = true;
    f->configs[0].send_exemplars = true;
    start(f, 1);
    append_rich(f);
    run_until_taken(f, 2);
    assert_string_equal(taken[0].help, "");
    assert_false(taken[0].has_exemplar);
    assert_int_equal(taken[0].created_ms, 0);
    assert_string_equal(taken[1].help, "Help of x.");
    assert_true(taken[1].has_exemplar);
    assert_true(taken[1].exemplar == 0.25);
    assert_int_equal(taken[1].created_ms, TIMESTAMP_MS - 60000);
    assert_int_equal(counted(f, "metadata_total"), 1);
    assert_int_equal(counted(f, "exemplars_total"), 1);
}

/* The remote has read all there was: what comes next it may take as it is given. */
static void test_exemplars_and_created_behind_what_was_read(void **state)
{
    struct fixture *f = *state;
    const struct taken_sample *taken = f->receivers[0].taken;
    f->configs[0].send_exemplars = true;
    start(f, 1);
    append(f, 1);
    run_until_taken(f, 1);
    append_rich(f);
    run_until_taken(f, 3);
    assert_true(taken[2].has_exemplar);
    assert_true(taken[2].exemplar == 0.25);
    assert_int_equal(taken[2].created_ms, TIMESTAMP_MS - 60000);
}

static void test_without_metadata_and_exemplars(void **state)
{
    struct fixture *f = *state;
    const struct taken_sample *taken = f->receivers[0].taken;
    start(f, 1);
    append_rich(f);
    run_until_taken(f, 2);
    assert_string_equal(taken[1].help, "");
    assert_false(taken[1].has_exemplar);
    assert_int_equal(taken[1].created_ms, TIMESTAMP_MS - 60000);
    assert_int_equal(counted(f, "exemplars_total"), 0);
}

/* A receiver that does not read 2.0: the same samples go out in 1.0, and all that follow. */
static void falls_back(struct fixture *f, int reply)
{
    struct receiver *r = &f->receivers[0];
    script(r, &reply, 1);
    start(f, 1);
    append(f, 250);
    run_until_taken(f, 250);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    assert_true(r->requests[0].is_v2);
    for (size_t i = 1; i < r->request_count; i++)
        assert_false(r->requests[i].is_v2);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
    assert_int_equal(counted(f, "samples_retried_total"), 100);
    assert_int_equal(ours(f, "samples_acknowledged_total", ""), 250);
}

static void test_unsupported_media_type(void **state)
{
    falls_back(*state, 415);
}

static void test_success_without_counts(void **state)
{
    falls_back(*state, REPLY_TAKE_SILENT);
}

/* The counts would have come behind where its answer was cut. */
static void answer_cut_before_the_counts(struct fixture *f, const char *host)
{
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_CUT_LINE, REPLY_TAKE, REPLY_CUT_LINE);
    snprintf(f->urls[0], sizeof(f->urls[0]), "http://%s:%d/api/v1/write", host, r->port);
    start(f, 1);
    append(f, 250);
    run_until_taken(f, 250);
    run(f, 100, NULL);
    assert_all_taken(f, 0);
    for (size_t i = 0; i < r->request_count; i++)
        assert_true(r->requests[i].is_v2);
}

static void test_answer_cut_before_the_counts(void **state)
{
    answer_cut_before_the_counts(*state, "127.0.0.1");
}

static void test_answer_to_libcurl_cut_before_the_counts(void **state)
{
    answer_cut_before_the_counts(*state, "localhost");
}

/* One that took them and said nothing of it refuses them as 1.0: that is no loss, and hits nothing
 * newer. */
static void test_taken_without_counts(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_TAKE_SILENT, 400);
    start(f, 1);
    append(f, 250);
    run_until_taken(f, 150);
    run(f, 100, NULL);
    assert_taken(r, 0, 100, 250);
    assert_int_equal(ours(f, "samples_replay_refused_total", ""), 100);
    assert_int_equal(counted(f, "samples_failed_total"), 0);
}

static void test_partial_write(void **state)
{
    struct fixture *f = *state;
    struct receiver *r = &f->receivers[0];
    SCRIPT(r, REPLY_TAKE_HALF, REPLY_TAKE_LESS);
    start(f, 1);
    append(f, 300);
    run_until_taken(f, 100);
    run(f, 100, NULL);
    assert_taken(r, 0, 200, 300); /* the receiver keeps nothing of the first two */
    assert_int_equal(ours(f, "samples_acknowledged_total", ""), 50 + 99 + 100);
    assert_int_equal(counted(f, "samples_failed_total"), 50 + 1);
    assert_int_equal(ours(f, "samples_refused_total", "code=\"400\","), 50);
    assert_int_equal(ours(f, "samples_refused_total", "code=\"200\","), 1);
    assert_int_equal(counted(f, "samples_pending"), 0);
}

static void test_histograms(void **state)
{
    struct fixture *f = *state;
    struct histogram *h = calloc(1, sizeof(*h));
    h->references = 1;
    h->count = 77;
    struct sample samples[] = {
        {.series = make_series(f, 1), .timestamp_ms = 5, .value = 1},
        {.series = make_series(f, 2), .type = SAMPLE_HISTOGRAM, .timestamp_ms = 6, .histogram = h},
    };
    start(f, 1);
    sample_sink_append(shipper_sink(f->shipper), samples, 2);
    histogram_release(h);
    series_table_release(f->series, samples[0].series);
    series_table_release(f->series, samples[1].series);
    run_until_taken(f, 2);
    run(f, 20, NULL);
    assert_int_equal(f->receivers[0].taken[1].histogram_count, 77);
    assert_int_equal(ours(f, "histograms_acknowledged_total", ""), 1);
    assert_int_equal(counted(f, "histograms_failed_total"), 0);
}

#define V2_TEST(name) cmocka_unit_test_setup_teardown(name, setup_v2, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        V2_TEST(test_headers),
        V2_TEST(test_everything_arrives_once_and_in_order),
        V2_TEST(test_metadata_exemplars_and_created),
        V2_TEST(test_exemplars_and_created_behind_what_was_read),
        V2_TEST(test_without_metadata_and_exemplars),
        V2_TEST(test_unsupported_media_type),
        V2_TEST(test_success_without_counts),
        V2_TEST(test_answer_cut_before_the_counts),
        V2_TEST(test_answer_to_libcurl_cut_before_the_counts),
        V2_TEST(test_taken_without_counts),
        V2_TEST(test_partial_write),
        V2_TEST(test_histograms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
