/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of one sample: its series, found or made; the limits; and what the page says of it
 * besides its value. */
#include "scrape/scrape_take.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "scrape/scrape_histogram.h"
#include "scrape/scrape_limits.h"

#define CREATED_SUFFIX "_created"

int scrape_page_fail(struct scrape_page *page, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(page->reason, sizeof(page->reason), format, arguments);
    va_end(arguments);
    page->failed = true;
    return -EINVAL;
}

int scrape_page_fail_here(struct scrape_page *page, const char *format, ...)
{
    char what[SCRAPE_REASON_SIZE - 32];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return scrape_page_fail(page, "%s %u: %s", page->format == SCRAPE_PROTOBUF ? "family" : "line",
                            page->line, what);
}

int scrape_page_fail_errno(struct scrape_page *page, int error)
{
    return scrape_page_fail_here(page, "%s",
                                 error == -E2BIG
                                     ? "too many series: a limit on their number or size is reached"
                                     : strerror(-error));
}

/* ---- series ---- */

static bool names_are_legal(const struct labels *labels)
{
    for (struct label_cursor c = labels_first(labels); labels_next(&c);)
        if (!label_name_is_legal(c.label.name) ||
            (text_equal(c.label.name, TEXT(LABEL_METRIC_NAME)) &&
             !metric_name_is_legal(c.label.value)))
            return false;
    return true;
}

static int fail_names(struct scrape_page *page, const struct labels *labels)
{
    autobuffer struct buffer written;

    buffer_init(&written, SCRAPE_REASON_SIZE);
    labels_write(labels, &written);
    return scrape_page_fail_here(page, "invalid metric name or label names: %.*s",
                                 TEXT_FORMAT(buffer_text(&written)));
}

static int build_labels(struct scrape_page *page, const struct exposition_entry *entry,
                        struct labels **out)
{
    const struct scrape_config *config = page->target->config;
    char reason[SCRAPE_LABELS_REASON_SIZE] = "", limit[SCRAPE_LIMITS_REASON_SIZE];
    struct text bound = {NULL, 0};

    if (!entry->verbatim) /* else it has been written by us */
        bound = scrape_families_bound(&page->families);
    int error = scrape_labels_build(page->shared->labels, entry, page->target, bound, out, reason);
    if (error == -EINVAL)
        return scrape_page_fail_here(page, "%s", reason);
    if (error)
        return scrape_page_fail_errno(page, error);
    if (!*out)
        return 0;
    if (config->protocols.legacy_names && !names_are_legal(*out)) {
        error = fail_names(page, *out);
    } else if (scrape_limits_check(&config->limits, *out, limit)) {
        metric_add(page->shared->metrics.label_limits_exceeded, 1);
        error = scrape_page_fail(page, "%s", limit);
    } else if ((error = scrape_labels_add_external(page->shared->labels, out))) {
        scrape_page_fail_errno(page, error);
    }
    if (error)
        free(*out);
    return error;
}

static const struct metadata *present_family(const struct scrape_page *page)
{
    return series_table_metadata(page->shared->series, page->families.metadata);
}

/* The family whose series may have a _created beside them, or NULL. */
static const struct metadata *created_family(const struct scrape_page *page)
{
    const struct metadata *family = present_family(page);

    return page->format == SCRAPE_OPENMETRICS && family &&
                   (family->type == METADATA_COUNTER || family->type == METADATA_HISTOGRAM ||
                    family->type == METADATA_SUMMARY)
               ? family
               : NULL;
}

static bool is_created(const struct scrape_page *page, const struct exposition_entry *entry)
{
    const struct metadata *family = created_family(page);
    const size_t suffix = sizeof(CREATED_SUFFIX) - 1;
    struct text name = entry->name;

    if (!family || name.length < suffix)
        return false;
    name.length -= suffix;
    return !memcmp(name.bytes + name.length, CREATED_SUFFIX, suffix) &&
           text_equal(name, family->family);
}

/* A series that the cache does not know: built, interned, cached; one that relabelling drops is
 * cached too, without a number. Not cached beyond sample_limit, which is there to save memory; then
 * *out is NULL. */
static int add_series(struct scrape_page *page, const struct exposition_entry *entry,
                      struct cached_series **out)
{
    struct series_table *table = page->shared->series;
    struct labels *labels;
    series_id series = 0;

