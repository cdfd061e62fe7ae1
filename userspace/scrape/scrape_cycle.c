/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one target: timer, request, page, record. A record is appended for every scrape that
 * was started and not cancelled. */
#include "scrape/scrape_cycle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "scrape/scrape_failure_log.h"
#include "scrape/scrape_report.h"
#include "scrape/scrape_schedule.h"

#define IGNORED_MAX (64 * 1024) /* bytes of a bad body read on, to keep the connection */

enum cycle_state {
    CYCLE_RUNNING,
    CYCLE_RETIRED,  /* waits for the next tick, whose time its stale markers will have */
    CYCLE_RETIRING, /* waits whether the target comes back */
    CYCLE_STOPPED,
};

struct scrape_cycle {
    struct scraper_environment environment;
    struct scrape_shared *shared;
    struct target *target;
    struct scrape_cache *cache;
    struct scrape_report report;
    struct loop_timer *timer;
    struct metric *interval_length;
    struct http_call *call; /* NULL between scrapes */
    enum cycle_state state;
    struct scrape_page page;
    uint64_t scheduled_ns;     /* of the present scrape, or the next one; monotonic */
    uint64_t started_ns;       /* of the present scrape, or the one before; 0: there was none */
    int64_t grid_ns;           /* see scrape_schedule_align */
    int64_t last_timestamp_ms; /* of the markers that CYCLE_RETIRING waits to write */
    char bad_type[SCRAPE_PROTOCOL_REASON_SIZE]; /* what is wrong with the Content-Type; or "" */
    size_t ignored;                             /* bytes of a body that is known to be bad */
    double body_bytes;                          /* see scrape_report_add */
    char *refused;                              /* NULL: scraped */
    struct scrape_status status;
    char error[SCRAPE_REASON_SIZE]; /* of `status` */
    struct scrape_log_state log;
    void (*ended)(void *context, struct scrape_cycle *cycle);
    void *ended_context;
};

const struct target *scrape_cycle_target(const struct scrape_cycle *cycle)
{
    return cycle->target;
}

void scrape_cycle_each_metadata(const struct scrape_cycle *cycle,
                                void (*fn)(void *context, const struct metadata *metadata),
                                void *context)
{
    scrape_cache_each_metadata(cycle->cache, fn, context);
}

void scrape_cycle_status(const struct scrape_cycle *cycle, struct scrape_status *out)
{
    *out = cycle->status;
    out->error = cycle->error;
}

/* ---- the schedule ---- */

static int64_t aligned_now_ms(struct scrape_cycle *cycle)
{
    return scrape_schedule_align(clock_wall_ns(), cycle->target->scrape_interval_ns,
                                 &cycle->grid_ns) /
           (int64_t)NS_PER_MS;
}

static void schedule_first(struct scrape_cycle *cycle)
{
    const struct target *target = cycle->target;
    uint64_t interval = target->scrape_interval_ns, seed = cycle->shared->seed;
    uint64_t offset = scrape_schedule_offset(interval, target->hash ^ seed, seed);
    int64_t now = clock_wall_ns();
    uint64_t delay = scrape_schedule_delay(now, interval, offset);

    cycle->grid_ns = now + (int64_t)delay;
    cycle->scheduled_ns = clock_monotonic_ns() + delay;
    loop_timer_at(cycle->timer, cycle->scheduled_ns);
}

/* The next tick. One that a slow scrape has just missed is taken at once, older ones are skipped.
 */
static void schedule_next(struct scrape_cycle *cycle)
{
    uint64_t interval = cycle->target->scrape_interval_ns;
    uint64_t now = clock_monotonic_ns();

    cycle->scheduled_ns += interval;
    if (now > cycle->scheduled_ns + interval / 10)
        cycle->scheduled_ns += (now - cycle->scheduled_ns + interval - 1) / interval * interval;
    loop_timer_at(cycle->timer, cycle->scheduled_ns);
}

static void observe_interval(struct scrape_cycle *cycle)
{
    uint64_t now = clock_monotonic_ns();

    if (cycle->started_ns)
        metric_observe(cycle->interval_length, (double)(now - cycle->started_ns) / NS_PER_SECOND);
    cycle->started_ns = now;
}

