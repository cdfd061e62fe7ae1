/* SPDX-License-Identifier: Apache-2.0 */
/* From pending samples to a compressed body. The order: names as they first come, told apart by
 * their numbers, since sorting would cost more than encoding. */
#include "ship/batch.h"

#include <errno.h>
#include <snappy-c.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Snappy's worst case. */
#define COMPRESSED_MAX_BYTES (BATCH_MAX_BYTES + BATCH_MAX_BYTES / 6 + 64)
#define SAMPLE_ABOUT_BYTES 32 /* a float on the wire without its labels */
#define NONE UINT32_MAX
#define SPREAD 2654435761u /* numbers that follow each other to slots that do not */

/* The samples of one name: a list through builder->next. */
struct name_group {
    uint32_t name; /* labels_metric_name() */
    uint32_t first, last;
};

struct batch_builder {
    struct series_table *series;
    struct encoder *encoder;
    struct name_group *groups;
    uint32_t group_count;
    uint32_t *next;  /* by sample */
    uint32_t *slots; /* open addressing: group + 1, 0 is empty */
    size_t capacity; /* of groups and next; slots has twice as many */
};

void batch_init(struct batch *batch)
{
    *batch = (struct batch){};
    buffer_init(&batch->body, COMPRESSED_MAX_BYTES);
}

void batch_free(struct batch *batch)
{
    buffer_free(&batch->body);
}

void batch_clear(struct batch *batch)
{
    struct buffer body = batch->body;
    buffer_clear(&body);
    *batch = (struct batch){.body = body, .oldest_ms = INT64_MAX, .newest_ms = INT64_MIN};
}

/* ---- the builder ---- */

int batch_builder_new(struct series_table *series, struct batch_builder **out)
{
    struct batch_builder *builder = calloc(1, sizeof(*builder));
    if (!builder)
        return -ENOMEM;
    builder->series = series;
    int error = encoder_new(BATCH_MAX_BYTES, &builder->encoder);
    if (error)
        batch_builder_free(&builder);
    else
        *out = builder;
    return error;
}

static void builder_free_order(struct batch_builder *builder)
{
    free(builder->groups);
    free(builder->next);
    free(builder->slots);
    builder->groups = NULL;
    builder->next = builder->slots = NULL;
    builder->capacity = 0;
}

void batch_builder_free(struct batch_builder **out)
{
    struct batch_builder *builder = TAKE_PTR(*out);
    if (!builder)
        return;
    builder_free_order(builder);
    encoder_free(&builder->encoder);
    free(builder);
}

struct encoder *batch_builder_encoder(struct batch_builder *builder)
{
    return builder->encoder;
}

static int builder_reserve(struct batch_builder *builder, size_t items)
{
    size_t capacity = builder->capacity ? builder->capacity : 256;
    if (items <= builder->capacity)
        return 0;
    while (capacity < items)
        capacity *= 2;
    builder_free_order(builder);
    builder->groups = calloc(capacity, sizeof(*builder->groups));
    builder->next = calloc(capacity, sizeof(*builder->next));
    builder->slots = calloc(2 * capacity, sizeof(*builder->slots));
    if (!builder->groups || !builder->next || !builder->slots) {
        builder_free_order(builder);
        return -ENOMEM;
    }
    builder->capacity = capacity;
    return 0;
}

/* ---- the order ---- */

static struct name_group *find_group(struct batch_builder *builder, uint32_t name)
{
    size_t mask = 2 * builder->capacity - 1, slot = name * SPREAD >> 7 & mask;
    for (; builder->slots[slot]; slot = (slot + 1) & mask) {
        struct name_group *group = &builder->groups[builder->slots[slot] - 1];
        if (group->name == name)
            return group;
    }
    struct name_group *group = &builder->groups[builder->group_count++];
    *group = (struct name_group){name, NONE, NONE};
    builder->slots[slot] = builder->group_count;
    return group;
}

static void order_by_name(struct batch_builder *builder, const struct pending *pending,
                          size_t items)
{
    struct name_group *group = NULL;
    memset(builder->slots, 0, 2 * builder->capacity * sizeof(*builder->slots));
    builder->group_count = 0;
    for (uint32_t i = 0; i < items; i++) {
        series_id series = pending_at(pending, i)->sample.series;
        uint32_t name = labels_metric_name(series_table_labels(builder->series, series));
        if (!group || group->name != name) /* families come in runs */
            group = find_group(builder, name);
        if (group->first == NONE)
            group->first = i;
        else
            builder->next[group->last] = i;
        group->last = i;
        builder->next[i] = NONE;
    }
}

