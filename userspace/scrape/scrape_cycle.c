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
#include "scrape/scrape_report.h"

#define FIRST_SCRAPE_WITHIN_NS NS_PER_SECOND
#define TIMESTAMP_TOLERANCE_MS 2 /* timers are late by this much; timestamps need not be */
#define ACCEPT "text/plain;version=0.0.4;q=0.6,*/*;q=0.1"

struct scrape_cycle {
    struct scraper_environment environment;
    const struct scrape_shared *shared;
    struct target *target;
    struct scrape_cache *cache;
    struct scrape_report report;
    struct loop_timer *timer;
    struct http_call *call; /* NULL between scrapes */
    bool stopped;
    struct scrape_page page;
    uint64_t scheduled_ns; /* of the present scrape, or the next one */
    uint64_t last_ns;      /* `scheduled_ns` of the scrape before; 0: there was none */
    int64_t last_timestamp_ms;
    char logged[SCRAPE_REASON_SIZE]; /* the failure that the log has; "": the target was well */
};

const struct target *scrape_cycle_target(const struct scrape_cycle *cycle)
{
    return cycle->target;
}

/* Wall time of the schedule, not of the timer's call, and a whole number of intervals after the
 * scrape before while the wall clock agrees. */
static int64_t scheduled_timestamp(const struct scrape_cycle *cycle)
{
    int64_t late_ms = (int64_t)((clock_monotonic_ns() - cycle->scheduled_ns) / NS_PER_MS);
    int64_t timestamp = clock_wall_ms() - late_ms;

    if (cycle->last_ns) {
        int64_t passed_ms = (int64_t)((cycle->scheduled_ns - cycle->last_ns) / NS_PER_MS);
        int64_t expected = cycle->last_timestamp_ms + passed_ms;
        if (llabs(timestamp - expected) <= TIMESTAMP_TOLERANCE_MS)
            return expected;
    }
    return timestamp;
}

/* The next tick. One that a slow scrape has just missed is taken at once, older ones are skipped.
 */
static void schedule_next(struct scrape_cycle *cycle)
{
    uint64_t interval = cycle->target->scrape_interval_ns;
    uint64_t now = clock_monotonic_ns();

    cycle->last_ns = cycle->scheduled_ns;
    cycle->last_timestamp_ms = cycle->page.timestamp_ms;
    cycle->scheduled_ns += interval;
    if (now > cycle->scheduled_ns + interval / 10)
        cycle->scheduled_ns += (now - cycle->scheduled_ns + interval - 1) / interval * interval;
    if (!cycle->stopped)
        loop_timer_at(cycle->timer, cycle->scheduled_ns);
}

/* Each reason once, until the target is well again. A parse error quotes the page, which may differ
 * every time: what stands before the quotation decides. */
static void log_outcome(struct scrape_cycle *cycle)
{
    const struct scrape_page *page = &cycle->page;
    const char *url = cycle->target->shown_url, *job = cycle->target->config->job_name;
    const char *quotation = strstr(page->reason, " while parsing:");
    size_t length = quotation ? (size_t)(quotation - page->reason) : strlen(page->reason);

    if (!page->failed) {
        if (cycle->logged[0])
            log_info("scrape", "target is well again", LOG_STR("job", job), LOG_STR("target", url));
        cycle->logged[0] = '\0';
        return;
    }
    if (strlen(cycle->logged) == length && !strncmp(cycle->logged, page->reason, length))
        return;
    log_warn("scrape", "scrape failed", LOG_STR("job", job), LOG_STR("target", url),
             LOG_STR("err", page->reason));
    snprintf(cycle->logged, sizeof(cycle->logged), "%.*s", (int)length, page->reason);
}

static int add_stale_markers(struct scrape_cycle *cycle)
{
    struct scrape_page *page = &cycle->page;
    const series_id *ended;
    size_t count;

    int error = scrape_cache_end(cycle->cache, page->failed, &ended, &count);
    for (size_t i = 0; i < count && !error; i++)
        error = sample_list_add(&page->samples, (struct sample){
                                                    .series = ended[i],
                                                    .type = SAMPLE_FLOAT,
                                                    .timestamp_ms = page->timestamp_ms,
                                                    .value = sample_stale_value(),
                                                });
    return error;
}

