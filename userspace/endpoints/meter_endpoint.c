/* SPDX-License-Identifier: Apache-2.0 */
/* One turn through the groups, in which each is written as it is told of. Computes no rates: that
 * is whoever asks twice. */
#include "endpoints/meter_endpoint.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "collect/http_families.h"
#include "serve/json_answer.h"

#define UNANSWERED_MAX (16u << 20) /* bytes */

/* ---- HTTP rows ---- */

struct http_answer {
    const struct http_metrics_config *config;
    struct json_writer requests;
    struct json_writer unanswered; /* put behind the other at the end */
};

/* Labels that stand beside the others in an entry. */
static const struct {
    const char *label, *name;
    bool always;
} beside[] = {
    {"http_request_method", "method", true},
    {"http_response_status_code", "status", true},
    {"http_route", "route", false},
    {"server_address", "host", false},
    {"url_scheme", NULL, false},
    {"role", NULL, false}, /* of unanswered ones */
};

static bool is_beside(struct text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
        if (text_equal(name, text_of(beside[i].label)))
            return true;
    return false;
}

static void write_labels(struct json_writer *json, const struct labels_builder *labels)
{
    JSON_OPEN(json, "labels", '{');
    for (size_t i = 0; i < labels_builder_count(labels); i++) {
        struct label label = labels_builder_at(labels, i);
        if (is_beside(label.name))
            continue;
        json_key(json, label.name);
        json_text(json, label.value);
    }
    json_close(json, '}');
}

static void write_sums(struct json_writer *json, const struct http_metrics_config *config,
                       const struct http_row *sum)
{
    JSON_NUMBER(json, "durationSum", (double)sum->duration_sum / NS_PER_SECOND);
    JSON_NUMBER(json, "firstByteSum", (double)sum->first_byte_sum / NS_PER_SECOND);
    JSON_UINT(json, "requestBytes", sum->request_bytes);
    JSON_UINT(json, "responseBytes", sum->response_bytes);
    JSON_OPEN(json, "buckets", '[');
    uint64_t rest = http_row_count(sum);
    for (size_t i = 0; i < config->bucket_count; i++) {
        json_uint(json, sum->buckets[i]);
        rest -= sum->buckets[i];
    }
    json_uint(json, rest);
    json_close(json, ']');
}

static void show_group(void *context, const struct http_shown *shown)
{
    struct http_answer *answer = context;
    struct json_writer *json = shown->answered ? &answer->requests : &answer->unanswered;

    json_open(json, '{');
    JSON_STRING(json, "role", shown->role == HTTP_ROLE_CLIENT ? "client" : "server");
    write_labels(json, shown->labels);
    for (size_t i = 0; i < ARRAY_SIZE(beside) && shown->answered; i++) {
        struct text value = labels_builder_get(shown->labels, text_of(beside[i].label));
        if (!beside[i].name || (!value.length && !beside[i].always))
            continue;
        json_key(json, text_of(beside[i].name));
        json_text(json, value);
    }
    JSON_UINT(json, "count", http_row_count(&shown->sum));
    if (shown->answered)
        write_sums(json, answer->config, &shown->sum);
    json_close(json, '}');
}

static void write_settings(struct json_writer *json, const struct collector *collector,
                           const struct http_metrics_config *config)
{
    JSON_BOOL(json, "enabled", collector != NULL);
    JSON_NUMBER(json, "time", (double)clock_wall_ms() / 1000);
    if (!collector)
        return;
    JSON_NUMBER(json, "lastDrain", (double)collector_last_drain_ms(collector) / 1000);
    JSON_NUMBER(json, "interval", (double)config->interval_ns / NS_PER_SECOND);
    JSON_OPEN(json, "bounds", '[');
    for (size_t i = 0; i < config->bucket_count; i++)
        json_number(json, config->buckets[i]);
    json_close(json, ']');
}

