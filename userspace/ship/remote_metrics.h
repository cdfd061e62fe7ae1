/* SPDX-License-Identifier: Apache-2.0 */
/* prometheus_remote_storage_*: what one remote counts, under Prometheus' names and meanings; and
 * edgemeter_remote_write_*, which Prometheus has no name for. For each remote
 *
 *   read from the queue = acknowledged + failed + refused at replay + dropped + pending. */
#ifndef EDGEMETER_SHIP_REMOTE_METRICS_H
#define EDGEMETER_SHIP_REMOTE_METRICS_H

#include "model/metric.h"
#include "ship/queue.h"

/* Samples that never were in a request. */
enum remote_drop_reason {
    REMOTE_DROP_QUEUE_FULL,     /* the oldest, to make room; or a record that finds none */
    REMOTE_DROP_QUEUE_AGE,      /* longer in the queue than queue.max_age */
    REMOTE_DROP_QUEUE_CORRUPT,  /* damaged or missing on disk */
    REMOTE_DROP_RELABELLED,     /* by write_relabel_configs */
    REMOTE_DROP_NO_HISTOGRAMS,  /* native ones, without send_native_histograms */
    REMOTE_DROP_CUSTOM_BUCKETS, /* histograms with such, which 1.0 cannot carry */
    REMOTE_DROP_TOO_OLD,        /* than queue_config.sample_age_limit */
    REMOTE_DROP_TOO_LARGE,      /* one sample alone is too long for a request */
    REMOTE_DROP_NO_MEMORY,
    REMOTE_DROP_REASONS
};

enum remote_metrics_kind {
    REMOTE_FLOATS,
    REMOTE_HISTOGRAMS,
    REMOTE_EXEMPLARS,
    REMOTE_METADATA,
    REMOTE_KINDS
};

#define REMOTE_METRICS_STATUSES 16 /* of refusals; the rest is counted as "other" */

struct remote_refusals {
    int status; /* 0: free */
    struct metric *samples;
};

/* All NULL without a registry. */
struct remote_metrics {
    struct metric *total[REMOTE_KINDS];   /* per attempt */
    struct metric *failed[REMOTE_KINDS];  /* refused for good */
    struct metric *retried[REMOTE_KINDS]; /* per retry */
    struct metric *pending[REMOTE_METADATA];
    struct metric *acknowledged[REMOTE_METADATA];
    struct metric *replay_refused;
    struct metric *enqueue_retries;
    struct metric *bytes, *metadata_bytes; /* compressed, once per batch */
    struct metric *sent_batch_duration;
    struct metric *queue_highest_timestamp, *queue_highest_sent_timestamp;
    struct metric *shards, *shards_max, *shards_min, *shards_desired;
    struct metric *shard_capacity, *max_samples_per_send;
    struct metric *dropped[REMOTE_METADATA][REMOTE_DROP_REASONS]; /* NULL until the first one */
    struct remote_refusals refusals[REMOTE_METRICS_STATUSES];     /* as they come */
    struct metric_registry *registry;
    const char *name, *url; /* borrowed */
};

/* `name` and `url` (redacted) outlive the metrics. 0 or -ENOMEM; then nothing is left to free. */
int remote_metrics_init(struct remote_metrics *metrics, struct metric_registry *registry,
                        const char *name, const char *url);
void remote_metrics_free(struct remote_metrics *metrics);

/* `metadata` is how many entries went with the samples. */
void remote_metrics_attempt(struct remote_metrics *metrics, struct sample_counts counts,
                            uint64_t metadata);
void remote_metrics_retried(struct remote_metrics *metrics, struct sample_counts counts,
                            uint64_t metadata);
void remote_metrics_taken(struct remote_metrics *metrics, struct sample_counts counts);
void remote_metrics_refused(struct remote_metrics *metrics, int status,
                            struct sample_counts counts);
void remote_metrics_replay_refused(struct remote_metrics *metrics, struct sample_counts counts);
void remote_metrics_dropped(struct remote_metrics *metrics, enum remote_drop_reason reason,
                            struct sample_counts counts);
void remote_metrics_pending(struct remote_metrics *metrics, struct sample_counts counts);
/* A batch has ended, sent or not; INT64_MIN where no sample was in it. */
void remote_metrics_finished(struct remote_metrics *metrics, size_t bytes, int64_t newest_ms);
void remote_metrics_queued(struct remote_metrics *metrics, int64_t newest_ms);
/* Samples, native histograms too, that never were in a request. */
double remote_metrics_dropped_sum(const struct remote_metrics *metrics);
/* How far the newest sample sent lies behind the newest one taken in. */
double remote_metrics_behind_seconds(const struct remote_metrics *metrics);

#endif