static int measure_interval(struct scrape_cycle *cycle)
{
    char interval[SCRAPE_SCHEDULE_TEXT_SIZE];

    metric_free(&cycle->interval_length);
    scrape_schedule_text(cycle->target->scrape_interval_ns, interval);
    return scrape_metrics_interval(cycle->environment.metrics, interval, &cycle->interval_length);
}

/* ---- the outcome ---- */

static int add_stale_markers(struct scrape_cycle *cycle)
{
    struct scrape_page *page = &cycle->page;
    const series_id *ended;
    size_t count;

    int error = scrape_cache_end(cycle->cache, page->failed, page->timestamp_ms, &ended, &count);
    for (size_t i = 0; i < count && !error; i++)
        error = sample_list_add(&page->samples, (struct sample){
                                                    .series = ended[i],
                                                    .type = SAMPLE_FLOAT,
                                                    .timestamp_ms = page->timestamp_ms,
                                                    .value = sample_stale_value(),
                                                });
    return error;
}

static void note_status(struct scrape_cycle *cycle, double duration_seconds)
{
    const struct scrape_page *page = &cycle->page;

    cycle->status = (struct scrape_status){
        .health = page->failed ? SCRAPE_DOWN : SCRAPE_UP,
        .last_scrape_ns = clock_wall_ns() - (int64_t)(duration_seconds * NS_PER_SECOND),
        .duration_seconds = duration_seconds,
    };
    text_copy(text_of(page->failed ? page->reason : ""), cycle->error, sizeof(cycle->error));
}

static void log_missing(const struct scrape_cycle *cycle, int error)
{
    log_error("scrape", "samples are missing from a scrape",
              LOG_STR("target", cycle->target->shown_url), LOG_STR("err", strerror(-error)));
}

static void append_record(struct scrape_cycle *cycle)
{
    struct sample_record record = scrape_page_record(&cycle->page);
    sample_sink_append_record(cycle->environment.sink, &record);
}

/* The page has its outcome: one record of samples, stale markers and report. */
static void finish_scrape(struct scrape_cycle *cycle, double duration_seconds)
{
    struct scrape_page *page = &cycle->page;

    if (page->failed)
        scrape_page_drop_samples(page);
    int error = add_stale_markers(cycle);
    if (!error)
        error = scrape_report_add(&cycle->report, page, duration_seconds, cycle->body_bytes,
                                  &page->samples);
    if (error)
        log_missing(cycle, error);
    append_record(cycle);
    if (scrape_cache_sweep(cycle->cache, page->failed || !page->bytes))
        metric_add(cycle->shared->metrics.cache_flushes, 1);
    note_status(cycle, duration_seconds);
    scrape_log_outcome(&cycle->shared->log, &cycle->log, cycle->target,
                       page->failed ? page->reason : NULL);
    scrape_page_free(page);
    schedule_next(cycle);
}

/* A failure that is not the page's: nothing of the page counts. */
__attribute__((format(printf, 2, 3))) static void fail_scrape(struct scrape_page *page,
                                                              const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(page->reason, sizeof(page->reason), format, arguments);
    va_end(arguments);
    page->failed = true;
    page->scraped = page->kept = page->added = 0;
}

/* ---- one scrape ---- */

/* An empty body is an empty page, whatever its type: a bad type is the fault of the first byte. */
static void take_content_type(struct scrape_cycle *cycle, const char *content_type)
{
    enum scrape_format format;

    if (!scrape_protocol_format(&cycle->target->config->protocols, content_type, &format,
                                cycle->bad_type))
        scrape_page_set_format(&cycle->page, format);
}

static int on_head(void *context, const struct http_head *head)
{
    struct scrape_cycle *cycle = context;

    if (head->status != 200)
        fail_scrape(&cycle->page, "server returned HTTP status %s", head->status_text);
    else
        take_content_type(cycle, head->content_type);
    return 0;
}

/* What comes behind a fault is of no use, but a connection that is kept is. */
static int on_body(void *context, const char *bytes, size_t length)
{
    struct scrape_cycle *cycle = context;

    if (!cycle->page.failed && *cycle->bad_type)
        fail_scrape(&cycle->page, "%s", cycle->bad_type);
    if (!cycle->page.failed) {
        scrape_page_feed(&cycle->page, bytes, length);
        return 0;
    }
    cycle->ignored += length;
    return cycle->ignored > IGNORED_MAX ? -ECANCELED : 0;
}

