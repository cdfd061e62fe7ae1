/* SPDX-License-Identifier: Apache-2.0 */
/* ship/queue: every reader gets every sample once, in order and to the bit; the bound holds; what
 * is dropped is counted; references end with what held them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/queue.h"

#define SERIES 1000
#define READERS 3
#define MAX_RECORD 600
#define LOG_SAMPLES 400000

struct fixture {
    struct series_table *table;
    series_id series[SERIES];
    struct queue *queue;
    struct queue_reader *readers[READERS];
    struct sample_counts dropped[READERS];
    struct sample *log; /* all that was appended; histograms are held */
    size_t logged;
};

static uint64_t seed = 1;

static uint64_t random_below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static void on_drop(void *context, enum queue_drop why, struct sample_counts dropped)
{
    struct sample_counts *sum = context;
    assert_int_equal(why, QUEUE_DROP_FULL);
    sum->floats += dropped.floats;
    sum->histograms += dropped.histograms;
}

static series_id make_series(struct series_table *table, unsigned number)
{
    struct labels_builder *builder;
    autofree struct labels *labels = NULL;
    char value[32];
    series_id series;
    snprintf(value, sizeof(value), "series_%u", number);
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(value)), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    assert_int_equal(series_table_intern(table, labels, &series), 0);
    return series;
}

static void open_reader(struct fixture *f, int i)
{
    const char name[] = {(char)('a' + i), 0};
    assert_int_equal(queue_reader_open(f->queue, name, on_drop, &f->dropped[i], &f->readers[i]), 0);
}

static void open_readers(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        open_reader(f, i);
}

static int queue_append_samples(struct queue *queue, const struct sample *samples, size_t count)
{
    return queue_append(queue, &(struct sample_record){.samples = samples, .count = count});
}

/* How many samples of the log lie before the reader. */
static uint64_t position_of(const struct queue_reader *reader)
{
    struct queue_position position = queue_reader_position(reader);
    return (uint64_t)position.offset << 32 | position.sample;
}

static void release_read(struct queue_reader *reader)
{
    queue_reader_release(reader, 0, queue_reader_position(reader));
}

static void setup(struct fixture *f, uint64_t max_bytes)
{
    *f = (struct fixture){};
    assert_int_equal(series_table_new(SERIES * 2, &f->table), 0);
    for (unsigned i = 0; i < SERIES; i++)
        f->series[i] = make_series(f->table, i);
    assert_int_equal(queue_new(f->table, max_bytes, &f->queue), 0);
    f->log = calloc(LOG_SAMPLES, sizeof(*f->log));
    assert_non_null(f->log);
}

/* Ends with a look at the references: none may be left, none may be missing. */
static void teardown(struct fixture *f)
{
    for (int i = 0; i < READERS; i++)
        queue_reader_close(&f->readers[i]);
    assert_int_equal(queue_bytes(f->queue), 0);
    queue_free(&f->queue);
    assert_null(f->queue);
    for (size_t i = 0; i < f->logged; i++) {
        if (f->log[i].type != SAMPLE_HISTOGRAM)
            continue;
        assert_int_equal(f->log[i].histogram->references, 1);
        histogram_release(f->log[i].histogram);
    }
    assert_int_equal(series_table_count(f->table), SERIES);
    for (unsigned i = 0; i < SERIES; i++)
        series_table_release(f->table, f->series[i]);
    assert_int_equal(series_table_count(f->table), 0);
    series_table_free(&f->table);
    free(f->log);
}

