/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through the numbers of the metadata table, one request after the other; what comes and goes
 * meanwhile does no harm. Nothing is sent while the remote speaks 2.0, which has it beside the
 * samples. */
#include "ship/metadata_push.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/sender.h"

struct metadata_push {
    struct remote_parts *parts;
    struct loop_timer *timer;
    struct sender *sender;
    struct sender_request request;
    struct buffer body;
    metadata_id last; /* of those sent in this round */
    size_t entries;   /* in the body */
};

static const struct metadata *next_entry(struct metadata_push *push, metadata_id *id)
{
    const struct series_table *series = push->parts->environment->series;
    *id = series_table_next_metadata(series, *id);
    return series_table_metadata(series, *id);
}

/* As many entries as one request takes. */
static void gather(struct metadata_push *push, struct encoder *encoder)
{
    const struct metadata *metadata;
    metadata_id id = push->last;
    push->entries = 0;
    encoder_begin(encoder, REMOTE_WRITE_V1);
    while (push->entries < push->parts->config->metadata.max_samples_per_send &&
           encoder_length(encoder) < BATCH_FULL_BYTES && (metadata = next_entry(push, &id))) {
        push->last = id;
        if (metadata->family.length && encoder_add_metadata(encoder, metadata) == 0)
            push->entries++;
    }
}

static void send_next(struct metadata_push *push)
{
    struct encoder *encoder = batch_builder_encoder(push->parts->builder);
    struct text encoded;
    gather(push, encoder);
    buffer_clear(&push->body);
    if (!push->entries || encoder_finish(encoder, &encoded) ||
        batch_compress(&push->body, encoded)) {
        buffer_free(&push->body); /* until the next round */
        return;
    }
    push->request = (struct sender_request){push->body.bytes, push->body.length, REMOTE_WRITE_V1};
    sender_start(push->sender, &push->request);
}

static void on_attempt(void *context)
{
    (void)context;
}

static bool on_retry(void *context)
{
    struct metadata_push *push = context;
    metric_add(push->parts->metrics.retried[REMOTE_METADATA], (double)push->entries);
    return true;
}

static void on_done(void *context, const struct sender_outcome *outcome)
{
    struct metadata_push *push = context;
    struct remote_metrics *metrics = &push->parts->metrics;
    if (outcome->verdict == VERDICT_TAKEN) {
        metric_add(metrics->total[REMOTE_METADATA], (double)push->entries);
        metric_add(metrics->metadata_bytes, (double)push->body.length);
    } else {
        metric_add(metrics->failed[REMOTE_METADATA], (double)push->entries);
        remote_log_metadata_refused(&push->parts->log, outcome->status, outcome->message,
                                    push->entries);
    }
    send_next(push);
}

static void on_timer(void *context)
{
    struct metadata_push *push = context;
    loop_timer_after(push->timer, push->parts->config->metadata.send_interval_ns);
    if (push->parts->protocol != REMOTE_WRITE_V1 || !sender_is_idle(push->sender))
        return;
    push->last = 0;
    send_next(push);
}

int metadata_push_new(struct remote_parts *parts, struct metadata_push **out)
{
    struct metadata_push *push = calloc(1, sizeof(*push));
    if (!push)
        return -ENOMEM;
    push->parts = parts;
    buffer_init(&push->body, BATCH_MAX_BYTES + BATCH_MAX_BYTES / 6 + 64);
    const struct sender_owner owner = {on_attempt, on_retry, on_done, push};
    int error = loop_timer_new(parts->environment->loop, on_timer, push, &push->timer);
    if (!error)
        error = sender_new(parts, &owner, &push->sender);
    if (error) {
        metadata_push_free(&push);
        return error;
    }
    loop_timer_after(push->timer, parts->config->metadata.send_interval_ns);
    *out = push;
    return 0;
}

void metadata_push_free(struct metadata_push **out)
{
    struct metadata_push *push = TAKE_PTR(*out);
    if (!push)
        return;
    sender_free(&push->sender);
    loop_timer_free(&push->timer);
    buffer_free(&push->body);
    free(push);
}
