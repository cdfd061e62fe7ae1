/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a batch: cut from what waits, marked in the queue, sent, counted, released. Its
 * samples stay at hand until then, so that it can be cut anew. */
#include "ship/shard.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ship/replay.h"
#include "ship/sender.h"

struct shard {
    struct remote_parts *parts;
    struct queue_reader *reader;
    uint32_t number;
    struct shard_owner owner;
    struct pending pending;
    struct batch batch; /* items: how many of `pending` are on their way; 0: none */
    struct sender_request request;
    struct sender *sender;

    struct loop_timer *deadline;
    bool deadline_set, deadline_over;
    bool split; /* what was too large goes out in less at the next deadline */

    struct queue_position begin; /* what lies before is done */
    struct replay replay;
};

/* ---- what is in it ---- */

bool shard_is_empty(const struct shard *shard)
{
    return shard->pending.count == 0 && !replay_is_on(&shard->replay);
}

struct sample_counts shard_pending(const struct shard *shard)
{
    return shard->pending.counts;
}

struct sample_counts shard_alone_has(const struct shard *shard)
{
    const struct pending *pending = &shard->pending;
    struct sample_counts alone = {};
    for (size_t i = 0; i < pending->count; i++)
        if (!queue_reader_has(shard->reader, pending_at(pending, i)->end))
            pending_count(pending, i, &alone);
    return alone;
}

static bool is_idle(const struct shard *shard)
{
    return shard->batch.items == 0;
}

bool shard_misses_replay(const struct shard *shard, struct queue_position read)
{
    return replay_is_on(&shard->replay) && is_idle(shard) &&
           queue_position_compare(read, replay_end(&shard->replay)) < 0;
}

size_t shard_room(const struct shard *shard)
{
    size_t most = shard->parts->samples_per_send;
    return is_idle(shard) && !replay_is_on(&shard->replay) && shard->pending.count < most
               ? most - shard->pending.count
               : 0;
}

bool shard_takes(const struct shard *shard, size_t samples)
{
    return shard_is_hungry(shard) &&
           shard->pending.count + samples <= 2 * (size_t)shard->parts->samples_per_send;
}

bool shard_is_full(const struct shard *shard)
{
    uint32_t capacity = shard->parts->config->queue.capacity;
    return !replay_is_on(&shard->replay) &&
           shard->pending.count >= shard->parts->samples_per_send &&
           shard->pending.count >= capacity;
}

bool shard_has_had(const struct shard *shard, struct queue_position end)
{
    return queue_position_compare(end, shard->begin) <= 0;
}

int shard_push(struct shard *shard, const struct queue_sample *sample, series_id series)
{
    return pending_push(&shard->pending, sample, series, shard->parts->config->send_exemplars);
}

int shard_push_floats(struct shard *shard, const struct sample *samples, size_t count,
                      struct queue_position end)
{
    return pending_push_floats(&shard->pending, samples, count, end);
}

/* ---- the end of a batch ---- */

static struct sample_counts at_most(struct sample_counts counts, struct sample_counts limit)
{
    return (struct sample_counts){
        .floats = counts.floats < limit.floats ? counts.floats : limit.floats,
        .histograms = counts.histograms < limit.histograms ? counts.histograms : limit.histograms,
        .exemplars = counts.exemplars < limit.exemplars ? counts.exemplars : limit.exemplars,
    };
}

static struct sample_counts subtract(struct sample_counts counts, struct sample_counts part)
{
    return (struct sample_counts){
        .floats = counts.floats - part.floats,
        .histograms = counts.histograms - part.histograms,
        .exemplars = counts.exemplars - part.exemplars,
    };
}

/* The samples of the batch are done, whatever became of them. */
static void finish(struct shard *shard, double seconds)
{
    struct remote_parts *parts = shard->parts;
    struct batch *batch = &shard->batch;
    shard->begin = pending_at(&shard->pending, batch->items - 1)->end;
    remote_metrics_finished(&parts->metrics, batch->body.length, batch->newest_ms);
    parts->since_tick.out += (double)(sample_counts_sum(batch->samples) + batch->samples.exemplars);
    parts->since_tick.seconds += seconds;
    parts->last_finished_ns = clock_monotonic_ns();
    pending_drop(&shard->pending, batch->items);
    batch_clear(batch);
    replay_pass(&shard->replay, shard->begin);
    queue_reader_release(shard->reader, shard->number, shard->begin);
    shard->owner.on_idle(shard->owner.context);
}

static void count_dropped(struct shard *shard)
{
    const struct batch *batch = &shard->batch;
    struct remote_parts *parts = shard->parts;
    remote_metrics_dropped(&parts->metrics, REMOTE_DROP_TOO_OLD, batch->too_old);
    remote_metrics_dropped(&parts->metrics, REMOTE_DROP_TOO_LARGE, batch->too_large);
    remote_metrics_dropped(&parts->metrics, REMOTE_DROP_NO_MEMORY, batch->no_memory);
    remote_log_dropped(&parts->log, REMOTE_DROP_TOO_OLD, sample_counts_sum(batch->too_old));
    remote_log_dropped(&parts->log, REMOTE_DROP_TOO_LARGE, sample_counts_sum(batch->too_large));
    remote_log_dropped(&parts->log, REMOTE_DROP_NO_MEMORY, sample_counts_sum(batch->no_memory));
}

