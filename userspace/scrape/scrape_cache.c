/* SPDX-License-Identifier: Apache-2.0 */
/* Entries lie in the order in which the target first exposed them, their texts behind one another.
 * Targets keep their order from scrape to scrape, so that the entry behind the one found last is
 * mostly the one looked for; only otherwise the index of hashes is asked. */
#include "scrape/scrape_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"

#define NO_ENTRY UINT32_MAX
#define MIN_SLOTS 64
#define KEPT_BY_FAILURES 1000 /* entries that failing pages may add, as in Prometheus */

struct scrape_cache {
    struct series_table *series;
    uint64_t seed;
    uint32_t scrape; /* number of the present one */
    uint32_t next;   /* the entry expected next */
    struct cached_series *entries;
    uint32_t count, capacity;
    uint32_t good_count; /* after the last scrape that did not fail */
    uint32_t *slots;     /* entry numbers, linear probing */
    uint32_t slot_count; /* a power of two, at least twice `count` */
    struct buffer texts;
    int64_t *newest; /* of each entry, ms; NULL: the target gives no times of its own */
    uint32_t newest_count;
    struct scrape_families *families;
    struct scrape_exemplars *exemplars; /* NULL: the target has shown none */
    series_id *ended;
    series_id *inherited; /* alive before, and known by no text here; one reference each */
    size_t inherited_count;
    bool open;            /* a scrape has begun and not ended */
    bool inherited_ended; /* by the last scrape: released when the next one begins */
};

int scrape_cache_new(struct series_table *series, struct scrape_cache **out)
{
    struct scrape_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return -ENOMEM;
    cache->series = series;
    if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) < 0)
        cache->seed = (uintptr_t)cache;
    buffer_init(&cache->texts, SCRAPE_CACHE_MAX_TEXT);
    int error = scrape_families_new(series, &cache->families);
    if (error)
        free(cache);
    else
        *out = cache;
    return error;
}

static void release_inherited(struct scrape_cache *cache)
{
    for (size_t i = 0; i < cache->inherited_count; i++)
        series_table_release(cache->series, cache->inherited[i]);
    free(TAKE_PTR(cache->inherited));
    cache->inherited_count = 0;
    cache->inherited_ended = false;
}

static void release_entry(struct scrape_cache *cache, const struct cached_series *entry)
{
    if (entry->series)
        series_table_release(cache->series, entry->series);
}

void scrape_cache_free(struct scrape_cache **out)
{
    struct scrape_cache *cache = *out;
    if (!cache)
        return;
    release_inherited(cache);
    for (uint32_t i = 0; i < cache->count; i++)
        release_entry(cache, &cache->entries[i]);
    scrape_families_free(&cache->families);
    scrape_exemplars_free(&cache->exemplars);
    buffer_free(&cache->texts);
    free(cache->entries);
    free(cache->slots);
    free(cache->newest);
    free(cache->ended);
    free(cache);
    *out = NULL;
}

struct scrape_families *scrape_cache_families(struct scrape_cache *cache)
{
    return cache->families;
}

struct scrape_exemplars *scrape_cache_exemplars(struct scrape_cache *cache, bool wanted)
{
    if (!cache->exemplars && wanted && !scrape_exemplars_new(&cache->exemplars))
        scrape_exemplars_begin(cache->exemplars);
    return cache->exemplars;
}

uint32_t scrape_cache_count(const struct scrape_cache *cache)
{
    return cache->count;
}

void scrape_cache_begin(struct scrape_cache *cache)
{
    for (uint32_t i = 0; cache->open && i < cache->count; i++) /* a scrape that was cancelled */
        cache->entries[i].tracked = false;
    cache->open = true;
    cache->scrape++;
    cache->next = 0;
    free(TAKE_PTR(cache->ended));
    if (cache->inherited_ended)
        release_inherited(cache);
}

static uint32_t hash_text(const struct scrape_cache *cache, struct text raw)
{
    return (uint32_t)XXH3_64bits_withSeed(raw.bytes, raw.length, cache->seed);
}

static bool entry_is(const struct scrape_cache *cache, uint32_t index, struct text raw)
{
    const struct cached_series *entry = &cache->entries[index];
    return entry->text_length == raw.length &&
           !memcmp(cache->texts.bytes + entry->text_offset, raw.bytes, raw.length);
}

