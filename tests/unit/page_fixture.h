/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a scraped page needs around it: a target, a cache, a series table. For tests,
 * benches and fuzz targets alike: what cannot be made aborts. */
#ifndef EDGEMETER_TESTS_PAGE_FIXTURE_H
#define EDGEMETER_TESTS_PAGE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "scrape/scrape_page.h"

struct page_fixture {
    struct series_table *series;
    struct scrape_shared shared;
    struct scrape_config config;
    struct target *target;
    struct scrape_cache *cache;
    struct scrape_page page;
};

#define PAGE_FIXTURE_TIME_MS INT64_C(1700000077777) /* of the scrape */

static inline void page_fixture_require(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "page_fixture: %s\n", what);
    abort();
}

static inline struct target *page_fixture_target(const struct scrape_config *config)
{
    char reason[TARGET_REASON_SIZE] = "";
    struct labels_builder *builder = NULL;
    struct labels *discovered = NULL;
    struct target *target = NULL;

    page_fixture_require(!labels_builder_new(&builder) &&
                             !labels_builder_set(builder, TEXT("__address__"), TEXT("h:1")) &&
                             !labels_builder_build(builder, &discovered),
                         "out of memory");
    page_fixture_require(!target_new(config, NULL, discovered, &target, reason), reason);
    labels_builder_free(&builder);
    free(discovered);
    return target;
}

/* The config may be changed until the first page. */
static inline struct page_fixture *page_fixture_new(void)
{
    struct page_fixture *fixture = calloc(1, sizeof(*fixture));

    page_fixture_require(fixture, "out of memory");
    fixture->config = (struct scrape_config){
        .job_name = "j",
        .scrape_interval_ns = NS_PER_SECOND,
        .scrape_timeout_ns = NS_PER_SECOND,
        .metrics_path = "/metrics",
        .scheme = "http",
        .honor_timestamps = true,
    };
    fixture->target = page_fixture_target(&fixture->config);
    fixture->shared.entry = malloc(sizeof(*fixture->shared.entry));
    page_fixture_require(
        fixture->shared.entry && !series_table_new(1 << 22, &fixture->series) &&
            !page_pieces_new(fixture->series, &fixture->shared.pieces) &&
            !scrape_cache_new(fixture->series, fixture->shared.pieces, &fixture->cache) &&
            !scrape_labels_new(NULL, &fixture->shared.labels),
        "out of memory");
    fixture->shared.series = fixture->series;
    fixture->shared.exemplars = true;
    return fixture;
}

static inline void page_fixture_free(struct page_fixture *fixture)
{
    scrape_cache_free(&fixture->cache);
    page_fixture_require(series_table_count(fixture->series) == 0, "a series is left");
    target_free(&fixture->target);
    scrape_labels_free(&fixture->shared.labels);
    page_pieces_free(&fixture->shared.pieces);
    page_fixture_require(!series_table_next_metadata(fixture->series, 0), "metadata is left");
    series_table_free(&fixture->series);
    free(fixture->shared.entry);
    free(fixture);
}

static inline void page_fixture_begin(struct page_fixture *fixture)
{
    scrape_page_begin(&fixture->page, &fixture->shared, fixture->target, fixture->cache,
                      PAGE_FIXTURE_TIME_MS);
}

/* The page is over: gives the number of series that ended with it. The page itself is still there.
 */
static inline size_t page_fixture_end(struct page_fixture *fixture)
{
    struct scrape_page *page = &fixture->page;
    const series_id *ended;
    size_t count;

    scrape_page_end(page);
    page_fixture_require(
        !scrape_cache_end(fixture->cache, page->failed, page->timestamp_ms, &ended, &count),
        "out of memory");
    for (size_t i = 0; i < count; i++)
        page_fixture_require(series_table_labels(fixture->series, ended[i]),
                             "an ended series is not there");
    scrape_cache_sweep(fixture->cache, page->failed);
    return count;
}

/* A whole page at once, or cut into pieces of `piece` bytes, each a copy of its own size so that
 * the sanitizer sees a read beyond it. The page is still there afterwards. */
static inline size_t page_fixture_scrape(struct page_fixture *fixture, enum scrape_format format,
                                         struct text page, size_t piece)
{
    page_fixture_begin(fixture);
    scrape_page_set_format(&fixture->page, format);
    for (size_t at = 0; at < page.length; at += piece) {
        size_t length = page.length - at < piece ? page.length - at : piece;
        char *copy = malloc(length);
        memcpy(copy, page.bytes + at, length);
        scrape_page_feed(&fixture->page, copy, length);
        free(copy);
    }
    return page_fixture_end(fixture);
}

#endif
