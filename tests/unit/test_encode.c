/* SPDX-License-Identifier: Apache-2.0 */
/* ship/encode against protobuf-c: the same bytes for random samples, and every WriteRequest read
 * again as what went in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "encode_examples.h"
#include "ship/remote.pb-c.h"

#define REQUEST_MAX (64 << 20)

/* ---- the oracle ---- */

static char *copy_text(struct text text)
{
    char *copy = strndup(text.bytes, text.length);
    assert_non_null(copy);
    return copy;
}

static Prometheus__Label **fill_labels(const struct labels *labels, size_t *count)
{
    Prometheus__Label **filled = calloc(labels_count(labels) + 1, sizeof(*filled));
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        Prometheus__Label *label = malloc(sizeof(*label));
        prometheus__label__init(label);
        label->name = copy_text(c.label.name);
        label->value = copy_text(c.label.value);
        filled[(*count)++] = label;
    }
    return filled;
}

static Prometheus__Exemplar **fill_exemplars(const struct example *e)
{
    Prometheus__Exemplar **filled = calloc(e->exemplar_count + 1, sizeof(*filled));
    for (size_t i = 0; i < e->exemplar_count; i++) {
        filled[i] = malloc(sizeof(**filled));
        prometheus__exemplar__init(filled[i]);
        filled[i]->labels = fill_labels(e->exemplars[i].labels, &filled[i]->n_labels);
        filled[i]->value = e->exemplars[i].value;
        filled[i]->timestamp = e->exemplars[i].timestamp_ms;
    }
    return filled;
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
    filled->n_custom_values = h->custom_value_count;
    filled->custom_values = fill_counts(h->custom_values, h->custom_value_count);
    filled->timestamp = timestamp_ms;
    return filled;
}

