/* SPDX-License-Identifier: Apache-2.0 */
/* ship/log: what is written to a record reads back the same, with the dictionary at hand or learned
 * from the bytes; and is as short as it should be. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "log_samples.h"
#include "ship/log/histogram_code.h"
#include "ship/log/label_code.h"
#include "ship/log/log_format.h"
#include "ship/log/record_read.h"
#include "ship/log/record_write.h"
#include "ship/log/value.h"

#define SERIES 500

struct fixture {
    struct series_table *table, *other; /* the other one belongs to the next process */
    series_id series[SERIES];
    struct record_writer writer;
    struct dictionary_writer scratch;
    struct dictionary *dictionary, *learned;
    struct record_reader reader;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){};
    assert_int_equal(series_table_new(2 * SERIES, &f->table), 0);
    assert_int_equal(series_table_new(2 * SERIES, &f->other), 0);
    for (unsigned i = 0; i < SERIES; i++)
        f->series[i] = make_series(f->table, i);
    record_writer_init(&f->writer);
    dictionary_writer_init(&f->scratch);
    assert_int_equal(dictionary_new(f->table, &f->dictionary), 0);
    assert_int_equal(dictionary_new(f->other, &f->learned), 0);
}

static void teardown(struct fixture *f)
{
    record_reader_free(&f->reader);
    record_writer_free(&f->writer);
    dictionary_writer_free(&f->scratch);
    dictionary_release(&f->dictionary);
    dictionary_release(&f->learned);
    for (unsigned i = 0; i < SERIES; i++)
        series_table_release(f->table, f->series[i]);
    assert_int_equal(series_table_count(f->table), 0);
    assert_int_equal(series_table_count(f->other), 0);
    series_table_free(&f->table);
    series_table_free(&f->other);
}

static uint8_t *joined(const struct record_payload *payload)
{
    uint8_t *bytes = malloc(payload->length + 1), *at = bytes;
    for (size_t i = 0; i < RECORD_PARTS; i++) {
        if (payload->parts[i].iov_len)
            memcpy(at, payload->parts[i].iov_base, payload->parts[i].iov_len);
        at += payload->parts[i].iov_len;
    }
    assert_int_equal(at - bytes, payload->length);
    return bytes;
}

/* Reads the payload twice: as the process that wrote it, and as the next one. */
static void assert_reads_back(struct fixture *f, const struct record_payload *payload,
                              const struct log_record *expected, size_t first)
{
    autofree uint8_t *bytes = joined(payload);
    struct queue_sample read;
    for (int next_process = 0; next_process < 2; next_process++) {
        struct dictionary *dictionary = next_process ? f->learned : f->dictionary;
        assert_int_equal(record_read_begin(&f->reader, bytes, payload->length, dictionary), 0);
        assert_int_equal(f->reader.sample_count, payload->samples);
        if (next_process)
            assert_int_equal(dictionary_learn(dictionary, &f->reader.definitions,
                                              f->reader.first_number, f->reader.defined,
                                              &f->scratch),
                             0);
        for (size_t i = 0; i < payload->samples; i++) {
            assert_int_equal(record_read_next(&f->reader, &read), 0);
            const struct labels *labels =
                series_table_labels(dictionary->table, read.sample.series);
            const series_id series = expected->samples[first + i].series;
            assert_true(labels_equal(labels, series_table_labels(f->table, series)));
            read.sample.series = series;
            assert_true(is_sample_of(&read, expected, first + i));
        }
        assert_int_equal(f->reader.index, f->reader.sample_count);
    }
}

static void round_trip(struct fixture *f, const struct log_record *r)
{
    struct record_progress progress = {};
    struct record_payload payload;
    struct sample_counts counts = {};
    size_t done = 0;
    while (record_write_next(&f->writer, f->dictionary, &r->record, &progress, &payload)) {
        assert_true(payload.samples > 0);
        assert_int_equal(done + payload.samples, progress.sample);
        assert_reads_back(f, &payload, r, done);
        done = progress.sample;
        sample_counts_add(&counts, payload.counts);
    }
    assert_int_equal(done, r->record.count);
    assert_int_equal(sample_counts_sum(counts), r->record.count);
    assert_int_equal(counts.exemplars, r->record.exemplar_count);
    assert_int_equal(sample_counts_sum(progress.too_large), 0);
    assert_int_equal(sample_counts_sum(progress.no_memory), 0);
}