/* The page has its outcome: one record of samples, stale markers and report. */
static void finish_scrape(struct scrape_cycle *cycle, double duration_seconds)
{
    struct scrape_page *page = &cycle->page;

    if (page->failed)
        page->samples.count = 0;
    int error = add_stale_markers(cycle);
    if (!error)
        error = scrape_report_add(&cycle->report, page, duration_seconds, &page->samples);
    if (error)
        log_error("scrape", "samples are missing from a scrape",
                  LOG_STR("target", cycle->target->shown_url), LOG_STR("err", strerror(-error)));
    sample_sink_append(cycle->environment.sink, page->samples.list, page->samples.count);
    scrape_cache_sweep(cycle->cache, page->failed);
    log_outcome(cycle);
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

/* The media type alone counts, whatever its parameters. */
static bool is_text_plain(const char *content_type)
{
    static const char expected[] = "text/plain";
    const char *behind;

    content_type += strspn(content_type, " \t");
    if (strncasecmp(content_type, expected, sizeof(expected) - 1))
        return false;
    behind = content_type + sizeof(expected) - 1;
    behind += strspn(behind, " \t");
    return !*behind || *behind == ';';
}

static void check_content_type(struct scrape_page *page, const char *content_type)
{
    if (!*content_type)
        fail_scrape(page, "non-compliant scrape target sending blank Content-Type and no "
                          "fallback_scrape_protocol specified for target");
    else if (!is_text_plain(content_type))
        fail_scrape(page,
                    "received unsupported Content-Type \"%.100s\" and no "
                    "fallback_scrape_protocol specified for target",
                    content_type);
}

static void on_done(void *context, const struct http_response *response)
{
    struct scrape_cycle *cycle = context;
    struct scrape_page *page = &cycle->page;

    cycle->call = NULL;
    if (response->error)
        fail_scrape(page, "%s", response->error);
    else if (response->status != 200)
        fail_scrape(page, "server returned HTTP status %d", response->status);
    else if (page->bytes)
        check_content_type(page, response->content_type);
    scrape_page_end(page);
    finish_scrape(cycle, response->duration_seconds);
}

static int on_body(void *context, const char *bytes, size_t length)
{
    struct scrape_cycle *cycle = context;
    scrape_page_feed(&cycle->page, bytes, length);
    return 0;
}

static int start_request(struct scrape_cycle *cycle)
{
    const struct target *target = cycle->target;
    char timeout[32];
    struct http_header headers[] = {
        {"Accept", ACCEPT},
        {"X-Prometheus-Scrape-Timeout-Seconds", timeout},
    };
    struct http_request request = {
        .method = "GET",
        .url = target->url,
        .config = &target->config->http,
        .headers = headers,
        .header_count = ARRAY_SIZE(headers),
        .accept_gzip = true,
        .timeout_ns = target->scrape_timeout_ns,
        .max_response_bytes = SCRAPE_MAX_BODY,
        .on_body = on_body,
        .on_done = on_done,
        .context = cycle,
    };

    snprintf(timeout, sizeof(timeout), "%.10g", (double)target->scrape_timeout_ns / NS_PER_SECOND);
    return http_client_start(cycle->environment.http, &request, &cycle->call);
}

static void on_tick(void *context)
{
    struct scrape_cycle *cycle = context;

    scrape_page_begin(&cycle->page, cycle->shared, cycle->target, cycle->cache,
                      scheduled_timestamp(cycle));
    int error = start_request(cycle);
    if (error) {
        fail_scrape(&cycle->page, "cannot start the request: %s", strerror(-error));
        finish_scrape(cycle, 0);
    }
}

int scrape_cycle_new(const struct scraper_environment *environment,
                     const struct scrape_shared *shared, struct target *target,
                     struct scrape_cycle **out)
{
    struct scrape_cycle *cycle = calloc(1, sizeof(*cycle));
    if (!cycle) {
        target_free(&target);
        return -ENOMEM;
    }
    cycle->environment = *environment;
    cycle->shared = shared;
    cycle->target = target;

    int error = scrape_cache_new(environment->series, &cycle->cache);
    if (!error)
        error = scrape_report_init(&cycle->report, shared, target);
    if (!error)
        error = loop_timer_new(environment->loop, on_tick, cycle, &cycle->timer);
    if (error) {
        scrape_cycle_free(&cycle);
        return error;
    }
    uint64_t spread = target->scrape_interval_ns;
    if (spread > FIRST_SCRAPE_WITHIN_NS)
        spread = FIRST_SCRAPE_WITHIN_NS;
    cycle->scheduled_ns = clock_monotonic_ns() + target->hash % spread;
    loop_timer_at(cycle->timer, cycle->scheduled_ns);
    *out = cycle;
    return 0;
}

void scrape_cycle_stop(struct scrape_cycle *cycle)
{
    cycle->stopped = true;
    loop_timer_disarm(cycle->timer);
    if (cycle->call) {
        http_call_cancel(&cycle->call);
        cycle->call = NULL;
        scrape_page_free(&cycle->page);
    }
}

void scrape_cycle_free(struct scrape_cycle **out)
{
    struct scrape_cycle *cycle = *out;
    if (!cycle)
        return;
    if (cycle->timer)
        scrape_cycle_stop(cycle);
    loop_timer_free(&cycle->timer);
    scrape_report_free(&cycle->report, cycle->environment.series);
    scrape_cache_free(&cycle->cache);
    target_free(&cycle->target);
    free(cycle);
    *out = NULL;
}
