/* SPDX-License-Identifier: Apache-2.0 */
/* Collects labels: sorted entries over one run of bytes. Replaced and deleted text stays in the
 * bytes until the next clear, which comes once for each series. */
#include "model/labels.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/labels_packed.h"

#define FIRST_CAPACITY 32
#define KEPT_BYTES (64 * 1024) /* more than this is given back at the next clear */

/* Offsets and lengths in `bytes`, which moves as it grows. */
struct builder_entry {
    uint32_t name, name_length;
    uint32_t value, value_length;
    uint32_t order; /* 0: as it was at the mark */
};

struct labels_builder {
    struct buffer bytes;
    struct builder_entry *entries; /* sorted by name */
    uint32_t count;
    uint32_t capacity;
    uint32_t set; /* since the mark, each label once */
};

int labels_builder_new(struct labels_builder **out)
{
    struct labels_builder *builder = calloc(1, sizeof(*builder));
    if (!builder)
        return -ENOMEM;
    buffer_init(&builder->bytes, LABELS_MAX_BYTES);
    *out = builder;
    return 0;
}

void labels_builder_free(struct labels_builder **builder)
{
    if (!*builder)
        return;
    buffer_free(&(*builder)->bytes);
    free((*builder)->entries);
    free(*builder);
    *builder = NULL;
}

void labels_builder_clear(struct labels_builder *builder)
{
    builder->count = builder->set = 0;
    buffer_clear(&builder->bytes);
    if (builder->bytes.capacity > KEPT_BYTES)
        buffer_free(&builder->bytes);
}

static struct text builder_name(const struct labels_builder *builder, uint32_t index)
{
    const struct builder_entry *entry = &builder->entries[index];
    return (struct text){builder->bytes.bytes + entry->name, entry->name_length};
}

static struct text builder_value(const struct labels_builder *builder, uint32_t index)
{
    const struct builder_entry *entry = &builder->entries[index];
    return (struct text){builder->bytes.bytes + entry->value, entry->value_length};
}

