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
    struct retired_targets *retired;
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
    shared->exemplars = environment->exemplars;
    shared->entry = malloc(sizeof(*shared->entry));
    if (!shared->entry)
        return -ENOMEM;
    int error = scrape_labels_new(environment->external_labels, &shared->labels);
    if (!error)
        error = page_pieces_new(shared->series, &shared->pieces);
    if (!error && metrics)
        error = scrape_metrics_init(&shared->metrics, metrics);
    shared->seed = scrape_schedule_seed(environment->external_labels);
    return error;
}

static void shared_free(struct scrape_shared *shared)
{
    scrape_labels_free(&shared->labels);
    page_pieces_free(&shared->pieces);
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

/* ---- jobs ---- */

static struct scrape_job **find_job(struct scraper *scraper, const char *name)
{
    for (size_t i = 0; i < scraper->job_count; i++)
        if (!strcmp(scrape_job_config(scraper->jobs[i])->job_name, name))
            return &scraper->jobs[i];
    return NULL;
}

static int add_job(struct scraper *scraper, const struct scrape_config *config)
{
    struct scrape_job_environment environment = {
        .scraper = &scraper->environment,
        .shared = &scraper->shared,
        .retired = scraper->retired,
        .on_change = on_change,
        .context = scraper,
    };
    void *jobs = realloc(scraper->jobs, (scraper->job_count + 1) * sizeof(struct scrape_job *));

    if (!jobs)
        return -ENOMEM;
    scraper->jobs = jobs;
    int error = scrape_job_new(&environment, config, &scraper->jobs[scraper->job_count]);
    metric_add(error ? scraper->shared.metrics.pools_failed : scraper->shared.metrics.pools, 1);
    scraper->job_count += !error;
    return error;
}

static bool is_among(const struct scrape_job *job, struct scrape_config *const *configs,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(scrape_job_config(job)->job_name, configs[i]->job_name))
            return true;
    return false;
}

static void retire_others(struct scraper *scraper, struct scrape_config *const *configs,
                          size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < scraper->job_count; i++) {
        if (is_among(scraper->jobs[i], configs, count))
            scraper->jobs[kept++] = scraper->jobs[i];
        else
            scrape_job_retire(&scraper->jobs[i]);
    }
    scraper->job_count = kept;
}

static int apply_config(struct scraper *scraper, const struct scrape_config *config,
                        bool relabel_all)
{
    struct scrape_job **job = find_job(scraper, config->job_name);

    if (!job)
        return add_job(scraper, config);
    if (!relabel_all && scrape_job_config(*job)->digest == config->digest)
        return 0;
    metric_add(scraper->shared.metrics.pool_reloads, 1);
    scrape_job_reconfigure(*job, config, relabel_all);
    return 0;
}

/* Equal ones are replaced too: the old ones may go. */
static int replace_external_labels(struct scraper *scraper, const struct labels *external_labels,
                                   bool *changed)
{
    const struct labels *before = scraper->environment.external_labels;
    struct scrape_labels *labels;

    int error = scrape_labels_new(external_labels, &labels);
    if (error)
        return error;
    *changed = !before != !external_labels || (before && !labels_equal(before, external_labels));
    scrape_labels_free(&scraper->shared.labels);
    scraper->shared.labels = labels;
    scraper->environment.external_labels = external_labels;
    scraper->shared.seed = scrape_schedule_seed(external_labels);
    return 0;
}

int scraper_apply(struct scraper *scraper, const struct scraper_environment *environment,
                  struct scrape_config *const *configs, size_t config_count)
{
    bool relabel_all;

    scraper->shared.exemplars = environment->exemplars;
    int error = replace_external_labels(scraper, environment->external_labels, &relabel_all);
    if (!error)
        retire_others(scraper, configs, config_count);
    for (size_t i = 0; i < config_count && !error; i++)
        error = apply_config(scraper, configs[i], relabel_all);
    if (error)
        log_error("scrape", "cannot set up scraping", LOG_STR("err", strerror(-error)));
    return error;
}

/* ---- the whole ---- */

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
        error = retired_targets_new(&scraper->retired);
    for (size_t i = 0; i < config_count && !error; i++)
        error = add_job(scraper, configs[i]);
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
    struct scrape_job **job = find_job(scraper, job_name);
    return job ? scrape_job_sink(*job) : NULL;
}

void scraper_visit(const struct scraper *scraper, const struct scraper_visitor *visitor)
{
    for (size_t i = 0; i < scraper->job_count; i++)
        scrape_job_visit(scraper->jobs[i], visitor);
}

void scraper_stop(struct scraper *scraper)
{
    loop_timer_disarm(scraper->sync_timer);
    for (size_t i = 0; i < scraper->job_count; i++)
        scrape_job_stop(scraper->jobs[i]);
    retired_targets_stop(scraper->retired);
}

void scraper_free(struct scraper **out)
{
    struct scraper *scraper = *out;
    if (!scraper)
        return;
    for (size_t i = 0; i < scraper->job_count; i++)
        scrape_job_free(&scraper->jobs[i]);
    free(scraper->jobs);
    retired_targets_free(&scraper->retired);
    loop_timer_free(&scraper->sync_timer);
    shared_free(&scraper->shared);
    free(scraper);
    *out = NULL;
}
