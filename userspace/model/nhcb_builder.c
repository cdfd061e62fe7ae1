/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets are kept in the order in which they come, and sorted where that is not theirs. */
#include "model/nhcb_builder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define MAX_EMPTY 2 /* integer buckets that are kept between others: a span more costs as much */

/* What the histogram is made from. */
struct parts {
    struct histogram_span *spans;
    uint32_t span_count;
    union {
        int64_t *deltas;
        double *counts;
    };
    uint32_t bucket_count;
    uint32_t next;    /* index behind the last one added */
    int64_t last;     /* what that holds, of integers */
    uint32_t max_gap; /* see MAX_EMPTY */
    bool is_float;
    double *bounds;
};

void nhcb_builder_init(struct nhcb_builder *builder)
{
    *builder = (struct nhcb_builder){.is_sorted = true};
}

void nhcb_builder_free(struct nhcb_builder *builder)
{
    free(builder->buckets);
    nhcb_builder_init(builder);
}

void nhcb_builder_clear(struct nhcb_builder *builder)
{
    *builder = (struct nhcb_builder){
        .buckets = builder->buckets,
        .capacity = builder->capacity,
        .is_sorted = true,
    };
}

/* Room for one more bucket than may be given: that of +Inf. */
static int reserve(struct nhcb_builder *builder)
{
    if (builder->bucket_count < builder->capacity)
        return 0;
    uint32_t capacity = builder->capacity ? builder->capacity * 2 : 16;
    void *buckets = reallocarray(builder->buckets, capacity, sizeof(*builder->buckets));
    if (!buckets)
        return -ENOMEM;
    builder->buckets = buckets;
    builder->capacity = capacity;
    return 0;
}

static void append(struct nhcb_builder *builder, double bound, double count)
{
    builder->buckets[builder->bucket_count++] = (struct nhcb_bucket){bound, count};
}

int nhcb_builder_add_bucket(struct nhcb_builder *builder, double bound, double count)
{
    const struct nhcb_bucket *last =
        builder->bucket_count ? &builder->buckets[builder->bucket_count - 1] : NULL;

    builder->is_negative |= count < 0;
    if (last && last->bound == bound)
        return 0;
    if (builder->bucket_count == NHCB_MAX_BUCKETS)
        return -E2BIG;
    builder->is_sorted &= !last || last->bound < bound;
    int error = reserve(builder);
    if (!error)
        append(builder, bound, count);
    return error;
}

void nhcb_builder_set_count(struct nhcb_builder *builder, double count)
{
    builder->is_negative |= count < 0;
    builder->has_count = true;
    builder->count = count;
}

void nhcb_builder_set_sum(struct nhcb_builder *builder, double sum)
{
    builder->sum = sum;
}

/* ---- order ---- */

static void merge(const struct nhcb_bucket *left, const struct nhcb_bucket *middle,
                  const struct nhcb_bucket *right, struct nhcb_bucket *out)
{
    const struct nhcb_bucket *a = left, *b = middle;

    while (a < middle || b < right)
        *out++ = b == right || (a < middle && a->bound <= b->bound) ? *a++ : *b++;
}

/* Those with one bound stay in their order. */
static int sort(struct nhcb_builder *builder)
{
    uint32_t count = builder->bucket_count;
    autofree struct nhcb_bucket *scratch = calloc(count, sizeof(*scratch));
    struct nhcb_bucket *buckets = builder->buckets;

    if (!scratch)
        return -ENOMEM;
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t at = 0; at < count; at += 2 * width) {
            uint32_t middle = at + width < count ? at + width : count;
            uint32_t end = at + 2 * width < count ? at + 2 * width : count;
            merge(buckets + at, buckets + middle, buckets + end, scratch + at);
        }
        memcpy(buckets, scratch, count * sizeof(*buckets));
    }
    return 0;
}

static void drop_repeated(struct nhcb_builder *builder)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < builder->bucket_count; i++)
        if (!kept || builder->buckets[kept - 1].bound != builder->buckets[i].bound)
            builder->buckets[kept++] = builder->buckets[i];
    builder->bucket_count = kept;
}

/* ---- buckets ---- */

static bool is_cumulative(const struct nhcb_builder *builder)
{
    for (uint32_t i = 1; i < builder->bucket_count; i++)
        if (builder->buckets[i].count < builder->buckets[i - 1].count)
            return false;
    return true;
}

