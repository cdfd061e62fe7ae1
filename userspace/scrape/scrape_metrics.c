/* SPDX-License-Identifier: Apache-2.0 */
/* Names and help texts as Prometheus has them: its dashboards and alerts go by them. */
#include "scrape/scrape_metrics.h"

#include "base/cleanup.h"

#define METRIC(member) offsetof(struct scrape_metrics, member)

static const struct {
    size_t offset;
    struct metric_family family;
} counters[] = {
    {METRIC(duplicates),
     {"prometheus_target_scrapes_sample_duplicate_timestamp_total",
      "Total number of samples rejected due to duplicate timestamps but different values.",
      METRIC_COUNTER}},
    {METRIC(out_of_bounds),
     {"prometheus_target_scrapes_sample_out_of_bounds_total",
      "Total number of samples rejected due to timestamp falling outside of the time bounds.",
      METRIC_COUNTER}},
    {METRIC(out_of_order),
     {"prometheus_target_scrapes_sample_out_of_order_total",
      "Total number of samples rejected due to not being out of the expected order.",
      METRIC_COUNTER}},
    {METRIC(exemplars_out_of_order),
     {"prometheus_target_scrapes_exemplar_out_of_order_total",
      "Total number of exemplar rejected due to not being out of the expected order.",
      METRIC_COUNTER}},
    {METRIC(body_size_exceeded),
     {"prometheus_target_scrapes_exceeded_body_size_limit_total",
      "Total number of scrapes that hit the body size limit", METRIC_COUNTER}},
    {METRIC(sample_limit_exceeded),
     {"prometheus_target_scrapes_exceeded_sample_limit_total",
      "Total number of scrapes that hit the sample limit and were rejected.", METRIC_COUNTER}},
    {METRIC(label_limits_exceeded),
     {"prometheus_target_scrape_pool_exceeded_label_limits_total",
      "Total number of times scrape pools hit the label limits, during sync or config reload.",
      METRIC_COUNTER}},
    {METRIC(bucket_limit_exceeded),
     {"prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
      "Total number of scrapes that hit the native histogram bucket limit and were rejected.",
      METRIC_COUNTER}},
    {METRIC(target_limit_exceeded),
     {"prometheus_target_scrape_pool_exceeded_target_limit_total",
      "Total number of times scrape pools hit the target limit, during sync or config reload.",
      METRIC_COUNTER}},
    {METRIC(cache_flushes),
     {"prometheus_target_scrapes_cache_flush_forced_total",
      "How many times a scrape cache was flushed due to getting big while scrapes are failing.",
      METRIC_COUNTER}},
    {METRIC(pools),
     {"prometheus_target_scrape_pools_total", "Total number of scrape pool creation attempts.",
      METRIC_COUNTER}},
    {METRIC(pools_failed),
     {"prometheus_target_scrape_pools_failed_total",
      "Total number of scrape pool creations that failed.", METRIC_COUNTER}},
    {METRIC(pool_reloads),
     {"prometheus_target_scrape_pool_reloads_total", "Total number of scrape pool reloads.",
      METRIC_COUNTER}},
};

static const double quantiles[] = {0.01, 0.05, 0.5, 0.9, 0.99};

static const struct metric_family interval_family = {
    .name = "prometheus_target_interval_length_seconds",
    .help = "Actual intervals between scrapes.",
    .type = METRIC_SUMMARY,
    .bounds = quantiles,
    .bound_count = ARRAY_SIZE(quantiles),
};

int scrape_metrics_interval(struct metric_registry *registry, const char *interval,
                            struct metric **out)
{
    return metric_new(registry, &interval_family, METRIC_LABELS("interval", interval), out);
}

int scrape_metrics_init(struct scrape_metrics *metrics, struct metric_registry *registry)
{
    int error = 0;

    *metrics = (struct scrape_metrics){0};
    for (size_t i = 0; i < ARRAY_SIZE(counters) && !error; i++) {
        struct metric **member = (struct metric **)((char *)metrics + counters[i].offset);
        error = metric_new(registry, &counters[i].family, NULL, member);
    }
    return error;
}