static uint32_t find_index(const struct scrape_cache *cache, struct text raw)
{
    if (cache->next < cache->count && entry_is(cache, cache->next, raw))
        return cache->next;
    if (!cache->count)
        return NO_ENTRY;
    uint32_t hash = hash_text(cache, raw), mask = cache->slot_count - 1;
    for (uint32_t slot = hash & mask; cache->slots[slot] != NO_ENTRY; slot = (slot + 1) & mask) {
        uint32_t index = cache->slots[slot];
        if (cache->entries[index].hash == hash && entry_is(cache, index, raw))
            return index;
    }
    return NO_ENTRY;
}

struct text scrape_cache_expected(const struct scrape_cache *cache)
{
    if (cache->next >= cache->count || cache->entries[cache->next].spans_lines)
        return (struct text){NULL, 0};
    const struct cached_series *entry = &cache->entries[cache->next];
    return (struct text){cache->texts.bytes + entry->text_offset, entry->text_length};
}

static struct cached_series *take_entry(struct scrape_cache *cache, uint32_t index)
{
    cache->next = index + 1;
    cache->entries[index].seen = cache->scrape;
    return &cache->entries[index];
}

struct cached_series *scrape_cache_find(struct scrape_cache *cache, struct text raw)
{
    uint32_t index = find_index(cache, raw);
    return index == NO_ENTRY ? NULL : take_entry(cache, index);
}

struct cached_series *scrape_cache_take_expected(struct scrape_cache *cache)
{
    return take_entry(cache, cache->next);
}

static void insert_slot(struct scrape_cache *cache, uint32_t index)
{
    uint32_t mask = cache->slot_count - 1;
    uint32_t slot = cache->entries[index].hash & mask;
    while (cache->slots[slot] != NO_ENTRY)
        slot = (slot + 1) & mask;
    cache->slots[slot] = index;
}

static void rebuild_index(struct scrape_cache *cache)
{
    memset(cache->slots, 0xff, cache->slot_count * sizeof(*cache->slots));
    for (uint32_t i = 0; i < cache->count; i++)
        insert_slot(cache, i);
}

