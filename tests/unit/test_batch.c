/* SPDX-License-Identifier: Apache-2.0 */
/* ship/pending and ship/batch: what a request holds and in which order, what is left out of it, and
 * that nothing is held longer than it is needed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/batch.h"
#include "ship/remote.pb-c.h"
#include "ship/remote_v2.pb-c.h"

struct fixture {
    struct series_table *table;
    struct pending pending;
    struct batch batch;
    struct batch_builder *builder;
    struct batch_rules rules;
    uint32_t pushed;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(series_table_new(10000, &f->table), 0);
    assert_int_equal(batch_builder_new(f->table, &f->builder), 0);
    pending_init(&f->pending, f->table);
    batch_init(&f->batch);
    f->rules.least_ms = INT64_MIN;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    pending_free(&f->pending);
    batch_free(&f->batch);
    batch_builder_free(&f->builder);
    assert_int_equal(series_table_count(f->table), 0);
    series_table_free(&f->table);
    free(f);
    return 0;
}

static struct labels *make_labels(const char *name, const char *number)
{
    struct labels_builder *builder;
    struct labels *labels;
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(name)), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("n"), text_of(number)), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    return labels;
}

static void push_sample(struct fixture *f, const char *name, unsigned number,
                        const struct queue_sample *sample)
{
    char text[16];
    series_id series;
    snprintf(text, sizeof(text), "%u", number);
    autofree struct labels *labels = make_labels(name, text);
    assert_int_equal(series_table_intern(f->table, labels, &series), 0);
    struct queue_sample read = *sample;
    read.end.sample = ++f->pushed;
    assert_int_equal(pending_push(&f->pending, &read, series, true), 0);
    series_table_release(f->table, series);
}

static void push(struct fixture *f, const char *name, unsigned number, int64_t timestamp_ms)
{
    push_sample(f, name, number,
                &(struct queue_sample){
                    .sample = {.timestamp_ms = timestamp_ms, .value = (double)f->pushed}});
}

static uint8_t *uncompress(const struct batch *batch, size_t *length)
{
    const struct buffer *body = &batch->body;
    assert_int_equal(snappy_uncompressed_length(body->bytes, body->length, length), SNAPPY_OK);
    char *bytes = malloc(*length + 1);
    assert_int_equal(snappy_uncompress(body->bytes, body->length, bytes, length), SNAPPY_OK);
    return (uint8_t *)bytes;
}

static Prometheus__WriteRequest *decode(const struct batch *batch)
{
    size_t length;
    autofree uint8_t *bytes = uncompress(batch, &length);
    Prometheus__WriteRequest *request = prometheus__write_request__unpack(NULL, length, bytes);
    assert_non_null(request);
    return request;
}

static void test_names_lie_together_and_series_stay_in_order(void **state)
{
    enum { TARGETS = 7, NAMES = 40, ROUNDS = 3 };
    struct fixture *f = *state;
    char name[16], last[16] = "";
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned target = 0; target < TARGETS; target++)
            for (unsigned i = 0; i < NAMES; i++) {
                snprintf(name, sizeof(name), "m%u", i * 7 % NAMES / 2);
                push(f, name, target, 1000 + round);
            }
    batch_build(f->builder, &f->batch, &f->pending, f->pending.count, &f->rules);
    Prometheus__WriteRequest *request = decode(&f->batch);
    assert_int_equal(request->n_timeseries, TARGETS * NAMES * ROUNDS);
    assert_int_equal(f->batch.samples.floats, request->n_timeseries);
    int64_t newest[NAMES][TARGETS] = {};
    bool ended[NAMES] = {};
    for (size_t i = 0; i < request->n_timeseries; i++) {
        const Prometheus__TimeSeries *series = request->timeseries[i];
        const char *of = series->labels[0]->value;
        unsigned number = (unsigned)atoi(of + 1);
        unsigned target = (unsigned)atoi(series->labels[1]->value);
        if (strcmp(of, last) != 0) {
            assert_false(ended[number]);
            if (*last)
                ended[atoi(last + 1)] = true;
            snprintf(last, sizeof(last), "%s", of);
        }
        assert_true(series->samples[0]->timestamp >= newest[number][target]);
        newest[number][target] = series->samples[0]->timestamp;
    }
    prometheus__write_request__free_unpacked(request, NULL);
}

static void test_as_they_came(void **state)
{
    struct fixture *f = *state;
    f->rules.as_they_came = true;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 1000; i++)
            push(f, i % 2 ? "a" : "b", i, 1000 + round);
    batch_build(f->builder, &f->batch, &f->pending, f->pending.count, &f->rules);
    Prometheus__WriteRequest *request = decode(&f->batch);
    assert_int_equal(request->n_timeseries, 3000);
    for (size_t i = 0; i < request->n_timeseries; i++)
        assert_int_equal(request->timeseries[i]->samples[0]->value, i);
    prometheus__write_request__free_unpacked(request, NULL);
}

static void test_too_old_is_counted_once(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 10; i++)
        push(f, "x", i, 1000 + i);
    f->rules.least_ms = 1004;
    batch_build(f->builder, &f->batch, &f->pending, 10, &f->rules);
    assert_int_equal(f->batch.too_old.floats, 4);
    assert_int_equal(f->batch.samples.floats, 6);
    assert_int_equal(f->batch.oldest_ms, 1004);
    assert_int_equal(f->batch.newest_ms, 1009);
    assert_int_equal(f->pending.counts.floats, 6);
    f->rules.least_ms = 1006;
    batch_build(f->builder, &f->batch, &f->pending, 10, &f->rules);
    assert_int_equal(f->batch.too_old.floats, 2);
    assert_int_equal(f->batch.samples.floats, 4);
    f->rules.least_ms = 2000;
    batch_build(f->builder, &f->batch, &f->pending, 10, &f->rules);
    assert_int_equal(f->batch.too_old.floats, 4);
    assert_int_equal(f->batch.samples.floats, 0);
    assert_int_equal(f->batch.items, 10);
    assert_int_equal(f->batch.body.length, 0);
    pending_drop(&f->pending, 10);
    assert_int_equal(f->pending.counts.floats, 0);
}

static void test_choosing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(batch_choose(&f->pending, 10), 0);
    for (unsigned i = 0; i < 30; i++)
        push(f, "x", i, 1);
    assert_int_equal(batch_choose(&f->pending, 10), 10);
    assert_int_equal(batch_choose(&f->pending, 100), 30);
    pending_drop(&f->pending, 25);
    assert_int_equal(batch_choose(&f->pending, 100), 5);
}

#define LONG_BYTES 100000

/* Samples with long labels, with exemplars that have some, and histograms with many buckets: a
 * batch of them is full long before it has as many as it may. */