static void test_random_records(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (int round = 0; round < 300; round++) {
        struct log_record r;
        log_record_fill(&r, f.series, SERIES, 1 + random_below(round % 50 ? 300 : 40000));
        round_trip(&f, &r);
        log_record_free(&r);
    }
    teardown(&f);
}

static struct labels *large_labels(size_t length)
{
    struct labels_builder *builder;
    struct labels *labels = NULL;
    autofree char *value = malloc(length);
    memset(value, 'v', length);
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("id"), (struct text){value, length}), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    return labels;
}

/* Its first exemplar has found room, and its second has not: nothing of it is left behind. */
static void test_a_sample_that_is_too_large_is_taken_back(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    autofree struct labels *small = make_labels(1), *large = large_labels(3 << 20);
    struct sample samples[3], kept[2];
    for (size_t i = 0; i < 3; i++)
        samples[i] =
            (struct sample){.series = f.series[i], .timestamp_ms = LOG_BASE_MS, .value = (double)i};
    samples[1].value = double_of(STALE_NAN_BITS);
    struct exemplar exemplars[] = {
        {.sample = 0, .labels = small, .value = 1, .timestamp_ms = LOG_BASE_MS},
        {.sample = 1, .labels = large, .value = 2, .timestamp_ms = LOG_BASE_MS},
        {.sample = 1, .labels = large, .value = 3, .timestamp_ms = LOG_BASE_MS},
        {.sample = 2, .labels = small, .value = 4, .timestamp_ms = LOG_BASE_MS},
    };
    struct sample_created created[] = {{1, LOG_BASE_MS - 1}, {2, LOG_BASE_MS - 2}};
    const struct sample_record record = {samples, 3, exemplars, 4, created, 2};

    struct record_progress progress = {};
    struct record_payload payload;
    assert_true(record_write_next(&f.writer, f.dictionary, &record, &progress, &payload));
    assert_int_equal(progress.sample, 3);
    assert_int_equal(progress.too_large.floats, 1);
    assert_int_equal(progress.too_large.exemplars, 2);
    assert_int_equal(payload.samples, 2);
    assert_int_equal(payload.counts.exemplars, 2);
    assert_int_equal(payload.ended, 0);

    memcpy(kept, (struct sample[]){samples[0], samples[2]}, sizeof(kept));
    struct exemplar kept_exemplars[] = {exemplars[0], exemplars[3]};
    struct sample_created kept_created[] = {{1, LOG_BASE_MS - 2}};
    kept_exemplars[1].sample = 1;
    struct log_record expected = {
        {kept, 2, kept_exemplars, 2, kept_created, 1}, kept, kept_exemplars, kept_created};
    assert_reads_back(&f, &payload, &expected, 0);
    teardown(&f);
}

/* More exemplars than a reader takes of one sample: the others are left out, no sample is. */
static void test_a_sample_with_too_many_exemplars(void **state)
{
    enum { COUNT = 5000 };
    struct fixture f;
    (void)state;
    setup(&f);
    autofree struct labels *labels = make_labels(1);
    autofree struct exemplar *exemplars = calloc(COUNT + 1, sizeof(*exemplars));
    struct sample samples[2] = {{.series = f.series[0], .value = 1}, {.series = f.series[1]}};
    for (size_t i = 0; i <= COUNT; i++)
        exemplars[i] = (struct exemplar){.sample = i / COUNT, .labels = labels, .value = (double)i};
    const struct sample_record record = {samples, 2, exemplars, COUNT + 1, NULL, 0};

    struct record_progress progress = {};
    struct record_payload payload;
    struct queue_sample read;
    for (uint64_t i = 0; i < 2; i++) { /* a record each: the first one is long */
        assert_true(record_write_next(&f.writer, f.dictionary, &record, &progress, &payload));
        assert_int_equal(payload.samples, 1);
        assert_int_equal(payload.counts.exemplars, i ? 1 : EXEMPLARS_MAX);
        autofree uint8_t *bytes = joined(&payload);
        assert_int_equal(record_read_begin(&f.reader, bytes, payload.length, f.dictionary), 0);
        assert_int_equal(record_read_next(&f.reader, &read), 0);
        assert_int_equal(read.exemplar_count, payload.counts.exemplars);
        assert_true(read.exemplars[0].value == (i ? COUNT : 0));
    }
    assert_int_equal(progress.too_large.exemplars, COUNT - EXEMPLARS_MAX);
    teardown(&f);
}

