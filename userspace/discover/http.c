/* SPDX-License-Identifier: Apache-2.0 */
/* http_sd_configs: a server is asked for the list of targets at the start and every refresh
 * interval. An answer that cannot be had or understood keeps the targets that there were.
 * https://prometheus.io/docs/prometheus/latest/http_sd/ */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "discover/discoverer.h"
#include "discover/target_file.h"

#define MAX_REASON 512
#define ANSWER_MAX_BYTES TARGET_FILE_MAX_BYTES

struct http_discoverer {
    struct discoverer discoverer; /* first */
    struct discovery_environment environment;
    const struct http_discovery_config *config;
    struct target_sink *sink;
    struct loop_timer *timer;
    struct http_call *call; /* NULL: none is under way */
    char *shown_url;        /* without its password */
    struct labels *url;     /* __meta_url: that one, for targets are shown with it */
    char interval[32];      /* seconds, as the server is told */
    size_t group_count;     /* handed over */
    XXH128_hash_t content;  /* of the answer that was taken last */
    bool synced;            /* one was taken */
    char *failure;          /* the log has this; NULL: none */
    struct metric *failures, *refresh_failures, *refresh_duration;
};

static const struct metric_family failures_family = {
    .name = "prometheus_sd_http_failures_total",
    .help = "Number of HTTP service discovery refresh failures.",
    .type = METRIC_COUNTER,
};
static const struct metric_family refresh_failures_family = {
    .name = "prometheus_sd_refresh_failures_total",
    .help = "Number of refresh failures for the given SD mechanism.",
    .type = METRIC_COUNTER,
};
static const struct metric_family refresh_duration_family = {
    .name = "prometheus_sd_refresh_duration_seconds",
    .help = "The duration of a refresh in seconds for the given SD mechanism.",
    .type = METRIC_SUMMARY,
};

/* ---- the answer ---- */

static int source_of(const struct http_discoverer *self, size_t index, char **out)
{
    if (asprintf(out, "%s:%zu", self->shown_url, index) >= 0)
        return 0;
    *out = NULL;
    return -ENOMEM;
}

static int hand_over(struct http_discoverer *self, const struct target_file *answer)
{
    size_t count = answer->group_count, before = self->group_count;
    int error = 0;

    for (size_t i = 0; i < (count > before ? count : before) && !error; i++) {
        autofree char *source = NULL;
        error = source_of(self, i, &source);
        if (error)
            break;
        if (i >= count)
            target_sink_update(self->sink, &(struct target_group){.source = text_of(source)});
        else
            error = static_targets_hand_over(&answer->groups[i], text_of(source), self->url,
                                             self->sink);
        if (i >= self->group_count)
            self->group_count = i + 1;
    }
    if (!error)
        self->group_count = count;
    return error;
}

/* application/json, with no other charset than UTF-8. */
static bool is_json(const char *content_type)
{
    static const char type[] = "application/json", charset[] = "charset=";
    const char *rest = content_type + strspn(content_type, " \t");

    if (strncasecmp(rest, type, sizeof(type) - 1) != 0)
        return false;
    rest += sizeof(type) - 1;
    rest += strspn(rest, " \t");
    if (!*rest)
        return true;
    if (*rest++ != ';')
        return false;
    rest += strspn(rest, " \t");
    if (strncasecmp(rest, charset, sizeof(charset) - 1) != 0)
        return false;
    rest += sizeof(charset) - 1;
    return strcasecmp(rest, "utf-8") == 0 || strcasecmp(rest, "\"utf-8\"") == 0;
}

/* What is the same as at the last time is not handed over again. */
static int take_targets(struct http_discoverer *self, struct text json, struct buffer *reason)
{
    XXH128_hash_t content = XXH3_128bits(json.bytes, json.length);
    struct target_file answer;

    if (self->synced && !self->failure && XXH128_isEqual(content, self->content))
        return 0;
    int error = target_list_parse(json, &answer, reason);
    if (error)
        return error;
    error = hand_over(self, &answer);
    target_file_free(&answer);
    self->content = content;
    return error;
}

/* 0, or a negative errno with what is wrong in `reason`. */
static int take_answer(struct http_discoverer *self, const struct http_response *response,
                       struct buffer *reason)
{
    if (response->too_large)
        buffer_printf(reason, "the list of targets is larger than %u MiB", ANSWER_MAX_BYTES >> 20);
    else if (response->error)
        buffer_append_string(reason, response->error);
    else if (response->status != 200)
        buffer_printf(reason, "server returned HTTP status %s", response->status_text);
    else if (!is_json(response->content_type))
        buffer_printf(reason, "content type \"%.100s\"; it must be application/json",
                      response->content_type);
    if (reason->length)
        return -EINVAL;
    int error = take_targets(self, response->body, reason);
    if (error && !reason->length)
        buffer_append_string(reason, strerror(-error));
    return error;
}