/* ---- the body ---- */

static void count_one(struct sample_counts *counts, const struct pending_item *item)
{
    if (item->sample.type == SAMPLE_HISTOGRAM)
        counts->histograms++;
    else
        counts->floats++;
    if (item->extra)
        counts->exemplars += item->extra->exemplar_count;
}

static void leave_out(struct sample_counts *counts, struct pending *pending, size_t index)
{
    count_one(counts, pending_at(pending, index));
    pending_leave_out(pending, index);
}

static void batch_take(struct batch_builder *builder, struct batch *batch, struct pending *pending,
                       size_t index, const struct batch_rules *rules)
{
    const struct pending_item *item = pending_at(pending, index);
    const struct pending_extra *extra = item->extra;
    struct encode_entry entry = {
        .labels = series_table_labels(builder->series, item->sample.series),
        .sample = &item->sample,
    };
    if (item->left_out)
        return;
    if (item->sample.timestamp_ms < rules->least_ms) {
        leave_out(&batch->too_old, pending, index);
        return;
    }
    if (extra) {
        entry.created_ms = extra->created_ms;
        entry.exemplars = extra->exemplars;
        entry.exemplar_count = extra->exemplar_count;
    }
    if (rules->with_metadata)
        entry.metadata = series_table_metadata(
            builder->series, series_table_metadata_id(builder->series, item->sample.series));
    int error = encoder_add(builder->encoder, &entry);
    if (error) {
        leave_out(error == -E2BIG ? &batch->too_large : &batch->no_memory, pending, index);
        return;
    }
    count_one(&batch->samples, item);
    batch->metadata += entry.metadata != NULL;
    if (item->sample.timestamp_ms > batch->newest_ms)
        batch->newest_ms = item->sample.timestamp_ms;
    if (item->sample.timestamp_ms < batch->oldest_ms)
        batch->oldest_ms = item->sample.timestamp_ms;
}

int batch_compress(struct buffer *body, struct text encoded)
{
    size_t length = snappy_max_compressed_length(encoded.length);
    char *room = buffer_reserve(body, length);
    if (!room || snappy_compress(encoded.bytes, encoded.length, room, &length) != SNAPPY_OK)
        return -ENOMEM;
    body->length += length;
    return 0;
}

static size_t about_bytes(const struct batch_builder *builder, const struct pending_item *item)
{
    const struct labels *labels = series_table_labels(builder->series, item->sample.series);
    size_t bytes = SAMPLE_ABOUT_BYTES + labels_size(labels);
    if (item->sample.type == SAMPLE_HISTOGRAM)
        bytes += 2 * ((size_t)item->sample.histogram->positive_delta_count +
                      item->sample.histogram->negative_delta_count);
    for (size_t i = 0; item->extra && i < item->extra->exemplar_count; i++)
        bytes += SAMPLE_ABOUT_BYTES + labels_size(item->extra->exemplars[i].labels);
    return bytes;
}

size_t batch_choose(const struct batch_builder *builder, const struct pending *pending, size_t most)
{
    size_t items = 0, bytes = 0;
    while (items < pending->count && items < most && bytes < BATCH_FULL_BYTES)
        bytes += about_bytes(builder, pending_at(pending, items++));
    return items;
}

/* No memory for the whole: nothing is sent. */
static void batch_give_up(struct batch *batch, struct pending *pending)
{
    for (size_t i = 0; i < batch->items; i++)
        if (!pending_at(pending, i)->left_out)
            leave_out(&batch->no_memory, pending, i);
    batch->samples = (struct sample_counts){};
    buffer_clear(&batch->body);
}

void batch_build(struct batch_builder *builder, struct batch *batch, struct pending *pending,
                 size_t items, const struct batch_rules *rules)
{
    struct text encoded;
    batch_clear(batch);
    batch->items = items;
    batch->protocol = rules->protocol;
    if (builder_reserve(builder, items)) {
        batch_give_up(batch, pending);
        return;
    }
    order_by_name(builder, pending, items);
    encoder_begin(builder->encoder, rules->protocol);
    for (uint32_t g = 0; g < builder->group_count; g++)
        for (uint32_t i = builder->groups[g].first; i != NONE; i = builder->next[i])
            batch_take(builder, batch, pending, i, rules);
    if (sample_counts_sum(batch->samples) &&
        (encoder_finish(builder->encoder, &encoded) || batch_compress(&batch->body, encoded)))
        batch_give_up(batch, pending);
}
