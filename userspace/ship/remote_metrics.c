/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families, and their children for one remote. What happens is told by its parts. */
#include "ship/remote_metrics.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

static const double duration_bounds[] = {.005, .01, .025, .05, .1, .25, .5, 1,
                                         2.5,  5,   10,   25,  60, 120, 300};

static const struct {
    size_t member; /* offset in struct remote_metrics */
    struct metric_family family;
} families[] = {
#define FAMILY(member, type, name, help)         \
    {                                            \
        offsetof(struct remote_metrics, member), \
        {                                        \
            name, help, METRIC_##type            \
        }                                        \
    }
#define THEIRS(member, type, name, help) \
    FAMILY(member, type, "prometheus_remote_storage_" name, help)
#define OURS(member, type, name, help) FAMILY(member, type, "edgemeter_remote_write_" name, help)
    THEIRS(total[REMOTE_FLOATS], COUNTER, "samples_total", "Samples sent, retries counted again."),
    THEIRS(total[REMOTE_HISTOGRAMS], COUNTER, "histograms_total",
           "Native histogram samples sent, retries counted again."),
    THEIRS(total[REMOTE_EXEMPLARS], COUNTER, "exemplars_total",
           "Exemplars sent, retries counted again."),
    THEIRS(total[REMOTE_METADATA], COUNTER, "metadata_total",
           "Metadata entries sent; with 2.0 those beside samples, retries counted again."),
    THEIRS(failed[REMOTE_FLOATS], COUNTER, "samples_failed_total",
           "Samples lost because the receiver refused them for good."),
    THEIRS(failed[REMOTE_HISTOGRAMS], COUNTER, "histograms_failed_total",
           "Native histogram samples lost because the receiver refused them for good."),
    THEIRS(failed[REMOTE_EXEMPLARS], COUNTER, "exemplars_failed_total",
           "Exemplars lost because the receiver refused them for good."),
    THEIRS(failed[REMOTE_METADATA], COUNTER, "metadata_failed_total",
           "Metadata entries that the receiver refused for good."),
    THEIRS(retried[REMOTE_FLOATS], COUNTER, "samples_retried_total",
           "Samples sent again after an error that may pass."),
    THEIRS(retried[REMOTE_HISTOGRAMS], COUNTER, "histograms_retried_total",
           "Native histogram samples sent again after an error that may pass."),
    THEIRS(retried[REMOTE_EXEMPLARS], COUNTER, "exemplars_retried_total",
           "Exemplars sent again after an error that may pass."),
    THEIRS(retried[REMOTE_METADATA], COUNTER, "metadata_retried_total",
           "Metadata entries sent again after an error that may pass."),
    THEIRS(pending[REMOTE_FLOATS], GAUGE, "samples_pending",
           "Samples in the queue or on their way."),
    THEIRS(pending[REMOTE_HISTOGRAMS], GAUGE, "histograms_pending",
           "Native histogram samples in the queue or on their way."),
    THEIRS(pending[REMOTE_EXEMPLARS], GAUGE, "exemplars_pending",
           "Exemplars in a shard, waiting or on their way."),
    THEIRS(enqueue_retries, COUNTER, "enqueue_retries_total",
           "Times that reading on had to wait for a full shard."),
    THEIRS(bytes, COUNTER, "bytes_total", "Compressed bytes of finished requests of samples."),
    THEIRS(metadata_bytes, COUNTER, "metadata_bytes_total",
           "Compressed bytes of finished requests of metadata."),
    THEIRS(queue_highest_timestamp, GAUGE, "queue_highest_timestamp_seconds",
           "Highest timestamp of a sample taken into this remote's queue."),
    THEIRS(queue_highest_sent_timestamp, GAUGE, "queue_highest_sent_timestamp_seconds",
           "Highest timestamp of a sample in a finished request."),
    THEIRS(shards, GAUGE, "shards", "Requests that can be on their way at once."),
    THEIRS(shards_max, GAUGE, "shards_max", "Most shards allowed."),
    THEIRS(shards_min, GAUGE, "shards_min", "Fewest shards allowed."),
    THEIRS(shards_desired, GAUGE, "shards_desired", "Shards that the load asks for."),
    THEIRS(shard_capacity, GAUGE, "shard_capacity", "Most samples that a shard holds in hand."),
    THEIRS(max_samples_per_send, GAUGE, "max_samples_per_send", "Most samples of a request."),
    OURS(acknowledged[REMOTE_FLOATS], COUNTER, "samples_acknowledged_total",
         "Samples that the receiver took."),
    OURS(acknowledged[REMOTE_HISTOGRAMS], COUNTER, "histograms_acknowledged_total",
         "Native histogram samples that the receiver took."),
    OURS(acknowledged[REMOTE_EXEMPLARS], COUNTER, "exemplars_acknowledged_total",
         "Exemplars that the receiver took."),
    OURS(replay_refused, COUNTER, "samples_replay_refused_total",
         "Samples (native histograms too) sent again because their answer was lost, and refused: "
         "the receiver has them."),
#undef OURS
#undef THEIRS
#undef FAMILY
    {offsetof(struct remote_metrics, sent_batch_duration),
     {"prometheus_remote_storage_sent_batch_duration_seconds",
      "Duration of requests, failed ones included.", METRIC_HISTOGRAM, duration_bounds,
      ARRAY_SIZE(duration_bounds)}},
};

