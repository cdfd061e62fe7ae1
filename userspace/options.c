/* SPDX-License-Identifier: Apache-2.0 */
/* A table of flags, each with the function that takes its value, and one pass over the arguments.
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "serve/listener.h"

const char options_help[] =
    "usage: edgemeter [FLAGS]\n"
    "       edgemeter check-config [--syntax-only] FILE\n"
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
    "  --web.enable-lifecycle       reload the configuration on POST or PUT /-/reload, too\n"
    "  --enable-feature=auto-reload-config\n"
    "                               reload the configuration when a file of it changes\n"
    "  --config.auto-reload-interval=TIME\n"
    "                               and how often to look where inotify says nothing (default\n"
    "                               30s)\n"
    "  --log.level=LEVEL            debug, info, warn or error (default info)\n"
    "  --log.format=FORMAT          logfmt or json (default logfmt)\n"
    "  --version                    print the version and exit\n"
    "  -h, --help                   print this and exit\n"
    "\n"
    "Commands:\n"
    "  check-config FILE            check a configuration and the files that it names, or with\n"
    "                               --syntax-only not these, and exit: 0 where it is valid, else "
    "2\n"
    "  queue                        print what the queue in --storage.path holds and where each\n"
    "                               remote stands, with --dump every sample; an agent may run\n"
    "\n"
    "SIGHUP loads the configuration again; a bad one changes nothing. SIGTERM and SIGINT send\n"
    "what is left and end the agent with status 0; a second one ends it at once. Status 1: it\n"
    "could not start or run; 2: wrong usage or configuration.\n";

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

static int take_lifecycle(struct options *options, const char *value)
{
    (void)value;
    options->enable_lifecycle = true;
    return 0;
}

/* A list with commas, as Prometheus has it. */
static int take_feature(struct options *options, const char *value)
{
    struct text rest = text_of(value);
    for (;;) {
        const char *comma = memchr(rest.bytes, ',', rest.length);
        struct text name = {rest.bytes, comma ? (size_t)(comma - rest.bytes) : rest.length};
        if (!text_equal(name, TEXT("auto-reload-config")))
            return options_fail(options,
                                "--enable-feature: \"%.*s\" is not known; there is "
                                "auto-reload-config",
                                TEXT_FORMAT(name));
        options->auto_reload = true;
        if (!comma)
            return 0;
        rest = text_behind(rest, name.length + 1);
    }
}

static int take_reload_interval(struct options *options, const char *value)
{
    if (duration_parse(text_of(value), &options->auto_reload_interval_ns) ||
        options->auto_reload_interval_ns < NS_PER_SECOND)
        return options_fail(options,
                            "--config.auto-reload-interval: \"%s\" is not a duration of "
                            "at least 1s, such as 30s",
                            value);
    return 0;
}

enum flag_kind {
    FLAG_ONCE,   /* has a value */
    FLAG_LIST,   /* the same, and may be given again */
    FLAG_SWITCH, /* has none */
};

static const struct flag {
    const char *name;
    int (*take)(struct options *options, const char *value);
    enum flag_kind kind;
} flags[] = {
    {"--config.file", take_config_file},
    {"--config.auto-reload-interval", take_reload_interval},
    {"--enable-feature", take_feature, FLAG_LIST},
    {"--web.listen-address", take_listen_address},
    {"--web.enable-lifecycle", take_lifecycle, FLAG_SWITCH},
    {"--log.level", take_log_level},
    {"--log.format", take_log_format},
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
    if (flag->kind != FLAG_LIST && *given & 1u << (flag - flags))
        return options_fail(options, "%s is given twice", flag->name);
    *given |= 1u << (flag - flags);
    if (flag->kind == FLAG_SWITCH)
        return equals ? options_fail(options, "%s takes no value", flag->name)
                      : flag->take(options, NULL);
    if (!equals && *index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0)
        value = argv[++*index];
    if (!value || !*value)
        return options_fail(options, "%s needs a value", flag->name);
    return flag->take(options, value);
}

static int command_check_config(struct options *options, int argc, char *const *argv, int index,
                                unsigned given)
{
    if (given)
        return options_fail(options, "check-config takes no flags but --syntax-only");
    for (int i = index + 1; i < argc; i++) {
        if (strcmp(argv[i], "--syntax-only") == 0)
            options->syntax_only = true;
        else if (argv[i][0] == '-')
            return options_fail(options, "check-config takes no flags but --syntax-only");
        else if (options->config_file)
            return options_fail(options, "check-config takes one FILE, not \"%s\" besides",
                                argv[i]);
        else
            options->config_file = argv[i];
    }
    if (!options->config_file)
        return options_fail(options, "check-config: the FILE is missing");
    options->command = COMMAND_CHECK_CONFIG;
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
        .auto_reload_interval_ns = 30 * NS_PER_SECOND,
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
