/* SPDX-License-Identifier: Apache-2.0 */
/* Reads on while a shard could use it, wakes the shards, and changes their number when all stand at
 * one place. What a batch is and how it is sent is the shards' business. */
#include "ship/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ship/metadata_push.h"
#include "ship/remote_relabel.h"
#include "ship/shard.h"
#include "ship/shard_plan.h"

struct remote {
    struct remote_environment environment;
    struct remote_parts parts;
    char *name;
    char *url; /* redacted */
    bool flushing;
    struct queue_reader *reader;
    struct shard **shards;
    uint32_t shard_count;
    uint32_t shards_wanted; /* another number: nothing is read until the shards are empty */
    struct loop_timer *work_timer, *plan_timer;
    struct shard_plan plan;
    struct metadata_push *metadata; /* NULL: none is sent */
    struct remote_relabel *relabel; /* NULL: there are no rules */
};

const char *remote_name(const struct remote *remote)
{
    return remote->name;
}

struct sample_counts remote_pending(const struct remote *remote)
{
    struct sample_counts pending = queue_reader_unread(remote->reader);
    for (uint32_t i = 0; i < remote->shard_count; i++) {
        struct sample_counts counts = shard_pending(remote->shards[i]);
        pending.floats += counts.floats;
        pending.histograms += counts.histograms;
        pending.exemplars += counts.exemplars;
    }
    return pending;
}

static void work_soon(struct remote *remote)
{
    loop_timer_at(remote->work_timer, 0);
}

static void show_pending(struct remote *remote)
{
    remote_metrics_pending(&remote->parts.metrics, remote_pending(remote));
}

/* The shard is still on the stack. */
static void on_shard_idle(void *context)
{
    show_pending(context);
    work_soon(context);
}

/* ---- reading ---- */

static struct sample_counts counts_of(const struct queue_sample *sample)
{
    bool is_histogram = sample->sample.type == SAMPLE_HISTOGRAM;
    return (struct sample_counts){.floats = !is_histogram, .histograms = is_histogram};
}

static void drop(struct remote *remote, const struct queue_sample *sample,
                 enum remote_drop_reason reason)
{
    remote_metrics_dropped(&remote->parts.metrics, reason, counts_of(sample));
    remote_log_dropped(&remote->parts.log, reason, 1);
    remote->parts.since_tick.dropped++;
}

/* The series as this remote gets it; 0: dropped by its rules. */
static int relabel(struct remote *remote, series_id series, series_id *out)
{
    *out = series;
    return remote->relabel ? remote_relabel_series(remote->relabel, series, out) : 0;
}

/* Whether this remote gets such a histogram. The message of 1.0 has no place for custom bounds. */
static bool takes_histogram(const struct remote *remote, const struct histogram *histogram,
                            enum remote_drop_reason *why_not)
{
    bool is_custom = histogram->schema == HISTOGRAM_CUSTOM_SCHEMA;

    *why_not = REMOTE_DROP_NO_HISTOGRAMS;
    if (!remote->parts.config->send_native_histograms)
        return false;
    *why_not = REMOTE_DROP_CUSTOM_BUCKETS;
    return !is_custom || remote->parts.protocol != REMOTE_WRITE_V1;
}

static void take(struct remote *remote, struct shard *shard, const struct queue_sample *sample,
                 int64_t least_ms)
{
    enum remote_drop_reason why_not;
    series_id series;

    if (shard_has_had(shard, sample->end))
        return;
    if (sample->sample.type == SAMPLE_HISTOGRAM &&
        !takes_histogram(remote, sample->sample.histogram, &why_not))
        drop(remote, sample, why_not);
    else if (sample->sample.timestamp_ms < least_ms)
        drop(remote, sample, REMOTE_DROP_TOO_OLD);
    else if (relabel(remote, sample->sample.series, &series))
        drop(remote, sample, REMOTE_DROP_NO_MEMORY);
    else if (!series)
        drop(remote, sample, REMOTE_DROP_RELABELLED);
    else if (shard_push(shard, sample, series))
        drop(remote, sample, REMOTE_DROP_NO_MEMORY);
}

/* Before another number of shards is made, only what the process before had on its way is read. */
static bool is_hungry(const struct remote *remote, const struct shard *shard,
                      struct queue_position read)
{
    bool emptying = remote->shards_wanted != remote->shard_count;
    return shard_misses_replay(shard, read) || (!emptying && shard_is_hungry(shard));
}

