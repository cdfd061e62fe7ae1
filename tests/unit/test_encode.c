/* SPDX-License-Identifier: Apache-2.0 */
/* ship/encode against protobuf-c: the same bytes for random samples, and every WriteRequest read
 * again as what went in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/encode.h"
#include "ship/remote.pb-c.h"

#define MAX_SERIES 40
#define MAX_LABELS 40
#define MAX_BUCKETS 200

/* One sample with everything that the oracle needs to pack it. */
struct example {
    struct labels *labels;
    struct sample sample;
    struct histogram histogram;
    struct histogram_span spans[2][MAX_BUCKETS];
    int64_t deltas[2][MAX_BUCKETS];
};

static uint64_t seed = 1;

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static uint64_t random_below(uint64_t limit)
{
    return random_bits() % limit;
}

/* Of any magnitude. */
static uint64_t random_wide(void)
{
    return random_bits() >> random_below(64);
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* protobuf-c takes -0.0 for an absent zero, so it has a test of its own. */
static double random_double(void)
{
    static const uint64_t special[] = {0,
                                       STALE_NAN_BITS,
                                       UINT64_C(0x7ff8000000000001),
                                       UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0xfff0000000000000),
                                       1,
                                       UINT64_C(0x7fefffffffffffff)};
    uint64_t bits = random_bits();
    if (random_below(3) == 0)
        return double_of(special[random_below(ARRAY_SIZE(special))]);
    if (random_below(3) == 0)
        return (double)random_below(1000);
    return double_of(bits == UINT64_C(1) << 63 ? 0 : bits);
}

static int64_t random_timestamp(void)
{
    static const int64_t special[] = {0, 1, -1, INT64_MIN, INT64_MAX, INT64_C(1790000000000)};
    if (random_below(2))
        return special[random_below(ARRAY_SIZE(special))];
    return (int64_t)(random_below(2) ? random_wide() : -random_wide());
}

static struct labels *build_labels(const struct label *labels, size_t count)
{
    struct labels_builder *builder;
    struct labels *built;
    assert_int_equal(labels_builder_new(&builder), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(labels_builder_set(builder, labels[i].name, labels[i].value), 0);
    assert_int_equal(labels_builder_build(builder, &built), 0);
    labels_builder_free(&builder);
    return built;
}

static struct labels *random_labels(void)
{
    static char values[MAX_LABELS][20000];
    static char names[MAX_LABELS][32];
    struct label labels[MAX_LABELS];
    size_t count = random_below(MAX_LABELS + 1);
    for (size_t i = 0; i < count; i++) {
        static const size_t limits[] = {2, 20, 130, 300, 20000};
        size_t length = 1 + random_below(limits[random_below(random_below(20) ? 4 : 5)] - 1);
        for (size_t c = 0; c < length; c++)
            values[i][c] = (char)(1 + random_below(127));
        snprintf(names[i], sizeof(names[i]), "l%u", (unsigned)random_below(1000000));
        labels[i] = (struct label){text_of(names[i]), {values[i], length}};
    }
    return build_labels(labels, count);
}

static void random_buckets(struct example *e, int side, uint32_t *spans, uint32_t *deltas)
{
    static const uint32_t limits[] = {1, 4, 66, MAX_BUCKETS};
    *spans = (uint32_t)random_below(limits[random_below(4)]);
    *deltas = (uint32_t)random_below(limits[random_below(4)]);
    for (uint32_t i = 0; i < *spans; i++) {
        e->spans[side][i].offset = (int32_t)(random_below(2) ? random_wide() : -random_wide());
        e->spans[side][i].length = (uint32_t)random_wide();
    }
    for (uint32_t i = 0; i < *deltas; i++)
        e->deltas[side][i] = (int64_t)(random_below(2) ? random_wide() : -random_wide());
}

static void random_histogram(struct example *e)
{
    struct histogram *h = &e->histogram;
    *h = (struct histogram){.references = 1,
                            .schema = (int32_t)random_below(13) - 4,
                            .is_float = random_below(3) == 0, /* of any bits */
                            .is_gauge = random_below(4) == 0,
                            .zero_threshold = random_double(),
                            .zero_count = random_below(2) ? random_wide() : 0,
                            .count = random_below(2) ? random_wide() : 0,
                            .sum = random_double(),
                            .positive_spans = e->spans[0],
                            .negative_spans = e->spans[1],
                            .positive_deltas = e->deltas[0],
                            .negative_deltas = e->deltas[1]};
    random_buckets(e, 0, &h->positive_span_count, &h->positive_delta_count);
    random_buckets(e, 1, &h->negative_span_count, &h->negative_delta_count);
}

static void random_example(struct example *e)
{
    e->labels = random_labels();
    e->sample = (struct sample){.series = 1, .timestamp_ms = random_timestamp()};
    if (random_below(3) == 0) {
        random_histogram(e);
        e->sample.type = SAMPLE_HISTOGRAM;
        e->sample.histogram = &e->histogram;
    } else {
        e->sample.type = SAMPLE_FLOAT;
        e->sample.value = random_double();
    }
}

/* ---- the oracle ---- */

static char *copy_text(struct text text)
{
    char *copy = strndup(text.bytes, text.length);
    assert_non_null(copy);
    return copy;
}

static void fill_labels(Prometheus__TimeSeries *series, const struct labels *labels)
{
    series->labels = calloc(labels_count(labels) + 1, sizeof(*series->labels));
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        Prometheus__Label *label = malloc(sizeof(*label));
        prometheus__label__init(label);
        label->name = copy_text(c.label.name);
        label->value = copy_text(c.label.value);
        series->labels[series->n_labels++] = label;
    }
}

