/* SPDX-License-Identifier: Apache-2.0 */
/* The cache is an array by series number. Numbers are given out again, so an entry names its series
 * by the hash of its labels besides: the series itself is not held. Entries of series that are
 * gone, or that nobody asks for any more, are forgotten little by little. */
#include "ship/remote_relabel.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define FIRST_CAPACITY 1024
#define SWEPT_AT_ONCE 4 /* entries, at each call */
#define ROUNDS_KEPT 64  /* of sweeping, without being asked for */

struct entry {
    uint64_t hash; /* of the labels before */
    series_id result;
    uint32_t round; /* when it was last asked for */
    bool known;
    bool held; /* a reference of the result, which is another series */
};

struct remote_relabel {
    struct series_table *series;
    const struct relabel_rules *rules;
    struct relabeler *relabeler;
    struct labels_builder *builder;
    struct entry *entries; /* by series */
    uint32_t capacity;
    uint32_t swept; /* the next one to look at */
    uint32_t round;
    struct entry uncached; /* of a series that has no place in `entries` */
};

int remote_relabel_new(struct series_table *series, const struct relabel_rules *rules,
                       struct remote_relabel **out)
{
    struct remote_relabel *relabel = calloc(1, sizeof(*relabel));
    if (!relabel)
        return -ENOMEM;
    relabel->series = series;
    relabel->rules = rules;
    int error = relabeler_new(&relabel->relabeler);
    if (!error)
        error = labels_builder_new(&relabel->builder);
    if (error)
        remote_relabel_free(&relabel);
    else
        *out = relabel;
    return error;
}

static void forget(struct remote_relabel *relabel, struct entry *entry)
{
    if (entry->held)
        series_table_release(relabel->series, entry->result);
    *entry = (struct entry){0};
}

void remote_relabel_free(struct remote_relabel **out)
{
    struct remote_relabel *relabel = *out;
    if (!relabel)
        return;
    for (uint32_t i = 0; i < relabel->capacity; i++)
        forget(relabel, &relabel->entries[i]);
    forget(relabel, &relabel->uncached);
    free(relabel->entries);
    relabeler_free(&relabel->relabeler);
    labels_builder_free(&relabel->builder);
    free(relabel);
    *out = NULL;
}

static bool is_stale(const struct remote_relabel *relabel, uint32_t index)
{
    const struct entry *entry = &relabel->entries[index];
    const struct labels *labels = series_table_labels(relabel->series, index);

    return entry->known && (!labels || labels_hash(labels) != entry->hash ||
                            relabel->round - entry->round > ROUNDS_KEPT);
}

/* Looks at the next few entries. */
static void sweep(struct remote_relabel *relabel)
{
    for (int i = 0; i < SWEPT_AT_ONCE && relabel->capacity; i++) {
        if (++relabel->swept >= relabel->capacity) {
            relabel->swept = 0;
            relabel->round++;
        }
        if (is_stale(relabel, relabel->swept))
            forget(relabel, &relabel->entries[relabel->swept]);
    }
}

/* Where what is known of the series is kept. */
static struct entry *find_entry(struct remote_relabel *relabel, series_id series)
{
    uint32_t capacity = relabel->capacity ? relabel->capacity : FIRST_CAPACITY;

    if (series < relabel->capacity)
        return &relabel->entries[series];
    while (capacity <= series && capacity < REMOTE_RELABEL_MAX_SERIES)
        capacity *= 2;
    struct entry *entries =
        series < capacity ? realloc(relabel->entries, capacity * sizeof(*entries)) : NULL;
    if (!entries)
        return &relabel->uncached;
    memset(entries + relabel->capacity, 0, (capacity - relabel->capacity) * sizeof(*entries));
    relabel->entries = entries;
    relabel->capacity = capacity;
    return &entries[series];
}

/* With a reference of the result. */
static int apply(struct remote_relabel *relabel, const struct labels *labels, series_id *result)
{
    autofree struct labels *made = NULL;

    *result = 0;
    labels_builder_clear(relabel->builder);
    int error = labels_builder_add_all(relabel->builder, labels);
    if (error)
        return error;
    int verdict = relabel_apply(relabel->relabeler, relabel->rules, relabel->builder);
    if (verdict < 0)
        return verdict;
    if (verdict == RELABEL_DROPPED || !labels_builder_count(relabel->builder))
        return 0;
    error = labels_builder_build(relabel->builder, &made);
    return error ? error : series_table_intern(relabel->series, made, result);
}

/* What the scrape says of a family stays true of its series by another name. */
static void carry_metadata(struct series_table *table, series_id series, series_id result)
{
    metadata_id metadata = series_table_metadata_id(table, series);
    if (metadata)
        series_table_set_metadata(table, result, metadata);
}

int remote_relabel_series(struct remote_relabel *relabel, series_id series, series_id *out)
{
    const struct labels *labels = series_table_labels(relabel->series, series);
    uint64_t hash = labels_hash(labels);

    sweep(relabel);
    struct entry *entry = find_entry(relabel, series);
    if (!entry->known || entry->hash != hash) {
        series_id result;
        int error = apply(relabel, labels, &result);
        if (error)
            return error;
        forget(relabel, entry);
        *entry = (struct entry){.hash = hash, .result = result, .known = true};
        entry->held = result && result != series;
        if (result == series)
            series_table_release(relabel->series, result);
    }
    entry->round = relabel->round;
    if (entry->held)
        carry_metadata(relabel->series, series, entry->result);
    *out = entry->result;
    return 0;
}
