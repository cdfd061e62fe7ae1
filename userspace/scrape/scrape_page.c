/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the body into whole lines and turns each sample line into a sample. */
#include "scrape/scrape_page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "scrape/scrape_limits.h"

#define MAX_LIST (3 * (size_t)SCRAPE_MAX_SAMPLES)

int sample_list_reserve(struct sample_list *samples, size_t extra)
{
    size_t needed = samples->count + extra;

    if (needed <= samples->capacity)
        return 0;
    if (needed > MAX_LIST)
        return -E2BIG;
    size_t capacity = samples->capacity + samples->capacity / 2 + 16;
    if (capacity < needed)
        capacity = needed;
    struct sample *list = realloc(samples->list, capacity * sizeof(*list));
    if (!list)
        return -ENOMEM;
    samples->list = list;
    samples->capacity = capacity;
    return 0;
}

int sample_list_add(struct sample_list *samples, struct sample sample)
{
    int error = sample_list_reserve(samples, 1);
    if (!error)
        samples->list[samples->count++] = sample;
    return error;
}

void sample_list_free(struct sample_list *samples)
{
    free(samples->list);
    *samples = (struct sample_list){0};
}

__attribute__((format(printf, 2, 3))) static int page_fail(struct scrape_page *page,
                                                           const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(page->reason, sizeof(page->reason), format, arguments);
    va_end(arguments);
    page->failed = true;
    return -EINVAL;
}

static int page_fail_errno(struct scrape_page *page, int error)
{
    return page_fail(page, "line %u: %s", page->line,
                     error == -E2BIG ? "too many series: a limit on their number or size is reached"
                                     : strerror(-error));
}

static int page_build_labels(struct scrape_page *page, const struct exposition_entry *entry,
                             struct labels **out)
{
    char reason[SCRAPE_LABELS_REASON_SIZE] = "", limit[SCRAPE_LIMITS_REASON_SIZE];

    int error =
        scrape_labels_build(page->shared->labels, entry, page->target, page->bound, out, reason);
    if (error == -EINVAL)
        return page_fail(page, "line %u: %s", page->line, reason);
    if (error)
        return page_fail_errno(page, error);
    if (!*out || !scrape_limits_check(&page->target->config->limits, *out, limit))
        return 0;
    metric_add(page->shared->metrics.label_limits_exceeded, 1);
    free(*out);
    return page_fail(page, "%s", limit);
}

/* A series that the cache does not know: built, interned, cached; one that relabelling drops is
 * cached too, without a number. Not cached beyond sample_limit, which is there to save memory; then
 * *out is NULL. */
static int page_add_series(struct scrape_page *page, const struct exposition_entry *entry,
                           struct cached_series **out)
{
    struct series_table *table = page->shared->series;
    struct labels *labels;
    series_id series = 0;

    int error = page_build_labels(page, entry, &labels);
    if (error)
        return error;
    bool dropped = !labels;
    *out = NULL;
    if (!dropped && !page->over_limit)
        error = series_table_intern(table, labels, &series);
    free(labels);
    if (error)
        return page_fail_errno(page, error);
    if (!dropped && page->over_limit)
        return 0;
    error = scrape_cache_add(page->cache, entry->series, series, out);
    if (error && series)
        series_table_release(table, series);
    return error ? page_fail_errno(page, error) : 0;
}

/* Of a page with more samples than sample_limit none is kept. */
static void page_count_kept(struct scrape_page *page)
{
    uint32_t limit = page->target->config->limits.sample_limit;

    page->kept++;
    if (!limit || page->kept <= limit || page->over_limit)
        return;
    page->over_limit = true;
    sample_list_free(&page->samples);
    metric_add(page->shared->metrics.sample_limit_exceeded, 1);
}

static int page_take_sample(struct scrape_page *page, const struct exposition_entry *entry)
{
    bool own_time = entry->has_timestamp && page->target->config->honor_timestamps;
    struct sample sample = {
        .type = SAMPLE_FLOAT,
        .timestamp_ms = own_time ? entry->timestamp_ms : page->timestamp_ms,
        .value = entry->value,
    };
    struct cached_series *series = scrape_cache_find(page->cache, entry->series);

    page->scraped++;
    if (!series) {
        int error = page_add_series(page, entry, &series);
        if (error)
            return error;
    }
    if (series && !series->series)
        return 0;
    page_count_kept(page);
    if (page->over_limit)
        return 0;
    if (own_time && sample.timestamp_ms > clock_wall_ms() + SCRAPE_MAX_FUTURE_MS) {
        metric_add(page->shared->metrics.out_of_bounds, 1);
        return 0;
    }
    if (!own_time && series->tracked) {
        metric_add(page->shared->metrics.duplicates, 1);
        return 0;
    }
    if (page->samples.count == SCRAPE_MAX_SAMPLES)
        return page_fail(page, "line %u: more than %u samples", page->line, SCRAPE_MAX_SAMPLES);
    sample.series = series->series;
    int error = sample_list_add(&page->samples, sample);
    if (error)
        return page_fail_errno(page, error);
    page->added += series->is_new;
    series->is_new = false;
    series->tracked |= !own_time || page->target->config->track_timestamps_staleness;
    return 0;
}