static Prometheus__BucketSpan **fill_spans(const struct histogram_span *spans, size_t count)
{
    Prometheus__BucketSpan **filled = calloc(count + 1, sizeof(*filled));
    for (size_t i = 0; i < count; i++) {
        filled[i] = malloc(sizeof(**filled));
        prometheus__bucket_span__init(filled[i]);
        filled[i]->offset = spans[i].offset;
        filled[i]->length = spans[i].length;
    }
    return filled;
}

static int64_t *fill_deltas(const int64_t *deltas, size_t count)
{
    int64_t *filled = calloc(count + 1, sizeof(*filled));
    memcpy(filled, deltas, count * sizeof(*filled));
    return filled;
}

static double *fill_counts(const double *counts, size_t count)
{
    double *filled = calloc(count + 1, sizeof(*filled));
    memcpy(filled, counts, count * sizeof(*filled));
    return filled;
}

static void fill_buckets(Prometheus__Histogram *filled, const struct histogram *h)
{
    filled->n_negative_spans = h->negative_span_count;
    filled->negative_spans = fill_spans(h->negative_spans, h->negative_span_count);
    filled->n_positive_spans = h->positive_span_count;
    filled->positive_spans = fill_spans(h->positive_spans, h->positive_span_count);
    if (h->is_float) {
        filled->n_negative_counts = h->negative_delta_count;
        filled->negative_counts = fill_counts(h->negative_counts, h->negative_delta_count);
        filled->n_positive_counts = h->positive_delta_count;
        filled->positive_counts = fill_counts(h->positive_counts, h->positive_delta_count);
    } else {
        filled->n_negative_deltas = h->negative_delta_count;
        filled->negative_deltas = fill_deltas(h->negative_deltas, h->negative_delta_count);
        filled->n_positive_deltas = h->positive_delta_count;
        filled->positive_deltas = fill_deltas(h->positive_deltas, h->positive_delta_count);
    }
}

