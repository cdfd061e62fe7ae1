/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' prometheus_target_* families of each job. They go with the job. */
#ifndef EDGEMETER_SCRAPE_SCRAPE_POOL_METRICS_H
#define EDGEMETER_SCRAPE_SCRAPE_POOL_METRICS_H

#include "model/metric.h"

struct scrape_pool_metrics {
    struct metric *targets;
    struct metric *target_limit;
    struct metric *syncs;
    struct metric *sync_failed;
    struct metric *sync_length;
    struct metric *sync_length_histogram;
};

/* 0 or a negative errno; then what was made is to be freed all the same. */
int scrape_pool_metrics_init(struct scrape_pool_metrics *metrics, struct metric_registry *registry,
                             const char *job);
void scrape_pool_metrics_free(struct scrape_pool_metrics *metrics);

#endif
