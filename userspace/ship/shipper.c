/* SPDX-License-Identifier: Apache-2.0 */
/* The sink that everything is appended to, the one queue behind it, and the remotes that empty it.
 * How a remote sends is remote.c's business. */
#include "ship/shipper.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ship/batch.h"
#include "ship/queue.h"
#include "ship/remote.h"

struct shipper {
    struct sample_sink sink; /* the first member: the sink is the shipper */
    struct shipper_environment environment;
    struct queue *queue;
    struct encoder *encoder;
    struct remote **remotes;
    size_t remote_count;
    struct metric *samples_in, *histograms_in, *highest_timestamp;
    struct loop_timer *flush_timer;
    uint64_t flush_end_ns;
    void (*flush_done)(void *context, uint64_t unsent); /* NULL: not flushing, or told */
    void *flush_context;
};

static const struct metric_family samples_in_family = {"prometheus_remote_storage_samples_in_total",
                                                       "Samples given to remote storage.",
                                                       METRIC_COUNTER};
static const struct metric_family histograms_in_family = {
    "prometheus_remote_storage_histograms_in_total",
    "Native histogram samples given to remote storage.", METRIC_COUNTER};
static const struct metric_family highest_timestamp_family = {
    "prometheus_remote_storage_highest_timestamp_in_seconds",
    "Highest timestamp of a sample given to remote storage.", METRIC_GAUGE};

static int64_t count_in(struct shipper *shipper, const struct sample *samples, size_t count)
{
    int64_t highest_ms = samples[0].timestamp_ms;
    size_t histograms = 0;
    for (size_t i = 0; i < count; i++) {
        histograms += samples[i].type == SAMPLE_HISTOGRAM;
        if (samples[i].timestamp_ms > highest_ms)
            highest_ms = samples[i].timestamp_ms;
    }
    metric_add(shipper->samples_in, (double)(count - histograms));
    metric_add(shipper->histograms_in, (double)histograms);
    if ((double)(highest_ms / 1000) > metric_get(shipper->highest_timestamp))
        metric_set(shipper->highest_timestamp, (double)(highest_ms / 1000));
    return highest_ms;
}

static void shipper_append(struct sample_sink *sink, const struct sample_record *record)
{
    struct shipper *shipper = (struct shipper *)sink;
    int64_t highest_ms = count_in(shipper, record->samples, record->count);
    queue_append(shipper->queue, record); /* tells each remote what it drops */
    for (size_t i = 0; i < shipper->remote_count; i++)
        remote_notify(shipper->remotes[i], highest_ms);
}

static uint64_t shipper_unsent(const struct shipper *shipper)
{
    uint64_t unsent = 0;
    for (size_t i = 0; i < shipper->remote_count; i++)
        unsent += sample_counts_sum(remote_pending(shipper->remotes[i]));
    return unsent;
}

/* Never calls back from inside shipper_flush or a remote: the timer does it in the next turn. */
static void on_flush_timer(void *context)
{
    struct shipper *shipper = context;
    uint64_t unsent = shipper_unsent(shipper);
    if (!shipper->flush_done)
        return;
    if (unsent && clock_monotonic_ns() < shipper->flush_end_ns) {
        loop_timer_at(shipper->flush_timer, shipper->flush_end_ns);
        return;
    }
    void (*done)(void *, uint64_t) = TAKE_PTR(shipper->flush_done);
    done(shipper->flush_context, unsent);
}

static void on_remote_empty(void *context)
{
    struct shipper *shipper = context;
    if (shipper->flush_done)
        loop_timer_at(shipper->flush_timer, 0);
}

void shipper_flush(struct shipper *shipper, uint64_t deadline_ns,
                   void (*done)(void *context, uint64_t unsent), void *context)
{
    shipper->flush_done = done;
    shipper->flush_context = context;
    shipper->flush_end_ns = clock_monotonic_ns() + deadline_ns;
    loop_timer_at(shipper->flush_timer, 0);
    for (size_t i = 0; i < shipper->remote_count; i++)
        remote_flush(shipper->remotes[i]);
}

