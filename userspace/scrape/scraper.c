/* SPDX-License-Identifier: Apache-2.0 */
/* From scrape_configs to running targets. How one target is scraped is scrape_cycle.c's business.
 */
#include "scrape/scraper.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "scrape/scrape_cycle.h"

#define MAX_TARGETS 65536

struct scraper {
    struct scraper_environment environment;
    struct scrape_shared shared;
    struct scrape_cycle **cycles;
    size_t cycle_count, cycle_capacity;
    struct metric **pool_targets; /* one a job */
    size_t job_count;
};

static const struct metric_family pool_targets_family = {
    .name = "prometheus_target_scrape_pool_targets",
    .help = "Current number of targets in this scrape pool.",
    .type = METRIC_GAUGE,
};
static const struct metric_family sync_failed_family = {
    .name = "prometheus_target_sync_failed_total",
    .help = "Total number of target sync failures.",
    .type = METRIC_COUNTER,
};
static const struct metric_family duplicates_family = {
    .name = "prometheus_target_scrapes_sample_duplicate_timestamp_total",
    .help = "Total number of samples rejected due to duplicate timestamps but different values.",
    .type = METRIC_COUNTER,
};
static const struct metric_family out_of_bounds_family = {
    .name = "prometheus_target_scrapes_sample_out_of_bounds_total",
    .help = "Total number of samples rejected due to timestamp falling outside of the time bounds.",
    .type = METRIC_COUNTER,
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
        error = metric_new(metrics, &duplicates_family, NULL, &shared->duplicates);
    if (!error && metrics)
        error = metric_new(metrics, &out_of_bounds_family, NULL, &shared->out_of_bounds);
    return error;
}

static void shared_free(struct scrape_shared *shared)
{
    scrape_labels_free(&shared->labels);
    free(shared->entry);
}

static bool has_target(const struct scraper *scraper, const struct target *target)
{
    for (size_t i = 0; i < scraper->cycle_count; i++) {
        const struct target *other = scrape_cycle_target(scraper->cycles[i]);
        if (other->config == target->config && target_equal(other, target))
            return true;
    }
    return false;
}

static int reserve_cycle(struct scraper *scraper)
{
    if (scraper->cycle_count < scraper->cycle_capacity)
        return 0;
    if (scraper->cycle_count == MAX_TARGETS)
        return -E2BIG;
    size_t capacity = scraper->cycle_capacity ? scraper->cycle_capacity * 2 : 16;
    void *cycles = realloc(scraper->cycles, capacity * sizeof(*scraper->cycles));
    if (!cycles)
        return -ENOMEM;
    scraper->cycles = cycles;
    scraper->cycle_capacity = capacity;
    return 0;
}

static int static_labels(const struct static_targets *group, const char *address,
                         struct labels **out)
{
    __attribute__((cleanup(labels_builder_free))) struct labels_builder *builder = NULL;

    int error = labels_builder_new(&builder);
    for (size_t i = 0; i < group->label_count && !error; i++)
        error = labels_builder_set(builder, text_of(group->labels[i].name),
                                   text_of(group->labels[i].value));
    if (!error)
        error = labels_builder_set(builder, TEXT("__address__"), text_of(address));
    return error ? error : labels_builder_build(builder, out);
}

/* A target that cannot be is logged, counted and left out; the others run. */
static int add_target(struct scraper *scraper, const struct scrape_config *config,
                      const struct static_targets *group, const char *address,
                      struct metric *refused)
{
    char reason[TARGET_REASON_SIZE];
    autofree struct labels *labels = NULL;
    __attribute__((cleanup(target_free))) struct target *target = NULL;

    int error = static_labels(group, address, &labels);
    if (!error)
        error = target_new(config, NULL, labels, &target, reason);
    if (error == -EINVAL) {
        log_error("scrape", "target refused", LOG_STR("job", config->job_name),
                  LOG_STR("err", reason));
        metric_add(refused, 1);
        return 0;
    }
    if (error || target->dropped || has_target(scraper, target))
        return error;
    error = reserve_cycle(scraper);
    if (error)
        return error;
    error = scrape_cycle_new(&scraper->environment, &scraper->shared, TAKE_PTR(target),
                             &scraper->cycles[scraper->cycle_count]);
    scraper->cycle_count += !error;
    return error;
}

static int add_job(struct scraper *scraper, const struct scrape_config *config)
{
    struct metric **targets = &scraper->pool_targets[scraper->job_count++];
    const char *const *labels = METRIC_LABELS("scrape_job", config->job_name);
    struct metric_registry *metrics = scraper->environment.metrics;
    struct metric *refused = NULL;
    size_t before = scraper->cycle_count;
    int error = 0;

    if (metrics)
        error = metric_new(metrics, &pool_targets_family, labels, targets);
    if (metrics && !error)
        error = metric_new(metrics, &sync_failed_family, labels, &refused);
    for (size_t i = 0; i < config->static_count && !error; i++) {
        const struct static_targets *group = &config->statics[i];
        for (size_t k = 0; k < group->target_count && !error; k++)
            error = add_target(scraper, config, group, group->targets[k], refused);
    }
    metric_set(*targets, (double)(scraper->cycle_count - before));
    return error;
}

int scraper_new(const struct scraper_environment *environment, const struct scrape_config *configs,
                size_t config_count, struct scraper **out)
{
    struct scraper *scraper = calloc(1, sizeof(*scraper));
    if (!scraper)
        return -ENOMEM;
    scraper->environment = *environment;
    scraper->pool_targets = calloc(config_count + 1, sizeof(struct metric *));
    int error = scraper->pool_targets ? shared_init(&scraper->shared, environment) : -ENOMEM;
    for (size_t i = 0; i < config_count && !error; i++)
        error = add_job(scraper, &configs[i]);
    if (error) {
        log_error(
            "scrape", "cannot set up scraping",
            LOG_STR("err", error == -E2BIG ? "too many targets or series" : strerror(-error)));
        scraper_free(&scraper);
        return error;
    }
    *out = scraper;
    return 0;
}

void scraper_stop(struct scraper *scraper)
{
    for (size_t i = 0; i < scraper->cycle_count; i++)
        scrape_cycle_stop(scraper->cycles[i]);
}

void scraper_free(struct scraper **out)
{
    struct scraper *scraper = *out;
    if (!scraper)
        return;
    for (size_t i = 0; i < scraper->cycle_count; i++)
        scrape_cycle_free(&scraper->cycles[i]);
    for (size_t i = 0; i < scraper->job_count; i++)
        metric_free(&scraper->pool_targets[i]);
    free(scraper->pool_targets);
    free(scraper->cycles);
    shared_free(&scraper->shared);
    free(scraper);
    *out = NULL;
}
