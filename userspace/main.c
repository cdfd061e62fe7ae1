/* SPDX-License-Identifier: Apache-2.0 */
/* argv -> command. Parses and hands over; the exit status of wrong usage or configuration is 2. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "base/log.h"
#include "command/config_check.h"
#include "command/options.h"
#include "command/options_show.h"
#include "command/top_command.h"
#include "ship/log/queue_print.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_WRONG = 2 };

static int print_help(const struct options *options)
{
    fputs(options_help(options->help_of), stdout);
    return STATUS_OK;
}

static int print_version(const struct options *options)
{
    (void)options;
    puts("edgemeter, version " EDGEMETER_VERSION);
    return STATUS_OK;
}

/* Why there is no config: its problems, or no memory. */
static int print_problems(int error, const struct problems *problems)
{
    problems_print(problems, stderr);
    if (error == -EINVAL)
        return STATUS_WRONG;
    fprintf(stderr, "edgemeter: %s\n", strerror(-error));
    return STATUS_FAILED;
}

static int check_config(const struct options *options)
{
    struct problems problems = {.file = options->config_file};
    struct config *config = NULL;
    int status = STATUS_OK;

    int error = config_load(options->config_file, &config, &problems);
    if (!error)
        error = config_check_parts(config, !options->syntax_only, &problems);
    if (error)
        status = print_problems(error, &problems);
    else {
        problems_print(&problems, stderr);
        printf("%s is valid\n", options->config_file);
    }
    config_free(&config);
    problems_free(&problems);
    return status;
}

static int print_queue(const struct options *options)
{
    int error = queue_print(options->storage_path, options->dump, stdout);
    if (!error)
        return STATUS_OK;
    fprintf(stderr, "edgemeter: %s: %s\n", options->storage_path, strerror(-error));
    return STATUS_FAILED;
}

static int show_top(const struct options *options)
{
    return top_command(&options->top);
}

static void log_warnings(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        log_warn("config", problems->list[i].message, LOG_STR("file", problems->list[i].file),
                 LOG_UINT("line", problems->list[i].line));
}

static void log_idle_flags(const struct options *options)
{
    for (size_t i = 0; i < options->idle_count; i++)
        log_warn("agent", "a flag of Prometheus does nothing here",
                 LOG_VIEW("flag", options->idle[i].flag), LOG_VIEW("value", options->idle[i].value),
                 LOG_STR("advice", options->idle[i].advice));
}

static int run(const struct options *options)
{
    struct problems problems = {.file = options->config_file};
    struct config *config = NULL;
    int status;

    log_setup(options->log_level, options->log_format);
    log_idle_flags(options);
    int error = options->config_file ? config_load(options->config_file, &config, &problems)
                                     : config_default(&config);
    if (error)
        status = print_problems(error, &problems);
    else {
        struct agent_flag flags[OPTIONS_FLAGS_MAX];
        const struct agent_options agent = {
            .flags = flags,
            .flag_count = options_show(options, flags),
            .config_file = options->config_file,
            .listen_address = options->listen_address,
            .web_config_file = options->web_config_file,
            .storage_path = options->storage_path,
            .enable_lifecycle = options->enable_lifecycle,
            .auto_reload_interval_ns = options->auto_reload ? options->auto_reload_interval_ns : 0,
        };
        log_warnings(&problems);
        status = agent_run(&agent, &config);
    }
    config_free(&config);
    problems_free(&problems);
    return status;
}

static int (*const commands[])(const struct options *options) = {
    [COMMAND_RUN] = run,           [COMMAND_CHECK_CONFIG] = check_config,
    [COMMAND_QUEUE] = print_queue, [COMMAND_TOP] = show_top,
    [COMMAND_HELP] = print_help,   [COMMAND_VERSION] = print_version,
};

int main(int argc, char **argv)
{
    struct options options;

    if (options_parse(argc, argv, &options)) {
        fprintf(stderr, "edgemeter: %s\nSee edgemeter --help.\n", options.problem);
        return STATUS_WRONG;
    }
    return commands[options.command](&options);
}
