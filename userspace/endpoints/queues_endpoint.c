/* SPDX-License-Identifier: Apache-2.0 */
/* The queue, then each remote as it is told of. */
#include "endpoints/queues_endpoint.h"

#include "base/clock.h"
#include "serve/json_answer.h"

static void write_shards(struct json_writer *json, const struct shown_remote *remote)
{
    JSON_OPEN(json, "shards", '{');
    JSON_UINT(json, "current", remote->shards);
    JSON_NUMBER(json, "desired", remote->desired_shards);
    JSON_UINT(json, "min", remote->min_shards);
    JSON_UINT(json, "max", remote->max_shards);
    json_close(json, '}');
}

static void write_pending(struct json_writer *json, const struct shown_remote *remote)
{
    JSON_OPEN(json, "pending", '{');
    JSON_UINT(json, "samples", remote->pending.floats);
    JSON_UINT(json, "histograms", remote->pending.histograms);
    JSON_UINT(json, "exemplars", remote->pending.exemplars);
    json_close(json, '}');
}

/* Before anything was sent there is no telling. */
static void write_lag(struct json_writer *json, const struct shown_remote *remote)
{
    json_key(json, TEXT("lag"));
    if (!sample_counts_sum(remote->pending))
        json_number(json, 0);
    else if (remote->newest_sent <= 0)
        json_nothing(json);
    else
        json_number(json, remote->newest_in > remote->newest_sent
                              ? remote->newest_in - remote->newest_sent
                              : 0);
}

static void write_counters(struct json_writer *json, const struct shown_remote *remote)
{
    JSON_OPEN(json, "samples", '{');
    JSON_NUMBER(json, "sent", remote->sent);
    JSON_NUMBER(json, "acknowledged", remote->acknowledged);
    JSON_NUMBER(json, "failed", remote->failed);
    JSON_NUMBER(json, "retried", remote->retried);
    JSON_NUMBER(json, "dropped", remote->dropped);
    JSON_NUMBER(json, "replayRefused", remote->replay_refused);
    json_close(json, '}');
}

static void write_error(struct json_writer *json, const struct shown_remote *remote)
{
    json_key(json, TEXT("lastError"));
    if (!remote->error_time_ms) {
        json_nothing(json);
        return;
    }
    json_open(json, '{');
    JSON_NUMBER(json, "time", (double)remote->error_time_ms / 1000);
    JSON_NUMBER(json, "status", remote->error_status);
    JSON_STRING(json, "message", remote->error_message);
    json_close(json, '}');
}

static void show_remote(void *context, const struct shown_remote *remote)
{
    struct json_writer *json = context;

    json_open(json, '{');
    JSON_STRING(json, "name", remote->name);
    JSON_STRING(json, "url", remote->url);
    JSON_STRING(json, "protocol", remote->protocol);
    write_shards(json, remote);
    write_pending(json, remote);
    write_lag(json, remote);
    JSON_OPEN(json, "rate", '{');
    JSON_NUMBER(json, "in", remote->rate_in);
    JSON_NUMBER(json, "out", remote->rate_out);
    json_close(json, '}');
    JSON_NUMBER(json, "newestSent", remote->newest_sent);
    write_counters(json, remote);
    JSON_NUMBER(json, "bytesSent", remote->bytes_sent);
    JSON_BOOL(json, "failing", remote->failing);
    write_error(json, remote);
    json_close(json, '}');
}

void queues_endpoint_answer(const struct shipper *shipper, const struct queue_config *config,
                            struct server_response *response)
{
    struct json_writer json = json_answer_begin(response);

    json_open(&json, '{');
    JSON_NUMBER(&json, "time", (double)clock_wall_ms() / 1000);
    JSON_OPEN(&json, "queue", '{');
    JSON_BOOL(&json, "durable", shipper_keeps_unsent(shipper));
    JSON_UINT(&json, "bytes", shipper_queue_bytes(shipper));
    JSON_UINT(&json, "maxBytes", config->max_bytes);
    JSON_NUMBER(&json, "maxAge", (double)config->max_age_ns / NS_PER_SECOND);
    json_close(&json, '}');
    JSON_OPEN(&json, "remotes", '[');
    shipper_show(shipper, show_remote, &json);
    json_close(&json, ']');
    json_close(&json, '}');
    json_answer_end(response);
}