static Prometheus__Histogram *fill_histogram(const struct histogram *h, int64_t timestamp_ms)
{
    Prometheus__Histogram *filled = malloc(sizeof(*filled));
    prometheus__histogram__init(filled);
    filled->count_case = h->is_float ? PROMETHEUS__HISTOGRAM__COUNT_COUNT_FLOAT
                                     : PROMETHEUS__HISTOGRAM__COUNT_COUNT_INT;
    filled->zero_count_case = h->is_float ? PROMETHEUS__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_FLOAT
                                          : PROMETHEUS__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT;
    if (h->is_float) {
        filled->count_float = h->count_float;
        filled->zero_count_float = h->zero_count_float;
    } else {
        filled->count_int = h->count;
        filled->zero_count_int = h->zero_count;
    }
    filled->sum = h->sum;
    filled->schema = h->schema;
    filled->zero_threshold = h->zero_threshold;
    filled->reset_hint = h->is_gauge ? PROMETHEUS__HISTOGRAM__RESET_HINT__GAUGE
                                     : PROMETHEUS__HISTOGRAM__RESET_HINT__UNKNOWN;
    fill_buckets(filled, h);
    filled->timestamp = timestamp_ms;
    return filled;
}

static Prometheus__TimeSeries *fill_series(const struct example *e)
{
    Prometheus__TimeSeries *series = malloc(sizeof(*series));
    prometheus__time_series__init(series);
    fill_labels(series, e->labels);
    if (e->sample.type == SAMPLE_HISTOGRAM) {
        series->histograms = malloc(sizeof(*series->histograms));
        series->histograms[series->n_histograms++] =
            fill_histogram(e->sample.histogram, e->sample.timestamp_ms);
        return series;
    }
    Prometheus__Sample *sample = malloc(sizeof(*sample));
    prometheus__sample__init(sample);
    sample->value = e->sample.value;
    sample->timestamp = e->sample.timestamp_ms;
    series->samples = malloc(sizeof(*series->samples));
    series->samples[series->n_samples++] = sample;
    return series;
}

static Prometheus__WriteRequest *fill_request(const struct example *examples, size_t count)
{
    Prometheus__WriteRequest *request = malloc(sizeof(*request));
    prometheus__write_request__init(request);
    request->timeseries = calloc(count + 1, sizeof(*request->timeseries));
    for (size_t i = 0; i < count; i++)
        request->timeseries[request->n_timeseries++] = fill_series(&examples[i]);
    return request;
}

static Prometheus__WriteRequest *decode(const struct buffer *encoded)
{
    Prometheus__WriteRequest *request =
        prometheus__write_request__unpack(NULL, encoded->length, (const uint8_t *)encoded->bytes);
    assert_non_null(request);
    return request;
}

/* ---- comparing what was decoded ---- */

static void assert_labels_equal(const Prometheus__TimeSeries *series, const struct labels *labels)
{
    size_t i = 0;
    assert_int_equal(series->n_labels, labels_count(labels));
    for (struct label_cursor c = labels_first(labels); labels_next(&c); i++) {
        assert_true(text_equal(text_of(series->labels[i]->name), c.label.name));
        assert_true(text_equal(text_of(series->labels[i]->value), c.label.value));
        assert_true(i == 0 || strcmp(series->labels[i - 1]->name, series->labels[i]->name) < 0);
    }
}