/* How many shards could use more samples; 0 where one can hold no more, for it would be skipped. */
static uint32_t count_hungry(const struct remote *remote, struct queue_position read)
{
    uint32_t hungry = 0;
    for (uint32_t i = 0; i < remote->shard_count; i++) {
        if (shard_is_full(remote->shards[i]))
            return 0;
        hungry += is_hungry(remote, remote->shards[i], read);
    }
    return hungry;
}

static bool is_replaying(const struct remote *remote, struct queue_position read)
{
    for (uint32_t i = 0; i < remote->shard_count; i++)
        if (shard_misses_replay(remote->shards[i], read))
            return true;
    return false;
}

/* All of what is read is one shard's, which need not be looked at after each sample. */
static void read_for_one(struct remote *remote, struct shard *shard, int64_t least_ms)
{
    struct queue_sample sample;
    size_t room;
    while ((room = shard_room(shard)))
        for (; room; room--) {
            if (!queue_reader_next(remote->reader, &sample))
                return;
            take(remote, shard, &sample, least_ms);
        }
}

/* What was appended just now is at hand, and need not be read from the log where one shard takes
 * all of it. */
static void take_appended(struct remote *remote, const struct sample_record *record,
                          struct sample_counts counts)
{
    struct shard *shard = remote->shards[0];
    int64_t least_ms = remote_parts_least_ms(&remote->parts);
    struct queue_sample sample = {};
    bool is_plain = !record->exemplar_count && !record->created_count;
    if (remote->shard_count != 1 || !is_plain || !shard_takes(shard, record->count) ||
        !queue_reader_take_appended(remote->reader, &sample.end))
        return;
    if (!remote->relabel && !counts.histograms && least_ms == INT64_MIN &&
        !shard_push_floats(shard, record->samples, record->count, sample.end))
        return;
    for (size_t i = 0; i < record->count; i++) {
        sample.sample = record->samples[i];
        sample.end.sample = (uint32_t)i + 1;
        take(remote, shard, &sample, least_ms);
    }
}

static void read_on(struct remote *remote)
{
    int64_t least_ms = remote_parts_least_ms(&remote->parts);
    struct queue_position read = queue_reader_position(remote->reader);
    bool replaying = is_replaying(remote, read);
    uint32_t hungry = count_hungry(remote, read);
    struct queue_sample sample;
    if (hungry && remote->shard_count == 1 && !replaying) {
        read_for_one(remote, remote->shards[0], least_ms);
        return;
    }
    while (hungry && queue_reader_next(remote->reader, &sample)) {
        struct shard *shard = remote->shards[sample.shard_key % remote->shard_count];
        bool was_hungry = shard_is_hungry(shard);
        take(remote, shard, &sample, least_ms);
        if (replaying) { /* for a moment after the start */
            hungry = count_hungry(remote, sample.end);
            continue;
        }
        hungry -= was_hungry && !shard_is_hungry(shard);
        if (hungry && shard_is_full(shard)) {
            metric_add(remote->parts.metrics.enqueue_retries, 1);
            break;
        }
    }
}

/* ---- shards ---- */

static void free_shards(struct remote *remote)
{
    for (uint32_t i = 0; remote->shards && i < remote->shard_count; i++)
        shard_free(&remote->shards[i]);
    free(remote->shards);
    remote->shards = NULL;
    remote->shard_count = 0;
}

/* As many as the reader has. */
static int make_shards(struct remote *remote)
{
    const struct shard_owner owner = {on_shard_idle, remote};
    uint32_t count = queue_reader_shard_count(remote->reader);
    remote->shards = calloc(count, sizeof(*remote->shards));
    if (!remote->shards)
        return -ENOMEM;
    for (; remote->shard_count < count; remote->shard_count++) {
        int error = shard_new(&remote->parts, remote->reader, remote->shard_count, &owner,
                              &remote->shards[remote->shard_count]);
        if (error)
            return error;
    }
    metric_set(remote->parts.metrics.shards, count);
    return 0;
}

static bool are_all_empty(const struct remote *remote)
{
    for (uint32_t i = 0; i < remote->shard_count; i++)
        if (!shard_is_empty(remote->shards[i]))
            return false;
    return true;
}

/* All shards are empty and so stand where the reader does. */
static void change_shards(struct remote *remote)
{
    uint32_t from = remote->shard_count, to = remote->shards_wanted;
    int error = queue_reader_set_shards(remote->reader, to);
    if (!error) {
        free_shards(remote);
        error = make_shards(remote);
    }
    if (error) {
        log_error("ship", "cannot change the number of shards",
                  LOG_STR("remote_name", remote->name), LOG_STR("err", strerror(-error)));
        remote->shards_wanted = remote->shard_count;
        return;
    }
    remote_log_shards(&remote->parts.log, from, to);
}