static int grow_index(struct scrape_cache *cache)
{
    uint32_t slot_count = cache->slot_count ? cache->slot_count * 2 : MIN_SLOTS;
    uint32_t *slots = malloc(slot_count * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(cache->slots);
    cache->slots = slots;
    cache->slot_count = slot_count;
    rebuild_index(cache);
    return 0;
}

static int reserve_entry(struct scrape_cache *cache)
{
    if (cache->count == SCRAPE_CACHE_MAX_SERIES)
        return -E2BIG;
    if (cache->count == cache->capacity) {
        uint32_t capacity = cache->capacity + cache->capacity / 4 + 16;
        void *entries = realloc(cache->entries, capacity * sizeof(*cache->entries));
        if (!entries)
            return -ENOMEM;
        cache->entries = entries;
        cache->capacity = capacity;
    }
    return 2 * (cache->count + 1) > cache->slot_count ? grow_index(cache) : 0;
}

int scrape_cache_add(struct scrape_cache *cache, struct text raw, series_id series,
                     struct cached_series **out)
{
    uint32_t offset = (uint32_t)cache->texts.length;
    int error = reserve_entry(cache);
    if (!error)
        error = buffer_append_text(&cache->texts, raw);
    if (error)
        return error;

    uint32_t index = cache->count++;
    cache->entries[index] = (struct cached_series){
        .hash = hash_text(cache, raw),
        .text_length = (uint32_t)raw.length,
        .text_offset = offset,
        .seen = cache->scrape,
        .series = series,
        .is_new = true,
        .spans_lines = memchr(raw.bytes, '\n', raw.length) != NULL,
    };
    insert_slot(cache, index);
    if (index < cache->newest_count)
        cache->newest[index] = INT64_MIN;
    cache->next = index + 1;
    *out = &cache->entries[index];
    return 0;
}

/* ---- times of their own ---- */

static bool reserve_newest(struct scrape_cache *cache)
{
    int64_t *newest = realloc(cache->newest, cache->capacity * sizeof(*newest));
    if (!newest)
        return false;
    for (uint32_t i = cache->newest_count; i < cache->capacity; i++)
        newest[i] = INT64_MIN;
    cache->newest = newest;
    cache->newest_count = cache->capacity;
    return true;
}

bool scrape_cache_advance(struct scrape_cache *cache, const struct cached_series *entry,
                          int64_t timestamp_ms, bool own_time)
{
    uint32_t index = (uint32_t)(entry - cache->entries);

    if (!cache->newest && !own_time)
        return true;
    if (index >= cache->newest_count && !reserve_newest(cache))
        return true;
    if (timestamp_ms <= cache->newest[index])
        return false;
    cache->newest[index] = timestamp_ms;
    return true;
}

/* ---- what has ended ---- */

#define STILL_THERE (1u << 31) /* no series has this bit */
_Static_assert(SERIES_TABLE_MAX < STILL_THERE, "a mark fits beside the number");

static int compare_series(const void *a, const void *b)
{
    series_id left = *(const series_id *)a & ~STILL_THERE;
    series_id right = *(const series_id *)b & ~STILL_THERE;
    return (left > right) - (left < right);
}

static bool has_ended(const struct scrape_cache *cache, uint32_t index, bool failed)
{
    const struct cached_series *entry = &cache->entries[index];
    return entry->live && (failed || !entry->tracked);
}

/* A marker is a sample, and comes behind all others. */
static bool can_be_marked(const struct scrape_cache *cache, uint32_t index, int64_t timestamp_ms)
{
    return index >= cache->newest_count || cache->newest[index] < timestamp_ms;
}

/* Two texts can name one series (their labels in another order, say): it ends once, and only when
 * neither has a sample. */
static size_t sort_ended(struct scrape_cache *cache, size_t count, bool failed)
{
    series_id *ended = cache->ended;
    size_t kept = 0;

    qsort(ended, count, sizeof(*ended), compare_series);
    for (size_t i = 0; i < count; i++)
        if (!kept || ended[kept - 1] != ended[i])
            ended[kept++] = ended[i];
    if (failed)
        return kept;

    for (uint32_t i = 0; i < cache->count; i++) {
        if (!cache->entries[i].tracked)
            continue;
        series_id *found =
            bsearch(&cache->entries[i].series, ended, kept, sizeof(*ended), compare_series);
        if (found)
            *found |= STILL_THERE;
    }
    count = kept;
    kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!(ended[i] & STILL_THERE))
            ended[kept++] = ended[i];
    return kept;
}

/* Samples must be newer than the marker. Of a failed scrape none was taken: what its page has said
 * of times does not count. */
static void note_markers(struct scrape_cache *cache, bool failed, int64_t timestamp_ms)
{
    for (uint32_t i = 0; i < cache->newest_count && i < cache->count; i++) {
        if (!has_ended(cache, i, failed))
            cache->newest[i] = failed ? INT64_MIN : cache->newest[i];
        else if (can_be_marked(cache, i, timestamp_ms))
            cache->newest[i] = timestamp_ms;
    }
}

static int collect_ended(struct scrape_cache *cache, bool failed, int64_t timestamp_ms, size_t *out)
{
    size_t count = cache->inherited_count;

    for (uint32_t i = 0; i < cache->count; i++)
        count += has_ended(cache, i, failed);
    if (!count)
        return 0;
    cache->ended = malloc(count * sizeof(*cache->ended));
    if (!cache->ended)
        return -ENOMEM;
    count = cache->inherited_count;
    if (count)
        memcpy(cache->ended, cache->inherited, count * sizeof(*cache->ended));
    cache->inherited_ended = true;
    for (uint32_t i = 0; i < cache->count; i++)
        if (has_ended(cache, i, failed) && can_be_marked(cache, i, timestamp_ms))
            cache->ended[count++] = cache->entries[i].series;
    *out = sort_ended(cache, count, failed);
    return 0;
}

