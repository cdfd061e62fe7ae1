/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the modules in order and stops them so that nothing that was counted is lost. Does no work
 * of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_parts.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "base/memory_limit.h"

#define SERIES_MAX (1u << 20)
#define USER_AGENT "edgemeter/" EDGEMETER_VERSION

/* ---- signals and the end ---- */

static void stop_on_signal(void *context, int signal_number)
{
    struct agent *agent = context;
    const char *name = sigabbrev_np(signal_number);

    if (agent->state == AGENT_STOPPING) {
        log_error("agent",
                  shipper_keeps_unsent(agent->shipper)
                      ? "second signal: ending at once"
                      : "second signal: ending at once, samples not yet sent are lost",
                  LOG_STR("signal", name));
        _exit(1);
    }
    agent_stop(agent, name);
}

static void reload_on_signal(void *context, int signal_number)
{
    struct agent *agent = context;
    (void)signal_number;
    if (agent->state == AGENT_READY)
        agent_reload(agent, NULL);
}

static void agent_free(struct agent *agent)
{
    server_free(&agent->server);
    agent_web_free(agent);
    agent_reload_stop(agent);
    discovery_free(&agent->discovery);
    kubernetes_free(&agent->kubernetes);
    scraper_free(&agent->scraper);
    collector_free(&agent->collector);
    shipper_free(&agent->shipper);
    http_client_free(&agent->http);
    worker_free(&agent->worker);
    last_samples_free(&agent->samples);
    loop_free(&agent->loop);
    metric_registry_free(&agent->metrics);
    process_metrics_free(&agent->process);
    series_table_free(&agent->series);
    pod_table_free(&agent->pods);
    free(agent->external_labels);
    config_free(&agent->config);
}

/* ---- starting ---- */

/* What HTTP rows carry as `instance`. */
static int instance_find(char *out, size_t size)
{
    const char *node = getenv("NODE_NAME");
    if (node && *node)
        return snprintf(out, size, "%s", node) < (int)size ? 0 : -ENAMETOOLONG;
    return gethostname(out, size) < 0 ? -errno : 0;
}

static int signals_watch(struct agent *agent)
{
    static const struct {
        int number;
        loop_signal_fn fn;
    } signals[] = {
        {SIGTERM, stop_on_signal},
        {SIGINT, stop_on_signal},
        {SIGHUP, reload_on_signal},
    };

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a disk that is full */
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        int error = loop_signal(agent->loop, signals[i].number, signals[i].fn, agent);
        if (error)
            return error;
    }
    return 0;
}

/* What every module stands on. Signals are blocked before libcurl makes its first thread, which
 * would otherwise be killed by one. */
static int base_start(struct agent *agent)
{
    int error = instance_find(agent->instance, sizeof(agent->instance));
    if (!error)
        error = agent_build_external_labels(agent->config, &agent->external_labels);
    if (!error)
        error = series_table_new(SERIES_MAX, &agent->series);
    if (!error)
        error = pod_table_new(&agent->pods);
    if (!error)
        error = metric_registry_new(&agent->metrics);
    if (!error)
        error = process_metrics_new(agent->metrics, agent->series, &agent->process);
    if (!error)
        error = loop_new(&agent->loop);
    if (!error)
        error = signals_watch(agent);
    if (!error)
        error = last_samples_new(agent->loop, agent->series, &agent->samples);
    if (!error)
        error = worker_new(agent->loop, &agent->worker);
    if (!error)
        error = http_client_new(agent->loop, USER_AGENT, &agent->http);
    return error;
}

static int shipper_start(struct agent *agent)
{
    uint64_t limit = memory_limit_find("/proc/self");
    struct shipper_environment environment = {
        .loop = agent->loop,
        .http = agent->http,
        .series = agent->series,
        .metrics = agent->metrics,
        .worker = agent->worker,
        .storage_path = agent->options->storage_path,
        .memory_limit = limit == UINT64_MAX ? 0 : limit,
    };
    const struct config *config = agent->config;
    return shipper_new(&environment, &config->queue, config->remotes, config->remote_count,
                       &agent->shipper);
}

static int scraper_start(struct agent *agent)
{
    const struct scraper_environment environment = agent_scraper_environment(agent);
    const struct config *config = agent->config;
    return scraper_new(&environment, config->scrapes, config->scrape_count, &agent->scraper);
}

static int discovery_start(struct agent *agent)
{
    const struct kubernetes_environment kubernetes = {
        .loop = agent->loop,
        .http = agent->http,
        .metrics = agent->metrics,
        .pods = agent->pods,
        .node_name = getenv("NODE_NAME"),
    };
    struct discovery_environment environment = {
        .loop = agent->loop,
        .http = agent->http,
        .metrics = agent->metrics,
    };
    int error = kubernetes_new(&kubernetes, &agent->kubernetes);
    environment.kubernetes = agent->kubernetes;
    if (!error)
        error = discovery_new(&environment, &agent->discovery);
    return error ? error : agent_run_discovery(agent);
}

static int server_start(struct agent *agent)
{
    const struct server_access access = {
        .worker = agent->worker,
        .refresh = agent_web_refresh,
        .context = agent,
    };
    struct web_config *config = NULL;

    agent_set_routes(agent);
    int error = agent_web_load(agent, &config);
    if (!error)
        error =
            server_new_with_access(agent->loop, agent->metrics, agent->options->listen_address,
                                   agent->routes, AGENT_ROUTES, &access, &config, &agent->server);
    web_config_free(&config);
    return error;
}

static int agent_start(struct agent *agent)
{
    const char *part = "the base";
    int error = base_start(agent);
    if (!error) {
        part = "remote write";
        error = shipper_start(agent);
    }
    if (!error) {
        part = "HTTP metering";
        error = agent_start_collector(agent);
    }
    if (!error) {
        part = "scraping";
        error = scraper_start(agent);
    }
    if (!error) {
        part = "discovery";
        error = discovery_start(agent);
    }
    if (!error) {
        part = "reloading";
        error = agent_reload_start(agent);
    }
    if (!error) {
        part = "the web server";
        error = server_start(agent);
    }
    if (error)
        log_error("agent", "cannot start", LOG_STR("part", part), LOG_STR("err", strerror(-error)));
    return error;
}

int agent_run(const struct agent_options *options, struct config **taken)
{
    struct config *config = *taken;
    struct agent agent = {
        .options = options, .config = TAKE_PTR(*taken), .started_ns = clock_wall_ns()};

    log_info("agent", "starting edgemeter", LOG_STR("version", EDGEMETER_VERSION),
             LOG_UINT("scrape_jobs", config->scrape_count),
             LOG_UINT("remotes", config->remote_count),
             LOG_STR("http_metrics", config->http_metrics_given ? "on" : "off"));
    if (config->scrape_count && !config->remote_count)
        log_info("agent",
                 "what is scraped is not sent, the configuration has no remote_write; it is "
                 "there for who pulls from /federate");
    descriptors_allow_all();
    int error = agent_start(&agent);
    if (!error) {
        agent.state = AGENT_READY;
        log_info("agent", "ready");
        error = loop_run(agent.loop);
        if (error)
            log_error("agent", "the event loop failed", LOG_STR("err", strerror(-error)));
    }
    agent_free(&agent);
    if (!error)
        log_info("agent", "stopped");
    return error ? 1 : 0;
}