static void want_shards(struct remote *remote, uint32_t count)
{
    remote->shards_wanted = count;
    if (count != remote->shard_count)
        work_soon(remote);
}

static uint32_t between(uint32_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

static bool may_change_shards(const struct remote *remote)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t recent_ns = 2 * remote->parts.config->queue.batch_send_deadline_ns;
    return remote->parts.last_finished_ns && now - remote->parts.last_finished_ns < recent_ns &&
           now >= remote->parts.failing_until_ns && remote->shards_wanted == remote->shard_count;
}

static void on_plan_timer(void *context)
{
    struct remote *remote = context;
    struct remote_parts *parts = &remote->parts;
    const struct shard_plan_tick tick = {.in = parts->since_tick.in,
                                         .out = parts->since_tick.out,
                                         .dropped = parts->since_tick.dropped,
                                         .busy = parts->since_tick.seconds};
    const struct shard_plan_state state = {
        .current = remote->shard_count,
        .least = parts->config->queue.min_shards,
        .most = parts->config->queue.max_shards,
        .behind_seconds = remote_metrics_behind_seconds(&parts->metrics),
    };
    double desired = metric_get(parts->metrics.shards_desired);
    memset(&parts->since_tick, 0, sizeof(parts->since_tick));
    shard_plan_tick(&remote->plan, &tick);
    uint32_t count = shard_plan_choose(&remote->plan, &state, &desired);
    metric_set(parts->metrics.shards_desired, desired);
    if (may_change_shards(remote))
        want_shards(remote, count);
    loop_timer_after(remote->plan_timer, SHARD_PLAN_TICK_SECONDS * NS_PER_SECOND);
}

/* ---- the work ---- */

static void wake_shards(struct remote *remote)
{
    struct queue_position read = queue_reader_position(remote->reader);
    bool at_once = remote->flushing || remote->shards_wanted != remote->shard_count;
    for (uint32_t i = 0; i < remote->shard_count; i++)
        shard_wake(remote->shards[i], read, at_once);
}

static void work(void *context)
{
    struct remote *remote = context;
    read_on(remote);
    wake_shards(remote);
    if (remote->shards_wanted != remote->shard_count && are_all_empty(remote)) {
        change_shards(remote);
        work_soon(remote);
    }
    show_pending(remote);
    if (are_all_empty(remote) && sample_counts_sum(queue_reader_unread(remote->reader)) == 0)
        remote->environment.on_empty(remote->environment.context);
}

static void on_drop(void *context, enum queue_drop why, struct sample_counts dropped)
{
    static const enum remote_drop_reason reasons[QUEUE_DROPS] = {
        [QUEUE_DROP_FULL] = REMOTE_DROP_QUEUE_FULL,
        [QUEUE_DROP_AGE] = REMOTE_DROP_QUEUE_AGE,
        [QUEUE_DROP_CORRUPT] = REMOTE_DROP_QUEUE_CORRUPT,
        [QUEUE_DROP_TOO_LARGE] = REMOTE_DROP_TOO_LARGE,
        [QUEUE_DROP_NO_MEMORY] = REMOTE_DROP_NO_MEMORY,
    };
    struct remote *remote = context;
    remote_metrics_dropped(&remote->parts.metrics, reasons[why], dropped);
    remote_log_dropped(&remote->parts.log, reasons[why], sample_counts_sum(dropped));
    work_soon(remote); /* fewer are pending */
}

void remote_notify(struct remote *remote, const struct sample_record *record,
                   struct sample_counts appended, int64_t newest_ms)
{
    bool hungry = count_hungry(remote, queue_reader_position(remote->reader));
    remote->parts.since_tick.in += (double)(sample_counts_sum(appended) + appended.exemplars);
    remote_metrics_queued(&remote->parts.metrics, newest_ms);
    if (hungry) {
        take_appended(remote, record, appended);
        work_soon(remote);
    }
    show_pending(remote);
}

void remote_flush(struct remote *remote)
{
    remote->flushing = true;
    work_soon(remote);
}

static double sum_of(struct metric *const *children)
{
    return metric_get(children[REMOTE_FLOATS]) + metric_get(children[REMOTE_HISTOGRAMS]);
}

