/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families, and their children for one remote. The values are set by remote.c. */
#include "ship/remote_metrics.h"

#include <errno.h>

#include "base/cleanup.h"

#define NAME(rest) "prometheus_remote_storage_" rest

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
            NAME(name), help, METRIC_##type      \
        }                                        \
    }
    FAMILY(samples, COUNTER, "samples_total", "Samples sent, retries counted again."),
    FAMILY(histograms, COUNTER, "histograms_total",
           "Native histogram samples sent, retries counted again."),
    FAMILY(samples_failed, COUNTER, "samples_failed_total",
           "Samples lost because the receiver refused them for good."),
    FAMILY(histograms_failed, COUNTER, "histograms_failed_total",
           "Native histogram samples lost because the receiver refused them for good."),
    FAMILY(samples_retried, COUNTER, "samples_retried_total",
           "Samples sent again after an error that may pass."),
    FAMILY(histograms_retried, COUNTER, "histograms_retried_total",
           "Native histogram samples sent again after an error that may pass."),
    FAMILY(samples_pending, GAUGE, "samples_pending", "Samples waiting or on their way."),
    FAMILY(histograms_pending, GAUGE, "histograms_pending",
           "Native histogram samples waiting or on their way."),
    FAMILY(bytes, COUNTER, "bytes_total", "Compressed bytes of finished requests."),
    FAMILY(queue_highest_timestamp, GAUGE, "queue_highest_timestamp_seconds",
           "Highest timestamp of a sample taken into this remote's queue."),
    FAMILY(queue_highest_sent_timestamp, GAUGE, "queue_highest_sent_timestamp_seconds",
           "Highest timestamp of a sample in a finished request."),
    FAMILY(shards, GAUGE, "shards", "Requests that can be on their way at once."),
    FAMILY(shards_max, GAUGE, "shards_max", "Most shards allowed."),
    FAMILY(shards_min, GAUGE, "shards_min", "Fewest shards allowed."),
    FAMILY(shards_desired, GAUGE, "shards_desired", "Shards that the load asks for."),
    FAMILY(shard_capacity, GAUGE, "shard_capacity", "Samples that a shard holds in hand."),
    FAMILY(max_samples_per_send, GAUGE, "max_samples_per_send", "Most samples of a request."),
#undef FAMILY
    {offsetof(struct remote_metrics, sent_batch_duration),
     {NAME("sent_batch_duration_seconds"), "Duration of requests, failed ones included.",
      METRIC_HISTOGRAM, duration_bounds, ARRAY_SIZE(duration_bounds)}},
};

static const struct metric_family samples_dropped = {
    NAME("samples_dropped_total"), "Samples lost before they were in a request.", METRIC_COUNTER};
static const struct metric_family histograms_dropped = {
    NAME("histograms_dropped_total"),
    "Native histogram samples lost before they were in a request.", METRIC_COUNTER};

static const char *const drop_reasons[REMOTE_DROP_REASONS] = {
    [REMOTE_DROP_QUEUE_FULL] = "queue_full",       [REMOTE_DROP_QUEUE_AGE] = "queue_age",
    [REMOTE_DROP_QUEUE_CORRUPT] = "queue_corrupt", [REMOTE_DROP_TOO_LARGE] = "too_large",
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
    for (size_t i = 0; i < REMOTE_DROP_REASONS; i++) {
        metric_free(&metrics->samples_dropped[i]);
        metric_free(&metrics->histograms_dropped[i]);
    }
}

static void dropped_add(struct remote_metrics *metrics, const struct metric_family *family,
                        const char *reason, uint64_t count, struct metric **child)
{
    if (!count || !metrics->registry)
        return;
    if (!*child && metric_new(metrics->registry, family,
                              METRIC_LABELS("remote_name", metrics->name, "url", metrics->url,
                                            "reason", reason),
                              child))
        return;
    metric_add(*child, (double)count);
}

void remote_metrics_dropped(struct remote_metrics *metrics, enum remote_drop_reason reason,
                            struct sample_counts dropped)
{
    dropped_add(metrics, &samples_dropped, drop_reasons[reason], dropped.floats,
                &metrics->samples_dropped[reason]);
    dropped_add(metrics, &histograms_dropped, drop_reasons[reason], dropped.histograms,
                &metrics->histograms_dropped[reason]);
}
