/* SPDX-License-Identifier: Apache-2.0 */
/* The newest sample of each series, and the order of series: what is kept, what is forgotten, and
 * that the references add up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "model/last_samples.h"

#define NOW_MS INT64_C(1700000000000) /* long ago */

struct fixture {
    struct series_table *series;
    struct last_samples *samples;
    struct sample_sink next; /* counts what goes on */
    size_t passed;
};

static struct fixture *counting;

static void count_passed(struct sample_sink *sink, const struct sample_record *record)
{
    (void)sink;
    counting->passed += record->count;
}

static struct labels *labels_of(const char *name, const char *a, const char *b)
{
    struct labels_builder *builder;
    struct labels *labels;

    assert_int_equal(labels_builder_new(&builder), 0);
    labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(name));
    labels_builder_set(builder, TEXT("a"), text_of(a));
    labels_builder_set(builder, TEXT("b"), text_of(b));
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    return labels;
}

/* The reference is the store's alone. */
static series_id put(struct fixture *fixture, const char *name, const char *a, int64_t timestamp_ms,
                     double value)
{
    autofree struct labels *labels = labels_of(name, a, "");
    struct sample sample = {.timestamp_ms = timestamp_ms, .value = value};

    assert_int_equal(series_table_intern(fixture->series, labels, &sample.series), 0);
    sample_sink_append(last_samples_sink(fixture->samples, &fixture->next), &sample, 1);
    series_table_release(fixture->series, sample.series);
    return sample.series;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->next.append = count_passed;
    counting = fixture;
    assert_int_equal(series_table_new(1 << 20, &fixture->series), 0);
    assert_int_equal(last_samples_new(NULL, fixture->series, &fixture->samples), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    last_samples_free(&fixture->samples);
    assert_int_equal(series_table_count(fixture->series), 0);
    series_table_free(&fixture->series);
    free(fixture);
    return 0;
}

static void assert_value(const struct fixture *fixture, series_id series, double value)
{
    struct sample sample;
    assert_true(last_samples_get(fixture->samples, series, NOW_MS, &sample));
    assert_true(sample.value == value);
}

static void test_newest(void **state)
{
    struct fixture *fixture = *state;
    struct sample sample;

    series_id up = put(fixture, "up", "", NOW_MS - 2000, 1);
    assert_value(fixture, up, 1);
    put(fixture, "up", "", NOW_MS - 1000, 2);
    assert_value(fixture, up, 2);
    put(fixture, "up", "", NOW_MS - 1500, 3); /* out of order */
    put(fixture, "up", "", NOW_MS - 1000, 4); /* twice at one moment: the first stands */
    assert_value(fixture, up, 2);
    assert_int_equal(fixture->passed, 4);

    series_id old = put(fixture, "old", "", NOW_MS - LAST_SAMPLES_LOOKBACK_MS - 1, 1);
    assert_false(last_samples_get(fixture->samples, old, NOW_MS, &sample));
    put(fixture, "old", "", NOW_MS - LAST_SAMPLES_LOOKBACK_MS, 2);
    assert_value(fixture, old, 2);
    series_id future = put(fixture, "future", "", NOW_MS + 1, 1);
    assert_false(last_samples_get(fixture->samples, future, NOW_MS, &sample));
    assert_int_equal(last_samples_count(fixture->samples), 3);
}

/* Samples of a clock that was an hour ahead and was put right do not stand in the way of newer ones
 * for an hour; those that are ahead on purpose do. */
static void test_clock_was_ahead(void **state)
{
    struct fixture *fixture = *state;
    struct sample found;
    int64_t now_ms = clock_wall_ms();

    series_id id = put(fixture, "a", "1", now_ms + 3600 * 1000, 1);
    assert_false(last_samples_get(fixture->samples, id, now_ms, &found));
    put(fixture, "a", "1", now_ms, 2);
    assert_true(last_samples_get(fixture->samples, id, now_ms, &found));
    assert_true(found.value == 2);
    id = put(fixture, "b", "1", now_ms + 9 * 60 * 1000, 1);
    put(fixture, "b", "1", now_ms, 2);
    assert_false(last_samples_get(fixture->samples, id, now_ms, &found));
}

static void test_stale(void **state)
{
    struct fixture *fixture = *state;
    struct sample sample;

    put(fixture, "never", "", NOW_MS, sample_stale_value());
    assert_int_equal(series_table_count(fixture->series), 0);
    series_id up = put(fixture, "up", "", NOW_MS - 2, 1);
    put(fixture, "up", "", NOW_MS - 1, sample_stale_value());
    assert_false(last_samples_get(fixture->samples, up, NOW_MS, &sample));
    assert_int_equal(series_table_count(fixture->series), 0);
    up = put(fixture, "up", "", NOW_MS, 5);
    assert_value(fixture, up, 5);
}

static void test_histograms(void **state)
{
    struct fixture *fixture = *state;
    struct histogram empty = {.count = 3, .sum = 1};
    struct histogram *histogram = histogram_new(&empty);
    autofree struct labels *labels = labels_of("h", "", "");
    struct sample sample = {
        .type = SAMPLE_HISTOGRAM, .timestamp_ms = NOW_MS - 1, .histogram = histogram};
    struct sample got;

    assert_int_equal(series_table_intern(fixture->series, labels, &sample.series), 0);
    struct sample_sink *sink = last_samples_sink(fixture->samples, NULL);
    sample_sink_append(sink, &sample, 1);
    assert_int_equal(histogram->references, 2);
    assert_true(last_samples_get(fixture->samples, sample.series, NOW_MS, &got));
    assert_true(got.type == SAMPLE_HISTOGRAM && got.histogram == histogram);
    struct sample float_sample = {.series = sample.series, .timestamp_ms = NOW_MS, .value = 7};
    sample_sink_append(sink, &float_sample, 1);
    assert_int_equal(histogram->references, 1);
    assert_value(fixture, sample.series, 7);
    series_table_release(fixture->series, sample.series);
    histogram_release(histogram);
}

/* ---- the order ---- */

static struct series_order *order_of(struct fixture *fixture, const struct labels *hidden,
                                     int *turns)
{
    struct series_order *order = NULL;
    int error;

    *turns = 0;
    do {
        error = last_samples_order(fixture->samples, hidden, &order);
        ++*turns;
    } while (error == -EAGAIN);
    assert_int_equal(error, 0);
    return order;
}

static void assert_sorted(const struct fixture *fixture, const struct series_order *order)
{
    autobuffer struct buffer before, text;

    buffer_init(&before, 1 << 10);
    buffer_init(&text, 1 << 10);
    for (size_t i = 0; i < order->count; i++) {
        buffer_clear(&text);
        labels_write(series_table_labels(fixture->series, order->ids[i]), &text);
        assert_true(i == 0 || text_compare(buffer_text(&before), buffer_text(&text)) < 0);
        buffer_clear(&before);
        buffer_append_text(&before, buffer_text(&text));
    }
}

static void put_random(struct fixture *fixture, int count, int64_t timestamp_ms)
{
    char name[16], a[16];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "name%03d", rand() % 200);
        snprintf(a, sizeof(a), "%06d", rand());
        put(fixture, name, a, timestamp_ms, 1);
    }
}