static struct text bound_of_type(enum metadata_type type)
{
    if (type == METADATA_HISTOGRAM)
        return TEXT("le");
    if (type == METADATA_SUMMARY)
        return TEXT("quantile");
    return (struct text){NULL, 0};
}

static unsigned count_lines(const char *bytes, size_t length)
{
    unsigned lines = 0;

    for (const char *end = bytes + length; (bytes = memchr(bytes, '\n', (size_t)(end - bytes)));
         bytes++)
        lines++;
    return lines;
}

/* Gives the bytes used up: all, or where `more` may come, those before a quote still open. */
static size_t page_parse(struct scrape_page *page, struct text lines, bool more)
{
    struct exposition_entry *entry = page->shared->entry;
    struct exposition_parser parser;
    unsigned lines_before = page->line;
    int result;

    exposition_begin(&parser, EXPOSITION_TEXT, lines);
    parser.line = page->line;
    while (exposition_expect(&parser, scrape_cache_expected(page->cache)),
           (result = exposition_next(&parser, entry)) > 0) {
        page->line = parser.line;
        if (entry->kind == EXPOSITION_TYPE)
            page->bound = bound_of_type(entry->type);
        else if (entry->kind == EXPOSITION_SAMPLE && page_take_sample(page, entry))
            return lines.length;
    }
    page->open_quote = result < 0 && parser.unfinished && more;
    if (page->open_quote) {
        size_t used = (size_t)(parser.start - lines.bytes);
        page->line = lines_before + count_lines(lines.bytes, used);
        return used;
    }
    page->line = parser.line;
    if (result < 0)
        page_fail(page, "line %u: %s", parser.line, parser.error);
    return lines.length;
}

static void tail_append(struct scrape_page *page, const char *bytes, size_t length)
{
    int error = page->failed ? 0 : buffer_append(&page->tail, bytes, length);
    if (error == -E2BIG)
        page_fail(page, "line %u: longer than %u bytes", page->line + 1, SCRAPE_MAX_LINE);
    else if (error)
        page_fail_errno(page, error);
}

/* Parses the whole lines of the tail. */
static void tail_parse(struct scrape_page *page)
{
    struct buffer *tail = &page->tail;
    const char *newline = memrchr(tail->bytes, '\n', tail->length);
    size_t whole = newline ? (size_t)(newline + 1 - tail->bytes) : 0;
    size_t used = page_parse(page, (struct text){tail->bytes, whole}, true);

    memmove(tail->bytes, tail->bytes + used, tail->length - used);
    tail->length -= used;
}

/* Up to the last newline; the rest waits in the tail. */
static void feed_lines(struct scrape_page *page, const char *bytes, size_t length)
{
    const char *newline = memrchr(bytes, '\n', length);
    size_t whole = newline ? (size_t)(newline + 1 - bytes) : 0;
    size_t used = whole ? page_parse(page, (struct text){bytes, whole}, true) : 0;

    if (!page->failed && used < length)
        tail_append(page, bytes + used, length - used);
}

void scrape_page_feed(struct scrape_page *page, const char *bytes, size_t length)
{
    page->bytes += length;
    if (page->failed)
        return;
    if (page->tail.length) {
        const char *newline = memchr(bytes, '\n', length);
        size_t taken = newline && !page->open_quote ? (size_t)(newline + 1 - bytes) : length;
        tail_append(page, bytes, taken);
        if (!newline || page->failed)
            return;
        tail_parse(page);
        bytes += taken;
        length -= taken;
    }
    if (page->tail.length)
        tail_append(page, bytes, length);
    else if (!page->failed && length)
        feed_lines(page, bytes, length);
}

void scrape_page_end(struct scrape_page *page)
{
    if (!page->failed && page->tail.length)
        page_parse(page, buffer_text(&page->tail), false);
    if (!page->failed && page->over_limit)
        page_fail(page, "sample limit exceeded");
}

void scrape_page_begin(struct scrape_page *page, const struct scrape_shared *shared,
                       const struct target *target, struct scrape_cache *cache,
                       int64_t timestamp_ms)
{
    *page = (struct scrape_page){
        .shared = shared,
        .target = target,
        .cache = cache,
        .timestamp_ms = timestamp_ms,
    };
    buffer_init(&page->tail, SCRAPE_MAX_LINE);
    scrape_cache_begin(cache);
    sample_list_reserve(&page->samples, scrape_cache_count(cache) + 8);
}

void scrape_page_free(struct scrape_page *page)
{
    buffer_free(&page->tail);
    sample_list_free(&page->samples);
}
