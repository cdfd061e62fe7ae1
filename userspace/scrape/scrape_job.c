/* SPDX-License-Identifier: Apache-2.0 */
/* Groups to targets to cycles. A target lives as long as one group has it: the same target in two
 * groups, or twice in one, is scraped once. */
#include "scrape/scrape_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "scrape/scrape_pool_metrics.h"
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
    size_t references;   /* of groups */
    uint32_t generation; /* of the config that it was made with */
    bool settled;        /* not new: a sync has ended since */
};

struct scrape_job {
    struct target_sink sink; /* first: the sink is the job */
    struct scrape_job_environment environment;
    struct scrape_config *config;
    uint32_t generation; /* one more with each config */
    bool keep_series;    /* targets of an older generation have their samples labelled as before */
    bool over_limit;     /* target_limit: all targets are refused */
    struct target_groups groups;
    struct hash_table targets;
    size_t kept_dropped; /* dropped targets that groups keep */
    struct scrape_pool_metrics metrics;
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
    retired_targets_add(job->environment.retired, &target->cycle);
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

/* Takes over `target`. */
static int renew_target(struct scrape_job *job, struct job_target *found, struct target *target)
{
    found->references++;
    if (found->generation == job->generation) {
        scrape_cycle_renew_discovered(found->cycle, target);
        target_free(&target);
        return 0;
    }
    found->generation = job->generation;
    return scrape_cycle_replace_target(found->cycle, target, job->keep_series);
}

/* Takes over `target`, on failure too. */
static int add_target(struct scrape_job *job, struct target *target, const struct target_key *key,
                      struct job_target **out)
{
    autofree struct job_target *added = calloc(1, sizeof(*added));
    if (!added) {
        target_free(&target);
        return -ENOMEM;
    }
    *added = (struct job_target){.key = *key, .references = 1, .generation = job->generation};
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

/* ---- one group ---- */

/* What a group is made into: the targets that it is in, and those that relabelling has dropped. */
struct making {
    struct job_target **made;
    size_t made_count;
    struct labels **dropped;
    size_t dropped_count, kept_count;
};

static void keep_dropped(struct scrape_job *job, struct target *target, struct making *making)
{
    uint32_t limit = job->config->limits.keep_dropped_targets;

    making->dropped_count++;
    if (limit && job->kept_dropped >= limit)
        return;
    making->dropped[making->kept_count++] = TAKE_PTR(target->discovered);
    job->kept_dropped++;
}

/* A target that cannot be is logged, counted and left out; the others run. */
static int make_target(struct scrape_job *job, const struct kept_group *group, size_t index,
                       struct making *making)
{
    char reason[TARGET_REASON_SIZE] = "";
    autotarget struct target *target = NULL;
    struct target_key key;

    int error = target_new(job->config, group->labels, group->targets[index], &target, reason);
    if (!error && target->dropped) {
        keep_dropped(job, target, making);
        return 0;
    }
    if (!error) {
        struct job_target *found = find_target(job, target, &key);
        error = found ? renew_target(job, found, TAKE_PTR(target))
                      : add_target(job, TAKE_PTR(target), &key, &found);
        if (found)
            making->made[making->made_count++] = found;
    }
    if (!error || error == -ENOMEM)
        return error;
    log_error("scrape", "target refused", LOG_STR("job", job->config->job_name),
              LOG_STR("err", error == -E2BIG ? "too many targets, series or labels" : reason));
    metric_add(job->metrics.sync_failed, 1);
    return 0;
}

static void free_dropped(struct scrape_job *job, struct labels **dropped, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(dropped[i]);
    free(dropped);
    job->kept_dropped -= count;
}

/* The targets of the group as it is now; it keeps those that it had. */
static int make_group(struct scrape_job *job, const struct kept_group *group, struct making *out)
{
    struct making making = {
        .made = calloc(group->target_count + 1, sizeof(*making.made)),
        .dropped = calloc(group->target_count + 1, sizeof(*making.dropped)),
    };
    int error = making.made && making.dropped ? 0 : -ENOMEM;

    for (size_t i = 0; i < group->target_count && !error; i++)
        error = make_target(job, group, i, &making);
    if (error) {
        release_made(job, making.made, making.made_count);
        free_dropped(job, making.dropped, making.kept_count);
        return error;
    }
    *out = making;
    return 0;
}

/* ---- sync ---- */

struct target_list {
    struct job_target **list;
    size_t count, capacity;
};

static int reserve(struct target_list *targets, size_t more)
{
    if (targets->count + more <= targets->capacity)
        return 0;
    size_t capacity = (targets->count + more) * 2;
    void *list = realloc(targets->list, capacity * sizeof(*targets->list));
    if (!list)
        return -ENOMEM;
    targets->list = list;
    targets->capacity = capacity;
    return 0;
}

/* `before` gets what the group was made into until now. */
static int remake_group(struct scrape_job *job, struct kept_group *group,
                        struct target_list *before)
{
    struct making making;

