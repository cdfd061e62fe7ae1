/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing with no tombstones: removing moves what stands behind the gap. Grows, never
 * shrinks. */
#include "base/hash_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LEAST_SLOTS 16

void hash_table_init(struct hash_table *table, size_t key_size, size_t maximum)
{
    *table = (struct hash_table){.key_size = key_size, .maximum = maximum};
}

void hash_table_free(struct hash_table *table)
{
    free(table->slots);
    hash_table_init(table, table->key_size, table->maximum);
}

static size_t table_home(const struct hash_table *table, const void *key)
{
    return XXH3_64bits(key, table->key_size) & (table->slot_count - 1);
}

static size_t table_next(const struct hash_table *table, size_t slot)
{
    return (slot + 1) & (table->slot_count - 1);
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t table_slot(const struct hash_table *table, const void *key)
{
    size_t slot = table_home(table, key);
    while (table->slots[slot] && memcmp(table->slots[slot], key, table->key_size) != 0)
        slot = table_next(table, slot);
    return slot;
}

void *hash_table_find(const struct hash_table *table, const void *key)
{
    return table->slot_count ? table->slots[table_slot(table, key)] : NULL;
}

static int table_grow(struct hash_table *table)
{
    struct hash_table grown = *table;

    grown.slot_count = table->slot_count ? table->slot_count * 2 : LEAST_SLOTS;
    grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
    if (!grown.slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i])
            grown.slots[table_slot(&grown, table->slots[i])] = table->slots[i];
    free(table->slots);
    *table = grown;
    return 0;
}

int hash_table_add(struct hash_table *table, void *item)
{
    if (table->count == table->maximum)
        return -E2BIG;
    if (table->count + 1 > table->slot_count / 4 * 3) {
        int error = table_grow(table);
        if (error)
            return error;
    }
    table->slots[table_slot(table, item)] = item;
    table->count++;
    return 0;
}

void hash_table_remove(struct hash_table *table, const void *key)
{
    if (!hash_table_find(table, key))
        return;
    size_t gap = table_slot(table, key);
    for (size_t i = table_next(table, gap); table->slots[i]; i = table_next(table, i)) {
        size_t home = table_home(table, table->slots[i]);
        size_t mask = table->slot_count - 1;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue; /* its home lies behind the gap */
        table->slots[gap] = table->slots[i];
        gap = i;
    }
    table->slots[gap] = NULL;
    table->count--;
}
