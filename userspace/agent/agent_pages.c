/* SPDX-License-Identifier: Apache-2.0 */
/* What the endpoints answer, out of the modules. */
#include <string.h>

#include "agent/agent_parts.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "endpoints/metadata_endpoint.h"
#include "endpoints/meter_endpoint.h"
#include "endpoints/queues_endpoint.h"
#include "endpoints/targets_endpoint.h"
#include "serve/federate_page.h"
#include "serve/json_answer.h"
#include "serve/status_page.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void page_write_own(struct agent *agent, struct server_response *response)
{
    response->content_type = EXPOSITION_CONTENT_TYPE;
    if (metric_registry_write(agent->metrics, &response->body))
        response->body.failed = true; /* the server says so */
}

static void answer_metrics(void *context, struct server_response *response)
{
    struct agent *agent = context;
    if (agent->collector && collector_write(agent->collector, &response->body))
        response->body.failed = true;
    page_write_own(agent, response);
}

static void answer_own_metrics(void *context, struct server_response *response)
{
    page_write_own(context, response);
}

static void answer_healthy(void *context, struct server_response *response)
{
    (void)context;
    buffer_append_string(&response->body, "edgemeter is Healthy.\n");
}

static void answer_ready(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    bool ready = agent->state == AGENT_READY;
    response->status = ready ? 200 : 503;
    buffer_append_string(&response->body,
                         ready ? "edgemeter is Ready.\n" : "Service Unavailable\n");
}

static void answer_targets(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    targets_endpoint_answer(agent->scraper, server_address(agent->server), response);
}

static void answer_metadata(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    targets_endpoint_metadata(agent->scraper, response);
}

static void answer_families(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    metadata_endpoint_answer(agent->scraper, response);
}

static void answer_pools(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    targets_endpoint_pools(agent->scraper, response);
}

static void answer_config(void *context, struct server_response *response)
{
    agent_show_config(context, response);
}

static void answer_flags(void *context, struct server_response *response)
{
    agent_show_flags(context, response);
}

static void answer_build(void *context, struct server_response *response)
{
    (void)context;
    agent_show_build(response);
}

static void answer_runtime(void *context, struct server_response *response)
{
    agent_show_runtime(context, response);
}

static void answer_federate(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    const struct federate_environment environment = {
        .samples = agent->samples,
        .series = agent->series,
        .external_labels = agent->external_labels,
        .now_ms = clock_wall_ms,
    };
    federate_page_answer(&environment, response);
}

static void answer_http(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    meter_endpoint_http(agent->collector, agent->config->http_metrics, response);
}

static void answer_kernel(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    meter_endpoint_kernel(agent->collector, response);
}

static void answer_queues(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    queues_endpoint_answer(agent->shipper, &agent->config->queue, response);
}

static bool refuse_lifecycle(const struct agent *agent, struct server_response *response)
{
    if (agent->options->enable_lifecycle)
        return false;
    response->status = 403;
    buffer_append_string(&response->body, "Lifecycle API is not enabled.");
    return true;
}

/* The answer goes out while what is left is sent. */
static void answer_quit(void *context, struct server_response *response)
{
    struct agent *agent = context;

    if (refuse_lifecycle(agent, response))
        return;
    buffer_append_string(&response->body, "Requesting termination... Goodbye!");
    if (agent->state != AGENT_STOPPING)
        agent_stop(agent, "/-/quit");
}

static void answer_reload(void *context, struct server_response *response)
{
    struct agent *agent = context;

    if (refuse_lifecycle(agent, response))
        return;
    if (agent->state == AGENT_STOPPING) {
        response->status = 503;
        buffer_append_string(&response->body, "edgemeter is stopping");
        return;
    }
    buffer_append_string(&response->body, "failed to reload config: ");
    if (agent_reload(agent, &response->body))
        response->status = 500;
    else
        buffer_clear(&response->body);
}

static void answer_unavailable(void *context, struct server_response *response)
{
    (void)context;
    json_answer_error(response, 422, "execution",
                      "unavailable with an agent: it keeps no samples and evaluates no rules; ask "
                      "the Prometheus that the samples are sent to");
}

/* What a Prometheus server has, and an agent answers in that way. */
static const struct {
    const char *method, *path;
} unavailable[] = {
    {"GET", "/api/v1/alertmanagers"},
    {"GET", "/api/v1/alerts"},
    {"GET", "/api/v1/rules"},
    {"GET", "/api/v1/status/tsdb"},
    {"GET", "/api/v1/label/*/values"},
    {"GET", "/api/v1/labels"},
    {"POST", "/api/v1/labels"},
    {"GET", "/api/v1/series"},
    {"POST", "/api/v1/series"},
    {"GET", "/api/v1/query"},
    {"POST", "/api/v1/query"},
    {"GET", "/api/v1/query_range"},
    {"POST", "/api/v1/query_range"},
    {"GET", "/api/v1/query_exemplars"},
    {"POST", "/api/v1/query_exemplars"},
    {"GET", "/api/v1/format_query"},
    {"POST", "/api/v1/format_query"},
    {"GET", "/api/v1/parse_query"},
    {"POST", "/api/v1/parse_query"},
    {"DELETE", "/api/v1/series"},
    {"POST", "/api/v1/admin/tsdb/*"},
    {"PUT", "/api/v1/admin/tsdb/*"},
};

static void set_unavailable(struct server_route *routes)
{
    for (size_t i = 0; i < ARRAY_SIZE(unavailable); i++)
        routes[i] = (struct server_route){unavailable[i].method, unavailable[i].path,
                                          answer_unavailable, NULL};
}

void agent_set_routes(struct agent *agent)
{
    const struct server_route routes[] = {
        {"GET", "/", status_page_answer, NULL},
        {"GET", "/metrics", answer_metrics, agent},
        {"GET", "/metrics/self", answer_own_metrics, agent},
        {"GET", "/-/healthy", answer_healthy, agent},
        {"GET", "/-/ready", answer_ready, agent},
        {"POST", "/-/reload", answer_reload, agent},
        {"PUT", "/-/reload", answer_reload, agent},
        {"POST", "/-/quit", answer_quit, agent},
        {"PUT", "/-/quit", answer_quit, agent},
        {"GET", "/federate", answer_federate, agent},
        {"GET", "/api/v1/targets", answer_targets, agent},
        {"GET", "/api/v1/targets/metadata", answer_metadata, agent},
        {"GET", "/api/v1/metadata", answer_families, agent},
        {"GET", "/api/v1/scrape_pools", answer_pools, agent},
        {"GET", "/api/v1/status/config", answer_config, agent},
        {"GET", "/api/v1/status/flags", answer_flags, agent},
        {"GET", "/api/v1/status/buildinfo", answer_build, agent},
        {"GET", "/api/v1/status/runtimeinfo", answer_runtime, agent},
        {"GET", "/api/v1/edgemeter/http", answer_http, agent},
        {"GET", "/api/v1/edgemeter/kernel", answer_kernel, agent},
        {"GET", "/api/v1/edgemeter/queues", answer_queues, agent},
    };
    _Static_assert(ARRAY_SIZE(routes) + ARRAY_SIZE(unavailable) == AGENT_ROUTES, "all");
    memcpy(agent->routes, routes, sizeof(routes));
    set_unavailable(agent->routes + ARRAY_SIZE(routes));
}
