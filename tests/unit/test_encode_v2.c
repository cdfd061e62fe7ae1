/* SPDX-License-Identifier: Apache-2.0 */
/* Remote write 2.0 against protobuf-c: every request is read again as what went in, and packs to as
 * many bytes; symbols are unique and all in range. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "encode_examples.h"
#include "ship/remote_v2.pb-c.h"

#define REQUEST_MAX (64 << 20)

typedef Io__Prometheus__Write__V2__Request request_type;
typedef Io__Prometheus__Write__V2__TimeSeries series_type;
typedef Io__Prometheus__Write__V2__Exemplar exemplar_type;
typedef Io__Prometheus__Write__V2__Histogram histogram_type;
typedef Io__Prometheus__Write__V2__BucketSpan span_type;

static request_type *decode(struct text encoded)
{
    request_type *request = io__prometheus__write__v2__request__unpack(
        NULL, encoded.length, (const uint8_t *)encoded.bytes);
    assert_non_null(request);
    return request;
}

/* ---- comparing what was decoded ---- */

static struct text symbol(const request_type *request, uint32_t ref)
{
    assert_true(ref < request->n_symbols);
    return text_of(request->symbols[ref]);
}

static void assert_refs_equal(const request_type *request, const uint32_t *refs, size_t count,
                              const struct labels *labels)
{
    assert_int_equal(count, 2 * labels_count(labels));
    for (struct label_cursor c = labels_first(labels); labels_next(&c); refs += 2) {
        assert_true(text_equal(symbol(request, refs[0]), c.label.name));
        assert_true(text_equal(symbol(request, refs[1]), c.label.value));
    }
}

static void assert_spans_equal(span_type **decoded, size_t decoded_count,
                               const struct histogram_span *spans, size_t count)
{
    assert_int_equal(decoded_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(decoded[i]->offset, spans[i].offset);
        assert_int_equal(decoded[i]->length, spans[i].length);
    }
}

static void assert_buckets_equal(const void *decoded, const void *buckets, size_t count)
{
    if (count)
        assert_memory_equal(decoded, buckets, count * sizeof(int64_t));
}

static void assert_histogram_equal(const histogram_type *decoded, const struct histogram *h)
{
    assert_int_equal(decoded->count_case,
                     h->is_float ? IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_FLOAT
                                 : IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_INT);
    assert_int_equal(decoded->count_int, h->count); /* the same bits, whichever it is */
    assert_int_equal(decoded->zero_count_int, h->zero_count);
    assert_int_equal(decoded->reset_hint, h->is_gauge ? 3 : 0);
    assert_int_equal(bits_of(decoded->sum), bits_of(h->sum));
    assert_int_equal(bits_of(decoded->zero_threshold), bits_of(h->zero_threshold));
    assert_int_equal(decoded->schema, h->schema);
    assert_spans_equal(decoded->positive_spans, decoded->n_positive_spans, h->positive_spans,
                       h->positive_span_count);
    assert_spans_equal(decoded->negative_spans, decoded->n_negative_spans, h->negative_spans,
                       h->negative_span_count);
    assert_int_equal(decoded->n_positive_deltas, h->is_float ? 0 : h->positive_delta_count);
    assert_int_equal(decoded->n_negative_deltas, h->is_float ? 0 : h->negative_delta_count);
    assert_int_equal(decoded->n_positive_counts, h->is_float ? h->positive_delta_count : 0);
    assert_int_equal(decoded->n_negative_counts, h->is_float ? h->negative_delta_count : 0);
    assert_buckets_equal(h->is_float ? (void *)decoded->positive_counts
                                     : (void *)decoded->positive_deltas,
                         h->positive_deltas, h->positive_delta_count);
    assert_buckets_equal(h->is_float ? (void *)decoded->negative_counts
                                     : (void *)decoded->negative_deltas,
                         h->negative_deltas, h->negative_delta_count);
    assert_int_equal(decoded->n_custom_values, h->custom_value_count);
    assert_buckets_equal(decoded->custom_values, h->custom_values, h->custom_value_count);
}

static void assert_exemplars_equal(const request_type *request, const series_type *series,
                                   const struct example *e)
{
    assert_int_equal(series->n_exemplars, e->exemplar_count);
    for (size_t i = 0; i < e->exemplar_count; i++) {
        const exemplar_type *exemplar = series->exemplars[i];
        assert_refs_equal(request, exemplar->labels_refs, exemplar->n_labels_refs,
                          e->exemplars[i].labels);
        assert_int_equal(bits_of(exemplar->value), bits_of(e->exemplars[i].value));
        assert_int_equal(exemplar->timestamp, e->exemplars[i].timestamp_ms);
    }
}

