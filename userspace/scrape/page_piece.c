/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation for a piece, found by a seeded 128-bit hash of it. */
#include "scrape/page_piece.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_table.h"

struct page_pieces {
    struct series_table *series;
    struct hash_table by_key;
    uint64_t seed;
};

int page_pieces_new(struct series_table *series, struct page_pieces **out)
{
    struct page_pieces *pieces = calloc(1, sizeof(*pieces));
    if (!pieces)
        return -ENOMEM;
    pieces->series = series;
    hash_table_init(&pieces->by_key, sizeof(((struct page_piece *)NULL)->key), PAGE_PIECES_MAX);
    if (getrandom(&pieces->seed, sizeof(pieces->seed), GRND_NONBLOCK) < 0)
        pieces->seed = (uintptr_t)pieces; /* right after boot */
    *out = pieces;
    return 0;
}

void page_pieces_free(struct page_pieces **pieces)
{
    if (!*pieces)
        return;
    assert(!(*pieces)->by_key.count);
    hash_table_free(&(*pieces)->by_key);
    free(*pieces);
    *pieces = NULL;
}

uint32_t page_pieces_hash(const struct page_pieces *pieces, struct text series)
{
    return (uint32_t)XXH3_64bits_withSeed(series.bytes, series.length, pieces->seed);
}

static uint32_t count_lines(struct text text)
{
    const char *at = text.bytes, *end = at + text.length;
    uint32_t lines = 0;

    for (; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return lines;
}

static int add(struct page_pieces *pieces, XXH128_hash_t key, enum scrape_format format,
               const struct page_run *run, struct text series, struct page_piece **out)
{
    size_t length = run->text.length + series.length;
    struct page_piece *piece = malloc(sizeof(*piece) + length);
    if (!piece)
        return -ENOMEM;
    *piece = (struct page_piece){
        .references = 1,
        .series_hash = page_pieces_hash(pieces, series),
        .length = (uint32_t)length,
        .run_length = (uint32_t)run->text.length,
        .metadata = run->metadata,
        .describes = run->describes,
        .has_type = run->has_type,
        .type = run->type,
        .format = (uint8_t)format,
        .spans_lines = memchr(series.bytes, '\n', series.length) != NULL,
    };
    memcpy(piece->key, &key, sizeof(piece->key));
    if (run->text.length) {
        memcpy(piece->bytes, run->text.bytes, run->text.length);
        piece->run_lines = count_lines(run->text);
    }
    memcpy(piece->bytes + piece->run_length, series.bytes, series.length);
    int error = hash_table_add(&pieces->by_key, piece);
    if (error) {
        free(piece);
        return error;
    }
    if (run->metadata)
        series_table_hold_metadata(pieces->series, run->metadata);
    *out = piece;
    return 0;
}

int page_pieces_intern(struct page_pieces *pieces, enum scrape_format format,
                       const struct page_run *run, struct text series, struct page_piece **out)
{
    struct text whole = {series.bytes - run->text.length, series.length + run->text.length};
    if (whole.length > UINT32_MAX)
        return -E2BIG;
    XXH128_hash_t key =
        XXH3_128bits_withSeed(whole.bytes, whole.length, pieces->seed + (uint64_t)format);
    struct page_piece *found = hash_table_find(&pieces->by_key, &key);
    if (!found)
        return add(pieces, key, format, run, series, out);
    found->references++;
    *out = found;
    return 0;
}

void page_pieces_release(struct page_pieces *pieces, struct page_piece *piece)
{
    assert(piece->references > 0);
    if (--piece->references > 0)
        return;
    hash_table_remove(&pieces->by_key, piece->key);
    series_table_release_metadata(pieces->series, piece->metadata);
    free(piece);
}
