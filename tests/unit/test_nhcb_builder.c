/* SPDX-License-Identifier: Apache-2.0 */
/* model/nhcb_builder: what the recordings of real pages do not reach. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "base/cleanup.h"
#include "model/nhcb_builder.h"

static struct nhcb_builder builder;

static int setup(void **state)
{
    (void)state;
    nhcb_builder_init(&builder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nhcb_builder_free(&builder);
    return 0;
}

static void add(double bound, double count)
{
    assert_int_equal(nhcb_builder_add_bucket(&builder, bound, count), 0);
}

static struct histogram *build(void)
{
    struct histogram *histogram = NULL;
    assert_int_equal(nhcb_builder_build(&builder, &histogram), 0);
    assert_int_equal(histogram->references, 1);
    assert_int_equal(histogram->schema, HISTOGRAM_CUSTOM_SCHEMA);
    return histogram;
}

static void assert_span(const struct histogram *histogram, uint32_t index, int32_t offset,
                        uint32_t length)
{
    assert_in_range(index, 0, histogram->positive_span_count - 1);
    assert_int_equal(histogram->positive_spans[index].offset, offset);
    assert_int_equal(histogram->positive_spans[index].length, length);
}

static void test_integers(void **state)
{
    (void)state;
    static const int64_t deltas[] = {2, -1, -1, 0, 1, 4};
    static const double counts[] = {0, 2, 3, 3, 3, 4, 4, 4, 4, 9};

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        add(i + 1 < ARRAY_SIZE(counts) ? (double)i / 4 : (double)INFINITY, counts[i]);
    nhcb_builder_set_sum(&builder, 12.5);
    struct histogram *histogram = build();
    assert_false(histogram->is_float);
    assert_false(histogram->is_gauge);
    assert_int_equal(histogram->count, 9);
    assert_true(histogram->sum == 12.5);
    assert_int_equal(histogram->positive_span_count, 2);
    assert_span(histogram, 0, 1, 5);
    assert_span(histogram, 1, 3, 1);
    assert_int_equal(histogram->positive_delta_count, ARRAY_SIZE(deltas));
    assert_memory_equal(histogram->positive_deltas, deltas, sizeof(deltas));
    assert_int_equal(histogram->custom_value_count, ARRAY_SIZE(counts) - 1);
    assert_true(histogram->custom_values[8] == 2);
    histogram_release(histogram);
}

/* Far more than a double holds apart. */
static void test_large_integers(void **state)
{
    (void)state;
    add(1, 3);
    add(2, 0x1p62);
    nhcb_builder_set_count(&builder, 0x1p62);
    struct histogram *histogram = build();
    assert_int_equal(histogram->positive_delta_count, 2);
    assert_true(histogram->positive_deltas[1] == (INT64_C(1) << 62) - 6);
    histogram_release(histogram);
}

static void test_any_order(void **state)
{
    (void)state;
    enum { BUCKETS = 1000 };

    for (uint32_t i = 0, at = 7; i < BUCKETS; i++, at = (at + 379) % BUCKETS) {
        add(at, at + 0.5);
        add(at, 5);
    }
    for (uint32_t i = 0; i < BUCKETS; i++)
        add(i, 1);
    struct histogram *histogram = build();
    assert_true(histogram->is_float);
    assert_true(histogram->count_float == BUCKETS - 0.5);
    assert_int_equal(histogram->custom_value_count, BUCKETS);
    for (uint32_t i = 0; i < BUCKETS; i++)
        assert_true(histogram->custom_values[i] == i &&
                    histogram->positive_counts[i] == (i ? 1 : 0.5));
    histogram_release(histogram);
}

/* All that is said of it is a sum, or a count: what it counts is above every bound. */
static void test_without_buckets(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 3; count++) {
        nhcb_builder_clear(&builder);
        nhcb_builder_set_sum(&builder, 7);
        if (count)
            nhcb_builder_set_count(&builder, count);
        struct histogram *histogram = build();
        assert_int_equal(histogram->custom_value_count, 0);
        assert_int_equal(histogram->count, count);
        assert_true(histogram->sum == 7);
        assert_int_equal(histogram->positive_delta_count, count ? 1 : 0);
        histogram_release(histogram);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        double bounds[3], counts[3], count;
    } cases[] = {
        {{1, 2, 3}, {1, 2, 3}, 2}, /* +Inf's bucket would have -1 */
        {{1, 2, 3}, {1, 2, 3}, -1},
        {{1, 2, (double)INFINITY}, {1, 2, 3}, 4},
        {{1, 2, 3}, {2, 1, 3}, 3},
        {{3, 1, 2}, {3, 2, 1}, 3},
        {{1, 1, 2}, {1, -1, 3}, 3}, /* a negative count, though it comes twice */
        {{-(double)INFINITY, 1, 2}, {0, 1, 2}, 2},
        {{1, 2, 3}, {1, 2, 3}, (double)NAN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct histogram *histogram = NULL;
        nhcb_builder_clear(&builder);
        for (size_t k = 0; k < 3; k++)
            add(cases[i].bounds[k], cases[i].counts[k]);
        nhcb_builder_set_count(&builder, cases[i].count);
        if (nhcb_builder_build(&builder, &histogram) != -EINVAL || histogram)
            fail_msg("case %zu", i);
    }
    nhcb_builder_clear(&builder);
    add(1, 1);
    histogram_release(build());
}

static void test_too_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < NHCB_MAX_BUCKETS; i++)
        add(i, i);
    add(NHCB_MAX_BUCKETS - 1, 7);
    assert_int_equal(nhcb_builder_add_bucket(&builder, NHCB_MAX_BUCKETS, 1e9), -E2BIG);
    struct histogram *histogram = build();
    assert_int_equal(histogram->custom_value_count, NHCB_MAX_BUCKETS);
    histogram_release(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_integers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_buckets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