void remote_show(const struct remote *remote, struct shown_remote *out)
{
    const struct remote_metrics *metrics = &remote->parts.metrics;
    const struct remote_log *log = &remote->parts.log;
    *out = (struct shown_remote){
        .name = remote->name,
        .url = remote->url,
        .protocol = remote->parts.protocol == REMOTE_WRITE_V2 ? "2.0" : "1.0",
        .shards = remote->shard_count,
        .min_shards = remote->parts.config->queue.min_shards,
        .max_shards = remote->parts.config->queue.max_shards,
        .desired_shards = metric_get(metrics->shards_desired),
        .pending = remote_pending(remote),
        .rate_in = remote->plan.in.per_second,
        .rate_out = remote->plan.out.per_second,
        .newest_in = metric_get(metrics->queue_highest_timestamp),
        .newest_sent = metric_get(metrics->queue_highest_sent_timestamp),
        .sent = sum_of(metrics->total),
        .acknowledged = sum_of(metrics->acknowledged),
        .failed = sum_of(metrics->failed),
        .retried = sum_of(metrics->retried),
        .dropped = remote_metrics_dropped_sum(metrics),
        .replay_refused = metric_get(metrics->replay_refused),
        .bytes_sent = metric_get(metrics->bytes),
        .failing = log->failing_since_ns != 0,
        .error_time_ms = log->last_error.time_ms,
        .error_status = log->last_error.status,
        .error_message = log->last_error.message,
    };
}

/* ---- life ---- */

static void show_settings(struct remote *remote)
{
    const struct remote_metrics *metrics = &remote->parts.metrics;
    const struct remote_write_config *config = remote->parts.config;
    metric_set(metrics->shards_max, config->queue.max_shards);
    metric_set(metrics->shards_min, config->queue.min_shards);
    metric_set(metrics->shards_desired, config->queue.min_shards);
    metric_set(metrics->shard_capacity, config->queue.capacity);
    metric_set(metrics->max_samples_per_send, config->queue.max_samples_per_send);
}

static int setup(struct remote *remote)
{
    struct remote_parts *parts = &remote->parts;
    struct loop *loop = parts->environment->loop;
    remote->url = http_url_redacted(parts->config->url);
    if (!remote->name || !remote->url)
        return -ENOMEM;
    parts->log = (struct remote_log){.name = remote->name, .url = remote->url};
    int error = remote_metrics_init(&parts->metrics, parts->environment->metrics, remote->name,
                                    remote->url);
    if (!error)
        error = loop_timer_new(loop, work, remote, &remote->work_timer);
    if (!error)
        error = loop_timer_new(loop, on_plan_timer, remote, &remote->plan_timer);
    if (!error)
        error = queue_reader_open(remote->environment.queue, remote->name, on_drop, remote,
                                  &remote->reader);
    if (!error)
        error = make_shards(remote);
    if (!error && parts->config->relabels.count)
        error = remote_relabel_new(parts->environment->series, &parts->config->relabels,
                                   &remote->relabel);
    if (!error && parts->config->metadata.send)
        error = metadata_push_new(parts, &remote->metadata);
    return error;
}

int remote_new(const struct remote_environment *environment,
               const struct remote_write_config *config, const char *name, struct remote **out)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return -ENOMEM;
    remote->environment = *environment;
    remote->parts = (struct remote_parts){
        .environment = environment->shipper,
        .config = config,
        .builder = environment->builder,
        .protocol = config->protocol,
        .samples_per_send = config->queue.max_samples_per_send,
    };
    remote->name = strdup(name);
    int error = setup(remote);
    if (error) {
        remote_free(&remote);
        return error;
    }
    queue_reader_note_config(remote->reader, config->digest);
    show_settings(remote);
    want_shards(remote,
                between(remote->shard_count, config->queue.min_shards, config->queue.max_shards));
    loop_timer_after(remote->plan_timer, SHARD_PLAN_TICK_SECONDS * NS_PER_SECOND);
    work_soon(remote);
    *out = remote;
    return 0;
}

static void abandon(struct remote *remote)
{
    for (uint32_t i = 0; i < remote->shard_count; i++)
        queue_reader_abandon(remote->reader, shard_alone_has(remote->shards[i]));
}

void remote_free(struct remote **out)
{
    struct remote *remote = TAKE_PTR(*out);
    if (!remote)
        return;
    metadata_push_free(&remote->metadata);
    abandon(remote);
    free_shards(remote);
    remote_relabel_free(&remote->relabel);
    loop_timer_free(&remote->work_timer);
    loop_timer_free(&remote->plan_timer);
    queue_reader_close(&remote->reader);
    remote_metrics_free(&remote->parts.metrics);
    free(remote->name);
    free(remote->url);
    free(remote);
}