static void assert_metadata_equal(const request_type *request, const series_type *series,
                                  const struct metadata *metadata)
{
    assert_int_equal(series->metadata != NULL, metadata != NULL);
    if (!metadata)
        return;
    assert_int_equal(series->metadata->type, metadata->type);
    assert_true(text_equal(symbol(request, series->metadata->help_ref), metadata->help));
    assert_true(text_equal(symbol(request, series->metadata->unit_ref), metadata->unit));
}

static void assert_series_equal(const request_type *request, const series_type *series,
                                const struct example *e)
{
    bool is_float = e->sample.type == SAMPLE_FLOAT;
    assert_refs_equal(request, series->labels_refs, series->n_labels_refs, e->labels);
    assert_int_equal(series->n_samples, is_float);
    assert_int_equal(series->n_histograms, !is_float);
    assert_int_equal(series->created_timestamp, e->created_ms);
    assert_exemplars_equal(request, series, e);
    assert_metadata_equal(request, series, e->metadata);
    if (is_float) {
        assert_int_equal(bits_of(series->samples[0]->value), bits_of(e->sample.value));
        assert_int_equal(series->samples[0]->timestamp, e->sample.timestamp_ms);
        assert_int_equal(series->samples[0]->start_timestamp, e->created_ms);
    } else {
        assert_histogram_equal(series->histograms[0], e->sample.histogram);
        assert_int_equal(series->histograms[0]->timestamp, e->sample.timestamp_ms);
        assert_int_equal(series->histograms[0]->start_timestamp, e->created_ms);
    }
}

static void assert_symbols_unique(const request_type *request)
{
    assert_string_equal(request->symbols[0], "");
    for (size_t i = 0; i < request->n_symbols; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(request->symbols[i], request->symbols[j]);
}

/* ---- the tests ---- */

static struct encoder *encoder; /* one for all tests: nothing is left of the request before */

static int setup(void **state)
{
    (void)state;
    return encoder_new(REQUEST_MAX, &encoder);
}

static int teardown(void **state)
{
    (void)state;
    encoder_free(&encoder);
    return 0;
}

static struct text encode(const struct example *examples, size_t count)
{
    struct text encoded;
    encoder_begin(encoder, REMOTE_WRITE_V2);
    for (size_t i = 0; i < count; i++) {
        struct encode_entry entry = entry_of(&examples[i]);
        assert_int_equal(encoder_add(encoder, &entry), 0);
    }
    assert_int_equal(encoder_finish(encoder, &encoded), 0);
    return encoded;
}

static void check_request(const struct example *examples, size_t count)
{
    struct text encoded = encode(examples, count);
    request_type *decoded = decode(encoded);
    assert_int_equal(decoded->n_timeseries, count);
    for (size_t i = 0; i < count; i++)
        assert_series_equal(decoded, decoded->timeseries[i], &examples[i]);
    if (count)
        assert_symbols_unique(decoded);
    /* Nothing is written that protobuf would leave out, and nothing twice. */
    assert_int_equal(io__prometheus__write__v2__request__get_packed_size(decoded), encoded.length);
    io__prometheus__write__v2__request__free_unpacked(decoded, NULL);
}

static void test_random_requests_are_read_as_they_were(void **state)
{
    static struct example examples[MAX_SERIES];
    (void)state;
    for (int round = 0; round < 100; round++) {
        size_t count = random_below(MAX_SERIES / 2 + 1);
        for (size_t i = 0; i < count; i++)
            random_example(&examples[i]);
        check_request(examples, count);
        for (size_t i = 0; i < count; i++)
            free_example(&examples[i]);
    }
}

/* As in a scrape: neighbours share nearly all of their texts. */
static void test_neighbours_share_symbols(void **state)
{
    enum { COUNT = 600 };
    static struct example examples[COUNT];
    static const struct metadata metadata = {TEXT("m"), TEXT("Help."), TEXT("bytes"),
                                             METADATA_GAUGE};
    char names[COUNT][16], numbers[COUNT][16];
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "m%zu", i / 10);
        snprintf(numbers[i], sizeof(numbers[i]), "%zu", i % 10);
        const struct label labels[] = {
            {TEXT("__name__"), text_of(names[i])},
            {TEXT("cpu"), text_of(numbers[i])},
            {TEXT("job"), TEXT("node")},
            {TEXT("mode"), text_of(i % 3 ? "idle" : "node")},
        };
        examples[i] = (struct example){
            .labels = build_labels(labels + (i % 7 == 0), ARRAY_SIZE(labels) - (i % 7 == 0)),
            .sample = {.series = 1, .timestamp_ms = INT64_C(1790000000000), .value = (double)i},
            .metadata = i % 5 ? &metadata : NULL};
    }
    check_request(examples, COUNT);
    request_type *decoded = decode(encode(examples, COUNT));
    assert_int_equal(decoded->n_symbols, 1 + 4 + 60 + 10 + 2 + 2); /* "node" is in two roles */
    io__prometheus__write__v2__request__free_unpacked(decoded, NULL);
    for (size_t i = 0; i < COUNT; i++)
        free_example(&examples[i]);
}

