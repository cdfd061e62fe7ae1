/* SPDX-License-Identifier: Apache-2.0 */
/* Random records with everything that a record can have, and how to tell that what comes back is
 * the same, to the bit. For the tests of the queue. */
#ifndef EDGEMETER_TESTS_LOG_SAMPLES_H
#define EDGEMETER_TESTS_LOG_SAMPLES_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/queue.h"

#define LOG_BASE_MS INT64_C(1790000000000)

static uint64_t log_seed = 1;

static inline uint64_t random_bits(void)
{
    log_seed ^= log_seed << 13;
    log_seed ^= log_seed >> 7;
    log_seed ^= log_seed << 17;
    return log_seed;
}

static inline uint64_t random_below(uint64_t limit)
{
    return random_bits() % limit;
}

static inline double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* {__name__="metric_N", job="node", path="...", instance="10.0.0.M:9100"} */
static inline struct labels *make_labels(unsigned number)
{
    struct labels_builder *builder;
    struct labels *labels = NULL;
    char name[64], path[64], instance[64];
    snprintf(name, sizeof(name), "metric_%u", number / 7);
    snprintf(path, sizeof(path), "/some/%u/\xe2\x82\xac\"\\\n%u", number % 7, number);
    snprintf(instance, sizeof(instance), "10.0.0.%u:9100", number % 50);
    assert_int_equal(labels_builder_new(&builder), 0);
    assert_int_equal(labels_builder_set(builder, TEXT(LABEL_METRIC_NAME), text_of(name)), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("job"), TEXT("node")), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("path"), text_of(path)), 0);
    assert_int_equal(labels_builder_set(builder, TEXT("instance"), text_of(instance)), 0);
    assert_int_equal(labels_builder_build(builder, &labels), 0);
    labels_builder_free(&builder);
    return labels;
}

static inline series_id make_series(struct series_table *table, unsigned number)
{
    autofree struct labels *labels = make_labels(number);
    series_id series;
    assert_int_equal(series_table_intern(table, labels, &series), 0);
    return series;
}

static inline double random_value(void)
{
    static const uint64_t odd[] = {
        0,
        UINT64_C(1) << 63, /* -0 */
        STALE_NAN_BITS,    /**/
        UINT64_C(0x7ff8000000000001) /* NaN */,
        UINT64_C(0x7ff4000000000001) /* a signalling one */,
        UINT64_C(0xfff8000000000000),
        UINT64_C(0x7ff0000000000000) /* inf */,
        UINT64_C(0xfff0000000000000),
        1 /* the least denormal */,
        UINT64_C(0x7fefffffffffffff) /* the largest */,
        UINT64_C(0x4340000000000000) /* 2^53 */,
        UINT64_C(0xc340000000000000),
        UINT64_C(0x433fffffffffffff) /* 2^53 - 1 */,
        UINT64_C(0x43e0000000000000) /* 2^63 */,
    };
    switch (random_below(10)) {
    case 0:
        return double_of(odd[random_below(ARRAY_SIZE(odd))]);
    case 1:
        return double_of(random_bits());
    case 2:
        return (float)(double)(int64_t)random_bits() / 3.0f;
    case 3:
    case 4:
        return (double)(int64_t)random_below(100000000) / 1000 - 5000;
    case 5:
        return (double)random_below(1000) / 1e9;
    case 6:
        return -(double)random_below(UINT64_C(1) << random_below(60));
    default:
        return (double)random_below(UINT64_C(1) << random_below(60));
    }
}

static inline struct histogram *random_histogram(void)
{
    struct histogram_span spans[4];
    int64_t deltas[30];
    double bounds[10];
    bool is_custom = random_below(3) == 0;
    struct histogram h = {
        .is_float = random_below(3) == 0,
        .is_gauge = random_below(3) == 0,
        .schema = is_custom ? HISTOGRAM_CUSTOM_SCHEMA : (int32_t)random_below(13) - 4,
        .zero_threshold = random_value(),
        .sum = random_value(),
        .positive_span_count = (uint32_t)random_below(5),
        .negative_span_count = (uint32_t)random_below(5),
        .positive_delta_count = (uint32_t)random_below(31),
        .negative_delta_count = (uint32_t)random_below(31),
        .positive_spans = spans,
        .negative_spans = spans,
        .positive_deltas = deltas,
        .negative_deltas = deltas,
        .custom_value_count = is_custom ? (uint32_t)random_below(ARRAY_SIZE(bounds) + 1) : 0,
        .custom_values = bounds,
    };
    h.count = random_bits();
    h.zero_count = random_below(1000);
    for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
        spans[i] = (struct histogram_span){(int32_t)random_bits(), (uint32_t)random_below(20)};
    for (size_t i = 0; i < ARRAY_SIZE(deltas); i++)
        deltas[i] = (int64_t)(random_bits() >> random_below(64));
    for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
        bounds[i] = random_value();
    struct histogram *histogram = histogram_new(&h);
    assert_non_null(histogram);
    return histogram;
}

/* A record with owned parts. */
struct log_record {
    struct sample_record record;
    struct sample *samples;
    struct exemplar *exemplars;
    struct sample_created *created;
};