/* Each reason once, until it changes or the server is well again. */
static void note_failure(struct http_discoverer *self, const char *reason)
{
    metric_add(self->failures, 1);
    metric_add(self->refresh_failures, 1);
    if (self->failure && strcmp(self->failure, reason) == 0)
        return;
    log_error("discover", "cannot take targets from a server; those that it had before stay",
              LOG_STR("url", self->shown_url), LOG_STR("err", reason));
    free(self->failure);
    self->failure = strdup(reason);
}

static void note_success(struct http_discoverer *self)
{
    if (self->failure)
        log_info("discover", "a server of targets is well again", LOG_STR("url", self->shown_url));
    free(TAKE_PTR(self->failure));
    if (self->synced)
        return;
    self->synced = true;
    target_sink_synced(self->sink);
}

static void on_done(void *context, const struct http_response *response)
{
    struct http_discoverer *self = context;
    autobuffer struct buffer reason;

    self->call = NULL;
    buffer_init(&reason, MAX_REASON);
    metric_observe(self->refresh_duration, response->duration_seconds);
    if (take_answer(self, response, &reason))
        note_failure(self, reason.length ? reason.bytes : "out of memory");
    else
        note_success(self);
}

/* ---- the question ---- */

static void on_refresh(void *context)
{
    struct http_discoverer *self = context;
    struct http_header headers[] = {
        {"Accept", "application/json"},
        {"X-Prometheus-Refresh-Interval-Seconds", self->interval},
    };
    const struct http_request request = {
        .method = "GET",
        .url = self->config->url,
        .config = &self->config->http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
        .accept_gzip = true,
        .timeout_ns = self->config->refresh_interval_ns,
        .max_response_bytes = ANSWER_MAX_BYTES,
        .on_done = on_done,
        .context = self,
    };

    loop_timer_after(self->timer, self->config->refresh_interval_ns);
    if (self->call) /* it is about to time out */
        return;
    int error = http_client_start(self->environment.http, &request, &self->call);
    if (error)
        note_failure(self, strerror(-error));
}

/* ---- the discoverer ---- */

static void http_free(struct discoverer *discoverer)
{
    struct http_discoverer *self = (struct http_discoverer *)discoverer;

    if (self->call)
        http_call_cancel(&self->call);
    loop_timer_free(&self->timer);
    free(self->url);
    free(self->shown_url);
    free(self->failure);
    free(self);
}

/* What counts stays in the registry, for the discoverers after this one. */
static int register_metrics(struct http_discoverer *self)
{
    struct metric_registry *metrics = self->environment.metrics;
    const char *const *labels = METRIC_LABELS("mechanism", "http");

    int error = metric_new(metrics, &failures_family, NULL, &self->failures);
    if (!error)
        error = metric_new(metrics, &refresh_failures_family, labels, &self->refresh_failures);
    if (!error)
        error = metric_new(metrics, &refresh_duration_family, labels, &self->refresh_duration);
    return error;
}

static int make_url(struct http_discoverer *self)
{
    struct labels_builder *builder = NULL;

    self->shown_url = http_url_redacted(self->config->url);
    int error = self->shown_url ? labels_builder_new(&builder) : -ENOMEM;
    if (!error)
        error = labels_builder_set(builder, TEXT("__meta_url"), text_of(self->shown_url));
    if (!error)
        error = labels_builder_build(builder, &self->url);
    labels_builder_free(&builder);
    return error;
}

int http_discoverer_new(const struct discovery_environment *environment,
                        const struct discoverer_config *config, struct target_sink *sink,
                        struct discoverer **out)
{
    struct http_discoverer *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->discoverer.free = http_free;
    self->environment = *environment;
    self->config = &config->http;
    self->sink = sink;
    snprintf(self->interval, sizeof(self->interval), "%.15g",
             (double)config->http.refresh_interval_ns / NS_PER_SECOND);
    int error = register_metrics(self);
    if (!error)
        error = make_url(self);
    if (!error)
        error = loop_timer_new(environment->loop, on_refresh, self, &self->timer);
    if (error) {
        http_free(&self->discoverer);
        return error;
    }
    on_refresh(self);
    *out = &self->discoverer;
    return 0;
}