static void test_choosing_by_size(void **state)
{
    enum { SAMPLES = 80 };
    struct fixture *f = *state;
    autofree char *name = calloc(1, LONG_BYTES + 1);
    memset(name, 'n', LONG_BYTES);
    autofree struct labels *labels = make_labels(name, "1");
    struct exemplar exemplar = {0, labels, 0.5, 7};
    autofree int64_t *deltas = calloc(LONG_BYTES / 2, sizeof(*deltas));
    const struct histogram_span span = {0, LONG_BYTES / 2};
    struct histogram *histogram = histogram_new(&(struct histogram){
        .positive_span_count = 1,
        .positive_spans = &span,
        .positive_delta_count = LONG_BYTES / 2,
        .positive_deltas = deltas,
    });
    const struct {
        const char *name;
        struct queue_sample sample;
    } cases[] = {
        {"x", {.sample = {.type = SAMPLE_HISTOGRAM, .histogram = histogram}}},
        {"x", {.exemplars = &exemplar, .exemplar_count = 1}},
        {name, {}},
    };
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        for (unsigned i = 0; i < SAMPLES; i++)
            push_sample(f, cases[c].name, i, &cases[c].sample);
        assert_in_range(batch_choose(&f->pending, SAMPLES), BATCH_FULL_BYTES / LONG_BYTES - 1,
                        BATCH_FULL_BYTES / LONG_BYTES + 1);
        pending_drop(&f->pending, SAMPLES);
    }
    histogram_release(histogram);
}