    int error = reserve(before, group->made_count);
    if (error)
        return error;
    job->kept_dropped -= group->kept_count; /* they make room for those of now */
    error = make_group(job, group, &making);
    job->kept_dropped += group->kept_count;
    if (error)
        return error;
    for (size_t i = 0; i < group->made_count; i++)
        before->list[before->count++] = group->made[i];
    free(group->made);
    free_dropped(job, group->dropped, group->kept_count);
    group->made = making.made;
    group->made_count = making.made_count;
    group->dropped = making.dropped;
    group->dropped_count = making.dropped_count;
    group->kept_count = making.kept_count;
    if (!group->target_count) {
        free(TAKE_PTR(group->made));
        free(TAKE_PTR(group->dropped));
    }
    target_groups_settle(&job->groups, group);
    return 0;
}

/* All targets fail as long as there are too many. */
static void check_limit(struct scrape_job *job)
{
    uint32_t limit = job->config->limits.target_limit;
    bool over = limit && job->targets.count > limit;
    char reason[96];

    if (over)
        metric_add(job->environment.shared->metrics.target_limit_exceeded, 1);
    if (over && !job->over_limit)
        log_error("scrape", "too many targets: all of the job fail",
                  LOG_STR("job", job->config->job_name), LOG_UINT("targets", job->targets.count),
                  LOG_UINT("limit", limit));
    if (!over && !job->over_limit)
        return;
    job->over_limit = over;
    snprintf(reason, sizeof(reason), "target_limit exceeded (number of targets: %zu, limit: %u)",
             job->targets.count, limit);
    for (size_t i = 0; i < job->targets.slot_count; i++) {
        struct job_target *target = job->targets.slots[i];
        if (target)
            scrape_cycle_refuse(target->cycle, over ? reason : NULL);
    }
}

/* New targets take what retired ones with their labels have left; so those of this sync retire
 * first, and when all groups have what they have now, so that a target that changes its group is
 * scraped on. */
static void settle_targets(struct scrape_job *job, struct target_list *before)
{
    release_made(job, before->list, before->count);
    for (size_t i = 0; i < job->targets.slot_count; i++) {
        struct job_target *target = job->targets.slots[i];
        if (!target || target->settled)
            continue;
        target->settled = true;
        retired_targets_return(job->environment.retired, target->cycle);
    }
}

int scrape_job_sync(struct scrape_job *job)
{
    uint64_t started = clock_monotonic_ns();
    struct target_list before = {0};
    struct kept_group *group;
    int error = 0;

    if (TAILQ_EMPTY(&job->groups.changed))
        return 0;
    while (!error && (group = TAILQ_FIRST(&job->groups.changed)))
        error = remake_group(job, group, &before);
    settle_targets(job, &before);
    check_limit(job);
    job->keep_series |= !error;
    double seconds = (double)(clock_monotonic_ns() - started) / NS_PER_SECOND;
    metric_observe(job->metrics.sync_length, seconds);
    metric_observe(job->metrics.sync_length_histogram, seconds);
    metric_add(job->metrics.syncs, 1);
    metric_set(job->metrics.targets, (double)job->targets.count);
    return error;
}

void scrape_job_reconfigure(struct scrape_job *job, const struct scrape_config *config,
                            bool relabel_all)
{
    struct scrape_config *before = job->config;

    job->config = scrape_config_hold(config);
    job->keep_series &= !relabel_all && config->series_digest == before->series_digest;
    job->generation++;
    scrape_config_release(&before);
    target_groups_touch(&job->groups);
    metric_set(job->metrics.target_limit, config->limits.target_limit);
    job->environment.on_change(job->environment.context);
}

/* ---- the job ---- */

int scrape_job_new(const struct scrape_job_environment *environment,
                   const struct scrape_config *config, struct scrape_job **out)
{
    struct scrape_job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->sink.update = job_update;
    job->environment = *environment;
    job->config = scrape_config_hold(config);
    job->keep_series = true;
    target_groups_init(&job->groups, SCRAPE_JOB_MAX_GROUPS);
    hash_table_init(&job->targets, sizeof(struct target_key), SCRAPE_JOB_MAX_TARGETS);
    int error =
        scrape_pool_metrics_init(&job->metrics, environment->scraper->metrics, config->job_name);
    if (error) {
        scrape_job_free(&job);
        return error;
    }
    metric_set(job->metrics.target_limit, config->limits.target_limit);
    *out = job;
    return 0;
}

void scrape_job_free(struct scrape_job **out)
{
    struct scrape_job *job = *out;
    if (!job)
        return;
    for (size_t i = 0; i < job->groups.groups.slot_count; i++) {
        struct kept_group *group = job->groups.groups.slots[i];
        if (!group)
            continue;
        free(group->made);
        free_dropped(job, group->dropped, group->kept_count);
    }
    target_groups_free(&job->groups);
    for (size_t i = 0; i < job->targets.slot_count; i++) {
        struct job_target *target = job->targets.slots[i];
        if (target)
            scrape_cycle_free(&target->cycle);
        free(target);
    }
    hash_table_free(&job->targets);
    scrape_pool_metrics_free(&job->metrics);
    scrape_config_release(&job->config);
    free(job);
    *out = NULL;
}

void scrape_job_retire(struct scrape_job **job)
{
    struct hash_table *targets = &(*job)->targets;

    for (size_t i = 0; i < targets->slot_count; i++) {
        struct job_target *target = targets->slots[i];
        if (target)
            retired_targets_add((*job)->environment.retired, &target->cycle);
    }
    scrape_job_free(job);
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

static void show_target(const struct job_target *target, const struct scraper_visitor *visitor)
{
    struct scrape_status status;

    scrape_cycle_status(target->cycle, &status);
    visitor->on_target(visitor->context, scrape_cycle_target(target->cycle), &status);
}

void scrape_job_visit(const struct scrape_job *job, const struct scraper_visitor *visitor)
{
    size_t dropped = 0;

    for (size_t i = 0; i < job->groups.groups.slot_count; i++) {
        const struct kept_group *group = job->groups.groups.slots[i];
        dropped += group ? group->dropped_count : 0;
    }
    if (visitor->on_job)
        visitor->on_job(visitor->context, job->config, dropped);
    for (size_t i = 0; i < job->targets.slot_count; i++) {
        const struct job_target *target = job->targets.slots[i];
        if (target && visitor->on_target)
            show_target(target, visitor);
        if (target && visitor->on_metadata)
            scrape_cycle_each_metadata(target->cycle, visitor->on_metadata, visitor->context);
    }
    for (size_t i = 0; i < job->groups.groups.slot_count; i++) {
        const struct kept_group *group = job->groups.groups.slots[i];
        for (size_t k = 0; group && visitor->on_dropped && k < group->kept_count; k++)
            visitor->on_dropped(visitor->context, group->dropped[k]);
    }
}