static void assert_spans_equal(Prometheus__BucketSpan **decoded, size_t decoded_count,
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

static void assert_histogram_equal(const Prometheus__Histogram *decoded, const struct histogram *h)
{
    assert_int_equal(decoded->count_case, h->is_float ? PROMETHEUS__HISTOGRAM__COUNT_COUNT_FLOAT
                                                      : PROMETHEUS__HISTOGRAM__COUNT_COUNT_INT);
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
}

static void assert_series_equal(const Prometheus__TimeSeries *series, const struct example *e)
{
    bool is_float = e->sample.type == SAMPLE_FLOAT;
    assert_labels_equal(series, e->labels);
    assert_int_equal(series->n_samples, is_float);
    assert_int_equal(series->n_histograms, !is_float);
    assert_int_equal(series->n_exemplars, 0);
    if (is_float) {
        assert_int_equal(bits_of(series->samples[0]->value), bits_of(e->sample.value));
        assert_int_equal(series->samples[0]->timestamp, e->sample.timestamp_ms);
    } else {
        assert_histogram_equal(series->histograms[0], e->sample.histogram);
        assert_int_equal(series->histograms[0]->timestamp, e->sample.timestamp_ms);
    }
}

/* ---- the tests ---- */

static void check_request(struct example *examples, size_t count)
{
    autobuffer struct buffer encoded;
    buffer_init(&encoded, 64 << 20);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(encode_time_series(&encoded, examples[i].labels, &examples[i].sample), 0);

    Prometheus__WriteRequest *oracle = fill_request(examples, count);
    size_t length = prometheus__write_request__get_packed_size(oracle);
    autofree uint8_t *packed = malloc(length + 1);
    prometheus__write_request__pack(oracle, packed);
    assert_int_equal(encoded.length, length);
    if (length)
        assert_memory_equal(encoded.bytes, packed, length);
    prometheus__write_request__free_unpacked(oracle, NULL);

    Prometheus__WriteRequest *decoded = decode(&encoded);
    assert_int_equal(decoded->n_timeseries, count);
    assert_int_equal(decoded->n_metadata, 0);
    for (size_t i = 0; i < count; i++)
        assert_series_equal(decoded->timeseries[i], &examples[i]);
    prometheus__write_request__free_unpacked(decoded, NULL);
}

static void test_random_requests_equal_protobuf_c(void **state)
{
    static struct example examples[MAX_SERIES];
    (void)state;
    for (int round = 0; round < 150; round++) {
        size_t count = random_below(MAX_SERIES + 1);
        for (size_t i = 0; i < count; i++)
            random_example(&examples[i]);
        check_request(examples, count);
        for (size_t i = 0; i < count; i++)
            free(examples[i].labels);
    }
}

static void test_lengths_around_a_varint_step(void **state)
{
    static char value[17000];
    static const size_t from[] = {1, 80, 16200};
    (void)state;
    memset(value, 'v', sizeof(value));
    for (size_t range = 0; range < ARRAY_SIZE(from); range++) {
        for (size_t length = from[range]; length < from[range] + 200; length++) {
            struct label label = {TEXT("n"), {value, length}};
            struct example e = {.labels = build_labels(&label, 1)};
            e.sample = (struct sample){.series = 1, .timestamp_ms = 1, .value = 1.5};
            check_request(&e, 1);
            free(e.labels);
        }
    }
}

/* Short labels, where what surrounds them is longer than they are. */
static void test_room_for_many_labels(void **state)
{
    enum { MOST = 1000 };
    static struct label labels[MOST];
    static char names[MOST][8];
    (void)state;
    for (size_t count = 0; count < MOST; count++) {
        snprintf(names[count], sizeof(names[count]), "%zu", count);
        labels[count] = (struct label){text_of(names[count]), TEXT("v")};
        if (count % 9)
            continue;
        struct example e = {.labels = build_labels(labels, count)};
        e.sample = (struct sample){.series = 1, .timestamp_ms = INT64_MIN, .value = 0.1};
        autobuffer struct buffer encoded;
        buffer_init(&encoded, 1 << 20);
        assert_int_equal(encode_time_series(&encoded, e.labels, &e.sample), 0);
        assert_true(encoded.length <= encoded.capacity);
        check_request(&e, 1);
        free(e.labels);
    }
}

/* What any receiver must read, byte by byte as the schema says. */
static void test_known_bytes(void **state)
{
    static const uint8_t expected[] = {
        0x0a, 0x1e,                                                       /* timeseries */
        0x0a, 0x0e, 0x0a, 0x08, '_', '_', 'n', 'a', 'm', 'e',  '_',  '_', /* label, name */
        0x12, 0x02, 'u',  'p',                                            /* value */
        0x12, 0x0c, 0x09, 0,    0,   0,   0,   0,   0,   0xf0, 0x3f, 0x10,
        0xac, 0x02 /* sample 1 at 300 */
    };
    (void)state;
    struct label label = {TEXT(LABEL_METRIC_NAME), TEXT("up")};
    autofree struct labels *labels = build_labels(&label, 1);
    const struct sample sample = {.series = 1, .timestamp_ms = 300, .value = 1};
    autobuffer struct buffer encoded;
    buffer_init(&encoded, 1000);
    assert_int_equal(encode_time_series(&encoded, labels, &sample), 0);
    assert_int_equal(encoded.length, sizeof(expected));
    assert_memory_equal(encoded.bytes, expected, sizeof(expected));
}

static void test_every_value_keeps_its_bits(void **state)
{
    static const uint64_t values[] = {0,
                                      UINT64_C(1) << 63, /* -0.0 */
                                      STALE_NAN_BITS,
                                      UINT64_C(0x7ff8000000000001),
                                      UINT64_C(0xfff8000000000123),
                                      UINT64_C(0x7ff0000000000000),
                                      UINT64_C(0xfff0000000000000),
                                      1};
    (void)state;
    struct label label = {TEXT(LABEL_METRIC_NAME), TEXT("x")};
    autofree struct labels *labels = build_labels(&label, 1);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        const struct sample sample = {.series = 1, .value = double_of(values[i])};
        autobuffer struct buffer encoded;
        buffer_init(&encoded, 1000);
        assert_int_equal(encode_time_series(&encoded, labels, &sample), 0);
        Prometheus__WriteRequest *decoded = decode(&encoded);
        assert_int_equal(bits_of(decoded->timeseries[0]->samples[0]->value), values[i]);
        prometheus__write_request__free_unpacked(decoded, NULL);
    }
}

