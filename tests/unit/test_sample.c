/* SPDX-License-Identifier: Apache-2.0 */
/* model/sample: the staleness marker by its bits, histogram references, the sink. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/sample.h"

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void test_stale_float(void **state)
{
    static const struct {
        uint64_t bits;
        bool stale;
    } cases[] = {
        {STALE_NAN_BITS, true},
        {UINT64_C(0x7ff8000000000001), false}, /* Prometheus' ordinary NaN */
        {UINT64_C(0x7ff8000000000002), false}, /* the marker, had arithmetic quieted it */
        {UINT64_C(0xfff0000000000002), false},
        {UINT64_C(0x7ff0000000000000), false}, /* +Inf */
        {0, false},
        {2, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sample sample = {.series = 1, .type = SAMPLE_FLOAT};
        memcpy(&sample.value, &cases[i].bits, sizeof(sample.value));
        assert_int_equal(sample_is_stale(&sample), cases[i].stale);
    }
}

static void test_stale_value_keeps_its_bits(void **state)
{
    (void)state;
    double value = sample_stale_value();
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    assert_true(bits == STALE_NAN_BITS);
    assert_true(isnan(value));
    struct sample sample = {.type = SAMPLE_FLOAT, .value = sample_stale_value()};
    assert_true(sample_is_stale(&sample));
}

static void test_histogram(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    assert_non_null(histogram);
    histogram->references = 1;
    histogram->sum = 1.5;
    struct sample sample = {.type = SAMPLE_HISTOGRAM, .histogram = histogram};
    assert_false(sample_is_stale(&sample));
    histogram->sum = double_of(STALE_NAN_BITS);
    assert_true(sample_is_stale(&sample));

    assert_ptr_equal(histogram_hold(histogram), histogram);
    assert_int_equal(histogram->references, 2);
    histogram_release(histogram);
    assert_int_equal(histogram->references, 1);
    histogram_release(histogram); /* freed: the sanitizers' leak check sees to it */
    histogram_release(NULL);
}

static void test_histogram_new_copies(void **state)
{
    struct histogram_span positive[] = {{-3, 2}, {5, 1}}, negative[] = {{7, 1}};
    int64_t positive_deltas[] = {4, -1, 2}, negative_deltas[] = {9};
    const struct histogram values = {
        .schema = 3,
        .zero_threshold = 0.5,
        .zero_count = 1,
        .count = 22,
        .sum = 2.5,
        .positive_span_count = 2,
        .negative_span_count = 1,
        .positive_delta_count = 3,
        .negative_delta_count = 1,
        .positive_spans = positive,
        .negative_spans = negative,
        .positive_deltas = positive_deltas,
        .negative_deltas = negative_deltas,
    };
    (void)state;
    struct histogram *histogram = histogram_new(&values);
    assert_non_null(histogram);
    memset(positive, 0, sizeof(positive)); /* what it was made from may go */
    memset(negative, 0, sizeof(negative));
    memset(positive_deltas, 0, sizeof(positive_deltas));
    memset(negative_deltas, 0, sizeof(negative_deltas));

    assert_int_equal(histogram->references, 1);
    assert_int_equal(histogram->schema, 3);
    assert_true(histogram->zero_threshold == 0.5 && histogram->sum == 2.5);
    assert_int_equal(histogram->zero_count, 1);
    assert_int_equal(histogram->count, 22);
    assert_int_equal(histogram->positive_spans[0].offset, -3);
    assert_int_equal(histogram->positive_spans[1].length, 1);
    assert_int_equal(histogram->negative_spans[0].offset, 7);
    assert_int_equal(histogram->positive_deltas[2], 2);
    assert_int_equal(histogram->negative_deltas[0], 9);
    histogram_release(histogram);

    const double counts[] = {0.5, 2};
    histogram = histogram_new(&(struct histogram){.is_float = true,
                                                  .count_float = 2.5,
                                                  .positive_delta_count = 2,
                                                  .positive_counts = counts});
    assert_non_null(histogram);
    assert_true(histogram->is_float && histogram->count_float == 2.5);
    assert_true(histogram->positive_counts != counts && histogram->positive_counts[1] == 2);
    histogram_release(histogram);

    histogram = histogram_new(&(struct histogram){.sum = 1});
    assert_non_null(histogram);
    histogram_release(histogram);
}

struct counting_sink {
    struct sample_sink sink;
    size_t calls;
    size_t samples;
};

static void count_append(struct sample_sink *sink, const struct sample_record *record)
{
    struct counting_sink *counting = (struct counting_sink *)sink;
    assert_non_null(record->samples);
    counting->calls++;
    counting->samples += record->count;
}

static void test_sink_is_not_called_for_nothing(void **state)
{
    (void)state;
    struct counting_sink counting = {.sink = {.append = count_append}};
    struct sample samples[3] = {{.series = 1}, {.series = 2}, {.series = 3}};
    sample_sink_append(&counting.sink, samples, 3);
    sample_sink_append(&counting.sink, NULL, 0);
    assert_int_equal(counting.calls, 1);
    assert_int_equal(counting.samples, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stale_float),
        cmocka_unit_test(test_stale_value_keeps_its_bits),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_histogram_new_copies),
        cmocka_unit_test(test_sink_is_not_called_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
