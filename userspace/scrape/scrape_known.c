/* SPDX-License-Identifier: Apache-2.0 */
/* One comparison and one number a line. Whatever is unusual ends the run of known lines, and is
 * read as if nothing were known of it. */
#include "scrape/scrape_known.h"

#define PREFETCHED 4 /* pieces ahead */

/* How many samples there is room for without a limit to look at. */
static uint32_t room_left(const struct scrape_page *page)
{
    uint32_t limit = page->target->config->limits.sample_limit;
    uint32_t counted = page->kept - page->repeated;
    size_t room = page->samples.capacity - page->samples.count;

    if (page->over_limit || page->samples.count >= SCRAPE_MAX_SAMPLES)
        return 0;
    if (room > SCRAPE_MAX_SAMPLES - page->samples.count)
        room = SCRAPE_MAX_SAMPLES - page->samples.count;
    if (limit && room > limit - counted)
        room = limit - counted;
    return (uint32_t)room;
}

/* A new series counts as added, a tracked one has had its sample, one that is fresh may need to be
 * described. */
static bool is_plain(const struct scrape_page *page, const struct cached_series *series)
{
    return !series->is_new && !series->tracked && !series->is_created &&
           (!page->families.is_fresh || series->piece->describes);
}

/* The lines of the cache that nearly all pieces lie in. */
static void prefetch_piece(const struct page_piece *piece)
{
    const char *at = (const char *)piece;

    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
    __builtin_prefetch(at + 128);
}

static void add_sample(struct scrape_page *page, series_id series, double value)
{
    page->samples.list[page->samples.count++] = (struct sample){
        .series = series,
        .type = SAMPLE_FLOAT,
        .timestamp_ms = page->timestamp_ms,
        .value = value,
    };
}

uint32_t scrape_page_take_known(struct scrape_page *page, struct exposition_parser *parser)
{
    uint32_t count, known = 0, kept = 0, room = room_left(page);
    const struct cached_series *series = scrape_cache_upcoming(page->cache, &count);
    const char *at = parser->next, *end = parser->end;

    if (parser->ended)
        return 0;
    for (; known < count && kept < room; known++, series++) {
        const struct page_piece *piece = series->piece;
        double value;
        if (count - known > PREFETCHED)
            prefetch_piece(series[PREFETCHED].piece);
        if (!is_plain(page, series) ||
            !page_piece_begins(piece, page->format, (struct text){at, (size_t)(end - at)}))
            break;
        const char *next = exposition_plain_value(at + piece->length, end, &value);
        if (!next)
            break;
        at = next;
        parser->line += piece->run_lines + 1;
        scrape_families_pass(&page->families, piece);
        if (series->series) {
            add_sample(page, series->series, value);
            kept++;
        }
    }
    parser->next = at;
    page->line = parser->line;
    page->scraped += known;
    page->kept += kept;
    scrape_cache_take_upcoming(page->cache, known);
    return known;
}
