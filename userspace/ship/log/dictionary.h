/* SPDX-License-Identifier: Apache-2.0 */
/* Which series a segment's numbers stand for: made by the one who writes the segment, or learned
 * from its records. Holds a reference of each series and of each metadata. Shared by counting. */
#ifndef EDGEMETER_SHIP_LOG_DICTIONARY_H
#define EDGEMETER_SHIP_LOG_DICTIONARY_H

#include "model/series_table.h"

#define DICTIONARY_MAX_SERIES (1u << 24)
#define DICTIONARY_MAX_METADATA (1u << 20)

struct dictionary {
    struct series_table *table;
    uint32_t references;
    uint32_t series_count, metadata_count;
    uint32_t series_capacity, metadata_capacity;
    series_id *series;     /* by number; 0: not known */
    metadata_id *metadata; /* by number; 0: not known */
    uint32_t *shard_keys;  /* by number, 0 until asked for; NULL: none was asked for */
    uint32_t learned_end;  /* records of the segment before this offset are known */
    bool incomplete;       /* something is not known for want of memory */
};

/* 0 or -ENOMEM; with one reference. */
int dictionary_new(struct series_table *table, struct dictionary **out);
struct dictionary *dictionary_hold(struct dictionary *dictionary);
/* With the last one the dictionary is freed. Sets *dictionary to NULL. */
void dictionary_release(struct dictionary **dictionary);

/* Sets a number, which takes a reference over; numbers in between are not known. The number must
 * not be known yet. 0, -ENOMEM or -E2BIG; then the reference stays the caller's. */
int dictionary_set_series(struct dictionary *dictionary, uint32_t number, series_id series);
int dictionary_set_metadata(struct dictionary *dictionary, uint32_t number, metadata_id id);

/* Forgets the numbers from these on: what was to be written and was not. */
void dictionary_truncate(struct dictionary *dictionary, uint32_t series_count,
                         uint32_t metadata_count);

/* 0: not known. */
static inline series_id dictionary_series(const struct dictionary *dictionary, uint32_t number)
{
    return number < dictionary->series_count ? dictionary->series[number] : 0;
}

/* The hash for sharding of a known series; 0 without memory. */
uint32_t dictionary_shard_key(struct dictionary *dictionary, uint32_t number);

/* From ids to numbers, for the writer: believed only where the dictionary says the same, so that
 * one map serves segment after segment without being emptied. */
struct number_map {
    uint32_t *numbers; /* by id */
    size_t capacity;
};

void number_map_free(struct number_map *map);
int number_map_set(struct number_map *map, uint32_t id, uint32_t number);
static inline bool number_map_find(const struct number_map *map, uint32_t id, const uint32_t *ids,
                                   uint32_t count, uint32_t *number)
{
    if (id >= map->capacity)
        return false;
    *number = map->numbers[id];
    return *number < count && ids[*number] == id;
}

#endif