/* Where the name is, or where it belongs. */
static uint32_t builder_find(const struct labels_builder *builder, struct text name, bool *found)
{
    uint32_t low = 0, high = builder->count;
    *found = false;
    /* Labels that come from a set or from an exporter mostly come in order. */
    if (high && text_compare(builder_name(builder, high - 1), name) < 0)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = text_compare(builder_name(builder, middle), name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Makes room for the two texts. Either may be the builder's own, as given by labels_builder_get():
 * then it follows the bytes to where they move. */
static int builder_reserve(struct labels_builder *builder, struct text *first, struct text *second)
{
    struct buffer *bytes = &builder->bytes;
    struct text *texts[] = {first, second};
    size_t offsets[ARRAY_SIZE(texts)];
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        offsets[i] = (uintptr_t)texts[i]->bytes - (uintptr_t)bytes->bytes;
    size_t extra = first->length + second->length;
    if (!buffer_reserve(bytes, extra))
        return extra > bytes->maximum - bytes->length ? -E2BIG : -ENOMEM;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (offsets[i] < bytes->length)
            texts[i]->bytes = bytes->bytes + offsets[i];
    return 0;
}

/* There is room. */
static uint32_t builder_append(struct labels_builder *builder, struct text text)
{
    size_t offset = builder->bytes.length;
    memcpy(builder->bytes.bytes + offset, text.bytes, text.length);
    builder->bytes.length += text.length;
    return (uint32_t)offset;
}

static int builder_replace(struct labels_builder *builder, uint32_t index, struct text value)
{
    struct builder_entry *entry = &builder->entries[index];
    if (value.length <= entry->value_length) {
        memmove(builder->bytes.bytes + entry->value, value.bytes, value.length);
    } else {
        int error = builder_reserve(builder, &value, &(struct text){"", 0});
        if (error)
            return error;
        entry->value = builder_append(builder, value);
    }
    entry->value_length = (uint32_t)value.length;
    if (!entry->order)
        entry->order = ++builder->set;
    return 0;
}

static int builder_grow_entries(struct labels_builder *builder)
{
    if (builder->count < builder->capacity)
        return 0;
    if (builder->count == LABELS_MAX_COUNT)
        return -E2BIG;
    uint32_t capacity = builder->capacity ? builder->capacity * 2 : FIRST_CAPACITY;
    void *entries = realloc(builder->entries, capacity * sizeof(*builder->entries));
    if (!entries)
        return -ENOMEM;
    builder->entries = entries;
    builder->capacity = capacity;
    return 0;
}

static int builder_insert(struct labels_builder *builder, uint32_t index, struct label label)
{
    int error = builder_grow_entries(builder);
    if (!error)
        error = builder_reserve(builder, &label.name, &label.value);
    if (error)
        return error;
    struct builder_entry *entry = &builder->entries[index];
    memmove(entry + 1, entry, (builder->count - index) * sizeof(*entry));
    *entry = (struct builder_entry){
        .name = builder_append(builder, label.name),
        .name_length = (uint32_t)label.name.length,
        .value = builder_append(builder, label.value),
        .value_length = (uint32_t)label.value.length,
        .order = ++builder->set,
    };
    builder->count++;
    return 0;
}

static void builder_remove(struct labels_builder *builder, uint32_t index)
{
    struct builder_entry *entry = &builder->entries[index];
    builder->count--;
    memmove(entry, entry + 1, (builder->count - index) * sizeof(*entry));
}

int labels_builder_set(struct labels_builder *builder, struct text name, struct text value)
{
    if (!name.length)
        return -EINVAL;
    bool found;
    uint32_t index = builder_find(builder, name, &found);
    if (found && value.length)
        return builder_replace(builder, index, value);
    if (found)
        builder_remove(builder, index);
    else if (value.length)
        return builder_insert(builder, index, (struct label){name, value});
    return 0;
}

struct text labels_builder_get(const struct labels_builder *builder, struct text name)
{
    bool found;
    uint32_t index = builder_find(builder, name, &found);
    return found ? builder_value(builder, index) : (struct text){"", 0};
}

size_t labels_builder_count(const struct labels_builder *builder)
{
    return builder->count;
}

struct label labels_builder_at(const struct labels_builder *builder, size_t index)
{
    return (struct label){builder_name(builder, (uint32_t)index),
                          builder_value(builder, (uint32_t)index)};
}

void labels_builder_mark(struct labels_builder *builder)
{
    for (uint32_t i = 0; i < builder->count; i++)
        builder->entries[i].order = 0;
    builder->set = 0;
}

uint32_t labels_builder_order(const struct labels_builder *builder, size_t index)
{
    return builder->entries[index].order;
}

int labels_builder_add_all(struct labels_builder *builder, const struct labels *labels)
{
    int error = 0;
    for (struct label_cursor c = labels_first(labels); !error && labels_next(&c);)
        error = labels_builder_set(builder, c.label.name, c.label.value);
    return error;
}

static size_t builder_packed_size(const struct labels_builder *builder)
{
    size_t size = 0;
    for (uint32_t i = 0; i < builder->count; i++) {
        const struct builder_entry *entry = &builder->entries[i];
        size += packed_length_size(entry->name_length) + entry->name_length;
        size += packed_length_size(entry->value_length) + entry->value_length;
    }
    return size;
}

int labels_builder_build(const struct labels_builder *builder, struct labels **out)
{
    size_t size = sizeof(struct labels) + builder_packed_size(builder);
    struct labels *labels = malloc(size);
    if (!labels)
        return -ENOMEM;
    labels->size = (uint32_t)size;
    labels->count = builder->count;
    labels->interned = 0;
    uint8_t *at = labels->packed;
    for (uint32_t i = 0; i < builder->count; i++) {
        const struct builder_entry *entry = &builder->entries[i];
        at = packed_put(at, builder->bytes.bytes + entry->name, entry->name_length);
        at = packed_put(at, builder->bytes.bytes + entry->value, entry->value_length);
    }
    labels->hash = labels_packed_hash(labels);
    *out = labels;
    return 0;
}
