/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation for a family, found by a seeded 128-bit hash of its content. Who has which
 * metadata is the series table's business. */
#include "model/metadata_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_STATIC_LINKING_ONLY /* a hash state on the stack */
#include <xxhash.h>

#include "base/hash_table.h"

#define LEAST_CAPACITY 64

struct metadata_entry {
    XXH128_hash_t key; /* first: what hash_table compares */
    struct metadata metadata;
    metadata_id id;
    uint32_t references;
    char texts[]; /* family, help, unit */
};

struct metadata_slot {
    struct metadata_entry *entry; /* NULL: free */
    metadata_id next_free;
};

struct metadata_table {
    struct hash_table by_content;
    uint64_t seed;
    size_t text_bytes;
    struct metadata_slot *slots; /* by id */
    uint32_t capacity;
    uint32_t ids_used; /* ids given out so far, 0 included */
    metadata_id first_free;
};

int metadata_table_new(struct metadata_table **out)
{
    struct metadata_table *table = calloc(1, sizeof(*table));
    if (!table)
        return -ENOMEM;
    hash_table_init(&table->by_content, sizeof(XXH128_hash_t), METADATA_TABLE_MAX);
    if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) != sizeof(table->seed))
        table->seed = (uintptr_t)table; /* right after boot */
    table->ids_used = 1;
    *out = table;
    return 0;
}

void metadata_table_free(struct metadata_table **out)
{
    struct metadata_table *table = *out;
    if (!table)
        return;
    for (metadata_id id = 1; id < table->ids_used; id++)
        free(table->slots[id].entry);
    free(table->slots);
    hash_table_free(&table->by_content);
    free(table);
    *out = NULL;
}

/* The lengths say where a text ends. */
static XXH128_hash_t content_key(const struct metadata_table *table,
                                 const struct metadata *metadata)
{
    const uint64_t head[] = {metadata->type, metadata->family.length, metadata->unit.length};
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    XXH3_128bits_reset_withSeed(&state, table->seed);
    XXH3_128bits_update(&state, head, sizeof(head));
    XXH3_128bits_update(&state, metadata->family.bytes, metadata->family.length);
    XXH3_128bits_update(&state, metadata->unit.bytes, metadata->unit.length);
    XXH3_128bits_update(&state, metadata->help.bytes, metadata->help.length);
    return XXH3_128bits_digest(&state);
}

/* Room for one more entry. */
static int table_reserve(struct metadata_table *table)
{
    if (table->first_free || table->ids_used < table->capacity)
        return 0;
    uint32_t capacity = table->capacity ? table->capacity * 2 : LEAST_CAPACITY;
    struct metadata_slot *slots = realloc(table->slots, capacity * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    table->slots = slots;
    table->capacity = capacity;
    return 0;
}

static metadata_id table_take_id(struct metadata_table *table)
{
    metadata_id id = table->first_free;

    if (!id)
        return table->ids_used++;
    table->first_free = table->slots[id].next_free;
    return id;
}

static size_t text_size(const struct metadata *metadata)
{
    return metadata->family.length + metadata->help.length + metadata->unit.length;
}

static struct text copy_text(char **at, struct text text)
{
    struct text copy = {*at, text.length};
    if (text.length)
        memcpy(*at, text.bytes, text.length);
    *at += text.length;
    return copy;
}

static int table_add(struct metadata_table *table, const struct metadata *metadata,
                     XXH128_hash_t key, metadata_id *out)
{
    size_t size = text_size(metadata);

    if (size > METADATA_TABLE_MAX_BYTES - table->text_bytes)
        return -E2BIG;
    int error = table_reserve(table);
    if (error)
        return error;
    struct metadata_entry *entry = malloc(sizeof(*entry) + size);
    if (!entry)
        return -ENOMEM;
    char *at = entry->texts;
    entry->key = key;
    entry->references = 1;
    entry->metadata.family = copy_text(&at, metadata->family);
    entry->metadata.help = copy_text(&at, metadata->help);
    entry->metadata.unit = copy_text(&at, metadata->unit);
    entry->metadata.type = metadata->type;
    error = hash_table_add(&table->by_content, entry);
    if (error) {
        free(entry);
        return error;
    }
    entry->id = table_take_id(table);
    table->slots[entry->id].entry = entry;
    table->text_bytes += size;
    *out = entry->id;
    return 0;
}

int metadata_table_intern(struct metadata_table *table, const struct metadata *metadata,
                          metadata_id *out)
{
    XXH128_hash_t key = content_key(table, metadata);
    struct metadata_entry *entry = hash_table_find(&table->by_content, &key);
    if (!entry)
        return table_add(table, metadata, key, out);
    entry->references++;
    *out = entry->id;
    return 0;
}

static struct metadata_entry *table_entry(const struct metadata_table *table, metadata_id id)
{
    return id && id < table->ids_used ? table->slots[id].entry : NULL;
}

void metadata_table_hold(struct metadata_table *table, metadata_id id)
{
    struct metadata_entry *entry = table_entry(table, id);
    assert(entry && entry->references < UINT32_MAX);
    entry->references++;
}

void metadata_table_release(struct metadata_table *table, metadata_id id)
{
    if (!id)
        return;
    struct metadata_entry *entry = table_entry(table, id);
    assert(entry && entry->references > 0);
    if (--entry->references > 0)
        return;
    hash_table_remove(&table->by_content, &entry->key);
    table->text_bytes -= text_size(&entry->metadata);
    table->slots[id] = (struct metadata_slot){.next_free = table->first_free};
    table->first_free = id;
    free(entry);
}

const struct metadata *metadata_table_get(const struct metadata_table *table, metadata_id id)
{
    const struct metadata_entry *entry = table_entry(table, id);
    return entry ? &entry->metadata : NULL;
}

metadata_id metadata_table_next(const struct metadata_table *table, metadata_id after)
{
    for (metadata_id id = after + 1; id < table->ids_used; id++)
        if (table->slots[id].entry)
            return id;
    return 0;
}

size_t metadata_table_count(const struct metadata_table *table)
{
    return table->by_content.count;
}
