/* SPDX-License-Identifier: Apache-2.0 */
/* One request at a time; none while the one before is under way. */
#include "command/top_agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http/http_client.h"
#include "top/top_reading.h"

#define PATH "/api/v1/edgemeter/http"
#define TIMEOUT_NS (10 * NS_PER_SECOND)
#define USER_AGENT "edgemeter-top/" EDGEMETER_VERSION

struct top_agent {
    struct http_client *http;
    const struct http_config *config;
    struct http_call *call;
    struct top *top; /* who asked */
    char *url;
    char *shown; /* without path and password */
    bool answered;
    void (*absent)(void *context, struct top *top);
    void *absent_context;
};

/* In the words of base/http/http_error.c. */
static bool nobody_listens(const struct http_response *response)
{
    return !response->status && response->error && strstr(response->error, "refused");
}

static void take_answer(void *context, const struct http_response *response)
{
    struct top_agent *agent = context;
    struct top *top = TAKE_PTR(agent->top);
    char why[512];

    agent->call = NULL;
    if (response->status == 200 && !response->error) {
        agent->answered = true;
        top_take(top, response->body);
        return;
    }
    if (!agent->answered && agent->absent && nobody_listens(response)) {
        agent->absent(agent->absent_context, top);
        return;
    }
    if (response->status == 404)
        snprintf(why, sizeof(why), "%s: 404 for " PATH ": no edgemeter, or an older one",
                 agent->shown);
    else if (response->status == 401)
        snprintf(why, sizeof(why),
                 "%s asks for a password: give --http.config.file with basic_auth", agent->shown);
    else
        snprintf(why, sizeof(why), "%s: %s%s", agent->shown,
                 response->error ? response->error : response->status_text,
                 nobody_listens(response) ? "; is the agent running, and is --url right?" : "");
    top_take_error(top, why);
}

static void agent_read(void *context, struct top *top)
{
    struct top_agent *agent = context;
    const struct http_request request = {
        .method = "GET",
        .url = agent->url,
        .config = agent->config,
        .accept_gzip = true,
        .timeout_ns = TIMEOUT_NS,
        .max_response_bytes = TOP_MAX_BYTES,
        .on_done = take_answer,
        .context = agent,
    };

    if (agent->call)
        return;
    agent->top = top;
    int error = http_client_start(agent->http, &request, &agent->call);
    if (error)
        top_take_error(top, error == -EINVAL ? "--url: no URL such as " TOP_AGENT_DEFAULT
                                             : strerror(-error));
}

/* The URL of the API under a base that may be no more than "host:port". */
static char *url_of_api(const char *base)
{
    size_t length = strlen(base);
    char *url;

    while (length && base[length - 1] == '/')
        length--;
    const char *scheme = strstr(base, "://") ? "" : "http://";
    return asprintf(&url, "%s%.*s" PATH, scheme, (int)length, base) < 0 ? NULL : url;
}

int top_agent_new(struct loop *loop, const char *url, const struct http_config *config,
                  struct top_agent **out)
{
    struct top_agent *agent = calloc(1, sizeof(*agent));
    if (!agent)
        return -ENOMEM;
    agent->config = config;
    agent->url = url_of_api(url);
    if (agent->url)
        agent->shown = http_url_redacted(agent->url);
    int error = agent->shown ? http_client_new(loop, USER_AGENT, &agent->http) : -ENOMEM;
    if (error) {
        top_agent_free(&agent);
        return error;
    }
    size_t length = strlen(agent->shown);
    if (length > strlen(PATH))
        agent->shown[length - strlen(PATH)] = '\0';
    *out = agent;
    return 0;
}

void top_agent_free(struct top_agent **pointer)
{
    struct top_agent *agent = TAKE_PTR(*pointer);
    if (!agent)
        return;
    if (agent->call)
        http_call_cancel(&agent->call);
    if (agent->http)
        http_client_free(&agent->http);
    free(agent->url);
    free(agent->shown);
    free(agent);
}

struct top_source top_agent_source(struct top_agent *agent)
{
    return (struct top_source){.name = agent->shown, .read = agent_read, .context = agent};
}

void top_agent_on_absent(struct top_agent *agent, void (*fn)(void *context, struct top *top),
                         void *context)
{
    agent->absent = fn;
    agent->absent_context = context;
}
