/* SPDX-License-Identifier: Apache-2.0 */
/* What was given to the queue, before any remote has seen it: under the names that it has where
 * Prometheus gives samples to remote storage, and those of its agent mode. */
#ifndef EDGEMETER_SHIP_INTAKE_METRICS_H
#define EDGEMETER_SHIP_INTAKE_METRICS_H

#include "model/metric.h"
#include "ship/queue.h"

#define INTAKE_METRICS 7

/* All NULL without a registry. */
struct intake_metrics {
    struct metric *list[INTAKE_METRICS];
};

/* 0, -ENOMEM or -E2BIG; to be freed then, too. */
int intake_metrics_init(struct intake_metrics *metrics, struct metric_registry *registry);
void intake_metrics_free(struct intake_metrics *metrics);

/* A record of so many, the newest sample of that time. */
void intake_metrics_count(struct intake_metrics *metrics, struct sample_counts counts,
                          int64_t newest_ms);

#endif