static void test_values_to_the_bit(void **state)
{
    (void)state;
    for (int i = 0; i < 2000000; i++) {
        uint8_t bytes[VALUE_MAX_BYTES];
        uint8_t *at = bytes;
        double value = random_value(), before = random_below(4) ? random_value() : value;
        uint8_t code = value_put(&at, value, before);
        assert_true(code <= VALUE_DECIMAL_MAX && code != VALUE_HISTOGRAM);
        struct byte_reader reader = byte_reader_of(bytes, (size_t)(at - bytes));
        assert_int_equal(bits_of(value_get(&reader, code, before)), bits_of(value));
        assert_false(reader.failed);
        assert_int_equal(byte_reader_left(&reader), 0);
    }
}

static void test_values_are_short(void **state)
{
    static const struct {
        double value;
        int bytes;
    } table[] = {{0, 0},    {47, 0},           {48, 1},      {63, 1},       {1000, 2},
                 {-1, 1},   {0.5, 1},          {0.005, 1},   {12345.67, 4}, {1e9, 5},
                 {0.1, 1},  {1.7e9 + 0.25, 6}, {1.0 / 3, 8}, {1e300, 8},    {0x1p-30, 4},
                 {-0.0, 4}, {1.0 / 0.0, 8}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        uint8_t bytes[VALUE_MAX_BYTES];
        uint8_t *at = bytes;
        value_put(&at, table[i].value, -12);
        assert_int_equal(at - bytes, table[i].bytes);
    }
    uint8_t bytes[VALUE_MAX_BYTES];
    uint8_t *at = bytes;
    assert_int_equal(value_put(&at, 1.0 / 3, 1.0 / 3), VALUE_SAME);
    assert_int_equal(value_put(&at, sample_stale_value(), 0), VALUE_STALE);
    assert_ptr_equal(at, bytes);
}

/* Bytes that nobody wrote: no crash, no endless loop; and whatever is cut short is refused. */
static void test_cut_and_garbled_payloads(void **state)
{
    struct fixture f;
    struct log_record r;
    struct record_progress progress = {};
    struct record_payload payload;
    struct queue_sample read;
    (void)state;
    setup(&f);
    log_record_fill(&r, f.series, SERIES, 200);
    assert_true(record_write_next(&f.writer, f.dictionary, &r.record, &progress, &payload));
    autofree uint8_t *bytes = joined(&payload);
    for (size_t length = 0; length < payload.length; length++) {
        autofree uint8_t *cut = malloc(length + 1); /* for the address sanitizer */
        memcpy(cut, bytes, length);
        if (record_read_begin(&f.reader, cut, length, f.dictionary))
            continue;
        for (int error = 0; !error && f.reader.index < f.reader.sample_count;)
            error = record_read_next(&f.reader, &read);
    }
    for (int round = 0; round < 20000; round++) {
        autofree uint8_t *garbled = malloc(payload.length);
        memcpy(garbled, bytes, payload.length);
        for (uint64_t flips = 1 + random_below(4); flips; flips--)
            garbled[random_below(payload.length)] ^= (uint8_t)(1u << random_below(8));
        struct dictionary *learned;
        assert_int_equal(dictionary_new(f.other, &learned), 0);
        if (!record_read_begin(&f.reader, garbled, payload.length, learned)) {
            if (f.reader.first_number < 1000 && f.reader.defined < 1000)
                dictionary_learn(learned, &f.reader.definitions, f.reader.first_number,
                                 f.reader.defined, &f.scratch);
            while (f.reader.index < f.reader.sample_count &&
                   record_read_next(&f.reader, &read) != -EBADMSG)
                ;
        }
        dictionary_release(&learned);
    }
    log_record_free(&r);
    teardown(&f);
}

