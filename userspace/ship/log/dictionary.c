/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that double. Reads and writes no bytes: see dictionary_code.c. */
#include "ship/log/dictionary.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/log/label_code.h"

#define LEAST_CAPACITY 64

int dictionary_new(struct series_table *table, struct dictionary **out)
{
    struct dictionary *dictionary = calloc(1, sizeof(*dictionary));
    if (!dictionary)
        return -ENOMEM;
    dictionary->table = table;
    dictionary->references = 1;
    *out = dictionary;
    return 0;
}

struct dictionary *dictionary_hold(struct dictionary *dictionary)
{
    dictionary->references++;
    return dictionary;
}

void dictionary_truncate(struct dictionary *dictionary, uint32_t series_count,
                         uint32_t metadata_count)
{
    while (dictionary->series_count > series_count) {
        uint32_t number = --dictionary->series_count;
        if (dictionary->series[number])
            series_table_release(dictionary->table, dictionary->series[number]);
        if (dictionary->shard_keys)
            dictionary->shard_keys[number] = 0;
    }
    while (dictionary->metadata_count > metadata_count) {
        metadata_id id = dictionary->metadata[--dictionary->metadata_count];
        if (id)
            series_table_release_metadata(dictionary->table, id);
    }
}

void dictionary_release(struct dictionary **out)
{
    struct dictionary *dictionary = TAKE_PTR(*out);
    if (!dictionary || --dictionary->references)
        return;
    dictionary_truncate(dictionary, 0, 0);
    free(dictionary->series);
    free(dictionary->metadata);
    free(dictionary->shard_keys);
    free(dictionary);
}

/* Room for the number; items up to it are zero. */
static int array_reach(uint32_t **array, uint32_t *count, uint32_t *capacity, uint32_t number,
                       uint32_t maximum)
{
    if (number >= maximum)
        return -E2BIG;
    if (number >= *capacity) {
        uint32_t larger = *capacity ? *capacity : LEAST_CAPACITY;
        while (larger <= number)
            larger *= 2;
        uint32_t *grown = realloc(*array, larger * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        *array = grown;
        *capacity = larger;
    }
    for (; *count <= number; (*count)++)
        (*array)[*count] = 0;
    return 0;
}

int dictionary_set_series(struct dictionary *dictionary, uint32_t number, series_id series)
{
    uint32_t capacity = dictionary->series_capacity;
    int error = array_reach(&dictionary->series, &dictionary->series_count,
                            &dictionary->series_capacity, number, DICTIONARY_MAX_SERIES);
    if (error)
        return error;
    dictionary->series[number] = series;
    if (dictionary->series_capacity != capacity)
        free(TAKE_PTR(dictionary->shard_keys)); /* made anew at its new size */
    return 0;
}

int dictionary_set_metadata(struct dictionary *dictionary, uint32_t number, metadata_id id)
{
    int error = array_reach(&dictionary->metadata, &dictionary->metadata_count,
                            &dictionary->metadata_capacity, number, DICTIONARY_MAX_METADATA);
    if (!error)
        dictionary->metadata[number] = id;
    return error;
}

uint32_t dictionary_shard_key(struct dictionary *dictionary, uint32_t number)
{
    if (!dictionary->shard_keys)
        dictionary->shard_keys = calloc(dictionary->series_capacity, sizeof(uint32_t));
    if (!dictionary->shard_keys)
        return 0;
    uint32_t *key = &dictionary->shard_keys[number];
    if (!*key) {
        autobuffer struct buffer bytes;
        buffer_init(&bytes, LABELS_MAX_BYTES);
        if (!label_bytes_put(&bytes,
                             series_table_labels(dictionary->table, dictionary->series[number])))
            *key = label_bytes_hash(buffer_text(&bytes));
    }
    return *key;
}

void number_map_free(struct number_map *map)
{
    free(map->numbers);
    *map = (struct number_map){};
}

int number_map_set(struct number_map *map, uint32_t id, uint32_t number)
{
    if (id >= map->capacity) {
        size_t larger = map->capacity ? map->capacity : LEAST_CAPACITY;
        while (larger <= id)
            larger *= 2;
        uint32_t *grown = realloc(map->numbers, larger * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        for (size_t i = map->capacity; i < larger; i++)
            grown[i] = UINT32_MAX;
        map->numbers = grown;
        map->capacity = larger;
    }
    map->numbers[id] = number;
    return 0;
}
