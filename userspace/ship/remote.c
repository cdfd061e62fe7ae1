/* SPDX-License-Identifier: Apache-2.0 */
/* A remote waits for samples, sends a batch, or backs off before it sends the same bytes again; one
 * timer serves the first and the last. What is in a request is batch.c's business. */
#include "ship/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ship/batch.h"
#include "ship/remote_log.h"
#include "ship/remote_metrics.h"

#define MESSAGE_MAX_BYTES 1024              /* of an error's body, for the log */
#define RESPONSE_MAX_BYTES (1 << 20)        /* read and thrown away beyond the message */
#define SHORTEST_BACKOFF_NS (1 * NS_PER_MS) /* whatever the configuration says */

enum remote_state {
    REMOTE_WAITING, /* for samples, or for the batch's deadline */
    REMOTE_SENDING,
    REMOTE_BACKING_OFF
};

struct remote {
    struct remote_environment environment;
    const struct remote_write_config *config;
    char *name;
    char *url; /* redacted */
    enum remote_state state;
    bool flushing;
    bool deadline_armed;
    struct queue_reader *reader;
    struct loop_timer *timer;
    struct http_call *call;
    struct batch batch;
    unsigned attempt; /* of this batch, from 0 */
    uint64_t backoff_ns;
    char message[MESSAGE_MAX_BYTES];
    size_t message_length;
    struct remote_log log;
    struct remote_metrics metrics;
};

static uint64_t remote_unread(const struct remote *remote)
{
    return sample_counts_sum(queue_reader_unread(remote->reader));
}

struct sample_counts remote_pending(const struct remote *remote)
{
    struct sample_counts pending = queue_reader_unread(remote->reader);
    pending.floats += remote->batch.samples.floats;
    pending.histograms += remote->batch.samples.histograms;
    return pending;
}

const char *remote_name(const struct remote *remote)
{
    return remote->name;
}

static void remote_show_pending(struct remote *remote)
{
    struct sample_counts pending = remote_pending(remote);
    metric_set(remote->metrics.samples_pending, (double)pending.floats);
    metric_set(remote->metrics.histograms_pending, (double)pending.histograms);
}

static void add_counts(struct metric *floats, struct metric *histograms,
                       struct sample_counts counts)
{
    metric_add(floats, (double)counts.floats);
    metric_add(histograms, (double)counts.histograms);
}

static void set_if_higher(struct metric *metric, double value)
{
    if (value > metric_get(metric))
        metric_set(metric, value);
}

/* Decides when the next batch is made. */
static void remote_wait(struct remote *remote)
{
    uint64_t unread = remote_unread(remote);
    remote->state = REMOTE_WAITING;
    if (!unread) {
        remote->deadline_armed = false;
        loop_timer_disarm(remote->timer);
        remote->environment.on_empty(remote->environment.context);
    } else if (remote->flushing || unread >= remote->config->queue.max_samples_per_send) {
        remote->deadline_armed = true;
        loop_timer_at(remote->timer, 0);
    } else if (!remote->deadline_armed) {
        remote->deadline_armed = true;
        loop_timer_after(remote->timer, remote->config->queue.batch_send_deadline_ns);
    }
}

static void remote_finish_batch(struct remote *remote)
{
    metric_add(remote->metrics.bytes, (double)remote->batch.body.length);
    set_if_higher(remote->metrics.queue_highest_sent_timestamp,
                  (double)(remote->batch.highest_timestamp_ms / 1000));
    queue_reader_release(remote->reader, 0, remote->batch.end);
    batch_clear(&remote->batch);
    remote_show_pending(remote);
    remote_wait(remote);
}

/* How long to wait before the next attempt; the wait after that one doubles. */
static uint64_t remote_next_delay(struct remote *remote, int64_t retry_after_ms)
{
    uint64_t most = remote->config->queue.max_backoff_ns;
    uint64_t delay = remote->backoff_ns;
    if (retry_after_ms > 0) {
        uint64_t asked = REMOTE_RETRY_AFTER_MAX_NS;
        if ((uint64_t)retry_after_ms < REMOTE_RETRY_AFTER_MAX_NS / NS_PER_MS)
            asked = (uint64_t)retry_after_ms * NS_PER_MS;
        if (asked > delay)
            delay = asked;
    }
    if (remote->backoff_ns < most)
        remote->backoff_ns = delay < most / 2 ? 2 * delay : most;
    return delay;
}

