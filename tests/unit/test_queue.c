/* SPDX-License-Identifier: Apache-2.0 */
/* ship/queue, in memory and on disk alike: every reader gets every sample once, in order and to the
 * bit; the bounds hold; what is dropped is counted; references end with what held them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>

#include "queue_fixture.h"
#include "ship/log/queue_state.h"

#define MAX_RECORD 600

static void readers_get_everything(bool on_disk)
{
    struct fixture f;
    setup_either(&f, UINT64_C(1) << 30, on_disk);
    open_readers(&f, READERS);
    for (int round = 0; round < 500; round++) {
        append_random(&f, 1 + random_below(random_below(10) ? 20 : MAX_RECORD));
        for (int r = 0; r < READERS; r++) {
            if (random_below(3))
                read_some(&f, r, random_below(random_below(2) ? 10 : 3 * MAX_RECORD));
            if (random_below(4) == 0)
                release_read(&f, r);
            assert_int_equal(unread(&f, r), f.logged - f.readers[r].next);
        }
    }
    append_random(&f, 50000); /* more than a record holds */
    for (int r = 0; r < READERS; r++) {
        assert_all_accounted(&f, r);
        assert_int_equal(dropped_sum(&f, r), 0);
    }
    teardown(&f);
}

static void test_readers_get_everything_in_order(void **state)
{
    (void)state;
    readers_get_everything(false);
    readers_get_everything(true);
}

static void bound_drops(bool on_disk, uint64_t bound)
{
    struct fixture f;
    setup_either(&f, bound, on_disk);
    open_readers(&f, READERS);
    for (int round = 0; round < 1500; round++) {
        append_random(&f, 1 + random_below(40));
        assert_true(queue_bytes(f.queue) <= bound);
        read_some(&f, 0, SIZE_MAX); /* the fast one loses nothing */
        release_read(&f, 0);
        if (random_below(50) == 0)
            read_some(&f, 1, random_below(500)); /* reads, never releases */
        for (int r = 0; r < READERS; r++)        /* what is not yet skipped is dropped or unread */
            assert_int_equal(f.readers[r].next - f.readers[r].skipped + dropped_sum(&f, r) +
                                 unread(&f, r),
                             f.logged);
    }
    assert_int_equal(dropped_sum(&f, 0), 0);
    for (int r = 1; r < READERS; r++) {
        assert_true(dropped(&f, r, QUEUE_DROP_FULL) > 0);
        assert_int_equal(dropped(&f, r, QUEUE_DROP_FULL), dropped_sum(&f, r));
        assert_all_accounted(&f, r);
    }
    assert_true(f.readers[2].dropped[QUEUE_DROP_FULL].histograms > 0);
    assert_true(f.readers[2].dropped[QUEUE_DROP_FULL].exemplars > 0);
    teardown(&f);
}

static void test_bound_drops_the_oldest_and_counts(void **state)
{
    static const uint64_t bounds[] = {12000, 40000, 200000, 500000};
    (void)state;
    for (size_t b = 0; b < ARRAY_SIZE(bounds); b++) {
        bound_drops(false, bounds[b]);
        bound_drops(true, bounds[b]);
    }
}

static void test_most_of_the_bound_is_in_use(void **state)
{
    struct fixture f;
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        setup_either(&f, 1000000, on_disk);
        open_readers(&f, 1);
        for (int round = 0; round < 3000; round++)
            append_floats(&f, 500);
        assert_int_equal(unread(&f, 0) + dropped(&f, 0, QUEUE_DROP_FULL), f.logged);
        assert_true(queue_bytes(f.queue) > 930000);
        teardown(&f);
    }
}

static void test_what_was_read_is_not_counted_as_dropped(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 60000);
    open_readers(&f, 1);
    append_floats(&f, 500);
    read_some(&f, 0, 400); /* on its way: neither released nor waiting */
    struct queue_position in_flight = queue_reader_position(f.readers[0].reader);
    for (int round = 0; round < 100; round++)
        append_floats(&f, 500);
    assert_true(dropped_sum(&f, 0) > 0);
    assert_int_equal(unread(&f, 0) + dropped_sum(&f, 0) + 400, f.logged);
    queue_reader_release(f.readers[0].reader, 0, in_flight); /* already forgotten: no harm */
    assert_all_accounted(&f, 0);
    teardown(&f);
}

