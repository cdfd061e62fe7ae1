/* SPDX-License-Identifier: Apache-2.0 */
/* The series about a scrape itself, written for every scrape, failed or not: up,
 * scrape_duration_seconds, scrape_samples_scraped, scrape_samples_post_metric_relabeling,
 * scrape_series_added; with extra_scrape_metrics scrape_timeout_seconds, scrape_sample_limit and
 * scrape_body_size_bytes too. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_REPORT_H
#define EDGEMETER_SCRAPE_SCRAPE_REPORT_H

#include "scrape/scrape_page.h"

#define SCRAPE_REPORT_COUNT 8

struct scrape_report {
    size_t count;
    series_id series[SCRAPE_REPORT_COUNT]; /* one reference each, `count` of them */
};

int scrape_report_init(struct scrape_report *report, const struct scrape_shared *shared,
                       const struct target *target);
void scrape_report_free(struct scrape_report *report, struct series_table *series);
/* A stale marker for each. */
int scrape_report_end(const struct scrape_report *report, int64_t timestamp_ms,
                      struct sample_list *samples);
/* `body_bytes`: decoded; -1: more than body_size_limit. */
int scrape_report_add(const struct scrape_report *report, const struct scrape_page *page,
                      double duration_seconds, double body_bytes, struct sample_list *samples);

#endif