static const struct metric_family dropped_families[REMOTE_METADATA] = {
    [REMOTE_FLOATS] = {"prometheus_remote_storage_samples_dropped_total",
                       "Samples lost before they were in a request.", METRIC_COUNTER},
    [REMOTE_HISTOGRAMS] = {"prometheus_remote_storage_histograms_dropped_total",
                           "Native histogram samples lost before they were in a request.",
                           METRIC_COUNTER},
    [REMOTE_EXEMPLARS] = {"prometheus_remote_storage_exemplars_dropped_total",
                          "Exemplars lost before they were in a request.", METRIC_COUNTER},
};

static const struct metric_family refused_family = {
    "edgemeter_remote_write_samples_refused_total",
    "Samples (native histograms too) that the receiver refused for good, by HTTP status.",
    METRIC_COUNTER};

static const char *const drop_reasons[REMOTE_DROP_REASONS] = {
    [REMOTE_DROP_QUEUE_FULL] = "queue_full",
    [REMOTE_DROP_QUEUE_AGE] = "queue_age",
    [REMOTE_DROP_QUEUE_CORRUPT] = "queue_corrupt",
    [REMOTE_DROP_RELABELLED] = "dropped_series",
    [REMOTE_DROP_NO_HISTOGRAMS] = "native_histograms_not_sent",
    [REMOTE_DROP_CUSTOM_BUCKETS] = "nhcb_in_rw1_not_supported",
    [REMOTE_DROP_TOO_OLD] = "too_old",
    [REMOTE_DROP_TOO_LARGE] = "too_large",
    [REMOTE_DROP_NO_MEMORY] = "no_memory",
};

static struct metric **member(struct remote_metrics *metrics, size_t offset)
{
    return (struct metric **)((char *)metrics + offset);
}

int remote_metrics_init(struct remote_metrics *metrics, struct metric_registry *registry,
                        const char *name, const char *url)
{
    *metrics = (struct remote_metrics){.registry = registry, .name = name, .url = url};
    if (!registry)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        int error = metric_new(registry, &families[i].family,
                               METRIC_LABELS("remote_name", name, "url", url),
                               member(metrics, families[i].member));
        if (error) {
            remote_metrics_free(metrics);
            return error;
        }
    }
    return 0;
}

void remote_metrics_free(struct remote_metrics *metrics)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        metric_free(member(metrics, families[i].member));
    for (size_t kind = 0; kind < REMOTE_METADATA; kind++)
        for (size_t i = 0; i < REMOTE_DROP_REASONS; i++)
            metric_free(&metrics->dropped[kind][i]);
    for (size_t i = 0; i < REMOTE_METRICS_STATUSES; i++)
        metric_free(&metrics->refusals[i].samples);
}

static void add_counts(struct metric *const *children, struct sample_counts counts)
{
    metric_add(children[REMOTE_FLOATS], (double)counts.floats);
    metric_add(children[REMOTE_HISTOGRAMS], (double)counts.histograms);
    metric_add(children[REMOTE_EXEMPLARS], (double)counts.exemplars);
}

void remote_metrics_attempt(struct remote_metrics *metrics, struct sample_counts counts,
                            uint64_t metadata)
{
    add_counts(metrics->total, counts);
    metric_add(metrics->total[REMOTE_METADATA], (double)metadata);
}

