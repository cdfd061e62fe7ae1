/* SPDX-License-Identifier: Apache-2.0 */
/* What the endpoints answer, out of the modules. */
#include <string.h>

#include "agent_parts.h"
#include "meter_endpoint.h"
#include "queues_endpoint.h"
#include "serve/federate_page.h"
#include "serve/status_page.h"
#include "targets_endpoint.h"

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

static void answer_federate(void *context, struct server_response *response)
{
    const struct agent *agent = context;
    const struct federate_environment environment = {
        .samples = agent->samples,
        .series = agent->series,
        .external_labels = agent->external_labels,
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

static void answer_reload(void *context, struct server_response *response)
{
    struct agent *agent = context;

    if (!agent->options->enable_lifecycle) {
        response->status = 403;
        buffer_append_string(&response->body, "Lifecycle API is not enabled.");
        return;
    }
    buffer_append_string(&response->body, "failed to reload config: ");
    if (agent_reload(agent, &response->body))
        response->status = 500;
    else
        buffer_clear(&response->body);
}

void agent_set_routes(struct agent *agent)
{
    const struct server_route routes[AGENT_ROUTES] = {
        {"GET", "/", status_page_answer, NULL},
        {"GET", "/metrics", answer_metrics, agent},
        {"GET", "/metrics/self", answer_own_metrics, agent},
        {"GET", "/-/healthy", answer_healthy, agent},
        {"GET", "/-/ready", answer_ready, agent},
        {"POST", "/-/reload", answer_reload, agent},
        {"PUT", "/-/reload", answer_reload, agent},
        {"GET", "/federate", answer_federate, agent},
        {"GET", "/api/v1/targets", answer_targets, agent},
        {"GET", "/api/v1/edgemeter/http", answer_http, agent},
        {"GET", "/api/v1/edgemeter/kernel", answer_kernel, agent},
        {"GET", "/api/v1/edgemeter/queues", answer_queues, agent},
    };
    memcpy(agent->routes, routes, sizeof(routes));
}
