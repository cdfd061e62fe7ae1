/* SPDX-License-Identifier: Apache-2.0 */
/* Groups to targets to cycles. A target lives as long as one group has it: the same target in two
 * groups, or twice in one, is scraped once. */
#include "scrape/scrape_job.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "scrape/target_groups.h"

#define autotarget __attribute__((cleanup(target_free)))

/* Targets with equal hashes that differ all the same are told apart by their number. */
struct target_key {
    uint64_t hash;
    uint64_t number;
};

struct job_target {
    struct target_key key;
    struct scrape_cycle *cycle;
    size_t references; /* of groups */
};

struct scrape_job {
    struct target_sink sink; /* first: the sink is the job */
    struct scrape_job_environment environment;
    struct scrape_config *config;
    struct target_groups groups;
    struct hash_table targets;
    struct metric *pool_targets, *sync_failed, *syncs;
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
static const struct metric_family syncs_family = {
    .name = "prometheus_target_scrape_pool_sync_total",
    .help = "Total number of syncs that were executed on a scrape pool.",
    .type = METRIC_COUNTER,
};

static void job_update(struct target_sink *sink, const struct target_group *group)
{
    struct scrape_job *job = (struct scrape_job *)sink;
    int error = target_groups_put(&job->groups, group);

    if (error)
        log_error("scrape", "a group of targets is left out", LOG_STR("job", job->config->job_name),
                  LOG_VIEW("source", group->source),
                  LOG_STR("err", error == -E2BIG ? "too many groups" : strerror(-error)));
    job->environment.on_change(job->environment.context);
}

/* ---- targets ---- */

static void release_target(struct scrape_job *job, struct job_target *target)
{
    if (--target->references)
        return;
    hash_table_remove(&job->targets, &target->key);
    scrape_cycle_free(&target->cycle);
    free(target);
}

static void release_made(struct scrape_job *job, struct job_target **made, size_t count)
{
    for (size_t i = 0; i < count; i++)
        release_target(job, made[i]);
    free(made);
}

/* The target that is already scraped, or else the key that is free for it. */
static struct job_target *find_target(const struct scrape_job *job, const struct target *target,
                                      struct target_key *key)
{
    *key = (struct target_key){.hash = target->hash};
    for (;; key->number++) {
        struct job_target *found = hash_table_find(&job->targets, key);
        if (!found || target_equal(scrape_cycle_target(found->cycle), target))
            return found;
    }
}

/* Takes over `target`, on failure too. */
static int hold_target(struct scrape_job *job, struct target *target, struct job_target **out)
{
    struct target_key key;
    struct job_target *found = find_target(job, target, &key);

    if (found) {
        target_free(&target);
        found->references++;
        *out = found;
        return 0;
    }
    autofree struct job_target *added = calloc(1, sizeof(*added));
    if (!added) {
        target_free(&target);
        return -ENOMEM;
    }
    added->key = key;
    added->references = 1;
    int error =
        scrape_cycle_new(job->environment.scraper, job->environment.shared, target, &added->cycle);
    if (!error)
        error = hash_table_add(&job->targets, added);
    if (error) {
        scrape_cycle_free(&added->cycle);
        return error;
    }
    *out = TAKE_PTR(added);
    return 0;
}

/* ---- sync ---- */

/* A target that cannot be is logged, counted and left out; the others run. */
static int make_target(struct scrape_job *job, const struct kept_group *group, size_t index,
                       struct job_target **made, size_t *made_count)
{
    char reason[TARGET_REASON_SIZE] = "";
    autotarget struct target *target = NULL;

    int error = target_new(job->config, group->labels, group->targets[index], &target, reason);
    if (!error && target->dropped)
        return 0;
    if (!error)
        error = hold_target(job, TAKE_PTR(target), &made[*made_count]);
    if (!error) {
        (*made_count)++;
        return 0;
    }
    if (error == -ENOMEM)
        return error;
    log_error("scrape", "target refused", LOG_STR("job", job->config->job_name),
              LOG_STR("err", error == -E2BIG ? "too many targets, series or labels" : reason));
    metric_add(job->sync_failed, 1);
    return 0;
}

/* The targets of the group as it is now; it keeps those that it had. */
static int make_group(struct scrape_job *job, const struct kept_group *group,
                      struct job_target ***out, size_t *out_count)
{
    struct job_target **made = calloc(group->target_count + 1, sizeof(*made));
    size_t made_count = 0;
    int error = made ? 0 : -ENOMEM;

