/* SPDX-License-Identifier: Apache-2.0 */
/* Report series carry the target's labels and are made once for a target. */
#include "scrape/scrape_report.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define REPORT_ALWAYS 5 /* the others are extra */

/* Texts and units are Prometheus'. */
static const struct {
    const char *name, *unit, *help;
} families[SCRAPE_REPORT_COUNT] = {
    {"up", "targets",
     "Health of the scrape target. 1 means the target is healthy, 0 if the scrape failed."},
    {"scrape_duration_seconds", "seconds", "Duration of the last scrape in seconds."},
    {"scrape_samples_scraped", "samples", "Number of samples last scraped."},
    {"scrape_samples_post_metric_relabeling", "samples",
     "Number of samples remaining after metric relabeling was applied."},
    {"scrape_series_added", "series", "Number of series in the last scrape."},
    {"scrape_timeout_seconds", "seconds", "The configured scrape timeout for a target."},
    {"scrape_sample_limit", "samples",
     "The configured sample limit for a target. Returns zero if there is no limit configured."},
    {"scrape_body_size_bytes", "bytes",
     "The uncompressed size of the last scrape response, if successful. Scrapes failing because "
     "body_size_limit is exceeded report -1, other scrape failures report 0."},
};

static int add_series(struct series_table *table, const struct labels *labels, size_t index,
                      series_id *out)
{
    const struct metadata metadata = {
        .family = text_of(families[index].name),
        .help = text_of(families[index].help),
        .unit = text_of(families[index].unit),
        .type = METADATA_GAUGE,
    };

    int error = series_table_intern(table, labels, out);
    if (!error) /* without room for it the series stays undescribed */
        series_table_describe(table, *out, &metadata);
    return error;
}

int scrape_report_init(struct scrape_report *report, const struct scrape_shared *shared,
                       const struct target *target)
{
    *report = (struct scrape_report){.count = target->config->extra_metrics ? SCRAPE_REPORT_COUNT
                                                                            : REPORT_ALWAYS};
    for (size_t i = 0; i < report->count; i++) {
        autofree struct labels *labels = NULL;
        int error = scrape_labels_build_report(shared->labels, families[i].name, target, &labels);
        if (!error)
            error = add_series(shared->series, labels, i, &report->series[i]);
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
