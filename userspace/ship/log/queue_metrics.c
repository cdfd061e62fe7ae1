/* SPDX-License-Identifier: Apache-2.0 */
/* The families, and what is looked up when they are written. */
#include "ship/log/queue_metrics.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "ship/log/queue_state.h"

static const struct metric_family bytes_family = {"edgemeter_queue_bytes",
                                                  "Bytes that the queue takes.", METRIC_GAUGE};
static const struct metric_family dropped_family = {
    "edgemeter_queue_dropped_samples_total",
    "Samples, histograms included, that were dropped before this remote had read them.",
    METRIC_COUNTER};

static const struct metric_family read_segment_family = {
    "prometheus_wal_watcher_current_segment",
    "Number of the queue's segment that this remote reads.", METRIC_GAUGE};

static const struct {
    size_t member; /* offset in struct queue_metrics */
    struct metric_family family;
} families[] = {
    {offsetof(struct queue_metrics, segment),
     {"prometheus_tsdb_wal_segment_current",
      "Number of the queue's segment that is appended to, or was last.", METRIC_GAUGE}},
#define FAMILY(member, type, name, help)                 \
    {                                                    \
        offsetof(struct queue_metrics, member),          \
        {                                                \
            "edgemeter_queue_" name, help, METRIC_##type \
        }                                                \
    }
    FAMILY(max_bytes, GAUGE, "max_bytes", "Bytes that the queue may take."),
    FAMILY(segments, GAUGE, "segments", "Segments of the queue, on disk and in memory."),
    FAMILY(oldest_age, GAUGE, "oldest_segment_age_seconds",
           "Age of the oldest segment that some remote still needs; 0 where none does."),
    FAMILY(sync_lag, GAUGE, "sync_lag_seconds",
           "How long the oldest sample that is not yet safe from a power cut has been waiting."),
    FAMILY(on_disk, GAUGE, "on_disk", "Whether what is appended now outlives the process."),
    FAMILY(corrupt, COUNTER, "corrupt_records_total",
           "Stretches of the queue's files that could not be read."),
    FAMILY(replayed, COUNTER, "replayed_ranges_total",
           "Batches that were on their way when a process ended and are sent again."),
    FAMILY(syncs, COUNTER, "syncs_total", "Times that the queue's files were synced."),
    FAMILY(disk_errors, COUNTER, "disk_errors_total",
           "Times that the disk did not take or keep the queue."),
#undef FAMILY
};

static const char *const reasons[QUEUE_DROPS] = {
    [QUEUE_DROP_FULL] = "full",           [QUEUE_DROP_AGE] = "age",
    [QUEUE_DROP_CORRUPT] = "corrupt",     [QUEUE_DROP_TOO_LARGE] = "too_large",
    [QUEUE_DROP_NO_MEMORY] = "no_memory",
};

static struct metric **member(struct queue_metrics *metrics, size_t offset)
{
    return (struct metric **)((char *)metrics + offset);
}

static double oldest_age_seconds(struct queue *queue)
{
    const struct segment *oldest = TAILQ_FIRST(&queue->segments);
    const struct place *place;
    bool needed = false;
    if (!oldest)
        return 0;
    TAILQ_FOREACH(place, &queue->places, siblings)
    needed |= queue_position_compare(place_released(place), oldest->end) < 0;
    int64_t age_ms = clock_wall_ms() - oldest->head.begun_ms; /* a clock can be set back */
    return needed && age_ms > 0 ? (double)age_ms / 1000 : 0;
}

static void show(void *context)
{
    struct queue *queue = context;
    struct queue_metrics *metrics = &queue->metrics;
    const struct queue_reader *reader;
    const struct segment *segment;
    double bytes[2] = {}, segments = 0;
    TAILQ_FOREACH(segment, &queue->segments, siblings)
    {
        bytes[segment->in_memory] += (double)segment_bytes(segment);
        segments++;
    }
    segment = queue_newest(queue);
    uint64_t since_ns = queue->unsynced_since_ns;
    double lag = since_ns ? (double)(clock_monotonic_ns() - since_ns) / NS_PER_SECOND : 0;
    metric_set(metrics->disk_bytes, bytes[0]);
    metric_set(metrics->memory_bytes, bytes[1]);
    metric_set(metrics->max_bytes, (double)queue_bound(queue, !queue->folder.path));
    metric_set(metrics->segments, segments);
    metric_set(metrics->oldest_age, oldest_age_seconds(queue));
    metric_set(metrics->sync_lag, lag);
    metric_set(metrics->on_disk, queue->disk_works);
    metric_set(metrics->segment, segment ? (double)segment->head.number : 0);
    TAILQ_FOREACH(reader, &queue->readers, siblings)
    metric_set(reader->segment_metric, (double)reader->segment_number);
}

int queue_metrics_follow(struct queue_metrics *metrics, struct queue_reader *reader)
{
    return metrics->registry
               ? metric_new(metrics->registry, &read_segment_family,
                            METRIC_LABELS("consumer", reader->place->name), &reader->segment_metric)
               : 0;
}

int queue_metrics_init(struct queue_metrics *metrics, struct queue *queue,
                       struct metric_registry *registry)
{
    *metrics = (struct queue_metrics){.registry = registry};
    if (!registry)
        return 0;
    int error =
        metric_new(registry, &bytes_family, METRIC_LABELS("where", "disk"), &metrics->disk_bytes);
    if (!error)
        error = metric_new(registry, &bytes_family, METRIC_LABELS("where", "memory"),
                           &metrics->memory_bytes);
    for (size_t i = 0; i < ARRAY_SIZE(families) && !error; i++)
        error =
            metric_new(registry, &families[i].family, NULL, member(metrics, families[i].member));
    return error ? error : metric_registry_on_write(registry, show, queue);
}

void queue_metrics_free(struct queue_metrics *metrics, const struct queue *queue)
{
    metric_registry_off_write(metrics->registry, show, queue);
    metric_free(&metrics->disk_bytes);
    metric_free(&metrics->memory_bytes);
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        metric_free(member(metrics, families[i].member));
}

void queue_metrics_dropped(struct queue_metrics *metrics, struct place *place, enum queue_drop why,
                           struct sample_counts counts)
{
    struct metric **dropped = &place->dropped[why];
    if (!metrics->registry || !sample_counts_sum(counts))
        return;
    if (!*dropped &&
        metric_new(metrics->registry, &dropped_family,
                   METRIC_LABELS("remote_name", place->name, "reason", reasons[why]), dropped))
        return;
    metric_add(*dropped, (double)sample_counts_sum(counts));
}