static void on_taken(struct shard *shard, const struct sender_outcome *outcome)
{
    struct sample_counts sent = shard->batch.samples, taken = sent;
    if (shard->batch.protocol == REMOTE_WRITE_V2)
        taken = at_most(outcome->written.counts, sent);
    struct sample_counts missing = subtract(sent, taken);
    remote_metrics_taken(&shard->parts->metrics, taken);
    if (sample_counts_sum(missing) + missing.exemplars)
        remote_metrics_refused(&shard->parts->metrics, outcome->status, missing);
    if (sample_counts_sum(missing))
        remote_log_missing(&shard->parts->log, sample_counts_sum(missing));
    remote_parts_send_more(shard->parts);
}

/* Receivers that find a batch again which they have had refuse it as duplicate or out of order. */
static void on_refused(struct shard *shard, const struct sender_outcome *outcome)
{
    struct remote_parts *parts = shard->parts;
    struct sample_counts taken = {}, lost = shard->batch.samples;
    if (shard->batch.protocol == REMOTE_WRITE_V2) {
        taken = at_most(outcome->written.counts, lost);
        lost = subtract(lost, taken);
        remote_metrics_taken(&parts->metrics, taken);
    }
    if (outcome->status == 400 && (replay_is_on(&shard->replay) || outcome->maybe_taken)) {
        remote_metrics_replay_refused(&parts->metrics, lost);
        remote_log_replay_refused(&parts->log, outcome->message, sample_counts_sum(lost));
    } else {
        remote_metrics_refused(&parts->metrics, outcome->status, lost);
        remote_log_refused(&parts->log, outcome->status, outcome->message, sample_counts_sum(lost));
    }
}

static void build_and_send(struct shard *shard, size_t items);

/* The receiver may have these samples: however they go out from here on, they stay apart from newer
 * ones, as after a restart. */
static void note_maybe_taken(struct shard *shard)
{
    replay_add(&shard->replay, pending_at(&shard->pending, shard->batch.items - 1)->end);
}

/* The same samples again, in the other protocol. */
static void send_again(struct shard *shard, size_t items, bool maybe_taken)
{
    if (maybe_taken)
        note_maybe_taken(shard);
    remote_metrics_retried(&shard->parts->metrics, shard->batch.samples, 0);
    build_and_send(shard, items);
}

static void set_deadline(struct shard *shard);

/* The same samples again, less of them at once. Not now: it is no retry. */
static void send_less(struct shard *shard, size_t items, bool maybe_taken)
{
    if (maybe_taken)
        note_maybe_taken(shard);
    if (!replay_is_on(&shard->replay))
        queue_reader_unmark(shard->reader, shard->number);
    remote_parts_send_less(shard->parts, items);
    remote_metrics_retried(&shard->parts->metrics, shard->batch.samples, 0);
    batch_clear(&shard->batch);
    shard->split = true;
    set_deadline(shard);
    shard->owner.on_idle(shard->owner.context);
}

static void on_done(void *context, const struct sender_outcome *outcome)
{
    struct shard *shard = context;
    size_t items = shard->batch.items;
    switch (outcome->verdict) {
    case VERDICT_TOO_LARGE:
        if (items > 1) {
            send_less(shard, items, outcome->maybe_taken);
            return;
        }
        on_refused(shard, outcome);
        break;
    case VERDICT_UNSUPPORTED:
        remote_parts_fall_back(shard->parts, outcome->status, outcome->message);
        send_again(shard, items, outcome->maybe_taken || outcome->status / 100 == 2);
        return;
    case VERDICT_TAKEN:
        on_taken(shard, outcome);
        break;
    case VERDICT_REFUSED:
    case VERDICT_RETRY:
        on_refused(shard, outcome);
        break;
    }
    finish(shard, outcome->seconds);
}

/* ---- sending ---- */

static void on_attempt(void *context)
{
    struct shard *shard = context;
    remote_metrics_attempt(&shard->parts->metrics, shard->batch.samples, shard->batch.metadata);
}

static struct batch_rules rules_now(const struct shard *shard)
{
    const struct remote_parts *parts = shard->parts;
    return (struct batch_rules){
        .protocol = parts->protocol,
        .with_metadata = parts->config->metadata.send && parts->protocol == REMOTE_WRITE_V2,
        .least_ms = remote_parts_least_ms(parts),
    };
}

/* A batch that is not full has nothing to gain by being small, and keeps the order of time. */
static void build(struct shard *shard, size_t items)
{
    struct batch_rules rules = rules_now(shard);
    rules.as_they_came = items < shard->parts->config->queue.max_samples_per_send;
    batch_build(shard->parts->builder, &shard->batch, &shard->pending, items, &rules);
    count_dropped(shard);
    shard->request = (struct sender_request){shard->batch.body.bytes, shard->batch.body.length,
                                             shard->batch.protocol};
}

