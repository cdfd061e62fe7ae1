/* SPDX-License-Identifier: Apache-2.0 */
/* The scrape jobs, and the moment at which changes of their targets are applied. What a job makes
 * of its targets is scrape_job.c's business, how one is scraped scrape_cycle.c's. */
#include "scrape/scraper.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "scrape/scrape_job.h"
#include "scrape/scrape_schedule.h"

/* Changes come in bursts (a rollout, a file written anew): one sync for those within this time. */
#define GATHER_NS (500 * NS_PER_MS)

struct scraper {
    struct scraper_environment environment;
    struct scrape_shared shared;
    struct scrape_job **jobs;
    size_t job_count;
    struct loop_timer *sync_timer;
    bool sync_due;
    uint64_t last_sync_ns;
};

/* Counters stay in the registry when the scraper goes: they count on in the next one. */
static int shared_init(struct scrape_shared *shared, const struct scraper_environment *environment)
{
    struct metric_registry *metrics = environment->metrics;

    shared->series = environment->series;
    shared->entry = malloc(sizeof(*shared->entry));
    if (!shared->entry)
        return -ENOMEM;
    int error = scrape_labels_new(environment->external_labels, &shared->labels);
    if (!error && metrics)
        error = scrape_metrics_init(&shared->metrics, metrics);
    shared->seed = scrape_schedule_seed(environment->external_labels);
    return error;
}

static void shared_free(struct scrape_shared *shared)
{
    scrape_labels_free(&shared->labels);
    free(shared->entry);
}

/* ---- changes of targets ---- */

/* The first change after a quiet time is applied in the loop's next turn. */
static void on_change(void *context)
{
    struct scraper *scraper = context;

    if (scraper->sync_due)
        return;
    scraper->sync_due = true;
    loop_timer_at(scraper->sync_timer, scraper->last_sync_ns + GATHER_NS);
}

static void on_sync(void *context)
{
    struct scraper *scraper = context;

    scraper->sync_due = false;
    scraper->last_sync_ns = clock_monotonic_ns();
    for (size_t i = 0; i < scraper->job_count; i++) {
        int error = scrape_job_sync(scraper->jobs[i]);
        if (!error)
            continue;
        on_change(scraper);
        log_error("scrape", "the targets of a job are not up to date",
                  LOG_STR("job", scrape_job_config(scraper->jobs[i])->job_name),
                  LOG_STR("err", strerror(-error)));
    }
}

/* ---- the whole ---- */

static int add_jobs(struct scraper *scraper, struct scrape_config *const *configs, size_t count)
{
    struct scrape_job_environment environment = {
        .scraper = &scraper->environment,
        .shared = &scraper->shared,
        .on_change = on_change,
        .context = scraper,
    };

    scraper->jobs = calloc(count + 1, sizeof(*scraper->jobs));
    if (!scraper->jobs)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int error = scrape_job_new(&environment, configs[i], &scraper->jobs[i]);
        if (error)
            return error;
        scraper->job_count++;
    }
    return 0;
}

int scraper_new(const struct scraper_environment *environment, struct scrape_config *const *configs,
                size_t config_count, struct scraper **out)
{
    struct scraper *scraper = calloc(1, sizeof(*scraper));
    if (!scraper)
        return -ENOMEM;
    scraper->environment = *environment;
    int error = shared_init(&scraper->shared, environment);
    if (!error)
        error = loop_timer_new(environment->loop, on_sync, scraper, &scraper->sync_timer);
    if (!error)
        error = add_jobs(scraper, configs, config_count);
    if (error) {
        log_error("scrape", "cannot set up scraping", LOG_STR("err", strerror(-error)));
        scraper_free(&scraper);
        return error;
    }
    *out = scraper;
    return 0;
}

struct target_sink *scraper_sink(struct scraper *scraper, const char *job_name)
{
    for (size_t i = 0; i < scraper->job_count; i++)
        if (!strcmp(scrape_job_config(scraper->jobs[i])->job_name, job_name))
            return scrape_job_sink(scraper->jobs[i]);
    return NULL;
}

void scraper_stop(struct scraper *scraper)
{
    loop_timer_disarm(scraper->sync_timer);
    for (size_t i = 0; i < scraper->job_count; i++)
        scrape_job_stop(scraper->jobs[i]);
}

void scraper_free(struct scraper **out)
{
    struct scraper *scraper = *out;
    if (!scraper)
        return;
    for (size_t i = 0; i < scraper->job_count; i++)
        scrape_job_free(&scraper->jobs[i]);
    free(scraper->jobs);
    loop_timer_free(&scraper->sync_timer);
    shared_free(&scraper->shared);
    free(scraper);
    *out = NULL;
}
