/* SPDX-License-Identifier: Apache-2.0 */
/* A table of families and where their children go. */
#include "scrape/scrape_pool_metrics.h"

#include "base/cleanup.h"

#define METRIC(member) offsetof(struct scrape_pool_metrics, member)

static const double quantiles[] = {0.01, 0.05, 0.5, 0.9, 0.99};
static const double bounds[] = {0.01, 0.1, 1, 10};

static const struct {
    size_t offset;
    struct metric_family family;
} pool_families[] = {
    {METRIC(targets),
     {"prometheus_target_scrape_pool_targets", "Current number of targets in this scrape pool.",
      METRIC_GAUGE}},
    {METRIC(target_limit),
     {"prometheus_target_scrape_pool_target_limit",
      "Maximum number of targets allowed in this scrape pool.", METRIC_GAUGE}},
    {METRIC(syncs),
     {"prometheus_target_scrape_pool_sync_total",
      "Total number of syncs that were executed on a scrape pool.", METRIC_COUNTER}},
    {METRIC(sync_failed),
     {"prometheus_target_sync_failed_total", "Total number of target sync failures.",
      METRIC_COUNTER}},
    {METRIC(sync_length),
     {"prometheus_target_sync_length_seconds", "Actual interval to sync the scrape pool.",
      METRIC_SUMMARY, quantiles, ARRAY_SIZE(quantiles)}},
    {METRIC(sync_length_histogram),
     {"prometheus_target_sync_length_histogram_seconds", "Actual interval to sync the scrape pool.",
      METRIC_HISTOGRAM, bounds, ARRAY_SIZE(bounds)}},
};

static struct metric **member_of(struct scrape_pool_metrics *metrics, size_t index)
{
    return (struct metric **)((char *)metrics + pool_families[index].offset);
}

int scrape_pool_metrics_init(struct scrape_pool_metrics *metrics, struct metric_registry *registry,
                             const char *job)
{
    int error = 0;

    *metrics = (struct scrape_pool_metrics){0};
    for (size_t i = 0; i < ARRAY_SIZE(pool_families) && !error; i++)
        error = metric_new(registry, &pool_families[i].family, METRIC_LABELS("scrape_job", job),
                           member_of(metrics, i));
    return error;
}

void scrape_pool_metrics_free(struct scrape_pool_metrics *metrics)
{
    for (size_t i = 0; i < ARRAY_SIZE(pool_families); i++)
        metric_free(member_of(metrics, i));
}