static struct histogram *make_histogram(size_t deltas)
{
    struct histogram *h = calloc(1, sizeof(*h) + deltas * sizeof(int64_t));
    assert_non_null(h);
    h->references = 1;
    h->positive_delta_count = (uint32_t)deltas;
    h->positive_deltas = (int64_t *)(h + 1);
    return h;
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

static struct sample random_sample(const struct fixture *f, int64_t base_ms)
{
    static const uint64_t values[] = {0, UINT64_C(1) << 63, STALE_NAN_BITS,
                                      UINT64_C(0x7ff8000000000001)};
    static const int64_t moments[] = {0, INT64_MIN, INT64_MAX, -1, 1};
    struct sample sample = {.series = f->series[random_below(SERIES)],
                            .type = random_below(20) ? SAMPLE_FLOAT : SAMPLE_HISTOGRAM,
                            .timestamp_ms = base_ms};
    if (random_below(10) == 0)
        sample.timestamp_ms = base_ms - (int64_t)random_below(100000);
    if (random_below(100) == 0)
        sample.timestamp_ms = moments[random_below(ARRAY_SIZE(moments))];
    if (sample.type == SAMPLE_HISTOGRAM)
        sample.histogram = make_histogram(random_below(50));
    else if (random_below(4))
        sample.value = (double)random_below(100000);
    else
        sample.value = double_of(values[random_below(ARRAY_SIZE(values))]);
    return sample;
}

static void append_random(struct fixture *f, size_t count)
{
    int64_t base_ms = INT64_C(1790000000000) + (int64_t)f->logged;
    assert_true(f->logged + count <= LOG_SAMPLES);
    for (size_t i = 0; i < count; i++)
        f->log[f->logged + i] = random_sample(f, base_ms);
    assert_int_equal(queue_append_samples(f->queue, f->log + f->logged, count), 0);
    f->logged += count;
}

static void append_floats(struct fixture *f, size_t count)
{
    assert_true(f->logged + count <= LOG_SAMPLES);
    for (size_t i = 0; i < count; i++)
        f->log[f->logged + i] = (struct sample){.series = f->series[i % SERIES],
                                                .timestamp_ms = INT64_C(1790000000000),
                                                .value = (double)(f->logged + i)};
    queue_append_samples(f->queue, f->log + f->logged, count);
    f->logged += count;
}

static void assert_sample_equal(const struct sample *a, const struct sample *b)
{
    assert_int_equal(a->series, b->series);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->timestamp_ms, b->timestamp_ms);
    assert_int_equal(bits_of(a->value), bits_of(b->value)); /* a histogram: the same pointer */
}

static void read_some(struct fixture *f, int reader, size_t count)
{
    struct queue_sample read;
    for (; count; count--) {
        size_t position = position_of(f->readers[reader]);
        bool more = queue_reader_next(f->readers[reader], &read);
        assert_int_equal(more, position < f->logged);
        if (!more)
            return;
        assert_sample_equal(&read.sample, &f->log[position]);
        assert_int_equal(position_of(f->readers[reader]), position + 1);
    }
}

static uint64_t unread(const struct fixture *f, int reader)
{
    return sample_counts_sum(queue_reader_unread(f->readers[reader]));
}

static void test_readers_get_everything_in_order(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, UINT64_C(1) << 30);
    open_readers(&f, READERS);
    for (int round = 0; round < 500; round++) {
        append_random(&f, 1 + random_below(random_below(10) ? 20 : MAX_RECORD));
        for (int r = 0; r < READERS; r++) {
            if (random_below(3))
                read_some(&f, r, random_below(random_below(2) ? 10 : 3 * MAX_RECORD));
            if (random_below(4) == 0)
                release_read(f.readers[r]);
        }
    }
    for (int r = 0; r < READERS; r++) {
        read_some(&f, r, SIZE_MAX);
        assert_int_equal(position_of(f.readers[r]), f.logged);
        assert_int_equal(unread(&f, r), 0);
        assert_int_equal(sample_counts_sum(f.dropped[r]), 0);
    }
    teardown(&f);
}

