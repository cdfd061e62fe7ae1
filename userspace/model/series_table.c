/* SPDX-License-Identifier: Apache-2.0 */
/* Ids in an open-addressing hash, entries in an array that grows by chunks and never moves. What a
 * series costs beside its label text: 16 bytes of entry, 10.7 to 21.3 of hash, 16 and 4 for each
 * label of its interned set and malloc's own. Metadata is kept in metadata_table.c, once for all
 * that have it. Knows nothing of samples. */
#include "model/series_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "model/metadata_table.h"

#define CHUNK_ENTRIES 4096u
#define LEAST_SLOTS 64u

struct series_entry {
    struct labels *labels; /* owned; NULL: the entry is free */
    union {
        uint32_t references;
        series_id next_free;
    };
    metadata_id metadata; /* 0: none */
};
_Static_assert(sizeof(struct series_entry) == 16, "metadata fills what would be padding");

/* Linear probing from home = tag & mask; a series stands at its home or after it, with no gap
 * between. */
struct series_slot {
    series_id series; /* 0: empty */
    uint32_t tag;     /* low half of the hash, so that moving a slot need not look at the labels */
};

struct series_table {
    struct series_entry **chunks; /* of CHUNK_ENTRIES; the id is the index, entry 0 is not used */
    struct series_slot *slots;
    uint32_t mask; /* slots - 1; a power of two */
    uint32_t max_series;
    uint32_t count;
    uint32_t ids_used; /* ids given out so far, 0 included */
    series_id first_free;
    struct metadata_table *metadata;
};

int series_table_new(uint32_t max_series, struct series_table **out)
{
    if (max_series > SERIES_TABLE_MAX)
        return -EINVAL;
    struct series_table *table = calloc(1, sizeof(*table));
    if (!table)
        return -ENOMEM;
    table->max_series = max_series;
    table->ids_used = 1;
    table->mask = LEAST_SLOTS - 1;
    table->chunks = calloc(max_series / CHUNK_ENTRIES + 1, sizeof(*table->chunks));
    table->slots = calloc(LEAST_SLOTS, sizeof(*table->slots));
    int error = table->chunks && table->slots ? metadata_table_new(&table->metadata) : -ENOMEM;
    if (error)
        series_table_free(&table);
    else
        *out = table;
    return error;
}

static struct series_entry *table_entry(const struct series_table *table, series_id series)
{
    return &table->chunks[series / CHUNK_ENTRIES][series % CHUNK_ENTRIES];
}

void series_table_free(struct series_table **out)
{
    struct series_table *table = *out;
    if (!table)
        return;
    for (series_id series = 1; series < table->ids_used; series++)
        labels_free_interned(&table_entry(table, series)->labels);
    for (uint32_t chunk = 0; table->chunks && chunk <= table->max_series / CHUNK_ENTRIES; chunk++)
        free(table->chunks[chunk]);
    free(table->chunks);
    free(table->slots);
    metadata_table_free(&table->metadata);
    free(table);
    *out = NULL;
}

static uint32_t tag_of(const struct labels *labels)
{
    return (uint32_t)labels_hash(labels);
}

/* The slot that holds the set, or the empty one where it belongs. */
static struct series_slot *table_find(const struct series_table *table, const struct labels *labels)
{
    uint32_t tag = tag_of(labels);
    for (uint32_t i = tag & table->mask;; i = (i + 1) & table->mask) {
        struct series_slot *slot = &table->slots[i];
        if (!slot->series)
            return slot;
        if (slot->tag == tag && labels_equal(table_entry(table, slot->series)->labels, labels))
            return slot;
    }
}

