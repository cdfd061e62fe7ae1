/* SPDX-License-Identifier: Apache-2.0 */
/* Random samples for the tests of ship/encode: every kind of length and value, with what can be
 * beside a sample. */
#ifndef EDGEMETER_TESTS_ENCODE_EXAMPLES_H
#define EDGEMETER_TESTS_ENCODE_EXAMPLES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/encode.h"

#define MAX_SERIES 40
#define MAX_LABELS 40
#define MAX_BUCKETS 200
#define MAX_EXEMPLARS 3

/* One sample with everything that the oracle needs to pack it. */
struct example {
    struct labels *labels;
    struct sample sample;
    struct histogram histogram;
    double bounds[MAX_BUCKETS];
    struct histogram_span spans[2][MAX_BUCKETS];
    int64_t deltas[2][MAX_BUCKETS];
    struct labels *exemplar_labels[MAX_EXEMPLARS];
    struct exemplar exemplars[MAX_EXEMPLARS];
    size_t exemplar_count;
    int64_t created_ms;
    const struct metadata *metadata;
};

static uint64_t seed = 1;

static inline uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static inline uint64_t random_below(uint64_t limit)
{
    return random_bits() % limit;
}

/* Of any magnitude. */
static inline uint64_t random_wide(void)
{
    return random_bits() >> random_below(64);
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

/* protobuf-c takes -0.0 for an absent zero, so it has a test of its own. */
static inline double random_double(void)
{
    static const uint64_t special[] = {0,
                                       STALE_NAN_BITS,
                                       UINT64_C(0x7ff8000000000001),
                                       UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0xfff0000000000000),
                                       1,
                                       UINT64_C(0x7fefffffffffffff)};
    uint64_t bits = random_bits();
    if (random_below(3) == 0)
        return double_of(special[random_below(ARRAY_SIZE(special))]);
    if (random_below(3) == 0)
        return (double)random_below(1000);
    return double_of(bits == UINT64_C(1) << 63 ? 0 : bits);
}

static inline int64_t random_timestamp(void)
{
    static const int64_t special[] = {0, 1, -1, INT64_MIN, INT64_MAX, INT64_C(1790000000000)};
    if (random_below(2))
        return special[random_below(ARRAY_SIZE(special))];
    return (int64_t)(random_below(2) ? random_wide() : -random_wide());
}

static inline struct labels *build_labels(const struct label *labels, size_t count)
{
    struct labels_builder *builder;
    struct labels *built;
    assert_int_equal(labels_builder_new(&builder), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(labels_builder_set(builder, labels[i].name, labels[i].value), 0);
    assert_int_equal(labels_builder_build(builder, &built), 0);
    labels_builder_free(&builder);
    return built;
}

static inline struct labels *random_labels(void)
{
    static char values[MAX_LABELS][20000];
    static char names[MAX_LABELS][32];
    struct label labels[MAX_LABELS];
    size_t count = random_below(MAX_LABELS + 1);
    for (size_t i = 0; i < count; i++) {
        static const size_t limits[] = {2, 20, 130, 300, 20000};
        size_t length = 1 + random_below(limits[random_below(random_below(20) ? 4 : 5)] - 1);
        for (size_t c = 0; c < length; c++)
            values[i][c] = (char)(1 + random_below(127));
        snprintf(names[i], sizeof(names[i]), "l%u", (unsigned)random_below(1000000));
        labels[i] = (struct label){text_of(names[i]), {values[i], length}};
    }
    return build_labels(labels, count);
}

static inline void random_buckets(struct example *e, int side, uint32_t *spans, uint32_t *deltas)
{
    static const uint32_t limits[] = {1, 4, 66, MAX_BUCKETS};
    *spans = (uint32_t)random_below(limits[random_below(4)]);
    *deltas = (uint32_t)random_below(limits[random_below(4)]);
    for (uint32_t i = 0; i < *spans; i++) {
        e->spans[side][i].offset = (int32_t)(random_below(2) ? random_wide() : -random_wide());
        e->spans[side][i].length = (uint32_t)random_wide();
    }
    for (uint32_t i = 0; i < *deltas; i++)
        e->deltas[side][i] = (int64_t)(random_below(2) ? random_wide() : -random_wide());
}

static inline void random_histogram(struct example *e)
{
    struct histogram *h = &e->histogram;
    *h = (struct histogram){.references = 1,
                            .schema = (int32_t)random_below(13) - 4,
                            .is_float = random_below(3) == 0, /* of any bits */
                            .is_gauge = random_below(4) == 0,
                            .zero_threshold = random_double(),
                            .zero_count = random_below(2) ? random_wide() : 0,
                            .count = random_below(2) ? random_wide() : 0,
                            .sum = random_double(),
                            .positive_spans = e->spans[0],
                            .negative_spans = e->spans[1],
                            .positive_deltas = e->deltas[0],
                            .negative_deltas = e->deltas[1],
                            .custom_values = e->bounds};
    if (random_below(3) == 0) {
        h->schema = HISTOGRAM_CUSTOM_SCHEMA;
        h->custom_value_count = (uint32_t)random_below(MAX_BUCKETS + 1);
    }
    for (size_t i = 0; i < MAX_BUCKETS; i++)
        e->bounds[i] = random_double();
    random_buckets(e, 0, &h->positive_span_count, &h->positive_delta_count);
    random_buckets(e, 1, &h->negative_span_count, &h->negative_delta_count);
}

static inline void random_exemplars(struct example *e)
{
    e->exemplar_count = random_below(3) ? 0 : 1 + random_below(MAX_EXEMPLARS);
    for (size_t i = 0; i < e->exemplar_count; i++) {
        e->exemplar_labels[i] = random_labels();
        e->exemplars[i] = (struct exemplar){.labels = e->exemplar_labels[i],
                                            .value = random_double(),
                                            .timestamp_ms = random_timestamp()};
    }
}

static inline void random_example(struct example *e)
{
    static const struct metadata metadata[] = {
        {TEXT("a"), TEXT("Help of a."), TEXT(""), METADATA_COUNTER},
        {TEXT("b"), TEXT(""), TEXT("seconds"), METADATA_STATESET},
        {TEXT("c"), {NULL, 0}, {NULL, 0}, METADATA_UNKNOWN},
    };
    e->labels = random_labels();
    e->created_ms = random_below(3) ? 0 : random_timestamp();
    e->metadata = random_below(4) ? &metadata[random_below(ARRAY_SIZE(metadata))] : NULL;
    random_exemplars(e);
    e->sample = (struct sample){.series = 1, .timestamp_ms = random_timestamp()};
    if (random_below(3) == 0) {
        random_histogram(e);
        e->sample.type = SAMPLE_HISTOGRAM;
        e->sample.histogram = &e->histogram;
    } else {
        e->sample.type = SAMPLE_FLOAT;
        e->sample.value = random_double();
    }
}

static inline void free_example(struct example *e)
{
    free(e->labels);
    for (size_t i = 0; i < e->exemplar_count; i++)
        free(e->exemplar_labels[i]);
    e->exemplar_count = 0;
}

static inline struct encode_entry entry_of(const struct example *e)
{
    return (struct encode_entry){
        .labels = e->labels,
        .sample = &e->sample,
        .exemplars = e->exemplars,
        .exemplar_count = e->exemplar_count,
        .created_ms = e->created_ms,
        .metadata = e->metadata,
    };
}

#endif