static void remote_back_off(struct remote *remote, int status, const char *error,
                            int64_t retry_after_ms)
{
    uint64_t delay = remote_next_delay(remote, retry_after_ms);
    struct text message = {remote->message, remote->message_length};
    remote->state = REMOTE_BACKING_OFF;
    loop_timer_after(remote->timer, delay);
    remote_log_retry(&remote->log, status, error, message, delay);
}

static void remote_refused(struct remote *remote, int status)
{
    struct sample_counts lost = remote->batch.samples;
    struct text message = {remote->message, remote->message_length};
    add_counts(remote->metrics.samples_failed, remote->metrics.histograms_failed, lost);
    remote_log_refused(&remote->log, status, message, sample_counts_sum(lost));
    remote_finish_batch(remote);
}

static int on_response_body(void *context, const char *bytes, size_t length)
{
    struct remote *remote = context;
    size_t room = sizeof(remote->message) - remote->message_length;
    size_t taken = length < room ? length : room;
    memcpy(remote->message + remote->message_length, bytes, taken);
    remote->message_length += taken;
    return 0;
}

/* The status alone decides: a receiver that has said 2xx has the samples, even if the rest of its
 * response is lost. */
static void on_response(void *context, const struct http_response *response)
{
    struct remote *remote = context;
    int status = response->status;
    remote->call = NULL;
    metric_observe(remote->metrics.sent_batch_duration, response->duration_seconds);
    if (status == 0 || status >= 500 || status == 429) {
        remote_back_off(remote, status, response->error, response->retry_after_ms);
    } else if (status / 100 == 2) {
        remote_log_sent(&remote->log);
        remote_finish_batch(remote);
    } else {
        remote_refused(remote, status);
    }
}

static void remote_send(struct remote *remote)
{
    char attempt[16];
    snprintf(attempt, sizeof(attempt), "%u", remote->attempt);
    const struct http_header headers[] = {
        {"Content-Encoding", "snappy"},
        {"Content-Type", "application/x-protobuf"},
        {"X-Prometheus-Remote-Write-Version", "0.1.0"},
        {"Retry-Attempt", attempt}, /* the last one: left out at the first attempt */
    };
    const struct http_request request = {
        .method = "POST",
        .url = remote->config->url,
        .config = &remote->config->http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers) - (remote->attempt == 0),
        .body = remote->batch.body.bytes,
        .body_length = remote->batch.body.length,
        .timeout_ns = remote->config->remote_timeout_ns,
        .max_response_bytes = RESPONSE_MAX_BYTES,
        .on_body = on_response_body,
        .on_done = on_response,
        .context = remote,
    };
    remote->message_length = 0;
    remote->state = REMOTE_SENDING;
    add_counts(remote->metrics.samples, remote->metrics.histograms, remote->batch.samples);
    int error = http_client_start(remote->environment.shipper->http, &request, &remote->call);
    if (error)
        remote_back_off(remote, 0, strerror(-error), -1);
}

static void remote_retry(struct remote *remote)
{
    remote->attempt++;
    add_counts(remote->metrics.samples_retried, remote->metrics.histograms_retried,
               remote->batch.samples);
    remote_send(remote);
}

static void remote_count_unsendable(struct remote *remote, int error)
{
    struct sample_counts lost = remote->batch.unsendable;
    remote_metrics_dropped(&remote->metrics,
                           error == -E2BIG ? REMOTE_DROP_TOO_LARGE : REMOTE_DROP_NO_MEMORY, lost);
    remote_log_dropped(&remote->log, error == -E2BIG ? "longer than a request can be" : "no memory",
                       sample_counts_sum(lost));
}

static void remote_send_next(struct remote *remote)
{
    int error =
        batch_gather(&remote->batch, remote->reader, remote->environment.shipper->series,
                     remote->config->queue.max_samples_per_send, remote->environment.encoder);
    remote->deadline_armed = false;
    if (error)
        remote_count_unsendable(remote, error);
    if (batch_is_empty(&remote->batch)) {
        queue_reader_release(remote->reader, 0, remote->batch.end);
        remote_show_pending(remote);
        remote_wait(remote);
        return;
    }
    queue_reader_mark(remote->reader, 0, remote->batch.end);
    remote->attempt = 0;
    remote->backoff_ns = remote->config->queue.min_backoff_ns;
    if (remote->backoff_ns < SHORTEST_BACKOFF_NS)
        remote->backoff_ns = SHORTEST_BACKOFF_NS;
    remote_send(remote);
}