static void test_order(void **state)
{
    struct fixture *fixture = *state;
    int turns;

    srand(11);
    put_random(fixture, 30000, NOW_MS);
    struct series_order *first = order_of(fixture, NULL, &turns);
    assert_int_equal(first->count, last_samples_count(fixture->samples));
    assert_true(turns > 30); /* in slices */
    assert_sorted(fixture, first);

    struct series_order *again = order_of(fixture, NULL, &turns);
    assert_ptr_equal(again, first);
    assert_int_equal(turns, 1);
    series_order_release(&again);

    put_random(fixture, 10, NOW_MS);
    struct series_order *second = order_of(fixture, NULL, &turns);
    assert_int_equal(second->count, first->count + 10);
    assert_true(turns < 30); /* merged, not sorted anew */
    assert_sorted(fixture, second);
    assert_sorted(fixture, first);
    series_order_release(&first);
    series_order_release(&second);
}

/* Series that went stay in nobody's way, and those that come back are not there twice. */
static void test_order_of_changes(void **state)
{
    struct fixture *fixture = *state;
    int turns;

    for (int round = 0; round < 50; round++) {
        int64_t now_ms = NOW_MS + 1000 * round;
        for (int i = 0; i < 200; i++) {
            char a[16];
            snprintf(a, sizeof(a), "%03d", rand() % 300);
            put(fixture, "x", a, now_ms, rand() % 3 ? 1 : sample_stale_value());
        }
        struct series_order *order = order_of(fixture, NULL, &turns);
        size_t alive = 0;
        struct sample sample;
        for (size_t i = 0; i < order->count; i++)
            alive += last_samples_get(fixture->samples, order->ids[i], now_ms, &sample);
        assert_sorted(fixture, order);
        assert_int_equal(alive, last_samples_count(fixture->samples));
        series_order_release(&order);
    }
}

/* Labels of the server count for nothing: with them the shorter set would come first. */
static void test_order_hides(void **state)
{
    struct fixture *fixture = *state;
    static const char *const sets[][2] = {{"1", "own"}, {"1", "x"}, {"0", "own"}, {"0", "a"}};
    autofree struct labels *hidden = labels_of("", "", "own");
    int turns;

    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        autofree struct labels *labels = labels_of("m", sets[i][0], sets[i][1]);
        struct sample sample = {.timestamp_ms = NOW_MS, .value = 1};
        assert_int_equal(series_table_intern(fixture->series, labels, &sample.series), 0);
        sample_sink_append(last_samples_sink(fixture->samples, NULL), &sample, 1);
        series_table_release(fixture->series, sample.series);
    }
    struct series_order *order = order_of(fixture, hidden, &turns);
    assert_int_equal(order->count, 4);
    static const char *const wanted[] = {"own", "a", "own", "x"};
    for (size_t i = 0; i < 4; i++) {
        const struct labels *labels = series_table_labels(fixture->series, order->ids[i]);
        assert_true(text_equal(labels_get(labels, TEXT("b")), text_of(wanted[i])));
    }
    series_order_release(&order);
    order = order_of(fixture, NULL, &turns); /* "a" comes before "own" */
    const struct labels *labels = series_table_labels(fixture->series, order->ids[0]);
    assert_true(text_equal(labels_get(labels, TEXT("b")), TEXT("a")));
    series_order_release(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_was_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histograms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_of_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_hides, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
