/* SPDX-License-Identifier: Apache-2.0 */
/* A table of flags, each with the function that takes its value, and one pass over the arguments.
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/listener.h"

const char options_help[] =
    "usage: edgemeter [FLAGS]\n"
    "       edgemeter check-config FILE\n"
    "       edgemeter queue --storage.path=FOLDER [--dump]\n"
    "\n"
    "Meters the HTTP of a node in the kernel, scrapes targets, and sends both to a Prometheus by\n"
    "remote write. Without --config.file it meters the HTTP of this host (as root) and serves the\n"
    "result on /metrics.\n"
    "\n"
    "Flags, as --flag=value or --flag value:\n"
    "  --config.file=FILE           configuration, in Prometheus' own YAML\n"
    "  --web.listen-address=ADDR    where to serve /metrics and the health checks: host:port,\n"
    "                               :port (every address) or [ipv6]:port; port 0 takes a free\n"
    "                               one (default 127.0.0.1:9595)\n"
    "  --storage.path=FOLDER        where to keep what is not sent yet, made if missing; without "
    "it\n"
    "                               that is in memory and lost when the agent ends\n"
    "  --log.level=LEVEL            debug, info, warn or error (default info)\n"
    "  --log.format=FORMAT          logfmt or json (default logfmt)\n"
    "  --version                    print the version and exit\n"
    "  -h, --help                   print this and exit\n"
    "\n"
    "Commands:\n"
    "  check-config FILE            check a configuration and exit: 0 where it is valid, else 2\n"
    "  queue                        print what the queue in --storage.path holds and where each\n"
    "                               remote stands, with --dump every sample; an agent may run\n"
    "\n"
    "SIGTERM and SIGINT send what is left and end the agent with status 0; a second one ends it\n"
    "at once. Status 1: it could not start or run; 2: wrong usage or configuration.\n";

__attribute__((format(printf, 2, 3))) static int options_fail(struct options *options,
                                                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(options->problem, sizeof(options->problem), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int take_config_file(struct options *options, const char *value)
{
    options->config_file = value;
    return 0;
}

static int take_listen_address(struct options *options, const char *value)
{
    struct listen_address address;
    const char *problem;

    if (listen_address_parse(value, &address, &problem))
        return options_fail(options, "--web.listen-address: \"%s\": %s", value, problem);
    options->listen_address = value;
    return 0;
}

static int take_log_level(struct options *options, const char *value)
{
    if (log_level_parse(value, &options->log_level))
        return options_fail(options, "--log.level: \"%s\" is not debug, info, warn or error",
                            value);
    return 0;
}

static int take_log_format(struct options *options, const char *value)
{
    if (log_format_parse(value, &options->log_format))
        return options_fail(options, "--log.format: \"%s\" is not logfmt or json", value);
    return 0;
}

static int take_storage_path(struct options *options, const char *value)
{
    options->storage_path = value;
    return 0;
}

static const struct flag {
    const char *name;
    int (*take)(struct options *options, const char *value);
} flags[] = {
    {"--config.file", take_config_file},   {"--web.listen-address", take_listen_address},
    {"--log.level", take_log_level},       {"--log.format", take_log_format},
    {"--storage.path", take_storage_path},
};

static const struct flag *flag_find(struct text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (text_equal(name, text_of(flags[i].name)))
            return &flags[i];
    }
    return NULL;
}

/* Takes the flag at argv[*index], and the argument after it where the value is there. */
static int flag_take(struct options *options, int argc, char *const *argv, int *index,
                     unsigned *given)
{
    const char *argument = argv[*index];
    const char *equals = strchr(argument, '=');
    struct text name = {argument, equals ? (size_t)(equals - argument) : strlen(argument)};
    const struct flag *flag = flag_find(name);
    const char *value = equals ? equals + 1 : NULL;

    if (!flag)
        return options_fail(options, "unknown flag \"%.*s\"", TEXT_FORMAT(name));
    if (*given & 1u << (flag - flags))
        return options_fail(options, "%s is given twice", flag->name);
    *given |= 1u << (flag - flags);
    if (!equals && *index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0)
        value = argv[++*index];
    if (!value || !*value)
        return options_fail(options, "%s needs a value", flag->name);
    return flag->take(options, value);
}

static int command_check_config(struct options *options, int argc, char *const *argv, int index,
                                unsigned given)
{
    if (index + 1 == argc)
        return options_fail(options, "check-config: the FILE is missing");
    if (given || argv[index + 1][0] == '-')
        return options_fail(options, "check-config takes no flags");
    if (index + 2 < argc)
        return options_fail(options, "check-config takes one FILE, not \"%s\" besides",
                            argv[index + 2]);
    options->command = COMMAND_CHECK_CONFIG;
    options->config_file = argv[index + 1];
    return 0;
}

static int command_queue(struct options *options, int argc, char *const *argv, int index,
                         unsigned *given)
{
    for (int i = index + 1; i < argc; i++) {
        if (strcmp(argv[i], "--dump") == 0) {
            options->dump = true;
            continue;
        }
        if (argv[i][0] != '-')
            return options_fail(options, "queue takes no \"%s\"", argv[i]);
        int error = flag_take(options, argc, argv, &i, given);
        if (error)
            return error;
    }
    if (!options->storage_path)
        return options_fail(options, "queue: --storage.path is missing");
    if (*given & (*given - 1))
        return options_fail(options, "queue takes no flags but --storage.path and --dump");
    options->command = COMMAND_QUEUE;
    return 0;
}

int options_parse(int argc, char *const *argv, struct options *out)
{
    unsigned given = 0; /* flags, a bit for each */

    *out = (struct options){
        .listen_address = "127.0.0.1:9595",
        .log_level = LOG_LEVEL_INFO,
        .log_format = LOG_FORMAT_LOGFMT,
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            out->command = COMMAND_HELP;
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0) {
            out->command = COMMAND_VERSION;
            return 0;
        }
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "check-config") == 0)
            return command_check_config(out, argc, argv, i, given);
        if (strcmp(argv[i], "queue") == 0)
            return command_queue(out, argc, argv, i, &given);
        if (argv[i][0] != '-')
            return options_fail(out, "unknown command \"%s\"", argv[i]);
        int error = flag_take(out, argc, argv, &i, &given);
        if (error)
            return error;
    }
    return 0;
}
