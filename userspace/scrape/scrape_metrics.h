/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' prometheus_target_* families that count over all jobs. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_METRICS_H
#define EDGEMETER_SCRAPE_SCRAPE_METRICS_H

#include "model/metric.h"

struct scrape_metrics {
    struct metric *duplicates;
    struct metric *out_of_bounds;
    struct metric *out_of_order;
    struct metric *exemplars_out_of_order;
    struct metric *body_size_exceeded;
    struct metric *sample_limit_exceeded;
    struct metric *label_limits_exceeded;
    struct metric *bucket_limit_exceeded;
    struct metric *target_limit_exceeded;
    struct metric *cache_flushes;
    struct metric *pools;
    struct metric *pools_failed;
    struct metric *pool_reloads;
};

/* They stay in the registry (NULL: none) when the scraper goes, and count on in the next one. */
int scrape_metrics_init(struct scrape_metrics *metrics, struct metric_registry *registry);

/* A child of prometheus_target_interval_length_seconds. */
int scrape_metrics_interval(struct metric_registry *registry, const char *interval,
                            struct metric **out);

#endif
