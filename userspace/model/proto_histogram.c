/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and counts are checked against each other, then written anew without the empty buckets. */
#include "model/proto_histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/histogram_reduce.h"

/* One side of a histogram. `counts` are of either kind: deltas where they are integers. */
struct side {
    Exposition__BucketSpan **spans;
    size_t span_count;
    const int64_t *deltas;
    const double *counts; /* NULL: integers */
    size_t bucket_count;
};

/* The same side without its empty buckets. */
struct compact_side {
    struct histogram_span *spans;
    int64_t *deltas; /* or doubles */
    uint32_t span_count, bucket_count;
    uint64_t sum; /* of integer counts */
};

bool proto_histogram_is_native(const Exposition__Histogram *histogram)
{
    return histogram->n_positive_span || histogram->n_negative_span ||
           histogram->zero_threshold > 0 || histogram->zero_count > 0;
}

static int fail(const char **fault, const char *what)
{
    *fault = what;
    return -EINVAL;
}

static int check_spans(const struct side *side, const char **fault)
{
    uint64_t buckets = 0;

    for (size_t i = 0; i < side->span_count; i++) {
        if (i > 0 && side->spans[i]->offset < 0)
            return fail(fault, "histogram has a span with a negative offset");
        buckets += side->spans[i]->length;
    }
    if (buckets != side->bucket_count)
        return fail(fault, "histogram has another number of buckets than its spans say");
    return 0;
}

/* A bucket that is not empty, at `index` counted from 0: in the span before if it is next to it. */
static int add_bucket(struct compact_side *out, int64_t index, int64_t *next_index,
                      const char **fault)
{
    int64_t offset = out->span_count ? index - *next_index : index;

    *next_index = index + 1;
    if (out->span_count && !offset) {
        out->spans[out->span_count - 1].length++;
        return 0;
    }
    if (offset != (int32_t)offset)
        return fail(fault, "histogram has buckets that are too far apart");
    out->spans[out->span_count++] = (struct histogram_span){.offset = (int32_t)offset, .length = 1};
    return 0;
}

static int compact_integers(const struct side *side, struct compact_side *out, const char **fault)
{
    int64_t index = 0, next_index = 0, count = 0, last = 0;
    size_t bucket = 0;

    for (size_t i = 0; i < side->span_count; i++) {
        index += side->spans[i]->offset;
        for (uint32_t k = 0; k < side->spans[i]->length; k++, index++, bucket++) {
            if (__builtin_add_overflow(count, side->deltas[bucket], &count) || count < 0)
                return fail(fault, "histogram has a bucket whose count is negative");
            if (!count)
                continue;
            if (__builtin_add_overflow(out->sum, (uint64_t)count, &out->sum))
                return fail(fault, "histogram has more observations than can be counted");
            if (add_bucket(out, index, &next_index, fault))
                return -EINVAL;
            out->deltas[out->bucket_count++] = count - last;
            last = count;
        }
    }
    return 0;
}

static int compact_floats(const struct side *side, struct compact_side *out, const char **fault)
{
    int64_t index = 0, next_index = 0;
    size_t bucket = 0;

    for (size_t i = 0; i < side->span_count; i++) {
        index += side->spans[i]->offset;
        for (uint32_t k = 0; k < side->spans[i]->length; k++, index++, bucket++) {
            if (side->counts[bucket] < 0)
                return fail(fault, "histogram has a bucket whose count is negative");
            if (side->counts[bucket] == 0)
                continue;
            if (add_bucket(out, index, &next_index, fault))
                return -EINVAL;
            memcpy(&out->deltas[out->bucket_count++], &side->counts[bucket], sizeof(double));
        }
    }
    return 0;
}

/* The caller frees what is in *out. */
static int compact(const struct side *side, struct compact_side *out, const char **fault)
{
    int error = check_spans(side, fault);
    if (error)
        return error;
    out->spans = calloc(side->bucket_count + 1, sizeof(*out->spans));
    out->deltas = calloc(side->bucket_count + 1, sizeof(*out->deltas));
    if (!out->spans || !out->deltas)
        return -ENOMEM;
    return side->counts ? compact_floats(side, out, fault) : compact_integers(side, out, fault);
}

static void compact_side_free(struct compact_side *side)
{
    free(side->spans);
    free(side->deltas);
}

/* NaN observations are in the count, and in no bucket; then the sum is NaN. */
static int check_count(const Exposition__Histogram *proto, const struct compact_side *above,
                       const struct compact_side *below, const char **fault)
{
    uint64_t observed;

    if (__builtin_add_overflow(above->sum, below->sum, &observed) ||
        __builtin_add_overflow(observed, proto->zero_count, &observed))
        return fail(fault, "histogram has more observations than can be counted");
    if (isnan(proto->sample_sum) ? observed > proto->sample_count : observed != proto->sample_count)
        return fail(fault, "histogram has another count than its buckets have together");
    return 0;
}

static int check_floats(const Exposition__Histogram *proto, const char **fault)
{
    if (proto->zero_count_float < 0 || proto->sample_count_float < 0)
        return fail(fault, "histogram has a negative count");
    return 0;
}

int proto_histogram_new(const Exposition__Histogram *proto, bool is_gauge, struct histogram **out,
                        const char **fault)
{
    bool is_float = proto->sample_count_float > 0 || proto->zero_count_float > 0;
    static const double no_counts[1];
    struct side positive = {proto->positive_span, proto->n_positive_span, proto->positive_delta,
                            is_float ? (proto->positive_count ? proto->positive_count : no_counts)
                                     : NULL,
                            is_float ? proto->n_positive_count : proto->n_positive_delta};
    struct side negative = {proto->negative_span, proto->n_negative_span, proto->negative_delta,
                            is_float ? (proto->negative_count ? proto->negative_count : no_counts)
                                     : NULL,
                            is_float ? proto->n_negative_count : proto->n_negative_delta};
    __attribute__((cleanup(compact_side_free))) struct compact_side above = {0}, below = {0};

    /* The custom schema needs bounds, which this format does not carry. */
    if (proto->schema < HISTOGRAM_MIN_SCHEMA)
        return fail(fault, "histogram has a schema that is not known");
    int error = compact(&positive, &above, fault);
    if (!error)
        error = compact(&negative, &below, fault);
    if (!error)
        error = is_float ? check_floats(proto, fault) : check_count(proto, &above, &below, fault);
    if (error)
        return error;
    struct histogram histogram = {
        .schema = proto->schema,
        .is_float = is_float,
        .is_gauge = is_gauge,
        .zero_threshold = proto->zero_threshold,
        .sum = proto->sample_sum,
        .positive_span_count = above.span_count,
        .negative_span_count = below.span_count,
        .positive_delta_count = above.bucket_count,
        .negative_delta_count = below.bucket_count,
        .positive_spans = above.spans,
        .negative_spans = below.spans,
        .positive_deltas = above.deltas,
        .negative_deltas = below.deltas,
    };
    if (is_float) {
        histogram.count_float = proto->sample_count_float;
        histogram.zero_count_float = proto->zero_count_float;
    } else {
        histogram.count = proto->sample_count;
        histogram.zero_count = proto->zero_count;
    }
    *out = histogram_new(&histogram);
    return *out ? 0 : -ENOMEM;
}
