/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of series that scraper, collector, queue and endpoints share: a small number stands
 * for a label set. References are counted; a series without any is forgotten and its number reused.
 */
#ifndef EDGEMETER_MODEL_SERIES_TABLE_H
#define EDGEMETER_MODEL_SERIES_TABLE_H

#include "model/labels.h"
#include "model/metadata.h"

typedef uint32_t series_id; /* 0 is never a series */
#define SERIES_TABLE_MAX (1u << 30)

struct series_table;

/* At most `max_series` at a time. 0, -ENOMEM, or -EINVAL (more than SERIES_TABLE_MAX). */
int series_table_new(uint32_t max_series, struct series_table **out);
void series_table_free(struct series_table **table);

/* Finds the set or adds a copy of it, and takes one reference. 0, -ENOMEM, or -E2BIG (full). */
int series_table_intern(struct series_table *table, const struct labels *labels, series_id *out);
/* Takes a reference, and gives the labels. */
const struct labels *series_table_hold(struct series_table *table, series_id series);
void series_table_release(struct series_table *table, series_id series);

/* NULL for a number that is not in use. Valid until the last reference is released. */
const struct labels *series_table_labels(const struct series_table *table, series_id series);

/* Notes what the scrape said of the series' family, a copy; NULL forgets it. Families with equal
 * metadata share one. 0, -ENOMEM or -E2BIG (metadata_table.h): then the series has none. */
int series_table_describe(struct series_table *table, series_id series,
                          const struct metadata *metadata);
/* 0: nothing was noted. */
metadata_id series_table_metadata_id(const struct series_table *table, series_id series);
/* NULL for 0. Valid until no series has it any more. */
const struct metadata *series_table_metadata(const struct series_table *table, metadata_id id);

/* The number in use after `after`, to go through all of them from 0 on; 0 behind the last one. */
metadata_id series_table_next_metadata(const struct series_table *table, metadata_id after);

/* The same in two steps, for whoever has many series of one family: the metadata, with a reference
 * of its own, and a series that gets it (0: forgets what it had). */
int series_table_intern_metadata(struct series_table *table, const struct metadata *metadata,
                                 metadata_id *out);
void series_table_hold_metadata(struct series_table *table, metadata_id id);
void series_table_release_metadata(struct series_table *table, metadata_id id);
void series_table_set_metadata(struct series_table *table, series_id series, metadata_id id);

uint32_t series_table_count(const struct series_table *table);

#endif
