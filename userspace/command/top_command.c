/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses where readings come from: the agent that --url names; else the one of this host; else,
 * where none listens, metering by itself. */
#include "command/top_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/top_agent.h"
#include "command/top_meter.h"
#include "config/config_client.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_WRONG = 2 };

struct command {
    struct loop *loop;
    struct top_agent *agent;
    struct top_meter *meter; /* NULL: an agent is asked */
};

static void start_metering(void *context, struct top *top)
{
    struct command *command = context;

    if (geteuid() != 0)
        top_take_error(top, "no agent listens on " TOP_AGENT_DEFAULT ", and to meter HTTP without "
                            "one needs root: give --url=URL, or run it as root");
    else if (top_meter_new(command->loop, &command->meter))
        top_take_error(top, "HTTP cannot be metered here (the reason is above)");
    else {
        log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT); /* from now on it would tear the screen */
        top_meter_read(command->meter, top);
    }
}

static void command_read(void *context, struct top *top)
{
    struct command *command = context;

    if (command->meter)
        top_meter_read(command->meter, top);
    else if (command->agent) {
        const struct top_source agent = top_agent_source(command->agent);
        agent.read(agent.context, top);
    } else
        start_metering(command, top);
}

static int command_run(struct command *command, const struct top_options *options,
                       const struct http_config *http)
{
    struct top_source source = {"this host, metered by edgemeter top", command_read, command};
    const char *url = options->url ? options->url : TOP_AGENT_DEFAULT;

    if (!options->meter) {
        int error = top_agent_new(command->loop, url, http, &command->agent);
        if (error)
            return error;
        source.name = top_agent_source(command->agent).name;
        if (!options->url)
            top_agent_on_absent(command->agent, start_metering, command);
    }
    return top_run(command->loop, &source, options);
}

static int load_http(const struct top_options *options, struct http_config *http)
{
    struct problems problems = {.file = options->http_config_file};

    http_config_init(http);
    int error = options->http_config_file
                    ? config_load_client(options->http_config_file, http, &problems)
                    : 0;
    problems_print(&problems, stderr);
    problems_free(&problems);
    return error;
}

int top_command(const struct top_options *options)
{
    struct command command = {0};
    struct http_config http;

    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    int error = load_http(options, &http);
    if (error) {
        http_config_free(&http);
        return error == -EINVAL ? STATUS_WRONG : STATUS_FAILED;
    }
    error = loop_new(&command.loop);
    if (!error)
        error = command_run(&command, options, &http);
    top_agent_free(&command.agent);
    top_meter_free(&command.meter);
    loop_free(&command.loop);
    http_config_free(&http);
    return error ? STATUS_FAILED : STATUS_OK;
}
