/* SPDX-License-Identifier: Apache-2.0 */
/* Which module gets which slice of the configuration, at the start and at each reload. */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent_parts.h"
#include "base/cleanup.h"

int agent_build_external_labels(const struct config *config, struct labels **out)
{
    struct labels_builder *builder;
    int error = labels_builder_new(&builder);
    if (error)
        return error;
    for (size_t i = 0; i < config->external_label_count && !error; i++) {
        const struct external_label *label = &config->external_labels[i];
        error = labels_builder_set(builder, text_of(label->name), text_of(label->value));
    }
    if (!error)
        error = labels_builder_build(builder, out);
    labels_builder_free(&builder);
    return error;
}

/* What is scraped and metered is kept for /federate on its way to the remotes. */
static struct sample_sink *agent_sink(struct agent *agent)
{
    return last_samples_sink(agent->samples, shipper_sink(agent->shipper));
}

int agent_start_collector(struct agent *agent)
{
    struct collector_environment environment = {
        .loop = agent->loop,
        .series = agent->series,
        .sink = agent_sink(agent),
        .metrics = agent->metrics,
        .external_labels = agent->external_labels,
        .pods = agent->pods,
        .instance = agent->instance,
        .storage_path = agent->options->storage_path,
    };
    if (!agent->config->http_metrics_given)
        return 0;
    return collector_new(&environment, agent->config->http_metrics, &agent->collector);
}

static bool wants_exemplars(const struct config *config)
{
    for (size_t i = 0; i < config->remote_count; i++)
        if (config->remotes[i]->send_exemplars)
            return true;
    return false;
}

struct scraper_environment agent_scraper_environment(struct agent *agent)
{
    return (struct scraper_environment){
        .loop = agent->loop,
        .http = agent->http,
        .series = agent->series,
        .sink = agent_sink(agent),
        .metrics = agent->metrics,
        .exemplars = wants_exemplars(agent->config),
        .external_labels = agent->external_labels,
    };
}

/* HTTP rows need pods, whether or not any are scraped. */
static bool wants_own_pods(const struct config *config)
{
    for (size_t i = 0; i < config->scrape_count; i++)
        if (discovery_config_has_pods(&config->discoveries[i]))
            return false;
    return config->http_metrics_given;
}

/* The watch of this node's pods for the rows alone ends when a job's has begun. */
int agent_run_discovery(struct agent *agent)
{
    const struct config *config = agent->config;
    autofree struct discovery_job *jobs = calloc(config->scrape_count + 1, sizeof(*jobs));
    bool own_pods = wants_own_pods(config);
    if (!jobs)
        return -ENOMEM;
    for (size_t i = 0; i < config->scrape_count; i++)
        jobs[i] = (struct discovery_job){
            .name = config->scrapes[i]->job_name,
            .config = &config->discoveries[i],
            .sink = scraper_sink(agent->scraper, config->scrapes[i]->job_name),
        };
    if (own_pods)
        kubernetes_watch_own_pods(agent->kubernetes, true);
    int error = discovery_apply(agent->discovery, jobs, config->scrape_count);
    if (!own_pods)
        kubernetes_watch_own_pods(agent->kubernetes, false);
    return error;
}