static void test_record_beyond_the_bound_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 20000);
    open_readers(&f, 2);
    append_floats(&f, 100);
    append_floats(&f, 15000); /* cut into records, none of which fits */
    assert_true(dropped(&f, 0, QUEUE_DROP_FULL) > 14000);
    append_floats(&f, 100);
    assert_all_accounted(&f, 0);
    assert_all_accounted(&f, 1);
    assert_int_equal(f.readers[0].next, f.logged);
    teardown(&f);
}

/* Whether the reader could take what was appended last, so many samples, at once. */
static bool take_appended(struct fixture *f, int i, uint32_t count)
{
    struct queue_reader *reader = f->readers[i].reader;
    struct queue_position end;
    uint64_t before = unread(f, i);
    if (!queue_reader_take_appended(reader, &end))
        return false;
    assert_int_equal(end.sample, count);
    assert_int_equal(queue_position_compare(end, queue_reader_position(reader)), 0);
    assert_int_equal(unread(f, i), before - count);
    f->readers[i].next += count;
    return true;
}

static void test_taking_what_was_appended(void **state)
{
    struct fixture f;
    struct queue_sample read = {};
    (void)state;
    setup_on_disk(&f, 1 << 20);
    open_readers(&f, 2);
    append_random(&f, 20);
    assert_false(take_appended(&f, 0, 20)); /* it has not come to the segment yet */
    assert_int_equal(read_some(&f, 0, 10), 10);
    append_random(&f, 5);
    assert_false(take_appended(&f, 0, 5)); /* others are before them */
    assert_int_equal(read_some(&f, 0, 10), 10);
    assert_true(take_appended(&f, 0, 5));
    assert_false(take_appended(&f, 0, 5)); /* twice */
    for (int i = 0; i < 25; i++)
        assert_true(read_one(&f, 1, &read));
    assert_int_equal(queue_position_compare(read.end, queue_reader_position(f.readers[0].reader)),
                     0);
    append_floats(&f, 7);
    append_floats(&f, 7);
    assert_false(take_appended(&f, 1, 7)); /* not the next */
    release_read(&f, 0);
    restart(&f);
    open_readers(&f, 2);
    f.readers[1].next = 0;
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 14);
    assert_int_equal(read_some(&f, 1, SIZE_MAX), 39);
    append_floats(&f, 3);
    assert_false(take_appended(&f, 0, 3)); /* in a new segment */
    assert_all_accounted(&f, 0);
    assert_int_equal(dropped_sum(&f, 0), 0);
    teardown(&f);
}

static void test_nothing_fits_into_nothing(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 0);
    open_readers(&f, 1);
    append_floats(&f, 1);
    assert_int_equal(dropped(&f, 0, QUEUE_DROP_FULL), 1);
    assert_int_equal(unread(&f, 0), 0);
    assert_false(take_appended(&f, 0, 1));
    teardown(&f);
}

/* A label value of many megabytes: this sample is lost, with its reason, and no other. */
static void test_one_sample_too_long_for_a_record(void **state)
{
    struct fixture f;
    struct labels_builder *builder;
    autofree struct labels *labels = NULL;
    autofree char *value = malloc(10 << 20);
    struct queue_sample read;
    (void)state;
    setup(&f, UINT64_C(1) << 30);
    open_readers(&f, 1);
    memset(value, 'x', 10 << 20);
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("long"), (struct text){value, 10 << 20}), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    struct sample samples[3] = {{.value = 1}, {.value = 2}, {.value = 3}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            series_table_intern(f.table, i == 1 ? labels : f.labels[i], &samples[i].series), 0);
    queue_append(f.queue, &(struct sample_record){.samples = samples, .count = 3});
    assert_int_equal(dropped(&f, 0, QUEUE_DROP_TOO_LARGE), 1);
    assert_int_equal(unread(&f, 0), 2);
    assert_false(take_appended(&f, 0, 3));
    assert_true(queue_reader_next(f.readers[0].reader, &read) && read.sample.value == 1);
    assert_true(queue_reader_next(f.readers[0].reader, &read) && read.sample.value == 3);
    for (int i = 0; i < 3; i++)
        series_table_release(f.table, samples[i].series);
    teardown(&f);
}

/* The system refuses what does not fit in a file of 16 kB: what is not kept is told as dropped, all
 * of it, whether its record came first or behind others. */
