/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets move down by a shift of their index; what was apart may fall together, never the reverse,
 * so that the copy is rewritten in place. Knows nothing of limits. */
#include "model/histogram_reduce.h"

#include <assert.h>
#include <math.h>

/* One side being rewritten. The counts of a histogram of floats stand as they are, others as
 * differences. */
struct side {
    struct histogram_span *spans;
    uint32_t span_count;
    union bucket {
        int64_t delta;
        double count;
    } * buckets;
    uint32_t bucket_count;
    int64_t next_index; /* behind the last bucket written */
    int64_t last;       /* the count of the last one, and of the one before it */
    int64_t before_last;
};

_Static_assert(sizeof(union bucket) == sizeof(int64_t), "buckets of both kinds stand alike");

static void add_bucket(struct side *side, int64_t index, union bucket value, bool is_float)
{
    if (side->bucket_count && index == side->next_index - 1) {
        union bucket *same = &side->buckets[side->bucket_count - 1];
        if (is_float)
            same->count += value.count;
        else
            same->delta = (side->last += value.delta) - side->before_last;
        return;
    }
    int64_t gap = side->bucket_count ? index - side->next_index : index;
    if (side->bucket_count && !gap)
        side->spans[side->span_count - 1].length++;
    else
        side->spans[side->span_count++] = (struct histogram_span){(int32_t)gap, 1};
    side->next_index = index + 1;
    if (!is_float) {
        side->before_last = side->last;
        side->last = value.delta;
        value.delta -= side->before_last;
    }
    side->buckets[side->bucket_count++] = value;
}

/* A shift of 62 leaves no difference between the indexes of 32 bits. */
static void reduce_side(struct side *side, uint32_t span_count, int64_t shift, bool is_float)
{
    shift = shift < 62 ? shift : 62;
    int64_t index = 0, count = 0;
    uint32_t bucket = 0;

    for (uint32_t i = 0; i < span_count; i++) {
        struct histogram_span span = side->spans[i];
        index += span.offset;
        for (uint32_t k = 0; k < span.length; k++, index++) {
            union bucket value = side->buckets[bucket++];
            if (!is_float)
                value.delta = count += value.delta;
            add_bucket(side, ((index - 1) >> shift) + 1, value, is_float);
        }
    }
}

struct histogram *histogram_reduce(const struct histogram *histogram, int32_t schema)
{
    int64_t shift = (int64_t)histogram->schema - schema;
    struct histogram *reduced = histogram_new(histogram);

    assert(shift >= 0 && schema >= HISTOGRAM_MIN_SCHEMA);
    if (!reduced || !shift)
        return reduced;
    /* its own copy, which nobody else has seen */
    struct side above = {.spans = (struct histogram_span *)reduced->positive_spans,
                         .buckets = (union bucket *)reduced->positive_deltas};
    struct side below = {.spans = (struct histogram_span *)reduced->negative_spans,
                         .buckets = (union bucket *)reduced->negative_deltas};
    reduce_side(&above, reduced->positive_span_count, shift, reduced->is_float);
    reduce_side(&below, reduced->negative_span_count, shift, reduced->is_float);
    reduced->schema = schema;
    reduced->positive_span_count = above.span_count;
    reduced->negative_span_count = below.span_count;
    reduced->positive_delta_count = above.bucket_count;
    reduced->negative_delta_count = below.bucket_count;
    return reduced;
}

int32_t histogram_schema_of_factor(double factor)
{
    if (!(factor > 1))
        return HISTOGRAM_MAX_SCHEMA;
    double schema = floor(-log2(log2(factor)));
    if (schema >= HISTOGRAM_MAX_SCHEMA)
        return HISTOGRAM_MAX_SCHEMA;
    return schema <= HISTOGRAM_MIN_SCHEMA ? HISTOGRAM_MIN_SCHEMA : (int32_t)schema;
}
