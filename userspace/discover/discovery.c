/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, and the discoverers of each: started, kept or replaced as the configuration says. Between a
 * discoverer and its job's sink stands a provider: it keeps the sources of one job's discoverers
 * apart and knows which of them are left over from a predecessor. */
#include "discover/discovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/hash_table.h"
#include "base/log.h"

#define SOURCE_MAX_BYTES (64 * 1024)

/* What a source has given last. */
struct known_source {
    XXH128_hash_t key; /* of the name */
    size_t target_count;
    bool left_over; /* from before the discoverer's start, and not seen since */
    char name[];
};

struct provider {
    struct target_sink sink; /* first: the discoverer is given this */
    TAILQ_ENTRY(provider) link;
    struct job *job;
    uint64_t number; /* before each source's name in the job's sink */
    struct discoverer_config *config;
    struct discoverer *discoverer; /* NULL: could not start */
    struct hash_table sources;
    bool wanted; /* while a configuration is applied: it has a place there */
};

struct job {
    TAILQ_ENTRY(job) link;
    struct discovery *discovery;
    char *name;
    struct target_sink *sink;
    TAILQ_HEAD(, provider) providers;
    struct metric *discovered;
    bool wanted;
};

struct discovery {
    struct discovery_environment environment;
    TAILQ_HEAD(, job) jobs;
    uint64_t next_number;
    struct buffer scratch;
    struct metric *received, *failed;
};

static const struct metric_family discovered_family = {
    .name = "prometheus_sd_discovered_targets",
    .help = "Current number of discovered targets.",
    .type = METRIC_GAUGE,
};
static const struct metric_family received_family = {
    .name = "prometheus_sd_received_updates_total",
    .help = "Total number of update events received from the SD providers.",
    .type = METRIC_COUNTER,
};
static const struct metric_family failed_family = {
    .name = "prometheus_sd_failed_configs",
    .help = "Current number of service discovery configurations that failed to load.",
    .type = METRIC_GAUGE,
};

static const discoverer_new_fn starters[DISCOVERER_KINDS] = {
    [DISCOVERER_STATIC] = static_discoverer_new,
    [DISCOVERER_FILE] = file_discoverer_new,
    [DISCOVERER_HTTP] = http_discoverer_new,
    [DISCOVERER_KUBERNETES] = kubernetes_discoverer_new,
};

/* ---- what providers pass on ---- */

static void pass_on(struct provider *provider, const struct target_group *group)
{
    struct buffer *source = &provider->job->discovery->scratch;
    struct target_group named = *group;

    buffer_clear(source);
    buffer_printf(source, "%llu/", (unsigned long long)provider->number);
    buffer_append_text(source, group->source);
    if (source->failed) {
        log_error("discover", "a group of targets has too long a source and is left out",
                  LOG_STR("job", provider->job->name));
        return;
    }
    named.source = buffer_text(source);
    target_sink_update(provider->job->sink, &named);
}

static void forget_source(struct provider *provider, struct known_source *source)
{
    metric_add(provider->job->discovered, -(double)source->target_count);
    hash_table_remove(&provider->sources, source);
    free(source);
}

static void provider_update(struct target_sink *sink, const struct target_group *group)
{
    struct provider *provider = (struct provider *)sink;
    XXH128_hash_t key = XXH3_128bits(group->source.bytes, group->source.length);
    struct known_source *source = hash_table_find(&provider->sources, &key);

    metric_add(provider->job->discovery->received, 1);
    if (!source && !group->target_count)
        return;
    if (!source) {
        source = calloc(1, sizeof(*source) + group->source.length + 1);
        if (source) {
            source->key = key;
            memcpy(source->name, group->source.bytes, group->source.length);
        }
        if (!source || hash_table_add(&provider->sources, source)) {
            log_error("discover", "too many groups of targets: one is left out",
                      LOG_STR("job", provider->job->name), LOG_VIEW("source", group->source));
            free(source);
            return;
        }
    }
    pass_on(provider, group);
    source->left_over = false;
    metric_add(provider->job->discovered,
               (double)group->target_count - (double)source->target_count);
    source->target_count = group->target_count;
    if (!group->target_count)
        forget_source(provider, source);
}

