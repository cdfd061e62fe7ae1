/* SPDX-License-Identifier: Apache-2.0 */
/* From pending samples to a compressed body. The order, unless it is the one in which they came:
 * names as they first come; of a name the label sets as they first come, those side by side that
 * differ in their instance alone. Sorting would cost more than encoding. */
#include "ship/batch.h"

#include <errno.h>
#include <snappy-c.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/labels_packed.h"
#include "ship/varint.h"

/* Snappy's worst case. */
#define COMPRESSED_MAX_BYTES (BATCH_MAX_BYTES + BATCH_MAX_BYTES / 6 + 64)
#define SAMPLE_ABOUT_BYTES 32 /* a float on the wire without its labels */
#define NONE UINT32_MAX
#define PREFETCHED 8 /* samples ahead */

/* What stands side by side, found by its key. */
struct group {
    uint32_t key;
    uint32_t first, last; /* of a name: groups of siblings; of siblings: samples */
    uint32_t next;        /* of siblings: the next of the same name */
};

/* Open addressing. */
struct group_set {
    struct group *groups;
    uint32_t count;
    uint32_t *slots; /* twice as many; group + 1, 0 is empty */
};

struct batch_builder {
    struct series_table *series;
    struct encoder *encoder;
    struct group_set names, siblings;
    uint32_t *next;  /* of each sample: the next of its siblings */
    size_t capacity; /* of samples and groups */
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

static void set_free(struct group_set *set)
{
    free(set->groups);
    free(set->slots);
    *set = (struct group_set){};
}

static int set_reserve(struct group_set *set, size_t capacity)
{
    set_free(set);
    set->groups = calloc(capacity, sizeof(*set->groups));
    set->slots = calloc(2 * capacity, sizeof(*set->slots));
    return set->groups && set->slots ? 0 : -ENOMEM;
}

static void builder_free_order(struct batch_builder *builder)
{
    set_free(&builder->names);
    set_free(&builder->siblings);
    free(TAKE_PTR(builder->next));
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
    builder->next = calloc(capacity, sizeof(*builder->next));
    if (!builder->next || set_reserve(&builder->names, capacity) ||
        set_reserve(&builder->siblings, capacity)) {
        builder_free_order(builder);
        return -ENOMEM;
    }
    builder->capacity = capacity;
    return 0;
}

/* ---- the order ---- */

static void set_clear(struct group_set *set, size_t capacity)
{
    memset(set->slots, 0, 2 * capacity * sizeof(*set->slots));
    set->count = 0;
}

/* The group's number, which may be `guess`; one that is new is empty. */
static uint32_t find_group(struct group_set *set, size_t capacity, uint32_t key, uint32_t guess)
{
    size_t mask = 2 * capacity - 1, slot = key & mask;
    if (guess < set->count && set->groups[guess].key == key)
        return guess;
    for (; set->slots[slot]; slot = (slot + 1) & mask)
        if (set->groups[set->slots[slot] - 1].key == key)
            return set->slots[slot] - 1;
    set->groups[set->count] = (struct group){key, NONE, NONE, NONE};
    set->slots[slot] = ++set->count;
    return set->count - 1;
}

static void add_siblings(struct batch_builder *builder, uint32_t name, uint32_t number)
{
    struct group_set *names = &builder->names;
    struct group *group =
        &names->groups[find_group(names, builder->capacity, name, names->count - 1)];
    if (group->first == NONE)
        group->first = number;
    else
        builder->siblings.groups[group->last].next = number;
    group->last = number;
}

/* The metric name is the first label, but for names in capitals before it. */
static uint32_t name_key(const struct labels *labels)
{
    return labels->count ? labels_pairs(labels)[0] : 0;
}

/* Targets show their series in one order: behind the siblings found last are mostly the next. */
static void order_samples(struct batch_builder *builder, const struct pending *pending,
                          size_t items)
{
    struct group_set *siblings = &builder->siblings;
    uint32_t number = NONE;
    set_clear(&builder->names, builder->capacity);
    set_clear(siblings, builder->capacity);
    for (uint32_t i = 0; i < items; i++) {
        const struct labels *labels = pending_at(pending, i)->labels;
        number = find_group(siblings, builder->capacity, labels_siblings(labels), number + 1);
        struct group *group = &siblings->groups[number];
        builder->next[i] = NONE;
        if (group->first == NONE) {
            add_siblings(builder, name_key(labels), number);
            group->first = i;
        } else {
            builder->next[group->last] = i;
        }
        group->last = i;
    }
}

/* ---- compression ----
 *
 * A snappy block is its length and elements, which libsnappy makes for 64 kB at a time. So does
 * this: what is encoded is compressed while it is in the cache, and never there as a whole. */

#define PART_BYTES (64 << 10)
#define HEAD_BYTES 5 /* room for the length, which is known at the end */

static int compress_begin(struct buffer *body)
{
    if (!buffer_reserve(body, HEAD_BYTES))
        return -ENOMEM;
    body->length = HEAD_BYTES;
    return 0;
}

static int compress_part(struct buffer *body, struct text part)
{
    size_t length = snappy_max_compressed_length(part.length), head = varint_size(part.length);
    char *room = buffer_reserve(body, length);
    if (!room || snappy_compress(part.bytes, part.length, room, &length) != SNAPPY_OK)
        return -ENOMEM;
    memmove(room, room + head, length - head);
    body->length += length - head;
    return 0;
}

static int compress_end(struct buffer *body, struct text rest, size_t encoded)
{
    int error = rest.length ? compress_part(body, rest) : 0;
    if (error)
        return error;
    size_t written = body->length - HEAD_BYTES;
    uint8_t *at = varint_put((uint8_t *)body->bytes, encoded);
    memmove(at, body->bytes + HEAD_BYTES, written);
    body->length = (size_t)((char *)at - body->bytes) + written;
    return 0;
}

int batch_compress(struct buffer *body, struct text encoded)
{
    int error = compress_begin(body);
    return error ? error : compress_end(body, encoded, encoded.length);
}

static int compress_ready(struct encoder *encoder, struct buffer *body)
{
    struct text ready = encoder_ready(encoder);
    int error = 0;
    while (ready.length >= PART_BYTES && !error) {
        error = compress_part(body, (struct text){ready.bytes, PART_BYTES});
        encoder_drop(encoder, PART_BYTES);
        ready = encoder_ready(encoder);
    }
    return error;
}

static int compress_rest(struct encoder *encoder, struct buffer *body)
{
    struct text rest;
    int error = encoder_finish(encoder, &rest);
    return error ? error : compress_end(body, rest, encoder_length(encoder));
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
        .labels = item->labels,
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
    if (error == -E2BIG && entry.metadata) { /* rather without it than not at all */
        entry.metadata = NULL;
        error = encoder_add(builder->encoder, &entry);
    }
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

static size_t histogram_about_bytes(const struct histogram *histogram)
{
    return 2 * ((size_t)histogram->positive_delta_count + histogram->negative_delta_count) +
           histogram->custom_value_count * sizeof(double);
}

static size_t about_bytes(const struct pending_item *item)
{
    size_t bytes = SAMPLE_ABOUT_BYTES + item->labels->size;
    if (item->sample.type == SAMPLE_HISTOGRAM)
        bytes += histogram_about_bytes(item->sample.histogram);
    for (size_t i = 0; item->extra && i < item->extra->exemplar_count; i++)
        bytes += SAMPLE_ABOUT_BYTES + labels_size(item->extra->exemplars[i].labels);
    return bytes;
}

size_t batch_choose(const struct pending *pending, size_t most)
{
    size_t items = 0, bytes = 0;
    if (most > pending->count)
        most = pending->count;
    for (; items < most && bytes < BATCH_FULL_BYTES; items++) {
        if (items + PREFETCHED < most) /* the labels are in no cache, and come one by one */
            __builtin_prefetch(pending_at(pending, items + PREFETCHED)->labels);
        bytes += about_bytes(pending_at(pending, items));
    }
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

static int take_name(struct batch_builder *builder, struct batch *batch, struct pending *pending,
                     const struct group *name, const struct batch_rules *rules)
{
    const struct group *siblings;
    int error = 0;
    for (uint32_t g = name->first; g != NONE && !error; g = siblings->next) {
        siblings = &builder->siblings.groups[g];
        for (uint32_t i = siblings->first; i != NONE; i = builder->next[i])
            batch_take(builder, batch, pending, i, rules);
        error = compress_ready(builder->encoder, &batch->body);
    }
    return error;
}

static int take_by_name(struct batch_builder *builder, struct batch *batch, struct pending *pending,
                        const struct batch_rules *rules)
{
    int error = builder_reserve(builder, batch->items);
    if (error)
        return error;
    order_samples(builder, pending, batch->items);
    for (uint32_t name = 0; !error && name < builder->names.count; name++)
        error = take_name(builder, batch, pending, &builder->names.groups[name], rules);
    return error;
}

static int take_as_they_came(struct batch_builder *builder, struct batch *batch,
                             struct pending *pending, const struct batch_rules *rules)
{
    int error = 0;
    for (size_t i = 0; !error && i < batch->items; i++) {
        batch_take(builder, batch, pending, i, rules);
        error = compress_ready(builder->encoder, &batch->body);
    }
    return error;
}

void batch_build(struct batch_builder *builder, struct batch *batch, struct pending *pending,
                 size_t items, const struct batch_rules *rules)
{
    batch_clear(batch);
    batch->items = items;
    batch->protocol = rules->protocol;
    int error = compress_begin(&batch->body);
    if (!error) {
        encoder_begin(builder->encoder, rules->protocol);
        error = rules->as_they_came ? take_as_they_came(builder, batch, pending, rules)
                                    : take_by_name(builder, batch, pending, rules);
    }
    if (!error && sample_counts_sum(batch->samples))
        error = compress_rest(builder->encoder, &batch->body);
    if (error)
        batch_give_up(batch, pending);
    else if (!sample_counts_sum(batch->samples))
        buffer_clear(&batch->body);
}
