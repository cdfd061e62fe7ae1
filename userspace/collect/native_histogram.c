/* SPDX-License-Identifier: Apache-2.0 */
/* Schema 3: a bucket ends at 2^(i/8) seconds and holds that bound. Bytes are ship/encode.c's. */
#include "collect/native_histogram.h"

#include <math.h>

#include "base/cleanup.h"

#define BUCKETS_PER_DOUBLING (1 << HTTP_NATIVE_SCHEMA)
#define MAX_GAP 2 /* so many empty buckets are cheaper written than skipped by a new span */
#define MAX_SPANS (HTTP_NATIVE_BUCKETS / (MAX_GAP + 2) + 1)

uint64_t native_bound_ns(size_t bucket)
{
    if (bucket >= HTTP_NATIVE_BUCKETS - 1)
        return UINT64_MAX;
    long double power = (long double)(HTTP_NATIVE_FIRST + (int)bucket) / BUCKETS_PER_DOUBLING;
    return (uint64_t)floorl(exp2l(power) * 1e9L);
}

void native_row_add(struct http_native_row *total, const struct http_native_row *row)
{
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++)
        total->buckets[i] += row->buckets[i];
}

void native_row_subtract(struct http_native_row *total, const struct http_native_row *row)
{
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++)
        total->buckets[i] -=
            row->buckets[i] < total->buckets[i] ? row->buckets[i] : total->buckets[i];
}

static size_t bucket_of(uint64_t ns)
{
    size_t low = 0, high = HTTP_NATIVE_BUCKETS - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ns <= native_bound_ns(middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void native_row_add_classic(struct http_native_row *total, const struct http_row *row,
                            const struct http_metrics_config *config)
{
    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        if (row->buckets[i])
            total->buckets[bucket_of(http_metrics_bound_ns(config, i))] += row->buckets[i];
}

/* What a histogram is put together from, before it is copied into one allocation. */
struct parts {
    struct histogram_span spans[MAX_SPANS];
    int64_t deltas[HTTP_NATIVE_BUCKETS];
    uint32_t span_count, delta_count;
    int32_t next; /* the index behind the last span */
    int64_t last; /* the bucket before */
};

static void parts_add(struct parts *parts, uint64_t value)
{
    parts->deltas[parts->delta_count++] = (int64_t)value - parts->last;
    parts->last = (int64_t)value;
    parts->spans[parts->span_count - 1].length++;
    parts->next++;
}

static void parts_add_bucket(struct parts *parts, int32_t index, uint64_t value)
{
    int32_t gap = index - parts->next;

    if (!parts->span_count || gap > MAX_GAP) {
        parts->spans[parts->span_count++] = (struct histogram_span){.offset = gap};
        parts->next = index;
    }
    while (parts->next < index)
        parts_add(parts, 0);
    parts_add(parts, value);
}

struct histogram *native_histogram_new(const struct http_native_row *row, double sum_seconds)
{
    struct parts parts = {.next = 0};
    uint64_t count = row->buckets[0];

    for (size_t i = 1; i < HTTP_NATIVE_BUCKETS; i++) {
        count += row->buckets[i];
        if (row->buckets[i])
            parts_add_bucket(&parts, HTTP_NATIVE_FIRST + (int32_t)i, row->buckets[i]);
    }
    return histogram_new(&(struct histogram){
        .schema = HTTP_NATIVE_SCHEMA,
        .zero_threshold = exp2(HTTP_NATIVE_FIRST / BUCKETS_PER_DOUBLING),
        .zero_count = row->buckets[0],
        .count = count,
        .sum = sum_seconds,
        .positive_span_count = parts.span_count,
        .positive_delta_count = parts.delta_count,
        .positive_spans = parts.spans,
        .positive_deltas = parts.deltas,
    });
}

struct histogram *native_histogram_new_stale(void)
{
    return histogram_new(&(struct histogram){
        .schema = HTTP_NATIVE_SCHEMA,
        .zero_threshold = exp2(HTTP_NATIVE_FIRST / BUCKETS_PER_DOUBLING),
        .sum = sample_stale_value(),
    });
}