static void take_back(struct provider *provider, struct known_source *source)
{
    pass_on(provider, &(struct target_group){.source = text_of(source->name)});
    forget_source(provider, source);
}

/* Removing moves what stands behind the gap into it: the same slot is looked at again. A source can
 * move from the table's end to its start and be missed: the walk goes on until one finds nothing.
 */
static void take_back_left_over(struct provider *provider)
{
    struct hash_table *sources = &provider->sources;
    bool found;

    do {
        found = false;
        for (size_t i = 0; i < sources->slot_count; i++) {
            struct known_source *source = sources->slots[i];
            if (!source || !source->left_over)
                continue;
            take_back(provider, source);
            found = true;
            i--;
        }
    } while (found);
}

static void provider_synced(struct target_sink *sink)
{
    take_back_left_over((struct provider *)sink);
}

/* ---- providers ---- */

static void mark_left_over(struct provider *provider)
{
    for (size_t i = 0; i < provider->sources.slot_count; i++) {
        struct known_source *source = provider->sources.slots[i];
        if (source)
            source->left_over = true;
    }
}

static void provider_start(struct provider *provider, struct discoverer_config *config)
{
    struct discovery *discovery = provider->job->discovery;

    mark_left_over(provider);
    provider->config = discoverer_config_hold(config);
    if (starters[config->kind](&discovery->environment, config, &provider->sink,
                               &provider->discoverer) == 0)
        return;
    metric_add(discovery->failed, 1);
    log_error("discover", "targets are not looked for: the discoverer cannot start",
              LOG_STR("job", provider->job->name));
}

static void provider_stop(struct provider *provider)
{
    if (provider->discoverer)
        provider->discoverer->free(TAKE_PTR(provider->discoverer));
    else if (provider->config)
        metric_add(provider->job->discovery->failed, -1);
    discoverer_config_release(&provider->config);
}

static int provider_new(struct job *job, struct provider **out)
{
    struct provider *provider = calloc(1, sizeof(*provider));
    if (!provider)
        return -ENOMEM;
    provider->sink = (struct target_sink){provider_update, provider_synced};
    provider->job = job;
    provider->number = job->discovery->next_number++;
    hash_table_init(&provider->sources, sizeof(XXH128_hash_t), DISCOVERY_MAX_SOURCES);
    TAILQ_INSERT_TAIL(&job->providers, provider, link);
    *out = provider;
    return 0;
}

static void provider_free(struct provider *provider)
{
    provider_stop(provider);
    for (size_t i = 0; i < provider->sources.slot_count; i++)
        free(provider->sources.slots[i]);
    hash_table_free(&provider->sources);
    TAILQ_REMOVE(&provider->job->providers, provider, link);
    free(provider);
}

/* ---- jobs ---- */

static struct job *find_job(struct discovery *discovery, const char *name)
{
    struct job *job;
    TAILQ_FOREACH(job, &discovery->jobs, link)
    {
        if (strcmp(job->name, name) == 0)
            return job;
    }
    return NULL;
}

static void job_free(struct job *job)
{
    while (!TAILQ_EMPTY(&job->providers))
        provider_free(TAILQ_FIRST(&job->providers));
    TAILQ_REMOVE(&job->discovery->jobs, job, link);
    metric_free(&job->discovered);
    free(job->name);
    free(job);
}

static int job_new(struct discovery *discovery, const char *name, struct job **out)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    TAILQ_INIT(&job->providers);
    TAILQ_INSERT_TAIL(&discovery->jobs, job, link);
    job->discovery = discovery;
    job->name = strdup(name);
    int error = job->name ? 0 : -ENOMEM;
    if (!error && discovery->environment.metrics)
        error = metric_new(discovery->environment.metrics, &discovered_family,
                           METRIC_LABELS("name", "scrape", "config", name), &job->discovered);
    if (error)
        job_free(job);
    else
        *out = job;
    return error;
}