static void note_failure(struct scrape_cycle *cycle, const struct http_response *response)
{
    struct scrape_page *page = &cycle->page;

    if (page->failed)
        return; /* the first reason is the reason */
    if (response->too_large && cycle->target->config->limits.body_size_limit) {
        metric_add(cycle->shared->metrics.body_size_exceeded, 1);
        fail_scrape(page, "body size limit exceeded");
        cycle->body_bytes = -1;
    } else if (response->error) {
        fail_scrape(page, "%s", response->error);
    } else if (response->status != 200) {
        fail_scrape(page, "server returned HTTP status %s", response->status_text);
    }
}

static void on_done(void *context, const struct http_response *response)
{
    struct scrape_cycle *cycle = context;

    bool fetched = response->status == 200 && (cycle->page.failed || !response->error);

    cycle->call = NULL;
    cycle->body_bytes = fetched ? (double)(cycle->page.bytes + cycle->ignored) : 0;
    note_failure(cycle, response);
    if (!fetched)
        scrape_failure_log(&cycle->shared->log, cycle->target, cycle->page.reason);
    scrape_page_end(&cycle->page);
    finish_scrape(cycle, response->duration_seconds);
}

static int start_request(struct scrape_cycle *cycle)
{
    const struct target *target = cycle->target;
    const struct scrape_config *config = target->config;
    uint64_t limit = config->limits.body_size_limit;
    char accept[SCRAPE_ACCEPT_SIZE];
    struct http_header headers[] = {
        {"Accept", accept},
        {"X-Prometheus-Scrape-Timeout-Seconds", (char *)target->scrape_timeout},
        {"Accept-Encoding", "identity"},
    };
    struct http_request request = {
        .method = "GET",
        .url = target->url,
        .config = &config->http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers) - config->enable_compression,
        .accept_gzip = config->enable_compression,
        .decode_gzip = true,
        .timeout_ns = target->scrape_timeout_ns,
        .max_response_bytes = limit && limit <= SCRAPE_MAX_BODY ? limit - 1 : SCRAPE_MAX_BODY,
        .on_head = on_head,
        .on_body = on_body,
        .on_done = on_done,
        .context = cycle,
    };

    cycle->bad_type[0] = '\0';
    scrape_protocol_accept(&config->protocols, accept);
    return http_client_start(cycle->environment.http, &request, &cycle->call);
}

static void scrape(struct scrape_cycle *cycle)
{
    observe_interval(cycle);
    scrape_page_begin(&cycle->page, cycle->shared, cycle->target, cycle->cache,
                      aligned_now_ms(cycle));
    cycle->body_bytes = 0;
    cycle->ignored = 0;
    if (cycle->refused) {
        fail_scrape(&cycle->page, "%s", cycle->refused);
        finish_scrape(cycle, 0);
        return;
    }
    int error = start_request(cycle);
    if (error) {
        fail_scrape(&cycle->page, "cannot start the request: %s", strerror(-error));
        finish_scrape(cycle, 0);
    }
}

/* ---- the end of a target ---- */

static void await_return(struct scrape_cycle *cycle)
{
    uint64_t interval = cycle->target->scrape_interval_ns;

    cycle->last_timestamp_ms = aligned_now_ms(cycle);
    cycle->state = CYCLE_RETIRING;
    loop_timer_after(cycle->timer, interval + interval / 10);
}

static void write_last_markers(struct scrape_cycle *cycle)
{
    struct scrape_page *page = &cycle->page;

    scrape_page_begin(page, cycle->shared, cycle->target, cycle->cache, cycle->last_timestamp_ms);
    page->failed = true; /* of a failed page all ends */
    int error = add_stale_markers(cycle);
    if (!error && cycle->started_ns) /* else there was no scrape, and nothing to end */
        error = scrape_report_end(&cycle->report, page->timestamp_ms, &page->samples);
    if (error)
        log_missing(cycle, error);
    append_record(cycle);
    scrape_page_free(page);
    cycle->state = CYCLE_STOPPED;
    cycle->ended(cycle->ended_context, cycle);
}

