/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration in place of the present one: what is the same in both runs on untouched,
 * each module sees to the rest. Told by SIGHUP, by POST /-/reload, or by the file itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_parts.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

static const struct metric_family successful_family = {
    .name = "prometheus_config_last_reload_successful",
    .help = "Whether the last configuration reload attempt was successful.",
    .type = METRIC_GAUGE,
};
static const struct metric_family success_time_family = {
    .name = "prometheus_config_last_reload_success_timestamp_seconds",
    .help = "Timestamp of the last successful configuration reload.",
    .type = METRIC_GAUGE,
};

static void note_outcome(struct agent *agent, bool successful)
{
    metric_set(agent->reload.successful, successful);
    if (successful)
        metric_set(agent->reload.success_time, (double)(clock_wall_ms() / 1000));
}

/* ---- applying ---- */

/* The rows that were counted are drained first, and their series end: those of the next have other
 * labels, or begin from 0 again. Connections that are open then count again from
 * their next request on. */
static int replace_collector(struct agent *agent)
{
    if (agent->collector) {
        collector_stop(agent->collector);
        collector_end_series(agent->collector);
    }
    collector_free(&agent->collector);
    return agent_start_collector(agent);
}

/* The collector goes on with the block that it has where that says the same. */
static bool keep_collector(struct agent *agent, struct config *before, bool relabelled)
{
    struct config *now = agent->config;
    bool running = agent->collector != NULL;

    if (running != now->http_metrics_given || relabelled ||
        (running && now->http_metrics_digest != before->http_metrics_digest))
        return false;
    struct http_metrics_config *kept = before->http_metrics;
    before->http_metrics = now->http_metrics;
    now->http_metrics = kept;
    return true;
}

/* A part that fails does not hold up the others. */
static void apply_part(const char *part, int error, int *first_error)
{
    if (!error)
        return;
    log_error("agent", "a part of the new configuration cannot be applied", LOG_STR("part", part),
              LOG_STR("err", strerror(-error)));
    if (!*first_error)
        *first_error = error;
}

/* Takes over the config, unless -ENOMEM says that nothing was changed. */
static int apply(struct agent *agent, struct config **config)
{
    struct labels *labels, *labels_before = agent->external_labels;
    struct config *before = agent->config;
    int failed = 0;

    int error = agent_build_external_labels(*config, &labels);
    if (error)
        return error;
    bool relabelled = !labels_equal(labels, labels_before);
    if (!relabelled) {
        free(labels);
        labels = TAKE_PTR(labels_before); /* so that who holds them may go on */
    }
    agent->config = TAKE_PTR(*config);
    agent->external_labels = labels;
    const struct config *now = agent->config;
    const struct scraper_environment scraping = agent_scraper_environment(agent);

    apply_part("remote write",
               shipper_apply(agent->shipper, &now->queue, now->remotes, now->remote_count),
               &failed);
    apply_part("scraping",
               scraper_apply(agent->scraper, &scraping, now->scrapes, now->scrape_count), &failed);
    if (!keep_collector(agent, before, relabelled))
        apply_part("HTTP metering", replace_collector(agent), &failed);
    apply_part("discovery", agent_run_discovery(agent), &failed);
    config_free(&before);
    free(labels_before);
    return failed;
}

/* ---- loading ---- */

static void log_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        log_at(problem->warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "config", problem->message,
               LOG_STR("file", problem->file), LOG_UINT("line", problem->line),
               LOG_UINT("column", problem->column));
    }
}

static int load(struct agent *agent, struct config **out, struct buffer *why)
{
    struct problems problems;

    int error = config_load(agent->options->config_file, out, &problems);
    log_problems(&problems);
    if (error && why) {
        buffer_append_string(why, error == -EINVAL ? "" : strerror(-error));
        buffer_append_char(why, '\n');
        problems_write(&problems, why);
    }
    problems_free(&problems);
    return error;
}

int agent_reload(struct agent *agent, struct buffer *why)
{
    uint64_t started = clock_monotonic_ns();
    struct config *config = NULL;

    if (!agent->options->config_file) {
        log_warn("agent", "nothing to reload: there is no --config.file");
        return 0;
    }
    /* What changes from here on is seen as a change, also of a file that is refused now. */
    config_checksum(agent->options->config_file, agent->config, &agent->reload.checksum);
    int error = load(agent, &config, why);
    if (error) {
        log_error("agent", "the new configuration is not good; the present one stays",
                  LOG_STR("file", agent->options->config_file));
    } else {
        agent->reload.checksum = config->checksum;
        error = apply(agent, &config);
        if (error && why)
            buffer_printf(why,
                          "one or more errors occurred while applying the new configuration "
                          "(see the log): %s\n",
                          strerror(-error));
        config_free(&config);
    }
    note_outcome(agent, !error);
    if (!error)
        log_info("agent", "configuration reloaded", LOG_STR("file", agent->options->config_file),
                 LOG_UINT("scrape_jobs", agent->config->scrape_count),
                 LOG_UINT("remotes", agent->config->remote_count),
                 LOG_REAL("seconds", (double)(clock_monotonic_ns() - started) / NS_PER_SECOND));
    return error;
}

/* ---- by the file itself ---- */

static void watch_files(struct agent *agent)
{
    const struct config *config = agent->config;

    if (!agent->reload.watch)
        return;
    file_watch_add(agent->reload.watch, agent->options->config_file);
    for (size_t i = 0; i < config->included_count; i++)
        file_watch_add(agent->reload.watch, config->included[i]);
}

static void look_at_files(void *context)
{
    struct agent *agent = context;
    struct agent_reload *reload = &agent->reload;
    uint64_t checksum;

    loop_timer_after(reload->timer, agent->options->auto_reload_interval_ns);
    if (agent->state != AGENT_READY)
        return;
    int error = config_checksum(agent->options->config_file, agent->config, &checksum);
    if (error && !reload->unreadable)
        log_warn("agent", "the configuration cannot be read; the present one stays",
                 LOG_STR("file", agent->options->config_file), LOG_STR("err", strerror(-error)));
    reload->unreadable = error != 0;
    if (!error && checksum != reload->checksum)
        agent_reload(agent, NULL);
    watch_files(agent);
}

static int start_looking(struct agent *agent)
{
    int error = loop_timer_new(agent->loop, look_at_files, agent, &agent->reload.timer);
    if (error)
        return error;
    agent->reload.checksum = agent->config->checksum;
    if (file_watch_new(agent->loop, look_at_files, agent, &agent->reload.watch))
        log_warn("agent", "no inotify: the configuration is looked at every "
                          "--config.auto-reload-interval");
    watch_files(agent);
    loop_timer_after(agent->reload.timer, agent->options->auto_reload_interval_ns);
    return 0;
}

int agent_reload_start(struct agent *agent)
{
    int error = metric_new(agent->metrics, &successful_family, NULL, &agent->reload.successful);
    if (!error)
        error = metric_new(agent->metrics, &success_time_family, NULL, &agent->reload.success_time);
    if (error)
        return error;
    note_outcome(agent, true);
    if (!agent->options->auto_reload_interval_ns || !agent->options->config_file)
        return 0;
    return start_looking(agent);
}

void agent_reload_stop(struct agent *agent)
{
    file_watch_free(&agent->reload.watch);
    loop_timer_free(&agent->reload.timer);
}