static void test_bound_drops_the_oldest_and_counts(void **state)
{
    static const uint64_t bounds[] = {8192, 40000, 200000, 500000};
    (void)state;
    for (size_t b = 0; b < ARRAY_SIZE(bounds); b++) {
        struct fixture f;
        struct sample_counts appended = {};
        setup(&f, bounds[b]);
        open_readers(&f, READERS);
        for (int round = 0; round < 1500; round++) {
            append_random(&f, 1 + random_below(40));
            assert_true(queue_bytes(f.queue) <= bounds[b]);
            read_some(&f, 0, SIZE_MAX); /* the fast one loses nothing */
            release_read(f.readers[0]);
            if (random_below(50) == 0)
                read_some(&f, 1, random_below(500)); /* reads, never releases */
        }
        for (size_t i = 0; i < f.logged; i++)
            *(f.log[i].type == SAMPLE_HISTOGRAM ? &appended.histograms : &appended.floats) += 1;
        assert_int_equal(sample_counts_sum(f.dropped[0]), 0);
        for (int r = 1; r < READERS; r++) {
            struct sample_counts left = queue_reader_unread(f.readers[r]);
            assert_true(f.dropped[r].floats > 0);
            assert_int_equal(position_of(f.readers[r]) + sample_counts_sum(left), f.logged);
            read_some(&f, r, SIZE_MAX);
        }
        /* The reader that never read has lost or has left every sample of either type. */
        assert_true(f.dropped[2].floats < appended.floats);
        assert_true(f.dropped[2].histograms > 0);
        teardown(&f);
    }
}

static void test_dropped_and_unread_add_up(void **state)
{
    struct fixture f;
    struct sample_counts left;
    (void)state;
    setup(&f, 100000);
    open_readers(&f, 1);
    for (int round = 0; round < 100; round++) {
        append_floats(&f, 500);
        left = queue_reader_unread(f.readers[0]);
        assert_int_equal(left.floats + f.dropped[0].floats, f.logged);
    }
    assert_true(left.floats * 10 > 60000); /* most of the bound is in use */
    read_some(&f, 0, SIZE_MAX);
    teardown(&f);
}

static void test_what_was_read_is_not_counted_as_dropped(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 60000);
    open_readers(&f, 1);
    append_floats(&f, 500);
    read_some(&f, 0, 400); /* on its way: neither released nor waiting */
    struct queue_position in_flight = queue_reader_position(f.readers[0]);
    for (int round = 0; round < 50; round++)
        append_floats(&f, 500);
    assert_int_equal(unread(&f, 0) + f.dropped[0].floats + 400, f.logged);
    queue_reader_release(f.readers[0], 0, in_flight); /* already forgotten: no harm */
    read_some(&f, 0, SIZE_MAX);
    teardown(&f);
}

static void test_record_beyond_the_bound_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 20000);
    open_readers(&f, 2);
    append_floats(&f, 100);
    struct sample *large = calloc(5000, sizeof(*large));
    for (size_t i = 0; i < 5000; i++)
        large[i] = (struct sample){.series = f.series[0]};
    assert_int_equal(queue_append_samples(f.queue, large, 5000), -E2BIG);
    assert_int_equal(f.dropped[0].floats, 5000);
    assert_int_equal(f.dropped[1].floats, 5000);
    free(large);
    append_floats(&f, 100);
    read_some(&f, 0, SIZE_MAX);
    assert_int_equal(position_of(f.readers[0]), 200);
    teardown(&f);
}

static void test_histograms_count_towards_the_bound(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 64 * 1024);
    open_readers(&f, 1);
    struct sample large = {.series = f.series[0], .type = SAMPLE_HISTOGRAM};
    large.histogram = make_histogram(10000);
    assert_int_equal(queue_append_samples(f.queue, &large, 1), -E2BIG);
    assert_int_equal(f.dropped[0].histograms, 1);
    assert_int_equal(f.dropped[0].floats, 0);
    histogram_release(large.histogram);
    teardown(&f);
}

static void test_nothing_fits_into_nothing(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 0);
    open_readers(&f, 1);
    struct sample sample = {.series = f.series[0]};
    assert_int_equal(queue_append_samples(f.queue, &sample, 1), -E2BIG);
    assert_int_equal(f.dropped[0].floats, 1);
    assert_int_equal(queue_bytes(f.queue), 0);
    teardown(&f);
}

