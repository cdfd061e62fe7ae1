/* SPDX-License-Identifier: Apache-2.0 */
/* Scrapes targets on a schedule and hands every scrape to the sink as one record, with up and the
 * scrape_* series; stale markers for what disappeared. */
#ifndef EDGEMETER_SCRAPE_SCRAPER_H
#define EDGEMETER_SCRAPE_SCRAPER_H

#include "base/http_client.h"
#include "base/loop.h"
#include "model/metric.h"
#include "model/sample.h"
#include "model/target_group.h"
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

/* A job for each config, which the scraper holds; their targets come through the jobs' sinks.
 * Changes are gathered for a moment, of the first ones for none: the first scrape of a target comes
 * within a second. 0 or a negative errno, logged. */
int scraper_new(const struct scraper_environment *environment, struct scrape_config *const *configs,
                size_t config_count, struct scraper **out);
/* Where the targets of a job go; NULL: there is no such job. Lives as long as the job. */
struct target_sink *scraper_sink(struct scraper *scraper, const char *job_name);
/* Cancels scrapes in flight; writes no stale markers (Prometheus writes none at its end). */
void scraper_stop(struct scraper *scraper);
void scraper_free(struct scraper **scraper);

#endif