    int error = build_labels(page, entry, &labels);
    if (error)
        return error;
    bool dropped = !labels;
    *out = NULL;
    if (!dropped && !page->over_limit)
        error = series_table_intern(table, labels, &series);
    free(labels);
    if (error)
        return scrape_page_fail_errno(page, error);
    if (!dropped && page->over_limit)
        return 0;
    /* the text of one that was put together here is not what a page of text can show */
    enum scrape_format format = entry->verbatim ? SCRAPE_PROTOBUF : page->format;
    error = scrape_cache_add(page->cache, format, &page->run, entry->series, series, out);
    if (error && series)
        series_table_release(table, series);
    if (error)
        return scrape_page_fail_errno(page, error);
    (*out)->is_created = is_created(page, entry);
    return 0;
}

/* Notes the family's metadata, once for a series and whenever it changes. */
static void describe(struct scrape_page *page, series_id series)
{
    struct series_table *table = page->shared->series;
    metadata_id metadata = page->families.metadata;

    if (!metadata || series_table_metadata_id(table, series) == metadata)
        return;
    struct text name = labels_get(series_table_labels(table, series), TEXT(LABEL_METRIC_NAME));
    if (scrape_family_has(series_table_metadata(table, metadata), name))
        series_table_set_metadata(table, series, metadata);
}

/* ---- what is beside a sample ---- */

static bool is_of_one_metric(struct label label, struct text bound)
{
    return !text_equal(label.name, TEXT(LABEL_METRIC_NAME)) &&
           !(bound.length && text_equal(label.name, bound));
}

static bool next_own_label(struct label_cursor *cursor, struct text bound)
{
    while (labels_next(cursor))
        if (is_of_one_metric(cursor->label, bound))
            return true;
    return false;
}

/* But for the name and the bound. */
static bool has_same_labels(const struct labels *a, const struct labels *b, struct text bound)
{
    struct label_cursor x = labels_first(a), y = labels_first(b);

    for (;;) {
        bool more = next_own_label(&x, bound);
        if (more != next_own_label(&y, bound))
            return false;
        if (!more)
            return true;
        if (!text_equal(x.label.name, y.label.name) || !text_equal(x.label.value, y.label.value))
            return false;
    }
}

/* The last sample says when the counts before it began, as far back as they are of its family and
 * have its labels. */
static void take_created(struct scrape_page *page)
{
    const struct metadata *family = created_family(page);
    const struct series_table *table = page->shared->series;
    struct sample_list *samples = &page->samples;
    struct text bound = scrape_families_bound(&page->families);
    size_t last = samples->count - 1, first = last;
    const struct labels *labels = series_table_labels(table, samples->list[last].series);
    double created_ms = samples->list[last].value * 1000;

    if (!family || !(created_ms >= 1 && created_ms < 0x1p63))
        return;
    for (; first > 0; first--) {
        const struct labels *before = series_table_labels(table, samples->list[first - 1].series);
        if (!has_same_labels(labels, before, bound) ||
            !scrape_family_has(family, labels_get(before, TEXT(LABEL_METRIC_NAME))))
            break;
    }
    for (; first < last; first++)
        sample_list_add_created(samples, first, (int64_t)created_ms);
}

/* Of the last sample. */
static void take_exemplar(struct scrape_page *page, const struct exposition_exemplar *exemplar)
{
    struct scrape_exemplars *exemplars = scrape_cache_exemplars(page->cache, true);
    size_t index = page->samples.count - 1;

    if (exemplars)
        scrape_exemplars_add(exemplars, index, &page->samples.list[index], exemplar);
}

/* ---- samples ---- */

/* Of a page with more samples than sample_limit none is kept. What repeats a sample of this scrape
 * does not count. */
static void count_kept(struct scrape_page *page, bool repeats)
{
    uint32_t limit = page->target->config->limits.sample_limit;

    page->kept++;
    page->repeated += repeats;
    if (!limit || page->kept - page->repeated <= limit || page->over_limit)
        return;
    page->over_limit = true;
    scrape_page_drop_samples(page);
    metric_add(page->shared->metrics.sample_limit_exceeded, 1);
}

