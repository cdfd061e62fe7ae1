/* SPDX-License-Identifier: Apache-2.0 */
/* collect/native_histogram: exact bounds, and histograms that a decoder of its own reads out of the
 * bytes that would be sent. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "collect/native_histogram.h"
#include "rows_fixture.h"
#include "ship/encode.h"
#include "ship/remote.pb-c.h"

#define LIMBS 8 /* of 64 bits */
#define DURATION "http_server_request_duration_seconds"

struct large {
    uint64_t limbs[LIMBS]; /* the lowest first */
};

static void large_multiply(struct large *number, uint64_t factor)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)number->limbs[i] * factor;
        number->limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    assert_true(carry == 0);
}

static int large_compare(const struct large *a, const struct large *b)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* Compares ns with 2^(k/8) seconds: ns^8 with 2^k * 10^72. */
static int compare_with_power(uint64_t ns, int k)
{
    struct large left = {{1}}, right = {{1}};
    for (int i = 0; i < 8; i++)
        large_multiply(&left, ns);
    for (int i = 0; i < 72; i++)
        large_multiply(&right, 10);
    for (int i = 0; i < abs(k); i++)
        large_multiply(k < 0 ? &left : &right, 2);
    return large_compare(&left, &right);
}

static void test_bounds_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < HTTP_NATIVE_BUCKETS - 1; i++) {
        uint64_t bound = native_bound_ns(i);
        assert_true(compare_with_power(bound, HTTP_NATIVE_FIRST + i) <= 0);
        assert_true(compare_with_power(bound + 1, HTTP_NATIVE_FIRST + i) > 0);
    }
    assert_int_equal(native_bound_ns(160), 1000000000); /* 2^0 */
    assert_true(native_bound_ns(HTTP_NATIVE_BUCKETS - 1) == UINT64_MAX);
}

/* The nearest whole nanosecond: 1.001 s are 1,000,999,999.9999999 ns as a double. */
static void test_classic_bounds(void **state)
{
    static const struct http_metrics_config odd = {.buckets = {0.005, 1.001, 10}, .bucket_count = 3};
    (void)state;
    assert_int_equal(http_metrics_bound_ns(&odd, 0), 5000000);
    assert_int_equal(http_metrics_bound_ns(&odd, 1), 1001000000);
    assert_int_equal(http_metrics_bound_ns(&odd, 2), 10000000000);
    assert_true(http_metrics_bound_ns(&odd, 3) == UINT64_MAX);
}

/* Of a state that was known by its classic buckets the kernel's may have less: never below 0. */
static void test_subtraction_ends_at_zero(void **state)
{
    struct http_native_row total = {{[3] = 5, [4] = 2}};
    const struct http_native_row before = {{[3] = 4, [4] = 3}};
    (void)state;
    native_row_subtract(&total, &before);
    assert_int_equal(total.buckets[3], 1);
    assert_int_equal(total.buckets[4], 0);
}

static uint64_t seed = 3;

static uint64_t random_below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

/* As Prometheus reads it: a span's offset counts from the end of the span before, a delta from the
 * bucket before; an index i stands for durations above 2^((i-1)/8) s, up to 2^(i/8) s. */
static void decode(const Prometheus__Histogram *histogram, uint64_t *buckets)
{
    int32_t index = 0;
    int64_t value = 0;
    size_t delta = 0;
    memset(buckets, 0, HTTP_NATIVE_BUCKETS * sizeof(*buckets));
    assert_int_equal(histogram->schema, 3);
    assert_int_equal(histogram->n_negative_spans + histogram->n_negative_deltas, 0);
    for (size_t span = 0; span < histogram->n_positive_spans; span++) {
        index += histogram->positive_spans[span]->offset;
        assert_true(span == 0 || histogram->positive_spans[span]->offset > 0);
        assert_true(histogram->positive_spans[span]->length > 0);
        for (uint32_t i = 0; i < histogram->positive_spans[span]->length; i++, index++) {
            assert_true(delta < histogram->n_positive_deltas);
            value += histogram->positive_deltas[delta++];
            assert_true(value >= 0);
            assert_in_range(index - HTTP_NATIVE_FIRST, 1, HTTP_NATIVE_BUCKETS - 1);
            buckets[index - HTTP_NATIVE_FIRST] = (uint64_t)value;
        }
    }
    assert_int_equal(delta, histogram->n_positive_deltas);
    /* what is at most the first bound, exactly 2^-20 s */
    assert_true(histogram->zero_threshold == 1.0 / (1 << 20));
    assert_int_equal(histogram->zero_count_case, PROMETHEUS__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT);
    buckets[0] = histogram->zero_count_int;
}

