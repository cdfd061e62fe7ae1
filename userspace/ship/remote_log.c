/* SPDX-License-Identifier: Apache-2.0 */
/* Words for what goes wrong between us and a receiver. The receiver's own message is passed on as
 * it is, cut where the sender cut it. */
#include "ship/remote_log.h"

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define PAUSE_NS (60 * NS_PER_SECOND)
#define SAY_ANEW_NS (5 * NS_PER_SECOND)

static bool pause_is_over(struct remote_log_pause *pause, uint64_t *unsaid)
{
    uint64_t now = clock_monotonic_ns();
    if (now < pause->until_ns) {
        pause->unsaid++;
        return false;
    }
    *unsaid = pause->unsaid;
    pause->unsaid = 0;
    pause->until_ns = now + PAUSE_NS;
    return true;
}

/* Another error than the last one said has something new to tell. */
static void pause_end_if_new(struct remote_log_pause *pause, int status, const char *error)
{
    uint64_t hash = error ? XXH3_64bits(error, strlen(error)) : 0;
    int reason = (int)((uint32_t)hash ^ (uint32_t)status << 16);
    uint64_t now = clock_monotonic_ns();
    bool just_said = pause->until_ns > now + PAUSE_NS - SAY_ANEW_NS;
    if (reason == pause->reason || just_said)
        return;
    pause->reason = reason;
    pause->until_ns = now;
}

static struct remote_log_pause *refusal_pause(struct remote_log *log, int status)
{
    struct remote_log_pause *pause = log->refusals;
    struct remote_log_pause *last = &log->refusals[REMOTE_LOG_REASONS - 1];
    while (pause < last && pause->reason && pause->reason != status)
        pause++;
    pause->reason = status;
    return pause;
}

static struct text trimmed(struct text message)
{
    while (message.length && strchr("\r\n ", message.bytes[message.length - 1]))
        message.length--;
    return message;
}

static void note_error(struct remote_log *log, int status, struct text message)
{
    struct remote_log_error *error = &log->last_error;
    error->time_ms = clock_wall_ms();
    error->status = status;
    if (message.length >= sizeof(error->message))
        message.length = sizeof(error->message) - 1;
    if (message.length)
        memcpy(error->message, message.bytes, message.length);
    error->message[message.length] = '\0';
}

static const char *advice(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {400, "see the receiver's message; samples that it already has are refused this way too"},
        {401, "check basic_auth or authorization of this remote_write"},
        {403, "check basic_auth or authorization of this remote_write"},
        {404, "check the path of this remote_write's url, and that the receiver is enabled"},
        {405, "check the path of this remote_write's url"},
        {413, "one sample alone is too large for this receiver"},
        {415, "this receiver does not take remote write 1.0"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].status == status)
            return table[i].text;
    return status / 100 == 3 ? "check the url: the receiver redirects" : "see the receiver's log";
}

void remote_log_retry(struct remote_log *log, int status, const char *error, struct text message,
                      uint64_t delay_ns)
{
    uint64_t unsaid;
    message = trimmed(message);
    message = message.length || !error ? message : text_of(error);
    note_error(log, status, message);
    if (!log->failing_since_ns)
        log->failing_since_ns = clock_monotonic_ns();
    pause_end_if_new(&log->retries, status, error);
    if (!pause_is_over(&log->retries, &unsaid))
        return;
    log->failing_said = true;
    log_warn("ship", "remote write failed, will be sent again", LOG_STR("remote_name", log->name),
             LOG_STR("url", log->url), LOG_INT("status", status), LOG_VIEW("err", message),
             LOG_REAL("retry_in_seconds", (double)delay_ns / NS_PER_SECOND),
             LOG_UINT("unsaid", unsaid));
}

void remote_log_refused(struct remote_log *log, int status, struct text message, uint64_t samples)
{
    uint64_t unsaid;
    note_error(log, status, trimmed(message));
    if (!pause_is_over(refusal_pause(log, status), &unsaid))
        return;
    log_error("ship", "receiver refused a request, its samples are lost",
              LOG_STR("remote_name", log->name), LOG_STR("url", log->url),
              LOG_INT("status", status), LOG_VIEW("err", trimmed(message)),
              LOG_UINT("samples", samples), LOG_STR("advice", advice(status)),
              LOG_UINT("unsaid", unsaid));
}

