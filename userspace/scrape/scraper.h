/* SPDX-License-Identifier: Apache-2.0 */
/* Scrapes targets on a schedule and hands every scrape to the sink as one record, with up and the
 * scrape_* series; stale markers for what disappeared. */
#ifndef EDGEMETER_SCRAPE_SCRAPER_H
#define EDGEMETER_SCRAPE_SCRAPER_H

#include "base/http_client.h"
#include "base/loop.h"
#include "model/metric.h"
#include "model/sample.h"
#include "scrape/scrape_config.h"

struct scraper;

/* What the scraper borrows from the agent; all of it outlives the scraper. */
struct scraper_environment {
    struct loop *loop;
    struct http_client *http;
    struct series_table *series;
    struct sample_sink *sink;
    struct metric_registry *metrics;
    const struct labels *external_labels; /* added to a series where it has no label of that name */
};

/* `configs` are borrowed and outlive the scraper. Scraping starts with the loop: the first scrape of
 * each target within a second. 0 or a negative errno, logged. */
int scraper_new(const struct scraper_environment *environment, const struct scrape_config *configs,
                size_t config_count, struct scraper **out);
/* Cancels scrapes in flight; writes no stale markers (Prometheus writes none at its end). */
void scraper_stop(struct scraper *scraper);
void scraper_free(struct scraper **scraper);

#endif