void remote_metrics_retried(struct remote_metrics *metrics, struct sample_counts counts,
                            uint64_t metadata)
{
    add_counts(metrics->retried, counts);
    metric_add(metrics->retried[REMOTE_METADATA], (double)metadata);
}

void remote_metrics_taken(struct remote_metrics *metrics, struct sample_counts counts)
{
    add_counts(metrics->acknowledged, counts);
}

static struct metric *refusals_of(struct remote_metrics *metrics, int status)
{
    struct remote_refusals *last = &metrics->refusals[REMOTE_METRICS_STATUSES - 1];
    struct remote_refusals *refusals = metrics->refusals;
    char code[16];
    while (refusals < last && refusals->status && refusals->status != status)
        refusals++;
    snprintf(code, sizeof(code), "%d", status);
    if (!refusals->samples && metrics->registry)
        metric_new(metrics->registry, &refused_family,
                   METRIC_LABELS("remote_name", metrics->name, "url", metrics->url, "code",
                                 refusals == last ? "other" : code),
                   &refusals->samples);
    refusals->status = status;
    return refusals->samples;
}

void remote_metrics_refused(struct remote_metrics *metrics, int status, struct sample_counts counts)
{
    add_counts(metrics->failed, counts);
    metric_add(refusals_of(metrics, status), (double)sample_counts_sum(counts));
}

void remote_metrics_replay_refused(struct remote_metrics *metrics, struct sample_counts counts)
{
    metric_add(metrics->replay_refused, (double)sample_counts_sum(counts));
}

static void add_dropped(struct remote_metrics *metrics, enum remote_metrics_kind kind,
                        enum remote_drop_reason reason, uint64_t count)
{
    struct metric **child = &metrics->dropped[kind][reason];
    if (!count || !metrics->registry)
        return;
    if (!*child && metric_new(metrics->registry, &dropped_families[kind],
                              METRIC_LABELS("remote_name", metrics->name, "url", metrics->url,
                                            "reason", drop_reasons[reason]),
                              child))
        return;
    metric_add(*child, (double)count);
}

void remote_metrics_dropped(struct remote_metrics *metrics, enum remote_drop_reason reason,
                            struct sample_counts counts)
{
    add_dropped(metrics, REMOTE_FLOATS, reason, counts.floats);
    add_dropped(metrics, REMOTE_HISTOGRAMS, reason, counts.histograms);
    add_dropped(metrics, REMOTE_EXEMPLARS, reason, counts.exemplars);
}

void remote_metrics_pending(struct remote_metrics *metrics, struct sample_counts counts)
{
    metric_set(metrics->pending[REMOTE_FLOATS], (double)counts.floats);
    metric_set(metrics->pending[REMOTE_HISTOGRAMS], (double)counts.histograms);
    metric_set(metrics->pending[REMOTE_EXEMPLARS], (double)counts.exemplars);
}

static void raise_to(struct metric *metric, int64_t timestamp_ms)
{
    double seconds = (double)(timestamp_ms / 1000);
    if (timestamp_ms != INT64_MIN && seconds > metric_get(metric))
        metric_set(metric, seconds);
}

void remote_metrics_finished(struct remote_metrics *metrics, size_t bytes, int64_t newest_ms)
{
    metric_add(metrics->bytes, (double)bytes);
    raise_to(metrics->queue_highest_sent_timestamp, newest_ms);
}

void remote_metrics_queued(struct remote_metrics *metrics, int64_t newest_ms)
{
    raise_to(metrics->queue_highest_timestamp, newest_ms);
}

double remote_metrics_dropped_sum(const struct remote_metrics *metrics)
{
    double sum = 0;
    for (size_t i = 0; i < REMOTE_DROP_REASONS; i++)
        sum += metric_get(metrics->dropped[REMOTE_FLOATS][i]) +
               metric_get(metrics->dropped[REMOTE_HISTOGRAMS][i]);
    return sum;
}

double remote_metrics_behind_seconds(const struct remote_metrics *metrics)
{
    double behind = metric_get(metrics->queue_highest_timestamp) -
                    metric_get(metrics->queue_highest_sent_timestamp);
    return behind > 0 ? behind : 0;
}