/* Through the bytes of a write request. */
static Prometheus__WriteRequest *send(const struct sample *sample)
{
    struct labels_builder *builder;
    struct labels *labels;
    struct encoder *encoder;
    struct text bytes;
    assert_int_equal(labels_builder_new(&builder), 0);
    labels_builder_set(builder, TEXT("__name__"), TEXT("x"));
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    const struct encode_entry entry = {.labels = labels, .sample = sample};
    assert_int_equal(encoder_new(1 << 20, &encoder), 0);
    encoder_begin(encoder, REMOTE_WRITE_V1);
    assert_int_equal(encoder_add(encoder, &entry), 0);
    assert_int_equal(encoder_finish(encoder, &bytes), 0);
    Prometheus__WriteRequest *request =
        prometheus__write_request__unpack(NULL, bytes.length, (const uint8_t *)bytes.bytes);
    assert_non_null(request);
    assert_int_equal(request->n_timeseries, 1);
    assert_int_equal(request->timeseries[0]->n_histograms, 1);
    assert_int_equal(request->timeseries[0]->n_samples, 0);
    free(labels);
    labels_builder_free(&builder);
    encoder_free(&encoder);
    return request;
}

static void check_row(const struct http_native_row *row, double sum)
{
    uint64_t buckets[HTTP_NATIVE_BUCKETS], count = 0;
    struct sample sample = {
        .type = SAMPLE_HISTOGRAM, .timestamp_ms = 5, .histogram = native_histogram_new(row, sum)};
    assert_non_null(sample.histogram);
    assert_int_equal(sample.histogram->references, 1);
    Prometheus__WriteRequest *request = send(&sample);
    const Prometheus__Histogram *histogram = request->timeseries[0]->histograms[0];
    decode(histogram, buckets);
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++) {
        assert_true(buckets[i] == row->buckets[i]);
        count += buckets[i];
    }
    assert_true(histogram->count_int == count);
    assert_true(histogram->sum == sum);
    assert_int_equal(histogram->timestamp, 5);
    prometheus__write_request__free_unpacked(request, NULL);
    histogram_release(sample.histogram);
}

static void test_histograms(void **state)
{
    struct http_native_row row = {{0}};
    (void)state;
    check_row(&row, 0);
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++) { /* each alone */
        row = (struct http_native_row){{0}};
        row.buckets[i] = i + 1;
        check_row(&row, 1.5);
    }
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++) /* as many spans as there can be */
        row.buckets[i] = i % 4 == 1;
    check_row(&row, 2);
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++)
        row.buckets[i] = UINT64_C(1) << (i % 50);
    check_row(&row, 3);
    for (int round = 0; round < 2000; round++) {
        uint64_t sparse = 1 + random_below(30);
        for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++)
            row.buckets[i] =
                random_below(sparse) ? 0 : random_below(UINT64_C(1) << random_below(40));
        check_row(&row, (double)round);
    }
}

/* Up to two empty buckets are written; a third begins a new span. */
static void test_spans(void **state)
{
    struct http_native_row row = {{0}};
    (void)state;
    row.buckets[10] = row.buckets[13] = row.buckets[17] = 5;
    struct histogram *histogram = native_histogram_new(&row, 1);
    assert_non_null(histogram);
    assert_int_equal(histogram->positive_span_count, 2);
    assert_int_equal(histogram->positive_spans[0].offset, HTTP_NATIVE_FIRST + 10);
    assert_int_equal(histogram->positive_spans[0].length, 4);
    assert_int_equal(histogram->positive_spans[1].offset, 3);
    assert_int_equal(histogram->positive_spans[1].length, 1);
    assert_int_equal(histogram->positive_delta_count, 5);
    histogram_release(histogram);
}

static void test_stale(void **state)
{
    struct sample sample = {.type = SAMPLE_HISTOGRAM, .histogram = native_histogram_new_stale()};
    (void)state;
    assert_non_null(sample.histogram);
    assert_true(sample_is_stale(&sample));
    Prometheus__WriteRequest *request = send(&sample);
    uint64_t bits;
    memcpy(&bits, &request->timeseries[0]->histograms[0]->sum, sizeof(bits));
    assert_true(bits == STALE_NAN_BITS);
    assert_int_equal(request->timeseries[0]->histograms[0]->count_int, 0);
    prometheus__write_request__free_unpacked(request, NULL);
    histogram_release(sample.histogram);
}