void meter_endpoint_http(struct collector *collector, const struct http_metrics_config *config,
                         struct server_response *response)
{
    autobuffer struct buffer unanswered;
    struct json_writer json = json_answer_begin(response);
    struct http_answer answer = {.config = config, .unanswered = {.out = &unanswered}};

    buffer_init(&unanswered, UNANSWERED_MAX);
    json_open(&json, '{');
    write_settings(&json, collector, config);
    JSON_OPEN(&json, "requests", '[');
    answer.requests = json;
    if (collector && collector_show(collector, show_group, &answer))
        response->body.failed = true;
    json_close(&json, ']');
    JSON_OPEN(&json, "unanswered", '[');
    if (unanswered.length)
        buffer_append_text(&response->body, buffer_text(&unanswered));
    json_close(&json, ']');
    json_close(&json, '}');
    response->body.failed |= unanswered.failed;
    json_answer_end(response);
}

/* ---- the kernel's account ---- */

/* The outcomes from `first` on, each under its name; their sum. */
static uint64_t write_outcomes(struct json_writer *json, const struct collector_account *account,
                               size_t first, size_t end)
{
    uint64_t sum = 0;

    for (size_t i = first; i < end; i++) {
        json_key(json, text_of(collector_outcome_name(i)));
        json_uint(json, account->outcomes[i]);
        sum += account->outcomes[i];
    }
    return sum;
}

/* The programs count while they are read: what has an outcome may have been seen a moment after. */
static uint64_t left_of(uint64_t seen, uint64_t decided)
{
    return seen > decided ? seen - decided : 0;
}

static void write_heads(struct json_writer *json, const struct collector_account *account)
{
    uint64_t seen = account->outcomes[HTTP_HEAD_SEEN];
    uint64_t counted = account->outcomes[HTTP_HEAD_COUNTED];

    JSON_OPEN(json, "heads", '{');
    JSON_UINT(json, "seen", seen);
    JSON_UINT(json, "counted", counted);
    JSON_OPEN(json, "lost", '{');
    uint64_t lost = write_outcomes(json, account, HTTP_HEAD_SURPLUS, HTTP_HEAD_OUTCOMES);
    json_close(json, '}');
    JSON_UINT(json, "waiting", left_of(seen, counted + lost));
    json_close(json, '}');
}

static void write_connections(struct json_writer *json, const struct collector_account *account)
{
    uint64_t seen = account->outcomes[HTTP_CONNECTION_SEEN];

    JSON_OPEN(json, "connections", '{');
    JSON_UINT(json, "seen", seen);
    uint64_t decided =
        write_outcomes(json, account, HTTP_CONNECTION_HTTP, HTTP_CONNECTION_OUTCOMES);
    JSON_UINT(json, "undecided", left_of(seen, decided));
    json_close(json, '}');
}

static void write_account(struct json_writer *json, const struct collector_account *account)
{
    write_heads(json, account);
    write_connections(json, account);
    JSON_OPEN(json, "losses", '{');
    write_outcomes(json, account, HTTP_LOSS_RESYNC, HTTP_OUTCOMES);
    json_close(json, '}');
    JSON_OPEN(json, "rows", '{');
    JSON_UINT(json, "used", account->rows);
    JSON_UINT(json, "max", account->max_rows);
    json_close(json, '}');
    JSON_UINT(json, "mapBytes", account->map_bytes);
}

void meter_endpoint_kernel(struct collector *collector, struct server_response *response)
{
    struct json_writer json = json_answer_begin(response);
    struct collector_account account;
    bool known = collector && !collector_read_account(collector, &account);

    json_open(&json, '{');
    JSON_BOOL(&json, "enabled", collector != NULL);
    JSON_NUMBER(&json, "time", (double)clock_wall_ms() / 1000);
    if (known)
        write_account(&json, &account);
    json_close(&json, '}');
    response->body.failed |= collector && !known;
    json_answer_end(response);
}
