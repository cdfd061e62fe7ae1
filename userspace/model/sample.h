/* SPDX-License-Identifier: Apache-2.0 */
/* A sample, and the sink where every producer (scraper, collector) meets every consumer (queue). */
#ifndef EDGEMETER_MODEL_SAMPLE_H
#define EDGEMETER_MODEL_SAMPLE_H

#include "model/series_table.h"

/* Prometheus' marker for "this series has ended": a NaN with this bit pattern. */
#define STALE_NAN_BITS UINT64_C(0x7ff0000000000002)

#define HISTOGRAM_CUSTOM_SCHEMA (-53)

/* A native histogram in remote write's own terms: spans name runs of buckets. Integer counts come
 * as deltas, differences between neighbouring buckets; a histogram of floats has the counts
 * themselves. With the custom schema bucket n ends at custom value n, the last one at +Inf, and
 * there are neither negative buckets nor a zero bucket. One allocation, freed with
 * histogram_release(). */
struct histogram_span {
    int32_t offset;
    uint32_t length;
};

struct histogram {
    uint32_t references;
    int32_t schema; /* -4..8: exponential; or the custom one */
    bool is_float;  /* then the second member of each union holds */
    bool is_gauge;  /* its counts go down too: no counter resets */
    double zero_threshold;
    union {
        uint64_t zero_count;
        double zero_count_float;
    };
    union {
        uint64_t count;
        double count_float;
    };
    double sum;
    uint32_t positive_span_count, negative_span_count;
    uint32_t positive_delta_count, negative_delta_count;          /* of deltas or counts */
    const struct histogram_span *positive_spans, *negative_spans; /* inside the allocation */
    union {
        const int64_t *positive_deltas;
        const double *positive_counts;
    };
    union {
        const int64_t *negative_deltas;
        const double *negative_counts;
    };
    uint32_t custom_value_count;
    const double *custom_values; /* inside the allocation */
};

/* A copy of `values` with its spans and deltas and one reference; NULL without memory. */
struct histogram *histogram_new(const struct histogram *values);
struct histogram *histogram_hold(struct histogram *histogram);
void histogram_release(struct histogram *histogram);

enum sample_type { SAMPLE_FLOAT, SAMPLE_HISTOGRAM };

struct sample {
    series_id series;
    enum sample_type type;
    int64_t timestamp_ms;
    union {
        double value;
        struct histogram *histogram;
    };
};

double sample_stale_value(void);
/* By bits: any NaN compares unequal, and most NaNs are values that somebody exposed. */
static inline bool sample_is_stale(const struct sample *sample)
{
    const double *value =
        sample->type == SAMPLE_HISTOGRAM ? &sample->histogram->sum : &sample->value;
    uint64_t bits;
    memcpy(&bits, value, sizeof(bits));
    return bits == STALE_NAN_BITS;
}

/* An exemplar of one sample. Borrowed: whoever keeps it copies. */
struct exemplar {
    size_t sample; /* index in the record */
    const struct labels *labels;
    double value;
    int64_t timestamp_ms;
};

/* When the count of a counter, histogram or summary began (OpenMetrics' _created). */
struct sample_created {
    size_t sample; /* index in the record */
    int64_t created_ms;
};

/* The samples of one scrape, or of one drain of HTTP rows. What is beside them is sparse, sorted by
 * sample. */
struct sample_record {
    const struct sample *samples;
    size_t count;
    const struct exemplar *exemplars;
    size_t exemplar_count;
    const struct sample_created *created;
    size_t created_count;
};

/* The sink takes its own references of the series and histograms that it keeps. A sink does not
 * fail: what it cannot keep it counts as dropped. */
struct sample_sink {
    void (*append)(struct sample_sink *sink, const struct sample_record *record);
};

static inline void sample_sink_append_record(struct sample_sink *sink,
                                             const struct sample_record *record)
{
    if (record->count)
        sink->append(sink, record);
}

static inline void sample_sink_append(struct sample_sink *sink, const struct sample *samples,
                                      size_t count)
{
    sample_sink_append_record(sink, &(struct sample_record){.samples = samples, .count = count});
}

#endif