/* A sample that is in the record: what is beside it. */
static void take_surroundings(struct scrape_page *page, const struct exposition_entry *entry,
                              struct cached_series *series)
{
    if (series->is_new || page->families.is_fresh)
        describe(page, series->series);
    if (series->is_created)
        take_created(page);
    if (entry->created_ms > 0)
        sample_list_add_created(&page->samples, page->samples.count - 1, entry->created_ms);
    if (entry->has_exemplar && page->shared->exemplars)
        take_exemplar(page, &entry->exemplar);
}

/* The least integer is what a time that fits none was read as. */
static bool is_out_of_bounds(int64_t timestamp_ms)
{
    return timestamp_ms == INT64_MIN || timestamp_ms > clock_wall_ms() + SCRAPE_MAX_FUTURE_MS;
}

/* A series that the page has shown before, whatever became of that, and no other time. */
static bool repeats(const struct cached_series *series, bool own_time)
{
    return !own_time && series->again;
}

/* Whether the sample goes into the record. Of two of one series at one time the first counts. */
static bool is_wanted(const struct scrape_page *page, const struct exposition_entry *entry,
                      const struct cached_series *series, bool own_time)
{
    struct metric *refused = NULL;

    if (own_time && is_out_of_bounds(entry->timestamp_ms))
        refused = page->shared->metrics.out_of_bounds;
    else if (repeats(series, own_time))
        refused = page->shared->metrics.duplicates;
    else if (!scrape_cache_advance(page->cache, series,
                                   own_time ? entry->timestamp_ms : page->timestamp_ms, own_time))
        refused = page->shared->metrics.out_of_order;
    else
        return true;
    metric_add(refused, 1);
    return false;
}

/* Of a page with too many buckets in a histogram none is kept, and all are counted. */
static int fit_histogram(struct scrape_page *page, struct histogram *histogram,
                         struct histogram **out)
{
    int error = scrape_histogram_fit(&page->target->config->limits, histogram, out);

    if (error == -E2BIG && !page->over_buckets) {
        page->over_buckets = true;
        metric_add(page->shared->metrics.bucket_limit_exceeded, 1);
    }
    return error;
}

static int add_sample(struct scrape_page *page, const struct exposition_entry *entry,
                      struct cached_series *series, bool own_time)
{
    struct sample sample = {
        .series = series->series,
        .type = entry->histogram ? SAMPLE_HISTOGRAM : SAMPLE_FLOAT,
        .timestamp_ms = own_time ? entry->timestamp_ms : page->timestamp_ms,
        .value = entry->value,
    };

    if (page->samples.count == SCRAPE_MAX_SAMPLES)
        return scrape_page_fail_here(page, "more than %u samples", SCRAPE_MAX_SAMPLES);
    int error = entry->histogram ? fit_histogram(page, entry->histogram, &sample.histogram) : 0;
    if (error)
        return error == -E2BIG ? 0 : scrape_page_fail_errno(page, error);
    error = sample_list_add(&page->samples, sample);
    if (error)
        return scrape_page_fail_errno(page, error);
    page->took = true;
    take_surroundings(page, entry, series);
    page->added += series->is_new && !page->over_buckets;
    series->is_new = false;
    series->tracked |= !own_time || page->target->config->track_timestamps_staleness;
    return 0;
}

/* One that stands behind a run of comments that came in one piece is known by it from now on. */
static struct cached_series *find_series(struct scrape_page *page,
                                         const struct exposition_entry *entry)
{
    if (entry->is_expected)
        return scrape_cache_take_expected(page->cache);
    struct cached_series *series = scrape_cache_find(page->cache, entry->series);
    if (series && page->run.text.bytes)
        scrape_cache_learn(page->cache, page->format, series, &page->run, entry->series);
    return series;
}

int scrape_page_take(struct scrape_page *page, const struct exposition_entry *entry)
{
    bool own_time = entry->has_timestamp && page->target->config->honor_timestamps;
    struct cached_series *series = find_series(page, entry);

    page->took = false;
    page->scraped++;
    if (!series) {
        int error = add_series(page, entry, &series);
        if (error)
            return error;
    }
    if (series && !series->series)
        return 0;
    count_kept(page, series && repeats(series, own_time));
    if (page->over_limit || !is_wanted(page, entry, series, own_time))
        return 0;
    return add_sample(page, entry, series, own_time);
}

void scrape_page_take_exemplar(struct scrape_page *page, const struct exposition_entry *entry)
{
    if (page->took && page->shared->exemplars && entry->has_exemplar)
        take_exemplar(page, &entry->exemplar);
}