int scrape_cache_end(struct scrape_cache *cache, bool failed, int64_t timestamp_ms,
                     const series_id **ended, size_t *ended_count)
{
    *ended_count = 0;
    cache->open = false;
    int error = collect_ended(cache, failed, timestamp_ms, ended_count);
    note_markers(cache, failed, timestamp_ms);
    for (uint32_t i = 0; i < cache->count; i++) {
        cache->entries[i].live = cache->entries[i].tracked && !failed;
        cache->entries[i].tracked = false;
    }
    *ended = cache->ended;
    return error;
}

static uint32_t count_live(const struct scrape_cache *cache)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cache->count; i++)
        count += cache->entries[i].live;
    return count;
}

/* What is alive in `from`, its own and inherited, goes behind what the cache has inherited. */
static int move_live(struct scrape_cache *cache, struct scrape_cache *from)
{
    size_t more = from->inherited_ended ? 0 : from->inherited_count;
    size_t count = cache->inherited_count + more + count_live(from);

    if (count > SCRAPE_CACHE_MAX_SERIES)
        return -E2BIG;
    if (!count)
        return 0;
    series_id *list = malloc(count * sizeof(*list));
    if (!list)
        return -ENOMEM;
    count = cache->inherited_count;
    if (count)
        memcpy(list, cache->inherited, count * sizeof(*list));
    for (size_t i = 0; i < more; i++)
        list[count++] = from->inherited[i];
    for (uint32_t i = 0; i < from->count; i++) {
        if (!from->entries[i].live)
            continue;
        series_table_hold(cache->series, from->entries[i].series);
        from->entries[i].live = false;
        list[count++] = from->entries[i].series;
    }
    if (more) {
        free(TAKE_PTR(from->inherited));
        from->inherited_count = 0;
    }
    free(cache->inherited);
    cache->inherited = list;
    cache->inherited_count = count;
    return 0;
}

int scrape_cache_inherit(struct scrape_cache *cache, struct scrape_cache *from)
{
    if (cache->inherited_ended)
        release_inherited(cache);
    return move_live(cache, from);
}

int scrape_cache_inherit_series(struct scrape_cache *cache, series_id series)
{
    if (cache->inherited_ended)
        release_inherited(cache);
    series_id *list = realloc(cache->inherited, (cache->inherited_count + 1) * sizeof(*list));
    if (!list) {
        series_table_release(cache->series, series);
        return -ENOMEM;
    }
    list[cache->inherited_count++] = series;
    cache->inherited = list;
    return 0;
}

int scrape_cache_reset(struct scrape_cache *cache)
{
    struct scrape_cache *fresh;

    int error = scrape_cache_new(cache->series, &fresh);
    if (error)
        return error;
    error = scrape_cache_inherit(fresh, cache);
    if (!error) {
        struct scrape_cache old = *cache;
        *cache = *fresh;
        *fresh = old;
    }
    scrape_cache_free(&fresh);
    return error;
}

bool scrape_cache_sweep(struct scrape_cache *cache, bool failed)
{
    uint32_t kept = 0, bytes = 0;

    if (failed && cache->count <= cache->good_count + KEPT_BY_FAILURES)
        return false;
    for (uint32_t i = 0; i < cache->count; i++) {
        struct cached_series entry = cache->entries[i];
        if (entry.seen != cache->scrape) {
            release_entry(cache, &entry);
            continue;
        }
        if (kept != i) {
            memmove(cache->texts.bytes + bytes, cache->texts.bytes + entry.text_offset,
                    entry.text_length);
            entry.text_offset = bytes;
            cache->entries[kept] = entry;
            if (i < cache->newest_count)
                cache->newest[kept] = cache->newest[i];
        }
        kept++;
        bytes += entry.text_length;
    }
    if (kept != cache->count) {
        cache->count = kept;
        cache->texts.length = bytes;
        rebuild_index(cache);
    }
    if (!failed)
        cache->good_count = kept;
    return failed;
}

void scrape_cache_each_metadata(const struct scrape_cache *cache,
                                void (*fn)(void *context, const struct metadata *metadata),
                                void *context)
{
    metadata_id last = 0;

    for (uint32_t i = 0; i < cache->count; i++) {
        metadata_id id = series_table_metadata_id(cache->series, cache->entries[i].series);
        if (id && id != last)
            fn(context, series_table_metadata(cache->series, id));
        last = id ? id : last;
    }
}