    for (size_t i = 0; i < group->target_count && !error; i++)
        error = make_target(job, group, i, made, &made_count);
    if (error) {
        release_made(job, made, made_count);
        return error;
    }
    *out = made;
    *out_count = made_count;
    return 0;
}

/* What groups had before is let go only when all have what they have now, so that a target that
 * changes its group is scraped on. */
int scrape_job_sync(struct scrape_job *job)
{
    struct job_target **before = NULL;
    size_t before_count = 0, capacity = 0;
    struct kept_group *group;

    int error = 0;

    if (TAILQ_EMPTY(&job->groups.changed))
        return 0;
    while ((group = TAILQ_FIRST(&job->groups.changed))) {
        struct job_target **made;
        size_t made_count;

        if (before_count + group->made_count > capacity) {
            size_t wanted = (before_count + group->made_count) * 2;
            void *bigger = realloc(before, wanted * sizeof(*before));
            error = bigger ? 0 : -ENOMEM;
            if (error)
                break;
            before = bigger;
            capacity = wanted;
        }
        error = make_group(job, group, &made, &made_count);
        if (error)
            break;
        for (size_t i = 0; i < group->made_count; i++)
            before[before_count++] = group->made[i];
        free(group->made);
        group->made = made;
        group->made_count = made_count;
        target_groups_settle(&job->groups, group);
    }
    release_made(job, before, before_count);
    metric_add(job->syncs, 1);
    metric_set(job->pool_targets, (double)job->targets.count);
    return error;
}

/* ---- the job ---- */

static int register_metrics(struct scrape_job *job)
{
    struct metric_registry *metrics = job->environment.scraper->metrics;
    const char *const *labels = METRIC_LABELS("scrape_job", job->config->job_name);

    if (!metrics)
        return 0;
    int error = metric_new(metrics, &pool_targets_family, labels, &job->pool_targets);
    if (!error)
        error = metric_new(metrics, &sync_failed_family, labels, &job->sync_failed);
    if (!error)
        error = metric_new(metrics, &syncs_family, labels, &job->syncs);
    return error;
}

int scrape_job_new(const struct scrape_job_environment *environment,
                   const struct scrape_config *config, struct scrape_job **out)
{
    struct scrape_job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->sink.update = job_update;
    job->environment = *environment;
    job->config = scrape_config_hold(config);
    target_groups_init(&job->groups, SCRAPE_JOB_MAX_GROUPS);
    hash_table_init(&job->targets, sizeof(struct target_key), SCRAPE_JOB_MAX_TARGETS);
    int error = register_metrics(job);
    if (error)
        scrape_job_free(&job);
    else
        *out = job;
    return error;
}

void scrape_job_free(struct scrape_job **out)
{
    struct scrape_job *job = *out;
    if (!job)
        return;
    for (size_t i = 0; i < job->groups.groups.slot_count; i++) {
        struct kept_group *group = job->groups.groups.slots[i];
        if (group)
            release_made(job, group->made, group->made_count);
    }
    target_groups_free(&job->groups);
    hash_table_free(&job->targets);
    metric_free(&job->pool_targets);
    metric_free(&job->sync_failed);
    metric_free(&job->syncs);
    scrape_config_release(&job->config);
    free(job);
    *out = NULL;
}

const struct scrape_config *scrape_job_config(const struct scrape_job *job)
{
    return job->config;
}

struct target_sink *scrape_job_sink(struct scrape_job *job)
{
    return &job->sink;
}

void scrape_job_stop(struct scrape_job *job)
{
    for (size_t i = 0; i < job->targets.slot_count; i++) {
        struct job_target *target = job->targets.slots[i];
        if (target)
            scrape_cycle_stop(target->cycle);
    }
}