/* The one that does the same already, or has done the like and can be succeeded. */
static struct provider *find_provider(struct job *job, const struct discoverer_config *config,
                                      bool same)
{
    struct provider *provider;
    TAILQ_FOREACH(provider, &job->providers, link)
    {
        const struct discoverer_config *present = provider->config;
        if (!provider->wanted && present->kind == config->kind &&
            (!same || present->digest == config->digest))
            return provider;
    }
    return NULL;
}

/* Those that run on are found first, so that none of them is taken for a predecessor. */
static int job_apply(struct job *job, const struct discovery_config *config)
{
    autofree bool *running = calloc(config->count + 1, sizeof(*running));
    struct provider *provider, *next;

    if (!running)
        return -ENOMEM;
    TAILQ_FOREACH(provider, &job->providers, link)
    provider->wanted = false;
    for (size_t i = 0; i < config->count; i++) {
        provider = find_provider(job, config->list[i], true);
        running[i] = provider && provider->discoverer;
        if (running[i])
            provider->wanted = true;
    }
    for (size_t i = 0; i < config->count; i++) {
        if (running[i])
            continue;
        provider = find_provider(job, config->list[i], false);
        if (provider)
            provider_stop(provider);
        else if (provider_new(job, &provider))
            return -ENOMEM;
        provider->wanted = true;
        provider_start(provider, config->list[i]);
    }
    for (provider = TAILQ_FIRST(&job->providers); provider; provider = next) {
        next = TAILQ_NEXT(provider, link);
        if (provider->wanted)
            continue;
        provider_stop(provider);
        mark_left_over(provider);
        take_back_left_over(provider);
        provider_free(provider);
    }
    return 0;
}

int discovery_apply(struct discovery *discovery, const struct discovery_job *jobs, size_t count)
{
    struct job *job, *next;

    TAILQ_FOREACH(job, &discovery->jobs, link)
    job->wanted = false;
    for (size_t i = 0; i < count; i++) {
        job = find_job(discovery, jobs[i].name);
        if (job)
            job->wanted = true;
    }
    for (job = TAILQ_FIRST(&discovery->jobs); job; job = next) {
        next = TAILQ_NEXT(job, link);
        if (!job->wanted)
            job_free(job);
    }
    for (size_t i = 0; i < count; i++) {
        job = find_job(discovery, jobs[i].name);
        int error = job ? 0 : job_new(discovery, jobs[i].name, &job);
        if (error)
            return error;
        job->wanted = true;
        job->sink = jobs[i].sink;
        error = job_apply(job, jobs[i].config);
        if (error)
            return error;
    }
    return 0;
}

/* ---- the whole ---- */

int discovery_new(const struct discovery_environment *environment, struct discovery **out)
{
    struct discovery *discovery = calloc(1, sizeof(*discovery));
    const char *const *labels = METRIC_LABELS("name", "scrape");
    int error = 0;

    if (!discovery)
        return -ENOMEM;
    discovery->environment = *environment;
    TAILQ_INIT(&discovery->jobs);
    buffer_init(&discovery->scratch, SOURCE_MAX_BYTES);
    if (environment->metrics)
        error = metric_new(environment->metrics, &received_family, labels, &discovery->received);
    if (environment->metrics && !error)
        error = metric_new(environment->metrics, &failed_family, labels, &discovery->failed);
    if (error)
        discovery_free(&discovery);
    else
        *out = discovery;
    return error;
}

void discovery_free(struct discovery **out)
{
    struct discovery *discovery = *out;
    if (!discovery)
        return;
    while (!TAILQ_EMPTY(&discovery->jobs))
        job_free(TAILQ_FIRST(&discovery->jobs));
    metric_free(&discovery->received);
    metric_free(&discovery->failed);
    buffer_free(&discovery->scratch);
    free(discovery);
    *out = NULL;
}
