/* SPDX-License-Identifier: Apache-2.0 */
/* prometheus_remote_storage_*: what one remote counts, under Prometheus' names and meanings. */
#ifndef EDGEMETER_SHIP_REMOTE_METRICS_H
#define EDGEMETER_SHIP_REMOTE_METRICS_H

#include "model/metric.h"
#include "ship/queue.h"

/* Samples that never were in a request. */
enum remote_drop_reason {
    REMOTE_DROP_QUEUE_FULL,    /* the oldest, to make room; or a record that finds none */
    REMOTE_DROP_QUEUE_AGE,     /* longer in the queue than queue.max_age */
    REMOTE_DROP_QUEUE_CORRUPT, /* damaged or missing on disk */
    REMOTE_DROP_TOO_LARGE,     /* one sample alone is too long for a request */
    REMOTE_DROP_NO_MEMORY,
    REMOTE_DROP_REASONS
};

/* All NULL without a registry. */
struct remote_metrics {
    struct metric *samples, *histograms;                 /* per attempt */
    struct metric *samples_failed, *histograms_failed;   /* refused for good */
    struct metric *samples_retried, *histograms_retried; /* per retry */
    struct metric *samples_pending, *histograms_pending;
    struct metric *bytes; /* compressed, once per batch */
    struct metric *sent_batch_duration;
    struct metric *queue_highest_timestamp, *queue_highest_sent_timestamp;
    struct metric *shards, *shards_max, *shards_min, *shards_desired;
    struct metric *shard_capacity, *max_samples_per_send;
    struct metric *samples_dropped[REMOTE_DROP_REASONS]; /* NULL until the first one */
    struct metric *histograms_dropped[REMOTE_DROP_REASONS];
    struct metric_registry *registry;
    const char *name, *url; /* borrowed */
};

/* `name` and `url` (redacted) outlive the metrics. 0 or -ENOMEM; then nothing is left to free. */
int remote_metrics_init(struct remote_metrics *metrics, struct metric_registry *registry,
                        const char *name, const char *url);
void remote_metrics_free(struct remote_metrics *metrics);
void remote_metrics_dropped(struct remote_metrics *metrics, enum remote_drop_reason reason,
                            struct sample_counts dropped);

#endif