static Prometheus__TimeSeries *fill_series(const struct example *e)
{
    Prometheus__TimeSeries *series = malloc(sizeof(*series));
    prometheus__time_series__init(series);
    series->labels = fill_labels(e->labels, &series->n_labels);
    series->exemplars = fill_exemplars(e);
    series->n_exemplars = e->exemplar_count;
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

static Prometheus__WriteRequest *decode(struct text encoded)
{
    Prometheus__WriteRequest *request =
        prometheus__write_request__unpack(NULL, encoded.length, (const uint8_t *)encoded.bytes);
    assert_non_null(request);
    return request;
}

/* ---- comparing what was decoded ---- */

static void assert_labels_equal(Prometheus__Label **decoded, size_t count,
                                const struct labels *labels)
{
    size_t i = 0;
    assert_int_equal(count, labels_count(labels));
    for (struct label_cursor c = labels_first(labels); labels_next(&c); i++) {
        assert_true(text_equal(text_of(decoded[i]->name), c.label.name));
        assert_true(text_equal(text_of(decoded[i]->value), c.label.value));
        assert_true(i == 0 || strcmp(decoded[i - 1]->name, decoded[i]->name) < 0);
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
    assert_int_equal(decoded->n_custom_values, h->custom_value_count);
    assert_buckets_equal(decoded->custom_values, h->custom_values, h->custom_value_count);
}

static void assert_series_equal(const Prometheus__TimeSeries *series, const struct example *e)
{
    bool is_float = e->sample.type == SAMPLE_FLOAT;
    assert_labels_equal(series->labels, series->n_labels, e->labels);
    assert_int_equal(series->n_samples, is_float);
    assert_int_equal(series->n_histograms, !is_float);
    assert_int_equal(series->n_exemplars, e->exemplar_count);
    for (size_t i = 0; i < e->exemplar_count; i++) {
        const Prometheus__Exemplar *exemplar = series->exemplars[i];
        assert_labels_equal(exemplar->labels, exemplar->n_labels, e->exemplars[i].labels);
        assert_int_equal(bits_of(exemplar->value), bits_of(e->exemplars[i].value));
        assert_int_equal(exemplar->timestamp, e->exemplars[i].timestamp_ms);
    }
    if (is_float) {
        assert_int_equal(bits_of(series->samples[0]->value), bits_of(e->sample.value));
        assert_int_equal(series->samples[0]->timestamp, e->sample.timestamp_ms);
    } else {
        assert_histogram_equal(series->histograms[0], e->sample.histogram);
        assert_int_equal(series->histograms[0]->timestamp, e->sample.timestamp_ms);
    }
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
    encoder_begin(encoder, REMOTE_WRITE_V1);
    for (size_t i = 0; i < count; i++) {
        struct encode_entry entry = entry_of(&examples[i]);
        assert_int_equal(encoder_add(encoder, &entry), 0);
    }
    assert_int_equal(encoder_finish(encoder, &encoded), 0);
    assert_int_equal(encoded.length, encoder_length(encoder));
    return encoded;
}

static void check_request(const struct example *examples, size_t count)
{
    struct text encoded = encode(examples, count);
    Prometheus__WriteRequest *oracle = fill_request(examples, count);
    size_t length = prometheus__write_request__get_packed_size(oracle);
    autofree uint8_t *packed = malloc(length + 1);
    prometheus__write_request__pack(oracle, packed);
    assert_int_equal(encoded.length, length);
    if (length)
        assert_memory_equal(encoded.bytes, packed, length);
    prometheus__write_request__free_unpacked(oracle, NULL);

    Prometheus__WriteRequest *decoded = decode(encoded);
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
            free_example(&examples[i]);
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
    struct example e = {.labels = build_labels(&label, 1)};
    e.sample = (struct sample){.series = 1, .timestamp_ms = 300, .value = 1};
    struct text encoded = encode(&e, 1);
    assert_int_equal(encoded.length, sizeof(expected));
    assert_memory_equal(encoded.bytes, expected, sizeof(expected));
    free(e.labels);
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
    struct example e = {.labels = build_labels(&label, 1)};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        e.sample = (struct sample){.series = 1, .value = double_of(values[i])};
        Prometheus__WriteRequest *decoded = decode(encode(&e, 1));
        assert_int_equal(bits_of(decoded->timeseries[0]->samples[0]->value), values[i]);
        prometheus__write_request__free_unpacked(decoded, NULL);
    }
    free(e.labels);
}

static void test_a_nul_in_a_value_is_kept(void **state)
{
    static const uint8_t expected[] = {0x0a, 0x08, 0x0a, 0x01, 'n', 0x12, 0x03, 'a', 0, 'b'};
    (void)state;
    struct label label = {TEXT("n"), TEXT("a\0b")};
    struct example e = {.labels = build_labels(&label, 1), .sample = {.series = 1}};
    struct text encoded = encode(&e, 1);
    assert_memory_equal(encoded.bytes + 2, expected, sizeof(expected));
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
    encoder_begin(small_encoder, REMOTE_WRITE_V1);
    assert_int_equal(encoder_add(small_encoder, &fits), 0);
    size_t length = encoder_length(small_encoder);
    assert_int_equal(encoder_add(small_encoder, &too_long), -E2BIG);
    assert_int_equal(encoder_length(small_encoder), length);
    assert_int_equal(encoder_add(small_encoder, &fits), 0);
    assert_int_equal(encoder_finish(small_encoder, &encoded), 0);
    Prometheus__WriteRequest *decoded = decode(encoded);
    assert_int_equal(decoded->n_timeseries, 2);
    prometheus__write_request__free_unpacked(decoded, NULL);
    encoder_free(&small_encoder);
}

static void test_metadata_requests(void **state)
{
    static char help[300];
    const struct metadata entries[] = {
        {TEXT("http_requests"), TEXT("Requests \\ \n seen."), TEXT(""), METADATA_COUNTER},
        {TEXT("up"), {help, sizeof(help)}, TEXT("seconds"), METADATA_GAUGE},
        {TEXT("x"), {NULL, 0}, {NULL, 0}, METADATA_UNKNOWN},
        {{help, sizeof(help)}, TEXT("long"), {NULL, 0}, METADATA_SUMMARY},
    };
    (void)state;
    struct text encoded;
    memset(help, 'h', sizeof(help));
    encoder_begin(encoder, REMOTE_WRITE_V1);
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        assert_int_equal(encoder_add_metadata(encoder, &entries[i]), 0);
    assert_int_equal(encoder_finish(encoder, &encoded), 0);
    Prometheus__WriteRequest *decoded = decode(encoded);
    assert_int_equal(decoded->n_timeseries, 0);
    assert_int_equal(decoded->n_metadata, ARRAY_SIZE(entries));
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        const Prometheus__MetricMetadata *m = decoded->metadata[i];
        assert_int_equal(m->type, entries[i].type);
        assert_true(text_equal(text_of(m->metric_family_name), entries[i].family));
        assert_true(text_equal(text_of(m->help), entries[i].help));
        assert_true(text_equal(text_of(m->unit), entries[i].unit));
    }
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
        cmocka_unit_test(test_metadata_requests),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