/* --- as the duration of rows --- */

static struct http_native_row native;

/* Of each bucket, its position. */
static void native_entry(struct http_row_key key, size_t bucket, uint64_t requests)
{
    count_requests(key, 5, requests);
    entry_of(key)->native = &native;
    native.buckets[bucket] += requests;
}

static const struct histogram *received_histogram(const char *text, int64_t timestamp_ms)
{
    const struct sample *sample = received_find(text, timestamp_ms);
    assert_non_null(sample);
    assert_int_equal(sample->type, SAMPLE_HISTOGRAM);
    return sample->histogram;
}

static void test_rows(void **state)
{
    (void)state;
    native = (struct http_native_row){{0}};
    config.native_histograms = true;
    uint64_t web = cgroup_make("/web");
    native_entry(ROW(web, SERVER, GET, 200), 100, 3);
    native_entry(ROW(web, SERVER, GET, 200), 110, 4);
    count_requests(ROW(web, SERVER, POST, 0), 3, 9);
    drain(1000, 2000);
    /* the duration, three summaries, the total; and the unanswered */
    assert_int_equal(received.count, 2 * 9);
    const struct histogram *zero = received_histogram(DETAIL(DURATION, "/web", "GET", "200"), 1000);
    assert_int_equal(zero->count, 0);
    assert_int_equal(zero->positive_span_count, 0);
    assert_true(zero->sum == 0);
    const struct histogram *first =
        received_histogram(DETAIL(DURATION, "/web", "GET", "200"), 2000);
    assert_int_equal(first->count, 7);
    assert_true(fabs(first->sum - 0.14) < 1e-12);
    assert_int_equal(first->positive_span_count, 2);
    assert_int_equal(first->positive_spans[0].offset, -60);
    assert_int_equal(first->positive_spans[1].offset, 9);
    assert_sample(TOTAL("/web", "get", "200"), 2000, 7);
    for (size_t i = 0; i < received.count; i++) {
        assert_null(strstr(received.list[i].series, "_bucket"));
        assert_null(strstr(received.list[i].series, DURATION "_"));
    }
    native_entry(ROW(web, SERVER, GET, 200), 100, 1);
    cgroup_remove("/web");
    drain(2000, 3000);
    assert_int_equal(received_histogram(DETAIL(DURATION, "/web", "GET", "200"), 3000)->count, 8);
    drain(3000, 4000);
    assert_stale(DETAIL(DURATION, "/web", "GET", "200"), 4000);
    assert_int_equal(received_histogram(DETAIL(DURATION, "/web", "GET", "200"), 4000)->count, 0);
    assert_stale(TOTAL("/web", "get", "200"), 4000);
    const struct sample *marker = received_find(
        DETAIL("http_server_response_body_size_bytes_count", "/web", "GET", "200"), 4000);
    assert_non_null(marker);
    assert_int_equal(marker->type, SAMPLE_FLOAT); /* as the series is */
    assert_true(sample_is_stale(marker));
}

/* A row of which the kernel has no exponential buckets (the surplus rows) counts at the upper
 * bounds of its classic ones: nothing is lost. */
static void test_classic_rows_are_not_lost(void **state)
{
    (void)state;
    config.native_histograms = true;
    count_requests(ROW(0, SERVER, OTHER, 0), 9, 2);  /* up to 1 s */
    count_requests(ROW(0, SERVER, OTHER, 0), 14, 5); /* above 10 s */
    drain(1000, 2000);
    const struct histogram *histogram =
        received_histogram(DETAIL(DURATION, "other", "other", "other"), 2000);
    assert_int_equal(histogram->count, 7);
    assert_int_equal(histogram->positive_span_count, 2);
    assert_int_equal(histogram->positive_spans[0].offset, 0); /* 2^0 */
    assert_int_equal(histogram->positive_deltas[0], 2);
    assert_int_equal(histogram->positive_spans[1].offset, 94); /* the last bucket */
    assert_int_equal(histogram->positive_deltas[1], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_are_exact),
        cmocka_unit_test(test_classic_bounds),
        cmocka_unit_test(test_subtraction_ends_at_zero),
        cmocka_unit_test(test_histograms),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_stale),
        TEST(test_rows),
        TEST(test_classic_rows_are_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