void remote_log_sent(struct remote_log *log)
{
    if (log->failing_since_ns && log->failing_said) {
        uint64_t outage_ns = clock_monotonic_ns() - log->failing_since_ns;
        log_info("ship", "remote write works again", LOG_STR("remote_name", log->name),
                 LOG_STR("url", log->url),
                 LOG_REAL("failed_for_seconds", (double)outage_ns / NS_PER_SECOND));
    }
    log->failing_since_ns = 0;
    log->failing_said = false;
}

void remote_log_replay_refused(struct remote_log *log, struct text message, uint64_t samples)
{
    uint64_t unsaid;
    if (!pause_is_over(&log->replays, &unsaid))
        return;
    log_info("ship", "receiver refused what was sent a second time: it has it already",
             LOG_STR("remote_name", log->name), LOG_STR("url", log->url),
             LOG_VIEW("err", trimmed(message)), LOG_UINT("samples", samples),
             LOG_UINT("unsaid", unsaid));
}

void remote_log_missing(struct remote_log *log, uint64_t samples)
{
    uint64_t unsaid;
    if (!pause_is_over(&log->missing, &unsaid))
        return;
    log_error("ship", "receiver answered with success but has not written all samples",
              LOG_STR("remote_name", log->name), LOG_STR("url", log->url),
              LOG_UINT("samples", samples), LOG_UINT("unsaid", unsaid));
}

void remote_log_dropped(struct remote_log *log, enum remote_drop_reason reason, uint64_t samples)
{
    static const char *const words[REMOTE_DROP_REASONS] = {
        [REMOTE_DROP_QUEUE_FULL] = "the queue is full, see queue.max_bytes",
        [REMOTE_DROP_QUEUE_AGE] = "older than queue.max_age",
        [REMOTE_DROP_QUEUE_CORRUPT] = "damaged or missing in the queue on disk",
        [REMOTE_DROP_CUSTOM_BUCKETS] =
            "histograms with custom buckets are not of remote write 1.0, see protobuf_message",
        [REMOTE_DROP_TOO_OLD] = "older than queue_config.sample_age_limit",
        [REMOTE_DROP_TOO_LARGE] = "longer than a request can be",
        [REMOTE_DROP_NO_MEMORY] = "no memory",
    };
    uint64_t unsaid;
    if (!samples || !words[reason] || !pause_is_over(&log->drops[reason], &unsaid))
        return;
    log_error("ship", "samples dropped before they were sent", LOG_STR("remote_name", log->name),
              LOG_STR("url", log->url), LOG_STR("reason", words[reason]),
              LOG_UINT("samples", samples), LOG_UINT("unsaid", unsaid));
}

void remote_log_too_large(struct remote_log *log, size_t samples, uint32_t samples_per_send)
{
    uint64_t unsaid;
    if (!pause_is_over(&log->too_large, &unsaid))
        return;
    log_warn("ship", "receiver refused a request as too large, its samples go out in smaller ones",
             LOG_STR("remote_name", log->name), LOG_STR("url", log->url),
             LOG_UINT("samples", samples), LOG_UINT("samples_per_send", samples_per_send),
             LOG_UINT("unsaid", unsaid));
}

void remote_log_fall_back(struct remote_log *log, int status, struct text message)
{
    log_warn("ship", "receiver does not read remote write 2.0: sending 1.0 from now on",
             LOG_STR("remote_name", log->name), LOG_STR("url", log->url), LOG_INT("status", status),
             LOG_VIEW("err", trimmed(message)),
             LOG_STR("advice", "take protobuf_message out of this remote_write, or enable 2.0 at "
                               "the receiver and reload"));
}

void remote_log_metadata_refused(struct remote_log *log, int status, struct text message,
                                 uint64_t entries)
{
    uint64_t unsaid;
    if (!pause_is_over(&log->metadata, &unsaid))
        return;
    log_warn("ship", "receiver refused metadata; samples are not touched by it",
             LOG_STR("remote_name", log->name), LOG_STR("url", log->url), LOG_INT("status", status),
             LOG_VIEW("err", trimmed(message)), LOG_UINT("entries", entries),
             LOG_UINT("unsaid", unsaid));
}

void remote_log_shards(const struct remote_log *log, uint32_t from, uint32_t to)
{
    log_info("ship", "number of shards changes", LOG_STR("remote_name", log->name),
             LOG_STR("url", log->url), LOG_UINT("from", from), LOG_UINT("to", to));
}
