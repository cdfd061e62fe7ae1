/* SPDX-License-Identifier: Apache-2.0 */
/* model/histogram_reduce: what the recordings of real pages do not reach. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/cleanup.h"
#include "model/histogram_reduce.h"

static void test_schema_of_factor(void **state)
{
    (void)state;
    static const struct {
        double factor;
        int32_t schema;
    } cases[] = {
        {-1, 8},   {0, 8},     {1, 8},    {NAN, 8},    {1.0027, 8}, {1.0028, 7},
        {1.1, 2},  {1.3, 1},   {1.5, 0},  {2, 0},      {2.1, -1},   {4, -1},
        {4.1, -2}, {16.1, -3}, {255, -3}, {65536, -4}, {1e300, -4}, {(double)INFINITY, -4},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (histogram_schema_of_factor(cases[i].factor) != cases[i].schema)
            fail_msg("factor %g: schema %d", cases[i].factor,
                     histogram_schema_of_factor(cases[i].factor));
}

/* Indexes at the ends of what 32 bits hold, and a schema that no histogram has. */
static void test_far_apart(void **state)
{
    (void)state;
    const struct histogram_span spans[] = {{INT32_MIN, 1}, {INT32_MAX, 1}, {INT32_MAX, 1}};
    const int64_t deltas[] = {5, -2, INT64_MAX - 3};
    struct histogram values = {
        .schema = INT32_MAX,
        .positive_spans = spans,
        .positive_span_count = 3,
        .positive_deltas = deltas,
        .positive_delta_count = 3,
    };
    struct histogram *reduced = histogram_reduce(&values, HISTOGRAM_MIN_SCHEMA);
    assert_non_null(reduced);
    assert_int_equal(reduced->schema, HISTOGRAM_MIN_SCHEMA);
    assert_int_equal(reduced->positive_span_count, 1);
    assert_int_equal(reduced->positive_spans[0].offset, 0);
    assert_int_equal(reduced->positive_spans[0].length, 2);
    assert_int_equal(reduced->positive_delta_count, 2);
    assert_int_equal(reduced->positive_deltas[0], 8);
    assert_true(reduced->positive_deltas[1] == INT64_MAX - 8);
    assert_int_equal(reduced->references, 1);
    histogram_release(reduced);
}

/* The one given is as it was; of its own schema it is a copy. */
static void test_copy(void **state)
{
    (void)state;
    const struct histogram_span spans[] = {{-1, 4}};
    const double counts[] = {1, 2, 4, 8};
    struct histogram values = {
        .schema = 3,
        .is_float = true,
        .negative_spans = spans,
        .negative_span_count = 1,
        .negative_counts = counts,
        .negative_delta_count = 4,
    };
    struct histogram *same = histogram_new(&values);
    struct histogram *copy = histogram_reduce(same, 3), *half = histogram_reduce(same, 2);
    assert_memory_equal(same->negative_counts, counts, sizeof(counts));
    assert_memory_equal(copy->negative_counts, counts, sizeof(counts));
    assert_int_equal(half->negative_delta_count, 2);
    assert_true(half->negative_counts[0] == 3 && half->negative_counts[1] == 12);
    assert_int_equal(half->negative_spans[0].offset, 0);
    histogram_release(same);
    histogram_release(copy);
    histogram_release(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_of_factor),
        cmocka_unit_test(test_far_apart),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
