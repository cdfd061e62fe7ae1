/* SPDX-License-Identifier: Apache-2.0 */
/* edgemeter_queue_*: the log as it stands on disk and in memory. What a remote sends and loses is
 * in remote_metrics.h. */
#ifndef EDGEMETER_SHIP_LOG_QUEUE_METRICS_H
#define EDGEMETER_SHIP_LOG_QUEUE_METRICS_H

#include "ship/log/place.h"

/* All NULL without a registry. */
struct queue_metrics {
    struct metric_registry *registry;
    struct metric *disk_bytes, *memory_bytes, *max_bytes;
    struct metric *segment, *segments, *oldest_age, *sync_lag, *on_disk;
    struct metric *corrupt, *replayed, *syncs, *disk_errors;
};

/* 0, -ENOMEM or -E2BIG. Looks at the queue whenever the registry is written. */
int queue_metrics_init(struct queue_metrics *metrics, struct queue *queue,
                       struct metric_registry *registry);
void queue_metrics_free(struct queue_metrics *metrics, const struct queue *queue);

/* Shows where the reader is, until its segment_metric is freed. 0, -ENOMEM or -E2BIG. */
int queue_metrics_follow(struct queue_metrics *metrics, struct queue_reader *reader);

void queue_metrics_dropped(struct queue_metrics *metrics, struct place *place, enum queue_drop why,
                           struct sample_counts counts);
static inline void queue_metrics_corrupt(struct queue_metrics *metrics)
{
    metric_add(metrics->corrupt, 1);
}
static inline void queue_metrics_replayed(struct queue_metrics *metrics)
{
    metric_add(metrics->replayed, 1);
}
static inline void queue_metrics_synced(struct queue_metrics *metrics)
{
    metric_add(metrics->syncs, 1);
}
static inline void queue_metrics_disk_error(struct queue_metrics *metrics)
{
    metric_add(metrics->disk_errors, 1);
}

#endif