static void on_timer(void *context)
{
    struct remote *remote = context;
    if (remote->state == REMOTE_BACKING_OFF)
        remote_retry(remote);
    else if (remote->state == REMOTE_WAITING)
        remote_send_next(remote);
}

static void on_drop(void *context, enum queue_drop why, struct sample_counts dropped)
{
    static const struct {
        enum remote_drop_reason reason;
        const char *words;
    } table[QUEUE_DROPS] = {
        [QUEUE_DROP_FULL] = {REMOTE_DROP_QUEUE_FULL, "the queue is full, see queue.max_bytes"},
        [QUEUE_DROP_AGE] = {REMOTE_DROP_QUEUE_AGE, "older than queue.max_age"},
        [QUEUE_DROP_CORRUPT] = {REMOTE_DROP_QUEUE_CORRUPT,
                                "damaged or missing in the queue on disk"},
        [QUEUE_DROP_NO_MEMORY] = {REMOTE_DROP_NO_MEMORY, "no memory"},
    };
    struct remote *remote = context;
    remote_metrics_dropped(&remote->metrics, table[why].reason, dropped);
    remote_log_dropped(&remote->log, table[why].words, sample_counts_sum(dropped));
}

void remote_notify(struct remote *remote, int64_t highest_timestamp_ms)
{
    set_if_higher(remote->metrics.queue_highest_timestamp, (double)(highest_timestamp_ms / 1000));
    remote_show_pending(remote);
    if (remote->state == REMOTE_WAITING)
        remote_wait(remote);
}

void remote_flush(struct remote *remote)
{
    remote->flushing = true;
    if (remote->state == REMOTE_WAITING)
        remote_wait(remote);
}

static char *name_of_url(const char *url)
{
    char *name;
    unsigned digits = (unsigned)(XXH3_64bits(url, strlen(url)) >> 40);
    return asprintf(&name, "%06x", digits) < 0 ? NULL : name;
}

static void show_settings(struct remote *remote)
{
    double most = remote->config->queue.max_samples_per_send;
    metric_set(remote->metrics.shards, 1);
    metric_set(remote->metrics.shards_max, 1);
    metric_set(remote->metrics.shards_min, 1);
    metric_set(remote->metrics.shards_desired, 1);
    metric_set(remote->metrics.shard_capacity, most);
    metric_set(remote->metrics.max_samples_per_send, most);
}

static int remote_setup(struct remote *remote)
{
    const struct remote_write_config *config = remote->config;
    const struct shipper_environment *shipper = remote->environment.shipper;
    remote->name = config->name ? strdup(config->name) : name_of_url(config->url);
    remote->url = http_url_redacted(config->url);
    if (!remote->name || !remote->url)
        return -ENOMEM;
    remote->log = (struct remote_log){.name = remote->name, .url = remote->url};
    int error = loop_timer_new(shipper->loop, on_timer, remote, &remote->timer);
    if (!error)
        error = queue_reader_open(remote->environment.queue, remote->name, on_drop, remote,
                                  &remote->reader);
    if (!error)
        error = remote_metrics_init(&remote->metrics, shipper->metrics, remote->name, remote->url);
    return error;
}

int remote_new(const struct remote_environment *environment,
               const struct remote_write_config *config, struct remote **out)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    if (!remote)
        return -ENOMEM;
    remote->environment = *environment;
    remote->config = config;
    batch_init(&remote->batch);
    int error = remote_setup(remote);
    if (error) {
        remote_free(&remote);
        return error;
    }
    show_settings(remote);
    *out = remote;
    return 0;
}

void remote_free(struct remote **out)
{
    struct remote *remote = *out;
    if (!remote)
        return;
    http_call_cancel(&remote->call);
    loop_timer_free(&remote->timer);
    queue_reader_close(&remote->reader);
    batch_free(&remote->batch);
    remote_metrics_free(&remote->metrics);
    free(remote->name);
    free(remote->url);
    free(TAKE_PTR(*out));
}