static void build_and_send(struct shard *shard, size_t items)
{
    build(shard, items);
    if (sample_counts_sum(shard->batch.samples) == 0) {
        finish(shard, 0);
        return;
    }
    queue_reader_mark(shard->reader, shard->number, pending_at(&shard->pending, items - 1)->end);
    sender_start(shard->sender, &shard->request);
}

/* Samples that have grown too old while they were on their way are left out. */
static bool on_retry(void *context)
{
    struct shard *shard = context;
    remote_metrics_retried(&shard->parts->metrics, shard->batch.samples, shard->batch.metadata);
    if (shard->batch.oldest_ms >= rules_now(shard).least_ms)
        return true;
    build(shard, shard->batch.items);
    if (sample_counts_sum(shard->batch.samples))
        return true;
    finish(shard, 0);
    return false;
}

/* ---- cutting ---- */

/* How many of the samples at the front are before `end`. */
static size_t count_before(const struct shard *shard, struct queue_position end)
{
    size_t items = 0;
    while (items < shard->pending.count &&
           queue_position_compare(pending_at(&shard->pending, items)->end, end) <= 0)
        items++;
    return items;
}

/* In one batch, as they were, unless the receiver has since found that too large. */
static size_t replay_choose(const struct shard *shard, size_t items)
{
    const struct remote_parts *parts = shard->parts;
    size_t most = parts->samples_per_send;
    if (most >= parts->config->queue.max_samples_per_send || items <= most)
        return items;
    return batch_choose(&shard->pending, most);
}

static void wake_replay(struct shard *shard, struct queue_position read)
{
    size_t items = count_before(shard, replay_end(&shard->replay));
    if (items == shard->pending.count && shard_misses_replay(shard, read))
        return;
    for (; replay_is_on(&shard->replay);
         replay_pass(&shard->replay, replay_next_end(&shard->replay))) {
        items = count_before(shard, replay_next_end(&shard->replay));
        if (items) {
            build_and_send(shard, replay_choose(shard, items));
            return;
        }
    } /* none of it is left */
}

static void set_deadline(struct shard *shard)
{
    if (shard->deadline_set)
        return;
    shard->deadline_set = true;
    loop_timer_after(shard->deadline, shard->parts->config->queue.batch_send_deadline_ns);
}

static void clear_deadline(struct shard *shard)
{
    shard->deadline_set = shard->deadline_over = false;
    loop_timer_disarm(shard->deadline);
}

void shard_wake(struct shard *shard, struct queue_position read, bool at_once)
{
    size_t most = shard->parts->samples_per_send;
    if (shard->split && !shard->deadline_over && !at_once)
        return;
    shard->split = false;
    if (is_idle(shard) && replay_is_on(&shard->replay)) {
        clear_deadline(shard);
        wake_replay(shard, read);
    }
    if (!is_idle(shard) || replay_is_on(&shard->replay))
        return;
    if (shard->pending.count == 0) {
        clear_deadline(shard);
        if (queue_position_compare(shard->begin, read) < 0) {
            shard->begin = read;
            queue_reader_release(shard->reader, shard->number, read);
        }
    } else if (shard->pending.count >= most || shard->deadline_over || at_once) {
        clear_deadline(shard);
        build_and_send(shard, batch_choose(&shard->pending, most));
    } else {
        set_deadline(shard);
    }
}

static void on_deadline(void *context)
{
    struct shard *shard = context;
    shard->deadline_over = true;
    shard->owner.on_idle(shard->owner.context);
}

/* ---- life ---- */

static int setup(struct shard *shard)
{
    const struct sender_owner owner = {on_attempt, on_retry, on_done, shard};
    struct queue_range range = queue_reader_range(shard->reader, shard->number);
    shard->begin = range.begin;
    replay_add(&shard->replay, range.apart);
    replay_add(&shard->replay, range.end);
    replay_pass(&shard->replay, range.begin);
    pending_init(&shard->pending, shard->parts->environment->series);
    batch_init(&shard->batch);
    int error =
        loop_timer_new(shard->parts->environment->loop, on_deadline, shard, &shard->deadline);
    return error ? error : sender_new(shard->parts, &owner, &shard->sender);
}

int shard_new(struct remote_parts *parts, struct queue_reader *reader, uint32_t number,
              const struct shard_owner *owner, struct shard **out)
{
    struct shard *shard = calloc(1, sizeof(*shard));
    if (!shard)
        return -ENOMEM;
    shard->parts = parts;
    shard->reader = reader;
    shard->number = number;
    shard->owner = *owner;
    int error = setup(shard);
    if (error)
        shard_free(&shard);
    else
        *out = shard;
    return error;
}

void shard_free(struct shard **out)
{
    struct shard *shard = TAKE_PTR(*out);
    if (!shard)
        return;
    sender_free(&shard->sender);
    loop_timer_free(&shard->deadline);
    pending_free(&shard->pending);
    batch_free(&shard->batch);
    free(shard);
}