static void test_without_readers_nothing_is_kept(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 1 << 20);
    append_random(&f, 100);
    assert_int_equal(queue_bytes(f.queue), 0);
    f.logged = 0; /* its histograms are released by the loop below, not by the log */
    for (size_t i = 0; i < 100; i++)
        if (f.log[i].type == SAMPLE_HISTOGRAM)
            histogram_release(f.log[i].histogram);
    teardown(&f);
}

static void test_series_lives_while_it_is_queued(void **state)
{
    struct fixture f;
    struct queue_sample out;
    (void)state;
    setup(&f, 1 << 20);
    open_readers(&f, 2);
    series_id gone = make_series(f.table, 123456);
    struct sample sample = {.series = gone, .value = 1};
    assert_int_equal(queue_append_samples(f.queue, &sample, 1), 0);
    series_table_release(f.table, gone);
    for (int r = 0; r < 2; r++) {
        assert_int_equal(series_table_count(f.table), SERIES + 1);
        assert_true(queue_reader_next(f.readers[r], &out));
        assert_int_equal(out.sample.series, gone);
        release_read(f.readers[r]);
    }
    assert_int_equal(series_table_count(f.table), SERIES);
    teardown(&f);
}

static void test_a_sample_takes_about_ten_bytes(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, UINT64_C(1) << 30);
    open_readers(&f, 1);
    for (int scrape = 0; scrape < 500; scrape++)
        append_floats(&f, 523);
    double per_sample = (double)queue_bytes(f.queue) / (double)f.logged;
    assert_true(per_sample > 9 && per_sample < 10.2);
    teardown(&f);
}

static void test_steady_flow_does_not_grow(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, UINT64_C(1) << 30);
    open_readers(&f, 1);
    for (int round = 0; round < 600; round++) {
        append_floats(&f, round % 7 ? 300 : 2000);
        read_some(&f, 0, SIZE_MAX);
        release_read(f.readers[0]);
        assert_true(queue_bytes(f.queue) <= 128 * 1024);
    }
    teardown(&f);
}

static void test_new_reader_begins_at_the_end(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 1 << 20);
    open_readers(&f, 1);
    append_random(&f, 300);
    open_reader(&f, 1);
    assert_int_equal(unread(&f, 1), 0);
    append_random(&f, 50);
    assert_int_equal(unread(&f, 1), 50);
    read_some(&f, 1, SIZE_MAX);
    read_some(&f, 0, SIZE_MAX);
    teardown(&f);
}

static void test_closing_the_slowest_releases(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, UINT64_C(1) << 30);
    open_readers(&f, 2);
    for (int i = 0; i < 200; i++)
        append_floats(&f, 500);
    read_some(&f, 0, SIZE_MAX);
    release_read(f.readers[0]);
    assert_true(queue_bytes(f.queue) > 900000);
    queue_reader_close(&f.readers[1]);
    assert_null(f.readers[1]);
    assert_true(queue_bytes(f.queue) <= 128 * 1024);
    append_floats(&f, 10);
    read_some(&f, 0, SIZE_MAX);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_get_everything_in_order),
        cmocka_unit_test(test_bound_drops_the_oldest_and_counts),
        cmocka_unit_test(test_dropped_and_unread_add_up),
        cmocka_unit_test(test_what_was_read_is_not_counted_as_dropped),
        cmocka_unit_test(test_record_beyond_the_bound_is_refused),
        cmocka_unit_test(test_histograms_count_towards_the_bound),
        cmocka_unit_test(test_nothing_fits_into_nothing),
        cmocka_unit_test(test_without_readers_nothing_is_kept),
        cmocka_unit_test(test_series_lives_while_it_is_queued),
        cmocka_unit_test(test_a_sample_takes_about_ten_bytes),
        cmocka_unit_test(test_steady_flow_does_not_grow),
        cmocka_unit_test(test_new_reader_begins_at_the_end),
        cmocka_unit_test(test_closing_the_slowest_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