static void test_metadata_goes_with_the_series(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    const struct metadata families[] = {
        {TEXT("metric"), TEXT("Some help.\nIn two lines."), TEXT("seconds"), METADATA_COUNTER},
        {TEXT("other"), TEXT(""), TEXT(""), METADATA_GAUGE_HISTOGRAM},
    };
    struct sample samples[9];
    for (size_t i = 0; i < 9; i++) {
        samples[i] = (struct sample){.series = f.series[i], .value = (double)i};
        if (i % 3)
            assert_int_equal(series_table_describe(f.table, f.series[i], &families[i % 3 - 1]), 0);
    }
    struct log_record r = {.samples = samples, .record = {.samples = samples, .count = 9}};
    round_trip(&f, &r);
    for (uint32_t i = 0; i < 9; i++) {
        series_id series = dictionary_series(f.learned, i);
        const struct metadata *metadata =
            series_table_metadata(f.other, series_table_metadata_id(f.other, series));
        if (i % 3 == 0) {
            assert_null(metadata);
            continue;
        }
        assert_non_null(metadata);
        assert_true(text_equal(metadata->family, families[i % 3 - 1].family));
        assert_true(text_equal(metadata->help, families[i % 3 - 1].help));
        assert_true(text_equal(metadata->unit, families[i % 3 - 1].unit));
        assert_int_equal(metadata->type, families[i % 3 - 1].type);
    }
    teardown(&f);
}

/* A definition that is lost takes its samples along, and no other. */
static void test_unknown_series_are_not_guessed(void **state)
{
    struct fixture f;
    struct queue_sample read;
    (void)state;
    setup(&f);
    struct sample samples[20];
    for (size_t i = 0; i < 20; i++)
        samples[i] = (struct sample){.series = f.series[i], .value = (double)i};
    for (int part = 0; part < 3; part++) {
        /* The first ten are defined in a record that the reader never sees. */
        struct sample_record record = {.samples = samples, .count = part == 0 ? 10 : 20};
        struct record_progress progress = {};
        struct record_payload payload;
        assert_true(record_write_next(&f.writer, f.dictionary, &record, &progress, &payload));
        if (part == 0)
            continue;
        autofree uint8_t *bytes = joined(&payload);
        assert_int_equal(record_read_begin(&f.reader, bytes, payload.length, f.learned), 0);
        assert_int_equal(dictionary_learn(f.learned, &f.reader.definitions, f.reader.first_number,
                                          f.reader.defined, &f.scratch),
                         0);
        for (size_t i = 0; i < 20; i++) {
            assert_int_equal(record_read_next(&f.reader, &read), i < 10 ? -ENOENT : 0);
            if (i >= 10)
                assert_int_equal(bits_of(read.sample.value), bits_of((double)i));
        }
    }
    teardown(&f);
}

static void test_shard_keys(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct sample samples[SERIES];
    for (size_t i = 0; i < SERIES; i++)
        samples[i] = (struct sample){.series = f.series[i], .value = (double)i};
    struct log_record r = {.samples = samples, .record = {.samples = samples, .count = SERIES}};
    round_trip(&f, &r);
    unsigned odd = 0;
    for (uint32_t i = 0; i < SERIES; i++) {
        uint32_t key = dictionary_shard_key(f.dictionary, i);
        assert_int_equal(key, dictionary_shard_key(f.learned, i)); /* whatever the process */
        odd += key % 2;
    }
    assert_in_range(odd, SERIES / 3, 2 * SERIES / 3);
    /* Pinned: a new version that hashes otherwise would send ranges in flight as other batches. */
    assert_int_equal(label_bytes_hash(TEXT("\3job\4node")), 0x4d6b19d8);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sample_with_too_many_exemplars),
        cmocka_unit_test(test_values_to_the_bit),
        cmocka_unit_test(test_values_are_short),
        cmocka_unit_test(test_random_records),
        cmocka_unit_test(test_a_sample_that_is_too_large_is_taken_back),
        cmocka_unit_test(test_metadata_goes_with_the_series),
        cmocka_unit_test(test_unknown_series_are_not_guessed),
        cmocka_unit_test(test_shard_keys),
        cmocka_unit_test(test_cut_and_garbled_payloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