/* What the queue gave is its own again; what was pushed is a copy. */
static void test_exemplars_and_created(void **state)
{
    struct fixture *f = *state;
    struct labels *labels = make_labels("trace", "1");
    struct exemplar exemplars[] = {{0, labels, 0.5, 7}, {0, labels, 0.25, 8}};
    push_sample(f, "x", 1,
                &(struct queue_sample){.sample = {.timestamp_ms = 9},
                                       .created_ms = 5,
                                       .exemplars = exemplars,
                                       .exemplar_count = 2});
    memset(exemplars, 0, sizeof(exemplars));
    free(labels);
    assert_int_equal(f->pending.counts.exemplars, 2);
    batch_build(f->builder, &f->batch, &f->pending, 1, &f->rules);
    Prometheus__WriteRequest *v1 = decode(&f->batch);
    assert_int_equal(v1->timeseries[0]->n_exemplars, 2);
    assert_string_equal(v1->timeseries[0]->exemplars[1]->labels[0]->value, "trace");
    assert_true(v1->timeseries[0]->exemplars[1]->value == 0.25);
    prometheus__write_request__free_unpacked(v1, NULL);

    f->rules.protocol = REMOTE_WRITE_V2;
    batch_build(f->builder, &f->batch, &f->pending, 1, &f->rules);
    size_t length;
    autofree uint8_t *bytes = uncompress(&f->batch, &length);
    Io__Prometheus__Write__V2__Request *v2 =
        io__prometheus__write__v2__request__unpack(NULL, length, bytes);
    assert_non_null(v2);
    assert_int_equal(v2->timeseries[0]->created_timestamp, 5);
    assert_int_equal(v2->timeseries[0]->n_exemplars, 2);
    io__prometheus__write__v2__request__free_unpacked(v2, NULL);
    assert_int_equal(f->batch.samples.exemplars, 2);
}

/* Taken from at the front for as long as it is filled: the array does not grow, all is in order. */
/* Help texts that fill a request: the samples that have no room for theirs go without it. */
static void test_metadata_that_does_not_fit(void **state)
{
    enum { SERIES = 12, HELP_BYTES = 1 << 20 };
    struct fixture *f = *state;
    autofree char *help = calloc(1, HELP_BYTES + 1);
    memset(help, 'h', HELP_BYTES);
    for (unsigned i = 0; i < SERIES; i++) {
        push(f, "x", i, i);
        help[0] = (char)('a' + i);
        const struct metadata metadata = {TEXT("x"), {help, HELP_BYTES}, TEXT(""), METADATA_GAUGE};
        series_id series = pending_at(&f->pending, i)->sample.series;
        assert_int_equal(series_table_describe(f->table, series, &metadata), 0);
    }
    f->rules.protocol = REMOTE_WRITE_V2;
    f->rules.with_metadata = true;
    batch_build(f->builder, &f->batch, &f->pending, SERIES, &f->rules);
    assert_int_equal(f->batch.samples.floats, SERIES);
    assert_int_equal(f->batch.too_large.floats, 0);
    assert_in_range(f->batch.metadata, 6, 8);
}

static void test_pending_is_a_queue(void **state)
{
    struct fixture *f = *state;
    uint32_t dropped = 0;
    for (unsigned round = 0; round < 500; round++) {
        for (unsigned i = 0; i < round % 13; i++)
            push(f, "x", i, 1);
        size_t count = f->pending.count < round % 11 ? f->pending.count : round % 11;
        for (size_t i = 0; i < f->pending.count; i++)
            assert_int_equal(pending_at(&f->pending, i)->end.sample, dropped + i + 1);
        pending_drop(&f->pending, count);
        dropped += (uint32_t)count;
        assert_int_equal(f->pending.count, f->pushed - dropped);
        assert_true(f->pending.capacity <= 2048);
    }
}

#define BATCH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BATCH_TEST(test_names_lie_together_and_series_stay_in_order),
        BATCH_TEST(test_as_they_came),
        BATCH_TEST(test_too_old_is_counted_once),
        BATCH_TEST(test_choosing),
        BATCH_TEST(test_choosing_by_size),
        BATCH_TEST(test_exemplars_and_created),
        BATCH_TEST(test_metadata_that_does_not_fit),
        BATCH_TEST(test_pending_is_a_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