static void test_memory_that_is_refused(void **state)
{
    struct fixture f;
    struct rlimit limit, unlimited;
    (void)state;
    setup(&f, 64 << 20);
    open_readers(&f, 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limit = unlimited;
    limit.rlim_cur = 16384;
    append_floats(&f, 1000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    append_random(&f, 40000);
    append_floats(&f, 1000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    assert_int_equal(unread(&f, 0), 1000);
    assert_int_equal(dropped(&f, 0, QUEUE_DROP_NO_MEMORY), 41000);
    append_floats(&f, 1000);
    assert_all_accounted(&f, 0);
    teardown(&f);
}

static void test_without_remotes_nothing_is_kept(void **state)
{
    struct fixture f;
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        setup_either(&f, 1 << 20, on_disk);
        append_random(&f, 100);
        assert_int_equal(queue_bytes(f.queue), 0);
        open_new_reader(&f, 0);
        append_random(&f, 100);
        assert_true(queue_bytes(f.queue) > 0);
        queue_reader_close(&f.readers[0].reader);
        assert_true(queue_bytes(f.queue) > 0); /* it may come back */
        queue_forget_closed(f.queue);
        assert_int_equal(queue_bytes(f.queue), 0);
        append_random(&f, 100);
        assert_int_equal(queue_bytes(f.queue), 0);
        teardown(&f);
    }
}

/* A segment that no remote needs has no age, and is the one that is appended to all the same. */
static void test_metrics_of_segments(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 1 << 20);
    open_readers(&f, 1);
    append_random(&f, 100);
    usleep(5000);
    assert_true(queue_metric(&f, "oldest_segment_age_seconds") > 0);
    read_some(&f, 0, SIZE_MAX);
    release_read(&f, 0);
    assert_true(queue_metric(&f, "oldest_segment_age_seconds") == 0);
    append_random(&f, 100);
    read_some(&f, 0, SIZE_MAX);
    assert_true(metric_line(f.metrics, "prometheus_tsdb_wal_segment_current") ==
                (double)queue_newest(f.queue)->head.number);
    teardown(&f);
}

static void test_series_lives_while_it_is_queued(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 1 << 20);
    open_readers(&f, 2);
    append_floats(&f, 5);
    assert_int_equal(series_table_count(f.table), 5);
    for (int r = 0; r < 2; r++) {
        assert_int_equal(read_some(&f, r, SIZE_MAX), 5);
        release_read(&f, r);
    }
    teardown(&f); /* sees that none is left */
}

static void test_a_sample_takes_few_bytes(void **state)
{
    struct fixture f;
    (void)state;
    setup_on_disk(&f, UINT64_C(1) << 30);
    open_readers(&f, 1);
    for (int scrape = 0; scrape < 500; scrape++)
        append_floats(&f, SERIES);
    double per_sample = (double)queue_bytes(f.queue) / (double)f.logged;
    assert_true(per_sample > 3 && per_sample < 4.2); /* a byte, and 3 of a 6-digit integer */
    teardown(&f);
}

static void test_steady_flow_in_memory_does_not_grow(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, UINT64_C(1) << 30);
    open_readers(&f, 1);
    for (int round = 0; round < 600; round++) {
        append_floats(&f, round % 7 ? 300 : 2000);
        read_some(&f, 0, SIZE_MAX);
        release_read(&f, 0);
        assert_true(queue_bytes(f.queue) <= 128 * 1024);
    }
    teardown(&f);
}

static void test_new_reader_begins_at_the_end(void **state)
{
    struct fixture f;
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        setup_either(&f, 1 << 20, on_disk);
        open_readers(&f, 1);
        append_random(&f, 300);
        open_new_reader(&f, 1);
        assert_int_equal(unread(&f, 1), 0);
        append_random(&f, 50);
        assert_int_equal(unread(&f, 1), 50);
        assert_int_equal(read_some(&f, 1, SIZE_MAX), 50);
        assert_int_equal(f.readers[1].skipped, 0);
        assert_all_accounted(&f, 0);
        teardown(&f);
    }
}

static void test_a_name_is_open_once(void **state)
{
    struct fixture f;
    struct queue_reader *second;
    (void)state;
    setup(&f, 1 << 20);
    open_readers(&f, 1);
    assert_int_equal(queue_reader_open(f.queue, "a", on_drop, &f.readers[0], &second), -EEXIST);
    append_random(&f, 100);
    read_some(&f, 0, 30);
    release_read(&f, 0);
    read_some(&f, 0, 30);
    queue_reader_close(&f.readers[0].reader); /* a reload: what is not released comes again */
    append_random(&f, 100);
    open_reader(&f, 0);
    f.readers[0].next = 30;
    assert_int_equal(unread(&f, 0), 170);
    assert_int_equal(read_some(&f, 0, SIZE_MAX), 170);
    teardown(&f);
}

