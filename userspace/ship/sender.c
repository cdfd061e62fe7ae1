/* SPDX-License-Identifier: Apache-2.0 */
/* Idle, paced, sending or backing off; one timer serves the pauses. */
#include "ship/sender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define RESPONSE_MAX_BYTES (1 << 20)        /* read and thrown away beyond the message */
#define SHORTEST_BACKOFF_NS (1 * NS_PER_MS) /* whatever the configuration says */
#define JITTER_PART 10                      /* a pause is longer by up to a tenth */

enum sender_state { SENDER_IDLE, SENDER_PACED, SENDER_SENDING, SENDER_BACKING_OFF };

struct sender {
    struct remote_parts *parts;
    struct sender_owner owner;
    enum sender_state state;
    const struct sender_request *request;
    struct loop_timer *timer;
    struct http_call *call;
    unsigned attempt; /* of this body, from 0 */
    uint64_t begun_ns;
    uint64_t backoff_ns;
    uint32_t jitter; /* of 2^32; one for all pauses of a body, so that they never shrink */
    bool maybe_taken;
    char message[SENDER_MESSAGE_MAX_BYTES];
    size_t message_length;
};

bool sender_is_idle(const struct sender *sender)
{
    return sender->state == SENDER_IDLE;
}

/* ---- pauses ---- */

static uint64_t with_jitter(const struct sender *sender, uint64_t pause_ns)
{
    return pause_ns + (pause_ns / JITTER_PART >> 16) * (sender->jitter >> 16);
}

/* The pause before the next attempt; the one after that doubles. */
static uint64_t next_pause(struct sender *sender, int64_t retry_after_ms)
{
    uint64_t most = sender->parts->config->queue.max_backoff_ns;
    uint64_t pause = sender->backoff_ns;
    if (retry_after_ms > 0) {
        uint64_t asked = SENDER_RETRY_AFTER_MAX_NS;
        if ((uint64_t)retry_after_ms < SENDER_RETRY_AFTER_MAX_NS / NS_PER_MS)
            asked = (uint64_t)retry_after_ms * NS_PER_MS;
        if (asked > pause)
            pause = asked;
    }
    if (sender->backoff_ns < most)
        sender->backoff_ns = pause < most / 2 ? 2 * pause : most;
    return with_jitter(sender, pause);
}

static void back_off(struct sender *sender, int status, const char *error, int64_t retry_after_ms)
{
    uint64_t pause = next_pause(sender, retry_after_ms);
    struct text message = {sender->message, sender->message_length};
    sender->state = SENDER_BACKING_OFF;
    sender->parts->failing_until_ns = clock_monotonic_ns() + 2 * pause;
    loop_timer_after(sender->timer, pause);
    remote_log_retry(&sender->parts->log, status, error, message, pause);
}

/* Whether the body may go now; else the timer is set for when it may. */
static bool is_within_pace(struct sender *sender)
{
    struct remote_parts *parts = sender->parts;
    uint64_t rate = parts->config->max_bytes_per_second, now = clock_monotonic_ns();
    if (!rate)
        return true;
    if (now < parts->paced_until_ns) {
        sender->state = SENDER_PACED;
        loop_timer_at(sender->timer, parts->paced_until_ns);
        return false;
    }
    parts->paced_until_ns =
        now + (uint64_t)((double)sender->request->length / (double)rate * NS_PER_SECOND);
    return true;
}

/* ---- the answer ---- */

static int on_body(void *context, const char *bytes, size_t length)
{
    struct sender *sender = context;
    size_t room = sizeof(sender->message) - sender->message_length;
    size_t taken = length < room ? length : room;
    memcpy(sender->message + sender->message_length, bytes, taken);
    sender->message_length += taken;
    return 0;
}

static struct written written_of(const struct http_response *response)
{
    struct written written = {};
    const struct {
        const char *header;
        uint64_t *count;
    } headers[] = {
        {"X-Prometheus-Remote-Write-Samples-Written", &written.counts.floats},
        {"X-Prometheus-Remote-Write-Histograms-Written", &written.counts.histograms},
        {"X-Prometheus-Remote-Write-Exemplars-Written", &written.counts.exemplars},
    };
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
        written_parse(&written, headers[i].count,
                      http_response_header(response, headers[i].header));
    return written;
}

static void finish(struct sender *sender, const struct sender_outcome *outcome)
{
    if (outcome->verdict == VERDICT_TAKEN)
        remote_log_sent(&sender->parts->log);
    sender->state = SENDER_IDLE;
    sender->owner.on_done(sender->owner.context, outcome);
}

/* The status alone decides: a receiver that has said 2xx has the samples, even if the rest of its
 * response is lost. Only where 2.0's counts may have been in what is lost, nothing was said. */