static inline void random_sample(struct sample *sample, series_id series, int64_t base_ms)
{
    static const int64_t moments[] = {0, INT64_MIN, INT64_MAX, -1, 1};
    *sample = (struct sample){.series = series, .timestamp_ms = base_ms};
    if (random_below(10) == 0)
        sample->timestamp_ms -= (int64_t)random_below(100000);
    if (random_below(100) == 0)
        sample->timestamp_ms = moments[random_below(ARRAY_SIZE(moments))];
    if (random_below(20) == 0) {
        sample->type = SAMPLE_HISTOGRAM;
        sample->histogram = random_histogram();
    } else {
        sample->value = random_value();
    }
}

/* Of series[0..series_count); mostly one after the other, as in a scrape. */
static inline void log_record_fill(struct log_record *r, const series_id *series,
                                   size_t series_count, size_t samples)
{
    size_t at = random_below(series_count);
    int64_t base_ms = LOG_BASE_MS + (int64_t)random_below(1000000);
    *r = (struct log_record){.samples = calloc(samples, sizeof(*r->samples)),
                             .exemplars = calloc(2 * samples, sizeof(*r->exemplars)),
                             .created = calloc(samples, sizeof(*r->created))};
    r->record = (struct sample_record){
        .samples = r->samples, .count = samples, .exemplars = r->exemplars, .created = r->created};
    for (size_t i = 0; i < samples; i++) {
        at = random_below(20) ? (at + 1) % series_count : random_below(series_count);
        random_sample(&r->samples[i], series[at], base_ms);
        for (uint64_t n = random_below(30) ? 0 : 1 + random_below(2); n; n--)
            r->exemplars[r->record.exemplar_count++] =
                (struct exemplar){.sample = i,
                                  .labels = make_labels((unsigned)random_below(1000)),
                                  .value = random_value(),
                                  .timestamp_ms = base_ms - (int64_t)random_below(50000)};
        if (random_below(30) == 0)
            r->created[r->record.created_count++] =
                (struct sample_created){i, base_ms - (int64_t)random_below(UINT64_C(1) << 40)};
    }
}

static inline void log_record_free(struct log_record *r)
{
    for (size_t i = 0; i < r->record.count; i++)
        if (r->samples[i].type == SAMPLE_HISTOGRAM)
            histogram_release(r->samples[i].histogram);
    for (size_t i = 0; i < r->record.exemplar_count; i++)
        free((struct labels *)r->exemplars[i].labels);
    free(r->samples);
    free(r->exemplars);
    free(r->created);
    *r = (struct log_record){};
}

static inline bool histograms_equal(const struct histogram *a, const struct histogram *b)
{
    return a->is_float == b->is_float && a->is_gauge == b->is_gauge && a->schema == b->schema &&
           bits_of(a->zero_threshold) == bits_of(b->zero_threshold) &&
           bits_of(a->sum) == bits_of(b->sum) && a->count == b->count &&
           a->zero_count == b->zero_count && a->positive_span_count == b->positive_span_count &&
           a->negative_span_count == b->negative_span_count &&
           a->positive_delta_count == b->positive_delta_count &&
           a->negative_delta_count == b->negative_delta_count &&
           memcmp(a->positive_spans, b->positive_spans,
                  a->positive_span_count * sizeof(*a->positive_spans)) == 0 &&
           memcmp(a->negative_spans, b->negative_spans,
                  a->negative_span_count * sizeof(*a->negative_spans)) == 0 &&
           memcmp(a->positive_deltas, b->positive_deltas, a->positive_delta_count * 8) == 0 &&
           memcmp(a->negative_deltas, b->negative_deltas, a->negative_delta_count * 8) == 0 &&
           a->custom_value_count == b->custom_value_count &&
           memcmp(a->custom_values, b->custom_values, a->custom_value_count * 8) == 0;
}

static inline bool samples_equal(const struct sample *a, const struct sample *b)
{
    if (a->series != b->series || a->type != b->type || a->timestamp_ms != b->timestamp_ms)
        return false;
    return a->type == SAMPLE_HISTOGRAM ? histograms_equal(a->histogram, b->histogram)
                                       : bits_of(a->value) == bits_of(b->value);
}

/* What was read is sample `index` of the record, with all that is beside it. */
static inline bool is_sample_of(const struct queue_sample *read, const struct log_record *r,
                                size_t index)
{
    const struct exemplar *exemplar = r->exemplars;
    const struct exemplar *end = exemplar + r->record.exemplar_count;
    int64_t created_ms = 0;
    size_t count = 0;
    for (size_t i = 0; i < r->record.created_count; i++)
        if (r->created[i].sample == index)
            created_ms = r->created[i].created_ms;
    while (exemplar < end && exemplar->sample < index)
        exemplar++;
    for (; exemplar < end && exemplar->sample == index; exemplar++, count++) {
        const struct exemplar *same = &read->exemplars[count];
        if (count >= read->exemplar_count || bits_of(same->value) != bits_of(exemplar->value) ||
            same->timestamp_ms != exemplar->timestamp_ms ||
            !labels_equal(same->labels, exemplar->labels))
            return false;
    }
    return count == read->exemplar_count && created_ms == read->created_ms &&
           samples_equal(&read->sample, &r->samples[index]);
}

#endif
