/* SPDX-License-Identifier: Apache-2.0 */
/* Entries lie in the order in which the target first exposed them. Targets keep their order from
 * scrape to scrape, so that the entry behind the one found last is mostly the one looked for; only
 * otherwise an index of their texts is asked, which is made when first needed and goes with the
 * scrape in which nothing was found by it. */
#include "scrape/scrape_cache.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define NO_ENTRY UINT32_MAX
#define MIN_SLOTS 64
#define SCRAPES ((1u << 27) - 1) /* numbers of scrapes come again after so many */
#define KEPT_BY_FAILURES 1000    /* entries that failing pages may add, as in Prometheus */

struct scrape_cache {
    struct series_table *series;
    struct page_pieces *pieces;
    uint32_t scrape; /* number of the present one */
    uint32_t next;   /* the entry expected next */
    struct cached_series *entries;
    uint32_t count, capacity;
    uint32_t good_count; /* after the last scrape that did not fail */
    uint32_t *slots;     /* the index: entry numbers, linear probing; NULL: there is none */
    uint32_t slot_count; /* a power of two, at least twice `count` */
    bool index_helped;   /* something was found by it in this scrape */
    size_t text_bytes;
    int64_t *newest; /* of each entry, ms; NULL: the target gives no times of its own */
    uint32_t newest_count;
    struct scrape_exemplars *exemplars; /* NULL: the target has shown none */
    series_id *ended;
    series_id *inherited; /* alive before, and known by no text here; one reference each */
    size_t inherited_count;
    uint32_t unseen;      /* entries that the last scrape to end has not seen */
    bool open;            /* a scrape has begun and not ended */
    bool inherited_ended; /* by the last scrape: released when the next one begins */
};

int scrape_cache_new(struct series_table *series, struct page_pieces *pieces,
                     struct scrape_cache **out)
{
    struct scrape_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return -ENOMEM;
    cache->series = series;
    cache->pieces = pieces;
    *out = cache;
    return 0;
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
    cache->text_bytes -= entry->piece->length;
    page_pieces_release(cache->pieces, entry->piece);
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
    scrape_exemplars_free(&cache->exemplars);
    free(cache->entries);
    free(cache->slots);
    free(cache->newest);
    free(cache->ended);
    free(cache);
    *out = NULL;
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
    cache->scrape = (cache->scrape + 1) & SCRAPES;
    cache->next = 0;
    cache->index_helped = false;
    free(TAKE_PTR(cache->ended));
    if (cache->inherited_ended)
        release_inherited(cache);
}

/* ---- the index ---- */

static void insert_slot(struct scrape_cache *cache, uint32_t index)
{
    uint32_t mask = cache->slot_count - 1;
    uint32_t slot = cache->entries[index].piece->series_hash & mask;
    while (cache->slots[slot] != NO_ENTRY)
        slot = (slot + 1) & mask;
    cache->slots[slot] = index;
}

static void drop_index(struct scrape_cache *cache)
{
    free(TAKE_PTR(cache->slots));
    cache->slot_count = 0;
}