static int status_of(const struct sender *sender, const struct http_response *response,
                     const struct written *written)
{
    bool counts_lost = sender->request->protocol == REMOTE_WRITE_V2 && response->error &&
                       !written->given && response->status / 100 == 2;
    return counts_lost ? 0 : response->status;
}

/* A gateway's words say nothing of the receiver behind it. */
static bool is_answer_lost(int status)
{
    return status == 0 || status == 502 || status == 504;
}

static void on_response(void *context, const struct http_response *response)
{
    struct sender *sender = context;
    struct written written = written_of(response);
    sender->maybe_taken |= response->sent_twice;
    struct sender_outcome outcome = {
        .status = status_of(sender, response, &written),
        .message = {sender->message, sender->message_length},
        .written = written,
        .maybe_taken = sender->maybe_taken,
        .seconds = (double)(clock_monotonic_ns() - sender->begun_ns) / NS_PER_SECOND,
    };
    sender->call = NULL;
    metric_observe(sender->parts->metrics.sent_batch_duration, response->duration_seconds);
    outcome.verdict = verdict_of(outcome.status, sender->request->protocol,
                                 sender->parts->config->queue.retry_on_http_429, &written);
    if (outcome.verdict != VERDICT_RETRY) {
        finish(sender, &outcome);
        return;
    }
    sender->maybe_taken |= is_answer_lost(outcome.status);
    back_off(sender, outcome.status, response->error, response->retry_after_ms);
}

/* ---- sending ---- */

static const struct http_header v1_headers[] = {
    {"Content-Type", "application/x-protobuf"},
    {"X-Prometheus-Remote-Write-Version", "0.1.0"},
};
static const struct http_header v2_headers[] = {
    {"Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"},
    {"X-Prometheus-Remote-Write-Version", "2.0.0"},
};

static int post(struct sender *sender)
{
    char attempt[16];
    const struct remote_write_config *config = sender->parts->config;
    const struct http_header *of_protocol =
        sender->request->protocol == REMOTE_WRITE_V1 ? v1_headers : v2_headers;
    snprintf(attempt, sizeof(attempt), "%u", sender->attempt);
    const struct http_header headers[] = {
        of_protocol[0],
        of_protocol[1],
        {"Content-Encoding", "snappy"},
        {"Retry-Attempt", attempt}, /* the last one: left out at the first attempt */
    };
    const struct http_request request = {
        .method = "POST",
        .url = config->url,
        .config = &config->http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers) - (sender->attempt == 0),
        .body = sender->request->body,
        .body_length = sender->request->length,
        .timeout_ns = config->remote_timeout_ns,
        .max_response_bytes = RESPONSE_MAX_BYTES,
        .on_body = on_body,
        .on_done = on_response,
        .context = sender,
    };
    return http_client_start(sender->parts->environment->http, &request, &sender->call);
}

static void attempt(struct sender *sender)
{
    if (!is_within_pace(sender))
        return;
    sender->message_length = 0;
    sender->state = SENDER_SENDING;
    sender->owner.on_attempt(sender->owner.context);
    int error = post(sender);
    if (error)
        back_off(sender, 0, strerror(-error), -1);
}

static void on_timer(void *context)
{
    struct sender *sender = context;
    if (sender->state == SENDER_BACKING_OFF) {
        sender->attempt++;
        sender->state = SENDER_IDLE; /* for an owner that gives up and starts anew */
        if (sender->owner.on_retry(sender->owner.context))
            attempt(sender);
    } else if (sender->state == SENDER_PACED) {
        attempt(sender);
    }
}

void sender_start(struct sender *sender, const struct sender_request *request)
{
    sender->request = request;
    sender->attempt = 0;
    sender->maybe_taken = false;
    sender->begun_ns = clock_monotonic_ns();
    sender->backoff_ns = sender->parts->config->queue.min_backoff_ns;
    if (sender->backoff_ns < SHORTEST_BACKOFF_NS)
        sender->backoff_ns = SHORTEST_BACKOFF_NS;
    if (getrandom(&sender->jitter, sizeof(sender->jitter), GRND_NONBLOCK) < 0)
        sender->jitter = 0;
    attempt(sender);
}

int sender_new(struct remote_parts *parts, const struct sender_owner *owner, struct sender **out)
{
    struct sender *sender = calloc(1, sizeof(*sender));
    if (!sender)
        return -ENOMEM;
    sender->parts = parts;
    sender->owner = *owner;
    int error = loop_timer_new(parts->environment->loop, on_timer, sender, &sender->timer);
    if (error)
        sender_free(&sender);
    else
        *out = sender;
    return error;
}

void sender_free(struct sender **out)
{
    struct sender *sender = TAKE_PTR(*out);
    if (!sender)
        return;
    http_call_cancel(&sender->call);
    loop_timer_free(&sender->timer);
    free(sender);
}