/* More labels than are remembered of the entry before, and than the refs' usual length holds. */
static void test_many_labels(void **state)
{
    enum { MOST = 300 };
    static struct label labels[MOST];
    static char names[MOST][8];
    struct example examples[8] = {};
    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        snprintf(names[i], sizeof(names[i]), "n%zu", i);
        labels[i] = (struct label){text_of(names[i]), text_of(names[MOST - 1 - i])};
    }
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        size_t counts[] = {0, 1, 63, 64, 65, 128, 299, 300};
        examples[i].labels = build_labels(labels, counts[i]);
        examples[i].sample = (struct sample){.series = 1, .timestamp_ms = INT64_MIN, .value = 0.1};
    }
    check_request(examples, ARRAY_SIZE(examples));
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
        free_example(&examples[i]);
}

/* What any receiver must read, byte by byte as the schema says. */
static void test_known_bytes(void **state)
{
    static const uint8_t expected[] = {
        0x22, 0x00,                                             /* symbol 0 */
        0x22, 0x08, '_',  '_',  'n',  'a',  'm', 'e', '_', '_', /* 1 */
        0x22, 0x01, 'x',                                        /* 2 */
        0x22, 0x02, 'H',  '.',                                  /* 3 */
        0x2a, 0x1e,                                             /* timeseries */
        0x0a, 0x02, 0x01, 0x02,                                 /* labels_refs */
        0x12, 0x0f, 0x09, 0,    0,    0,    0,   0,   0,   0xf0,
        0x3f, 0x10, 0xac, 0x02,             /* 1 at 300, */
        0x18, 0xc8, 0x01,                   /* since 200 */
        0x2a, 0x04, 0x08, 0x01, 0x18, 0x03, /* counter, help 3 */
        0x30, 0xc8, 0x01,                   /* since 200 */
    };
    static const struct metadata metadata = {TEXT("x"), TEXT("H."), TEXT(""), METADATA_COUNTER};
    (void)state;
    struct label label = {TEXT(LABEL_METRIC_NAME), TEXT("x")};
    struct example e = {.labels = build_labels(&label, 1),
                        .sample = {.series = 1, .timestamp_ms = 300, .value = 1},
                        .created_ms = 200,
                        .metadata = &metadata};
    struct text encoded = encode(&e, 1);
    assert_int_equal(encoded.length, sizeof(expected));
    assert_memory_equal(encoded.bytes, expected, sizeof(expected));
    free(e.labels);
}

static void test_what_does_not_fit_leaves_the_request_whole(void **state)
{
    static char value[4000];
    struct encoder *small_encoder;
    struct text encoded;
    (void)state;
    memset(value, 'v', sizeof(value));
    struct label small = {TEXT("n"), TEXT("v")}, large = {TEXT("n"), {value, sizeof(value)}};
    autofree struct labels *small_labels = build_labels(&small, 1);
    autofree struct labels *large_labels = build_labels(&large, 1);
    const struct sample sample = {.series = 1, .timestamp_ms = 1, .value = 1};
    const struct encode_entry fits = {.labels = small_labels, .sample = &sample};
    const struct encode_entry too_long = {.labels = large_labels, .sample = &sample};
    assert_int_equal(encoder_new(3000, &small_encoder), 0);
    encoder_begin(small_encoder, REMOTE_WRITE_V2);
    assert_int_equal(encoder_add(small_encoder, &fits), 0);
    size_t length = encoder_length(small_encoder);
    assert_int_equal(encoder_add(small_encoder, &too_long), -E2BIG);
    assert_int_equal(encoder_length(small_encoder), length);
    int added = 1;
    while (encoder_add(small_encoder, &fits) == 0)
        added++;
    assert_int_equal(encoder_finish(small_encoder, &encoded), 0);
    assert_true(encoded.length <= 3000);
    request_type *decoded = decode(encoded);
    assert_int_equal(decoded->n_timeseries, added);
    io__prometheus__write__v2__request__free_unpacked(decoded, NULL);
    encoder_free(&small_encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_requests_are_read_as_they_were),
        cmocka_unit_test(test_neighbours_share_symbols),
        cmocka_unit_test(test_many_labels),
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_what_does_not_fit_leaves_the_request_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