static void on_timer(void *context)
{
    struct scrape_cycle *cycle = context;

    switch (cycle->state) {
    case CYCLE_RUNNING:
        scrape(cycle);
        break;
    case CYCLE_RETIRED:
        await_return(cycle);
        break;
    case CYCLE_RETIRING:
        write_last_markers(cycle);
        break;
    case CYCLE_STOPPED:
        break;
    }
}

/* A scrape in flight comes to its end; the tick behind it is then the first one missed. */
void scrape_cycle_retire(struct scrape_cycle *cycle,
                         void (*ended)(void *context, struct scrape_cycle *cycle), void *context)
{
    cycle->state = CYCLE_RETIRED;
    cycle->ended = ended;
    cycle->ended_context = context;
}

int scrape_cycle_inherit(struct scrape_cycle *cycle, struct scrape_cycle *retiring)
{
    return scrape_cache_inherit(cycle->cache, retiring->cache);
}

/* ---- the life of a cycle ---- */

int scrape_cycle_new(const struct scraper_environment *environment, struct scrape_shared *shared,
                     struct target *target, struct scrape_cycle **out)
{
    struct scrape_cycle *cycle = calloc(1, sizeof(*cycle));
    if (!cycle) {
        target_free(&target);
        return -ENOMEM;
    }
    cycle->environment = *environment;
    cycle->shared = shared;
    cycle->target = target;

    int error = scrape_cache_new(environment->series, shared->pieces, &cycle->cache);
    if (!error)
        error = scrape_report_init(&cycle->report, shared, target);
    if (!error)
        error = loop_timer_new(environment->loop, on_timer, cycle, &cycle->timer);
    if (!error)
        error = measure_interval(cycle);
    if (error) {
        scrape_cycle_free(&cycle);
        return error;
    }
    schedule_first(cycle);
    *out = cycle;
    return 0;
}

void scrape_cycle_refuse(struct scrape_cycle *cycle, const char *reason)
{
    free(cycle->refused);
    cycle->refused = reason ? strdup(reason) : NULL;
}

static void cancel_scrape(struct scrape_cycle *cycle)
{
    if (!cycle->call)
        return;
    http_call_cancel(&cycle->call);
    scrape_page_free(&cycle->page);
}

/* The external labels may be others: then the series of before end with the next scrape. */
static int renew_report(struct scrape_cycle *cycle)
{
    struct scrape_report fresh;

    int error = scrape_report_init(&fresh, cycle->shared, cycle->target);
    if (error)
        return error;
    for (size_t i = 0; i < cycle->report.count; i++) {
        series_id before = cycle->report.series[i];
        if (!cycle->started_ns || before == fresh.series[i])
            series_table_release(cycle->environment.series, before);
        else if (scrape_cache_inherit_series(cycle->cache, before))
            error = -ENOMEM;
    }
    cycle->report = fresh;
    return error;
}

void scrape_cycle_renew_discovered(struct scrape_cycle *cycle, struct target *target)
{
    free(cycle->target->discovered);
    cycle->target->discovered = TAKE_PTR(target->discovered);
}

int scrape_cycle_replace_target(struct scrape_cycle *cycle, struct target *target, bool keep_series)
{
    uint64_t interval = cycle->target->scrape_interval_ns;

    cancel_scrape(cycle);
    target_free(&cycle->target);
    cycle->target = target;
    int error = keep_series ? 0 : scrape_cache_reset(cycle->cache);
    if (!keep_series && !error)
        error = renew_report(cycle);
    if (target->scrape_interval_ns != interval) {
        error = error ? error : measure_interval(cycle);
        schedule_first(cycle);
    } else {
        loop_timer_at(cycle->timer, cycle->scheduled_ns);
    }
    return error;
}

void scrape_cycle_stop(struct scrape_cycle *cycle)
{
    cycle->state = CYCLE_STOPPED;
    loop_timer_disarm(cycle->timer);
    cancel_scrape(cycle);
}

void scrape_cycle_free(struct scrape_cycle **out)
{
    struct scrape_cycle *cycle = *out;
    if (!cycle)
        return;
    if (cycle->timer)
        scrape_cycle_stop(cycle);
    loop_timer_free(&cycle->timer);
    metric_free(&cycle->interval_length);
    scrape_report_free(&cycle->report, cycle->environment.series);
    scrape_cache_free(&cycle->cache);
    target_free(&cycle->target);
    free(cycle->refused);
    free(cycle);
    *out = NULL;
}