struct sample_sink *shipper_sink(struct shipper *shipper)
{
    return &shipper->sink;
}

static int register_metrics(struct shipper *shipper)
{
    struct metric_registry *registry = shipper->environment.metrics;
    if (!registry)
        return 0;
    int error = metric_new(registry, &samples_in_family, NULL, &shipper->samples_in);
    if (!error)
        error = metric_new(registry, &histograms_in_family, NULL, &shipper->histograms_in);
    if (!error)
        error = metric_new(registry, &highest_timestamp_family, NULL, &shipper->highest_timestamp);
    return error;
}

/* Two remotes of one name would share their metrics. */
static int check_name(const struct shipper *shipper, const struct remote *remote)
{
    for (size_t i = 0; i < shipper->remote_count; i++) {
        if (strcmp(remote_name(shipper->remotes[i]), remote_name(remote)) != 0)
            continue;
        log_error("ship", "two remote_write entries have one name, give each its own `name`",
                  LOG_STR("remote_name", remote_name(remote)));
        return -EEXIST;
    }
    return 0;
}

static int add_remote(struct shipper *shipper, const struct remote_write_config *config)
{
    const struct remote_environment environment = {
        .shipper = &shipper->environment,
        .queue = shipper->queue,
        .encoder = shipper->encoder,
        .on_empty = on_remote_empty,
        .context = shipper,
    };
    struct remote *remote;
    int error = remote_new(&environment, config, &remote);
    if (error)
        return error;
    error = check_name(shipper, remote);
    if (error)
        remote_free(&remote);
    else
        shipper->remotes[shipper->remote_count++] = remote;
    return error;
}

static int shipper_setup(struct shipper *shipper, const struct queue_config *queue,
                         const struct remote_write_config *remotes, size_t remote_count)
{
    const struct shipper_environment *environment = &shipper->environment;
    shipper->remotes = calloc(remote_count + 1, sizeof(*shipper->remotes));
    if (!shipper->remotes)
        return -ENOMEM;
    int error = queue_new(environment->series, queue->max_bytes, &shipper->queue);
    if (!error)
        error = encoder_new(BATCH_MAX_BYTES, &shipper->encoder);
    if (!error)
        error = loop_timer_new(environment->loop, on_flush_timer, shipper, &shipper->flush_timer);
    if (!error)
        error = register_metrics(shipper);
    for (size_t i = 0; i < remote_count && !error; i++)
        error = add_remote(shipper, &remotes[i]);
    return error;
}

int shipper_new(const struct shipper_environment *environment, const struct queue_config *queue,
                const struct remote_write_config *remotes, size_t remote_count,
                struct shipper **out)
{
    struct shipper *shipper = calloc(1, sizeof(*shipper));
    if (!shipper)
        return -ENOMEM;
    shipper->sink.append = shipper_append;
    shipper->environment = *environment;
    int error = shipper_setup(shipper, queue, remotes, remote_count);
    if (error) {
        log_error("ship", "cannot prepare remote write", LOG_STR("err", strerror(-error)));
        shipper_free(&shipper);
        return error;
    }
    *out = shipper;
    return 0;
}

void shipper_free(struct shipper **out)
{
    struct shipper *shipper = *out;
    if (!shipper)
        return;
    for (size_t i = 0; i < shipper->remote_count; i++)
        remote_free(&shipper->remotes[i]);
    free(shipper->remotes);
    queue_free(&shipper->queue);
    loop_timer_free(&shipper->flush_timer);
    encoder_free(&shipper->encoder);
    metric_free(&shipper->samples_in);
    metric_free(&shipper->histograms_in);
    metric_free(&shipper->highest_timestamp);
    free(TAKE_PTR(*out));
}