static void test_seeking_back(void **state)
{
    struct fixture f;
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        setup_either(&f, 500000, on_disk); /* several segments */
        open_readers(&f, 1);
        struct queue_position positions[400];
        struct queue_reader *reader = f.readers[0].reader;
        append_random(&f, 5);
        for (size_t i = 0; i < 400; i++) {
            positions[i] = queue_reader_position(reader);
            append_random(&f, 5);
            read_some(&f, 0, 7);
        }
        size_t ahead = f.readers[0].next;
        assert_int_equal(dropped_sum(&f, 0), 0);
        for (int round = 0; round < 200; round++) {
            struct queue_position middle;
            size_t back = random_below(400);
            f.readers[0].next = 0;
            queue_reader_seek(reader, positions[0]);
            assert_int_equal(unread(&f, 0), f.logged);
            read_some(&f, 0, random_below(ahead));
            middle = queue_reader_position(reader);
            size_t next = f.readers[0].next;
            queue_reader_seek(reader, positions[back]);
            queue_reader_seek(reader, middle);
            assert_int_equal(unread(&f, 0), f.logged - next);
            read_some(&f, 0, 20);
        }
        assert_int_equal(f.readers[0].skipped, 0);
        teardown(&f);
    }
}

static void test_shards(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 1 << 20);
    open_readers(&f, 1);
    struct queue_reader *reader = f.readers[0].reader;
    struct queue_position begin = queue_reader_position(reader), end;
    assert_int_equal(queue_reader_shard_count(reader), 1);
    assert_int_equal(queue_reader_set_shards(reader, 0), -EINVAL);
    assert_int_equal(queue_reader_set_shards(reader, QUEUE_SHARDS_MAX + 1), -EINVAL);
    assert_int_equal(queue_reader_set_shards(reader, 4), 0);
    assert_int_equal(queue_reader_shard_count(reader), 4);
    append_floats(&f, 1000);
    read_some(&f, 0, 600);
    end = queue_reader_position(reader);
    queue_reader_mark(reader, 2, end);
    assert_int_equal(queue_position_compare(queue_reader_range(reader, 2).begin, begin), 0);
    assert_int_equal(queue_position_compare(queue_reader_range(reader, 2).end, end), 0);
    assert_int_equal(queue_reader_set_shards(reader, 2), -EBUSY); /* one is on its way */
    queue_reader_release(reader, 2, end);
    assert_int_equal(queue_reader_set_shards(reader, 2), -EBUSY); /* one is ahead */
    for (uint32_t i = 0; i < 4; i++)
        queue_reader_release(reader, i, end);
    assert_int_equal(queue_reader_set_shards(reader, 2), 0);
    assert_int_equal(queue_position_compare(queue_reader_range(reader, 1).begin, end), 0);
    read_some(&f, 0, SIZE_MAX);
    assert_int_equal(f.readers[0].skipped, 0);
    teardown(&f);
}

/* A series keeps its key in every segment, and has it only where there are shards to choose from.
 */
static void test_shard_keys_stay(void **state)
{
    struct fixture f;
    struct queue_sample read;
    uint32_t keys[SERIES] = {};
    (void)state;
    setup_on_disk(&f, 300000);
    open_readers(&f, 1);
    append_floats(&f, 1);
    assert_true(read_one(&f, 0, &read));
    assert_int_equal(read.shard_key, 0);
    release_read(&f, 0);
    assert_int_equal(queue_reader_set_shards(f.readers[0].reader, 8), 0);
    for (int round = 0; round < 100; round++) {
        append_floats(&f, SERIES);
        for (int i = 0; i < SERIES; i++) {
            assert_true(read_one(&f, 0, &read));
            assert_int_not_equal(read.shard_key, 0);
            if (!keys[i])
                keys[i] = read.shard_key;
            assert_int_equal(read.shard_key, keys[i]);
        }
    }
    assert_true(count_files(&f, ".log") > 2);
    teardown(&f);
}