static int table_resize(struct series_table *table, uint32_t slot_count)
{
    struct series_slot *slots = calloc(slot_count, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    uint32_t mask = slot_count - 1;
    for (uint32_t old = 0; old <= table->mask; old++) {
        if (!table->slots[old].series)
            continue;
        uint32_t i = table->slots[old].tag & mask;
        while (slots[i].series)
            i = (i + 1) & mask;
        slots[i] = table->slots[old];
    }
    free(table->slots);
    table->slots = slots;
    table->mask = mask;
    return 0;
}

/* At most three quarters full. */
static int table_make_slot(struct series_table *table)
{
    uint64_t slot_count = (uint64_t)table->mask + 1;
    if ((uint64_t)(table->count + 1) * 4 <= slot_count * 3)
        return 0;
    return table_resize(table, (uint32_t)(slot_count * 2));
}

/* An entry that is out of use, or a new one; it stays where it is until table_take_id(). */
static int table_find_free_id(struct series_table *table, series_id *out)
{
    if (table->count == table->max_series)
        return -E2BIG;
    *out = table->first_free ? table->first_free : table->ids_used;
    struct series_entry **chunk = &table->chunks[*out / CHUNK_ENTRIES];
    if (!*chunk)
        *chunk = calloc(CHUNK_ENTRIES, sizeof(**chunk));
    return *chunk ? 0 : -ENOMEM;
}

static void table_take_id(struct series_table *table, series_id series)
{
    if (series == table->first_free)
        table->first_free = table_entry(table, series)->next_free;
    else
        table->ids_used++;
    table->count++;
}

static int table_add(struct series_table *table, const struct labels *labels, series_id *out)
{
    series_id series;
    int error = table_find_free_id(table, &series);
    if (!error)
        error = table_make_slot(table);
    if (error)
        return error;
    struct labels *interned;
    error = labels_intern(labels, &interned);
    if (error)
        return error;
    table_take_id(table, series);
    *table_entry(table, series) = (struct series_entry){.labels = interned, .references = 1};
    *table_find(table, labels) = (struct series_slot){.series = series, .tag = tag_of(labels)};
    *out = series;
    return 0;
}

int series_table_intern(struct series_table *table, const struct labels *labels, series_id *out)
{
    series_id series = table_find(table, labels)->series;
    if (!series)
        return table_add(table, labels, out);
    series_table_hold(table, series);
    *out = series;
    return 0;
}

/* NULL for a number that is not in use. */
static struct series_entry *table_live_entry(const struct series_table *table, series_id series)
{
    if (series == 0 || series >= table->ids_used)
        return NULL;
    struct series_entry *entry = table_entry(table, series);
    return entry->labels ? entry : NULL;
}

const struct labels *series_table_hold(struct series_table *table, series_id series)
{
    struct series_entry *entry = table_live_entry(table, series);
    assert(entry && entry->references < UINT32_MAX);
    entry->references++;
    return entry->labels;
}

/* Closes the gap: each slot after it moves back where that brings it no further than its home. */
static void table_empty_slot(struct series_table *table, uint32_t gap)
{
    uint32_t mask = table->mask;
    for (uint32_t i = (gap + 1) & mask; table->slots[i].series; i = (i + 1) & mask) {
        uint32_t from_home = (i - table->slots[i].tag) & mask;
        uint32_t from_gap = (i - gap) & mask;
        if (from_home < from_gap)
            continue;
        table->slots[gap] = table->slots[i];
        gap = i;
    }
    table->slots[gap] = (struct series_slot){0};
}

static void table_remove(struct series_table *table, series_id series)
{
    struct series_entry *entry = table_entry(table, series);
    table_empty_slot(table, (uint32_t)(table_find(table, entry->labels) - table->slots));
    metadata_table_release(table->metadata, entry->metadata);
    labels_free_interned(&entry->labels);
    *entry = (struct series_entry){.next_free = table->first_free};
    table->first_free = series;
    table->count--;
    uint32_t slot_count = table->mask + 1;
    if (slot_count > LEAST_SLOTS && table->count < slot_count / 8)
        (void)table_resize(table, slot_count / 2); /* without memory it stays as large as it is */
}

void series_table_release(struct series_table *table, series_id series)
{
    struct series_entry *entry = table_live_entry(table, series);
    assert(entry && entry->references > 0);
    if (--entry->references == 0)
        table_remove(table, series);
}

const struct labels *series_table_labels(const struct series_table *table, series_id series)
{
    const struct series_entry *entry = table_live_entry(table, series);
    return entry ? entry->labels : NULL;
}

int series_table_intern_metadata(struct series_table *table, const struct metadata *metadata,
                                 metadata_id *out)
{
    return metadata_table_intern(table->metadata, metadata, out);
}

void series_table_hold_metadata(struct series_table *table, metadata_id id)
{
    metadata_table_hold(table->metadata, id);
}

void series_table_release_metadata(struct series_table *table, metadata_id id)
{
    metadata_table_release(table->metadata, id);
}

void series_table_set_metadata(struct series_table *table, series_id series, metadata_id id)
{
    struct series_entry *entry = table_live_entry(table, series);
    assert(entry);
    if (entry->metadata == id)
        return;
    if (id)
        metadata_table_hold(table->metadata, id);
    metadata_table_release(table->metadata, entry->metadata);
    entry->metadata = id;
}

int series_table_describe(struct series_table *table, series_id series,
                          const struct metadata *metadata)
{
    metadata_id id = 0;
    int error = metadata ? metadata_table_intern(table->metadata, metadata, &id) : 0;
    series_table_set_metadata(table, series, id);
    metadata_table_release(table->metadata, id);
    return error;
}

metadata_id series_table_metadata_id(const struct series_table *table, series_id series)
{
    const struct series_entry *entry = table_live_entry(table, series);
    return entry ? entry->metadata : 0;
}

const struct metadata *series_table_metadata(const struct series_table *table, metadata_id id)
{
    return metadata_table_get(table->metadata, id);
}

metadata_id series_table_next_metadata(const struct series_table *table, metadata_id after)
{
    return metadata_table_next(table->metadata, after);
}

uint32_t series_table_count(const struct series_table *table)
{
    return table->count;
}