static void test_a_nul_in_a_value_is_kept(void **state)
{
    static const uint8_t expected[] = {0x0a, 0x06, 0x0a, 0x01, 'n', 0x12, 0x03, 'a', 0, 'b'};
    (void)state;
    struct label label = {TEXT("n"), TEXT("a\0b")};
    autofree struct labels *labels = build_labels(&label, 1);
    const struct sample sample = {.series = 1};
    autobuffer struct buffer encoded;
    buffer_init(&encoded, 1000);
    assert_int_equal(encode_time_series(&encoded, labels, &sample), 0);
    assert_int_equal((uint8_t)encoded.bytes[3], 0x08);
    assert_memory_equal(encoded.bytes + 4, expected + 2, sizeof(expected) - 2);
}

static void test_what_does_not_fit_leaves_the_request_whole(void **state)
{
    static char value[4000];
    (void)state;
    memset(value, 'v', sizeof(value));
    struct label small = {TEXT("n"), TEXT("v")}, large = {TEXT("n"), {value, sizeof(value)}};
    autofree struct labels *small_labels = build_labels(&small, 1);
    autofree struct labels *large_labels = build_labels(&large, 1);
    const struct sample sample = {.series = 1, .timestamp_ms = 1, .value = 1};
    autobuffer struct buffer encoded;
    buffer_init(&encoded, 3000);
    assert_int_equal(encode_time_series(&encoded, small_labels, &sample), 0);
    size_t length = encoded.length;
    assert_int_equal(encode_time_series(&encoded, large_labels, &sample), -E2BIG);
    assert_int_equal(encoded.length, length);
    assert_false(encoded.failed);
    assert_int_equal(encode_time_series(&encoded, small_labels, &sample), 0);
    Prometheus__WriteRequest *decoded = decode(&encoded);
    assert_int_equal(decoded->n_timeseries, 2);
    prometheus__write_request__free_unpacked(decoded, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_requests_equal_protobuf_c),
        cmocka_unit_test(test_lengths_around_a_varint_step),
        cmocka_unit_test(test_room_for_many_labels),
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_every_value_keeps_its_bits),
        cmocka_unit_test(test_a_nul_in_a_value_is_kept),
        cmocka_unit_test(test_what_does_not_fit_leaves_the_request_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