static void test_max_age(void **state)
{
    struct fixture f;
    (void)state;
    setup_base(&f, 1 << 20);
    f.config.max_age_ns = NS_PER_SECOND; /* the second record is younger, on a slow machine too */
    assert_int_equal(start_queue(&f), 0);
    open_readers(&f, 2);
    append_floats(&f, 100);
    read_some(&f, 1, SIZE_MAX);
    usleep(1100000);
    append_floats(&f, 100);
    append_floats(&f, 100);
    assert_int_equal(dropped(&f, 0, QUEUE_DROP_AGE), 100);
    assert_int_equal(dropped(&f, 1, QUEUE_DROP_AGE), 0);
    assert_all_accounted(&f, 0);
    assert_all_accounted(&f, 1);
    teardown(&f);
}

static void append_series(struct fixture *f, unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        struct sample sample = {.series = make_series(f->table, i), .value = i};
        queue_append(f->queue, &(struct sample_record){.samples = &sample, .count = 1});
        series_table_release(f->table, sample.series);
    }
}

/* On disk, with one reader, and room for so many series. */
static void setup_with_series(struct fixture *f, uint32_t most)
{
    setup_base(f, UINT64_C(1) << 30);
    series_table_free(&f->table);
    assert_int_equal(series_table_new(most, &f->table), 0);
    make_folder(f);
    assert_int_equal(start_queue(f), 0);
    open_readers(f, 1);
}

/* Series that have come and gone do not stay in memory for as long as a segment can get old. */
static void test_churn_ends_a_segment(void **state)
{
    struct fixture f;
    (void)state;
    setup_with_series(&f, 100000);
    append_series(&f, 0, 1500);
    queue_newest(f.queue)->head.begun_ms -= 200 * 1000;
    for (unsigned hour = 1; hour < 5; hour++) {
        append_series(&f, hour * 2000, 2000);
        struct queue_sample read;
        while (queue_reader_next(f.readers[0].reader, &read))
            ;
        release_read(&f, 0);
        assert_true(series_table_count(f.table) < 4000);
        queue_newest(f.queue)->head.begun_ms -= 200 * 1000;
    }
    teardown(&f);
}

/* Of those that end with a marker this is known at once, however young the segment is. */
static void test_ended_series_end_a_segment(void **state)
{
    enum { per_scrape = 1000, ended_most = 32768 };
    struct fixture f;
    (void)state;
    setup_with_series(&f, 1000000);
    for (unsigned scrape = 0; scrape < 100; scrape++) {
        struct sample samples[2 * per_scrape];
        for (unsigned i = 0; i < per_scrape; i++) {
            series_id series = make_series(f.table, scrape * per_scrape + i);
            samples[i] = (struct sample){.series = series, .value = i};
            samples[per_scrape + i] = (struct sample){.series = series};
            samples[per_scrape + i].value = sample_stale_value();
        }
        queue_append(f.queue, &(struct sample_record){.samples = samples, .count = 2 * per_scrape});
        for (unsigned i = 0; i < per_scrape; i++)
            series_table_release(f.table, samples[i].series);
        struct queue_sample read;
        while (queue_reader_next(f.readers[0].reader, &read))
            ;
        release_read(&f, 0);
        assert_true(series_table_count(f.table) < ended_most + 2 * per_scrape);
    }
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_get_everything_in_order),
        cmocka_unit_test(test_bound_drops_the_oldest_and_counts),
        cmocka_unit_test(test_most_of_the_bound_is_in_use),
        cmocka_unit_test(test_what_was_read_is_not_counted_as_dropped),
        cmocka_unit_test(test_record_beyond_the_bound_is_refused),
        cmocka_unit_test(test_nothing_fits_into_nothing),
        cmocka_unit_test(test_one_sample_too_long_for_a_record),
        cmocka_unit_test(test_taking_what_was_appended),
        cmocka_unit_test(test_memory_that_is_refused),
        cmocka_unit_test(test_without_remotes_nothing_is_kept),
        cmocka_unit_test(test_series_lives_while_it_is_queued),
        cmocka_unit_test(test_a_sample_takes_few_bytes),
        cmocka_unit_test(test_steady_flow_in_memory_does_not_grow),
        cmocka_unit_test(test_new_reader_begins_at_the_end),
        cmocka_unit_test(test_a_name_is_open_once),
        cmocka_unit_test(test_seeking_back),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_shard_keys_stay),
        cmocka_unit_test(test_metrics_of_segments),
        cmocka_unit_test(test_max_age),
        cmocka_unit_test(test_churn_ends_a_segment),
        cmocka_unit_test(test_ended_series_end_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