/* With room for one entry more. */
static int make_index(struct scrape_cache *cache)
{
    uint32_t slot_count = MIN_SLOTS;

    if (cache->slots && 2 * (cache->count + 1) <= cache->slot_count)
        return 0;
    while (slot_count < 2 * (cache->count + 1))
        slot_count *= 2;
    uint32_t *slots = malloc(slot_count * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    drop_index(cache);
    cache->slots = slots;
    cache->slot_count = slot_count;
    memset(slots, 0xff, slot_count * sizeof(*slots));
    for (uint32_t i = 0; i < cache->count; i++)
        insert_slot(cache, i);
    return 0;
}

static bool entry_is(const struct cached_series *entry, struct text raw)
{
    return text_equal(page_piece_series(entry->piece), raw);
}

static uint32_t find_without_index(const struct scrape_cache *cache, struct text raw)
{
    for (uint32_t i = 0; i < cache->count; i++)
        if (entry_is(&cache->entries[i], raw))
            return i;
    return NO_ENTRY;
}

static uint32_t find_by_index(struct scrape_cache *cache, struct text raw)
{
    if (make_index(cache))
        return find_without_index(cache, raw);
    uint32_t hash = page_pieces_hash(cache->pieces, raw), mask = cache->slot_count - 1;
    for (uint32_t slot = hash & mask; cache->slots[slot] != NO_ENTRY; slot = (slot + 1) & mask) {
        const struct cached_series *entry = &cache->entries[cache->slots[slot]];
        if (entry->piece->series_hash == hash && entry_is(entry, raw))
            return cache->slots[slot];
    }
    return NO_ENTRY;
}

/* ---- entries ---- */

static uint32_t find_index(struct scrape_cache *cache, struct text raw)
{
    if (cache->next < cache->count && entry_is(&cache->entries[cache->next], raw))
        return cache->next;
    if (!cache->count)
        return NO_ENTRY;
    uint32_t index = find_by_index(cache, raw);
    cache->index_helped |= index != NO_ENTRY;
    return index;
}

const struct page_piece *scrape_cache_expected(const struct scrape_cache *cache)
{
    return cache->next < cache->count ? cache->entries[cache->next].piece : NULL;
}

static struct cached_series *take_entry(struct scrape_cache *cache, uint32_t index)
{
    struct cached_series *entry = &cache->entries[index];

    cache->next = index + 1;
    entry->again = entry->seen == cache->scrape;
    entry->seen = cache->scrape;
    return entry;
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
    return cache->slots ? make_index(cache) : 0;
}

/* A piece of the run, if it is known, and the text. */
static int intern_piece(struct scrape_cache *cache, enum scrape_format format,
                        const struct page_run *run, struct text raw, struct page_piece **out)
{
    if (raw.length + run->text.length > SCRAPE_CACHE_MAX_TEXT - cache->text_bytes)
        return -E2BIG;
    int error = page_pieces_intern(cache->pieces, format, run, raw, out);
    if (!error)
        cache->text_bytes += (*out)->length;
    return error;
}

int scrape_cache_add(struct scrape_cache *cache, enum scrape_format format,
                     const struct page_run *run, struct text raw, series_id series,
                     struct cached_series **out)
{
    struct page_piece *piece;
    int error = reserve_entry(cache);
    if (!error)
        error = intern_piece(cache, format, run, raw, &piece);
    if (error)
        return error;

    uint32_t index = cache->count++;
    cache->entries[index] = (struct cached_series){
        .piece = piece,
        .seen = cache->scrape,
        .series = series,
        .is_new = true,
    };
    if (cache->slots)
        insert_slot(cache, index);
    if (index < cache->newest_count)
        cache->newest[index] = INT64_MIN;
    cache->next = index + 1;
    *out = &cache->entries[index];
    return 0;
}

/* Without room the piece of before stays, which the page does not show. */
void scrape_cache_learn(struct scrape_cache *cache, enum scrape_format format,
                        struct cached_series *entry, const struct page_run *run, struct text raw)
{
    struct page_piece *before = entry->piece, *piece;
    struct text whole = {raw.bytes - run->text.length, raw.length + run->text.length};

    if (before->format == format && before->length == whole.length &&
        !memcmp(before->bytes, whole.bytes, whole.length))
        return;
    if (intern_piece(cache, format, run, raw, &piece))
        return;
    entry->piece = piece;
    cache->text_bytes -= before->length;
    page_pieces_release(cache->pieces, before);
}

const struct cached_series *scrape_cache_upcoming(const struct scrape_cache *cache, uint32_t *count)
{
    *count = cache->newest ? 0 : cache->count - cache->next;
    return *count ? &cache->entries[cache->next] : NULL;
}

void scrape_cache_take_upcoming(struct scrape_cache *cache, uint32_t count)
{
    uint32_t scrape = cache->scrape, end = cache->next + count;

    for (; cache->next < end; cache->next++) {
        struct cached_series *entry = &cache->entries[cache->next];
        entry->seen = scrape;
        entry->tracked = entry->series != 0;
    }
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

static inline bool has_ended(const struct cached_series *entry, bool failed)
{
    return entry->live && (failed || !entry->tracked);
}

static size_t count_ended(const struct scrape_cache *cache, bool failed)
{
    size_t count = 0;

    for (uint32_t i = 0; i < cache->count; i++)
        count += has_ended(&cache->entries[i], failed);
    return count;
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
        if (!has_ended(&cache->entries[i], failed))
            cache->newest[i] = failed ? INT64_MIN : cache->newest[i];
        else if (can_be_marked(cache, i, timestamp_ms))
            cache->newest[i] = timestamp_ms;
    }
}

static int collect_ended(struct scrape_cache *cache, bool failed, int64_t timestamp_ms, size_t *out)
{
    size_t count = cache->inherited_count + count_ended(cache, failed);

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
        if (has_ended(&cache->entries[i], failed) && can_be_marked(cache, i, timestamp_ms))
            cache->ended[count++] = cache->entries[i].series;
    *out = sort_ended(cache, count, failed);
    return 0;
}

/* From this scrape to the next. How many entries it has not seen. */
static uint32_t settle(struct scrape_cache *cache, bool failed)
{
    uint32_t unseen = 0, scrape = cache->scrape;

    for (uint32_t i = 0; i < cache->count; i++) {
        struct cached_series *entry = &cache->entries[i];
        entry->live = entry->tracked && !failed;
        entry->tracked = false;
        unseen += entry->seen != scrape;
    }
    return unseen;
}

int scrape_cache_end(struct scrape_cache *cache, bool failed, int64_t timestamp_ms,
                     const series_id **ended, size_t *ended_count)
{
    *ended_count = 0;
    cache->open = false;
    int error = collect_ended(cache, failed, timestamp_ms, ended_count);
    note_markers(cache, failed, timestamp_ms);
    cache->unseen = settle(cache, failed);
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

    int error = scrape_cache_new(cache->series, cache->pieces, &fresh);
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

static void drop_unseen(struct scrape_cache *cache)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].seen != cache->scrape) {
            release_entry(cache, &cache->entries[i]);
            continue;
        }
        if (kept != i) {
            cache->entries[kept] = cache->entries[i];
            if (i < cache->newest_count)
                cache->newest[kept] = cache->newest[i];
        }
        kept++;
    }
    cache->count = kept;
    drop_index(cache); /* it has their numbers of before */
}

bool scrape_cache_sweep(struct scrape_cache *cache, bool failed)
{
    if (!cache->index_helped)
        drop_index(cache);
    if (failed && cache->count <= cache->good_count + KEPT_BY_FAILURES)
        return false;
    if (cache->unseen)
        drop_unseen(cache);
    if (!failed)
        cache->good_count = cache->count;
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