static bool is_integer(double count)
{
    return count == floor(count) && count < 0x1p63;
}

static bool has_integers(const struct nhcb_builder *builder)
{
    for (uint32_t i = 0; i < builder->bucket_count; i++)
        if (!is_integer(builder->buckets[i].count))
            return false;
    return is_integer(builder->count);
}

/* What is in one bucket alone. */
union content {
    int64_t integer;
    double number;
};

static union content content_of(const struct parts *parts, double count, double before)
{
    if (parts->is_float)
        return (union content){.number = count - before};
    return (union content){.integer = (int64_t)count - (int64_t)before};
}

static void store(struct parts *parts, union content content)
{
    if (parts->is_float) {
        parts->counts[parts->bucket_count++] = content.number;
        return;
    }
    parts->deltas[parts->bucket_count++] = content.integer - parts->last;
    parts->last = content.integer;
}

/* A bucket that is not empty: in the span before, if that is near enough. */
static void add_bucket(struct parts *parts, uint32_t index, union content content)
{
    static const union content nothing; /* of either kind */
    uint32_t gap = index - parts->next;

    if (!parts->span_count || gap > parts->max_gap) {
        parts->spans[parts->span_count++] = (struct histogram_span){.offset = (int32_t)gap};
        gap = 0;
    }
    parts->spans[parts->span_count - 1].length += gap + 1;
    for (; gap > 0; gap--)
        store(parts, nothing);
    store(parts, content);
    parts->next = index + 1;
}

static void add_buckets(const struct nhcb_builder *builder, struct parts *parts)
{
    const struct nhcb_bucket *bucket = builder->buckets;
    double before = 0;

    for (uint32_t i = 0; i < builder->bucket_count; i++, bucket++) {
        union content content = content_of(parts, bucket->count, before);
        if (parts->is_float ? content.number != 0 : content.integer != 0)
            add_bucket(parts, i, content);
        before = bucket->count;
        if (i + 1 < builder->bucket_count)
            parts->bounds[i] = bucket->bound;
    }
}

static struct histogram *make(const struct nhcb_builder *builder, const struct parts *parts)
{
    struct histogram values = {
        .schema = HISTOGRAM_CUSTOM_SCHEMA,
        .is_float = parts->is_float,
        .sum = builder->sum,
        .positive_span_count = parts->span_count,
        .positive_spans = parts->spans,
        .positive_delta_count = parts->bucket_count,
        .positive_deltas = parts->deltas,
        .custom_value_count = builder->bucket_count - 1,
        .custom_values = parts->bounds,
    };

    if (parts->is_float)
        values.count_float = builder->count;
    else
        values.count = (uint64_t)builder->count;
    return histogram_new(&values);
}

/* The count, and the bucket of +Inf, where they were not given. 0, or -ENOMEM. */
static int complete(struct nhcb_builder *builder)
{
    uint32_t count = builder->bucket_count;
    const struct nhcb_bucket *last = count ? &builder->buckets[count - 1] : NULL;

    if (!builder->has_count && last)
        builder->count = last->count;
    if (last && isinf(last->bound) && last->bound > 0)
        return 0;
    int error = reserve(builder);
    if (!error)
        append(builder, (double)INFINITY, builder->count);
    return error;
}

int nhcb_builder_build(struct nhcb_builder *builder, struct histogram **out)
{
    int error = builder->is_sorted ? 0 : sort(builder);

    drop_repeated(builder);
    if (!error)
        error = complete(builder);
    if (error)
        return error;
    uint32_t count = builder->bucket_count;
    const struct nhcb_bucket *first = builder->buckets, *last = &first[count - 1];
    if (builder->is_negative || !is_cumulative(builder) || !(builder->count == last->count) ||
        (isinf(first->bound) && first->bound < 0))
        return -EINVAL;

    bool is_float = !has_integers(builder);
    autofree struct histogram_span *spans = calloc(count, sizeof(*spans));
    autofree int64_t *deltas = calloc(count, sizeof(*deltas));
    autofree double *bounds = calloc(count, sizeof(*bounds));
    struct parts parts = {
        .spans = spans,
        .deltas = deltas,
        .bounds = bounds,
        .is_float = is_float,
        .max_gap = is_float ? 0 : MAX_EMPTY,
    };
    if (!spans || !deltas || !bounds)
        return -ENOMEM;
    add_buckets(builder, &parts);
    *out = make(builder, &parts);
    return *out ? 0 : -ENOMEM;
}
