/* SPDX-License-Identifier: Apache-2.0 */
/* Report series carry the target's labels and are made once for a target. */
#include "scrape/scrape_report.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define REPORT_ALWAYS 5 /* the others are extra */

int scrape_report_init(struct scrape_report *report, const struct scrape_shared *shared,
                       const struct target *target)
{
    static const char *const names[SCRAPE_REPORT_COUNT] = {
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
        "scrape_timeout_seconds",
        "scrape_sample_limit",
        "scrape_body_size_bytes",
    };

    *report = (struct scrape_report){.count = target->config->extra_metrics ? SCRAPE_REPORT_COUNT
                                                                            : REPORT_ALWAYS};
    for (size_t i = 0; i < report->count; i++) {
        autofree struct labels *labels = NULL;
        int error = scrape_labels_build_report(shared->labels, names[i], target, &labels);
        if (!error)
            error = series_table_intern(shared->series, labels, &report->series[i]);
        if (error) {
            scrape_report_free(report, shared->series);
            return error;
        }
    }
    return 0;
}

void scrape_report_free(struct scrape_report *report, struct series_table *series)
{
    for (size_t i = 0; i < SCRAPE_REPORT_COUNT; i++)
        if (report->series[i])
            series_table_release(series, report->series[i]);
    *report = (struct scrape_report){0};
}

static int add(const struct scrape_report *report, const double *values, int64_t timestamp_ms,
               struct sample_list *samples)
{
    for (size_t i = 0; i < report->count; i++) {
        int error = sample_list_add(samples, (struct sample){
                                                 .series = report->series[i],
                                                 .type = SAMPLE_FLOAT,
                                                 .timestamp_ms = timestamp_ms,
                                                 .value = values[i],
                                             });
        if (error)
            return error;
    }
    return 0;
}

int scrape_report_add(const struct scrape_report *report, const struct scrape_page *page,
                      double duration_seconds, double body_bytes, struct sample_list *samples)
{
    const struct target *target = page->target;
    const double values[SCRAPE_REPORT_COUNT] = {
        !page->failed,
        duration_seconds,
        page->scraped,
        page->kept,
        page->added,
        (double)target->scrape_timeout_ns / NS_PER_SECOND,
        target->config->limits.sample_limit,
        body_bytes,
    };
    return add(report, values, page->timestamp_ms, samples);
}

int scrape_report_end(const struct scrape_report *report, int64_t timestamp_ms,
                      struct sample_list *samples)
{
    double values[SCRAPE_REPORT_COUNT];

    for (size_t i = 0; i < SCRAPE_REPORT_COUNT; i++)
        values[i] = sample_stale_value();
    return add(report, values, timestamp_ms, samples);
}
