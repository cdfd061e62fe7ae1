/* SPDX-License-Identifier: Apache-2.0 */
/* A table of flags, each with the function that takes its value, and one pass over the arguments.
 */
#include "command/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "command/options_foreign.h"
#include "serve/listener.h"

#define TOP_INTERVAL_LEAST_NS (100 * NS_PER_MS)

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
    if (options->storage_path)
        return options_fail(options, "--storage.path and --storage.agent.path are one, and both "
                                     "are given");
    options->storage_path = value;
    return 0;
}

static int take_web_config_file(struct options *options, const char *value)
{
    options->web_config_file = value;
    return 0;
}

static int take_lifecycle(struct options *options, const char *value)
{
    (void)value;
    options->enable_lifecycle = true;
    return 0;
}

static void note_idle(struct options *options, struct text flag, struct text value,
                      const char *advice)
{
    if (options->idle_count < OPTIONS_IDLE_MAX)
        options->idle[options->idle_count++] = (struct idle_flag){flag, value, advice};
}

static void take_foreign_feature(struct options *options, struct text name)
{
    const char *advice = foreign_feature_advice(name);
    if (advice)
        note_idle(options, TEXT("--enable-feature"), name, advice);
}

/* A list with commas, as Prometheus has it. */
static int take_feature(struct options *options, const char *value)
{
    struct text rest = text_of(value);
    for (;;) {
        const char *comma = memchr(rest.bytes, ',', rest.length);
        struct text name = {rest.bytes, comma ? (size_t)(comma - rest.bytes) : rest.length};
        if (text_equal(name, TEXT("auto-reload-config")))
            options->auto_reload = true;
        else
            take_foreign_feature(options, name);
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

static int take_dump(struct options *options, const char *value)
{
    (void)value;
    options->dump = true;
    return 0;
}

static int take_syntax_only(struct options *options, const char *value)
{
    (void)value;
    options->syntax_only = true;
    return 0;
}

static int take_url(struct options *options, const char *value)
{
    options->top.url = value;
    return 0;
}

static int take_http_config_file(struct options *options, const char *value)
{
    options->top.http_config_file = value;
    return 0;
}

static int take_by(struct options *options, const char *value)
{
    options->top.by = value;
    return 0;
}

static int take_filter(struct options *options, const char *value)
{
    options->top.filter = value;
    return 0;
}

static int take_role(struct options *options, const char *value)
{
    options->top.role = strcmp(value, "client") == 0 ? TOP_CLIENT : TOP_SERVER;
    if (options->top.role == TOP_SERVER && strcmp(value, "server") != 0)
        return options_fail(options, "--role: \"%s\" is not server or client", value);
    return 0;
}

static int take_sort(struct options *options, const char *value)
{
    if (top_column_parse(value, &options->top.sort))
        return options_fail(options, "--sort: \"%s\" is not " TOP_COLUMN_NAMES, value);
    return 0;
}

static int take_interval(struct options *options, const char *value)
{
    if (duration_parse(text_of(value), &options->top.interval_ns) ||
        options->top.interval_ns < TOP_INTERVAL_LEAST_NS)
        return options_fail(options,
                            "--interval: \"%s\" is not a duration of at least 100ms, such "
                            "as 2s",
                            value);
    return 0;
}

static int take_once(struct options *options, const char *value)
{
    (void)value;
    options->top.once = true;
    return 0;
}

static int take_json(struct options *options, const char *value)
{
    (void)value;
    options->top.json = true;
    return 0;
}

static int take_meter(struct options *options, const char *value)
{
    (void)value;
    options->top.meter = true;
    return 0;
}

static const char *const command_names[] = {
    [COMMAND_CHECK_CONFIG] = "check-config",
    [COMMAND_QUEUE] = "queue",
    [COMMAND_TOP] = "top",
};

enum flag_kind {
    FLAG_ONCE,   /* has a value */
    FLAG_LIST,   /* the same, and may be given again */
    FLAG_SWITCH, /* has none */
};

#define RUN (1u << COMMAND_RUN)
#define CHECK_CONFIG (1u << COMMAND_CHECK_CONFIG)
#define QUEUE (1u << COMMAND_QUEUE)
#define TOP (1u << COMMAND_TOP)

static const struct flag {
    const char *name;
    int (*take)(struct options *options, const char *value);
    unsigned commands; /* that have it */
    enum flag_kind kind;
} flags[] = {
    {"--config.file", take_config_file, RUN},
    {"--config.auto-reload-interval", take_reload_interval, RUN},
    {"--enable-feature", take_feature, RUN, FLAG_LIST},
    {"--web.listen-address", take_listen_address, RUN},
    {"--web.config.file", take_web_config_file, RUN},
    {"--web.enable-lifecycle", take_lifecycle, RUN, FLAG_SWITCH},
    {"--log.level", take_log_level, RUN},
    {"--log.format", take_log_format, RUN},
    {"--storage.path", take_storage_path, RUN | QUEUE},
    {"--storage.agent.path", take_storage_path, RUN}, /* as Prometheus calls it */
    {"--dump", take_dump, QUEUE, FLAG_SWITCH},
    {"--syntax-only", take_syntax_only, CHECK_CONFIG, FLAG_SWITCH},
    {"--url", take_url, TOP},
    {"--http.config.file", take_http_config_file, TOP},
    {"--role", take_role, TOP},
    {"--by", take_by, TOP},
    {"--sort", take_sort, TOP},
    {"--filter", take_filter, TOP},
    {"--interval", take_interval, TOP},
    {"--once", take_once, TOP, FLAG_SWITCH},
    {"--json", take_json, TOP, FLAG_SWITCH},
    {"--meter", take_meter, TOP, FLAG_SWITCH},
};
_Static_assert(ARRAY_SIZE(flags) <= 32, "a bit for each in `given`");

static const struct flag *flag_find(struct text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (text_equal(name, text_of(flags[i].name)))
            return &flags[i];
    }
    return NULL;
}

/* The value in the argument after argv[*index], if it is there. */
static const char *next_value(int argc, char *const *argv, int *index)
{
    bool is_there = *index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0;
    return is_there ? argv[++*index] : NULL;
}

static int foreign_take(struct options *options, const struct foreign_flag *flag, struct text name,
                        const char *value)
{
    struct text given = text_of(value ? value : "");

    if (!flag->is_switch && !value)
        return options_fail(options, "%.*s needs a value", TEXT_FORMAT(name));
    bool is_root = flag->effect == FOREIGN_ROOT && strcmp(given.bytes, "/") == 0;
    if (flag->effect == FOREIGN_REFUSED || (flag->effect == FOREIGN_ROOT && !is_root))
        return options_fail(options, "%.*s is a flag of Prometheus that is not built: %s",
                            TEXT_FORMAT(name), flag->advice);
    if (flag->effect == FOREIGN_IDLE)
        note_idle(options, name, given, flag->advice);
    return 0;
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

    if (!flag) {
        const struct foreign_flag *foreign = foreign_flag_find(name);
        if (!foreign)
            return options_fail(options, "unknown flag \"%.*s\"", TEXT_FORMAT(name));
        if (!foreign->is_switch && !equals)
            value = next_value(argc, argv, index);
        return foreign_take(options, foreign, name, value);
    }
    if (flag->kind != FLAG_LIST && *given & 1u << (flag - flags))
        return options_fail(options, "%s is given twice", flag->name);
    *given |= 1u << (flag - flags);
    if (flag->kind == FLAG_SWITCH)
        return equals ? options_fail(options, "%s takes no value", flag->name)
                      : flag->take(options, NULL);
    if (!equals)
        value = next_value(argc, argv, index);
    if (!value || !*value)
        return options_fail(options, "%s needs a value", flag->name);
    return flag->take(options, value);
}

static enum command command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(command_names); i++) {
        if (command_names[i] && strcmp(name, command_names[i]) == 0)
            return i;
    }
    return COMMAND_RUN;
}

/* The command itself, or the FILE of check-config. */
static int take_word(struct options *options, const char *word)
{
    if (options->command == COMMAND_RUN) {
        options->command = command_find(word);
        return options->command == COMMAND_RUN
                   ? options_fail(options, "unknown command \"%s\"", word)
                   : 0;
    }
    if (options->command != COMMAND_CHECK_CONFIG)
        return options_fail(options, "%s takes no \"%s\"", command_names[options->command], word);
    if (options->config_file)
        return options_fail(options, "check-config takes one FILE, not \"%s\" besides", word);
    options->config_file = word;
    return 0;
}

/* Flags that another command has, and what must be there. */
static int check_command(struct options *options, unsigned given)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (!(given & 1u << i) || flags[i].commands & 1u << options->command)
            continue;
        if (options->command == COMMAND_RUN)
            return options_fail(options, "%s is a flag of a command (edgemeter --help has them)",
                                flags[i].name);
        return options_fail(options, "%s takes no %s", command_names[options->command],
                            flags[i].name);
    }
    if (options->command != COMMAND_RUN && options->idle_count)
        return options_fail(options, "%s takes no %.*s", command_names[options->command],
                            TEXT_FORMAT(options->idle[0].flag));
    if (options->command == COMMAND_CHECK_CONFIG && !options->config_file)
        return options_fail(options, "check-config: the FILE is missing");
    if (options->command == COMMAND_QUEUE && !options->storage_path)
        return options_fail(options, "queue: --storage.path is missing");
    if (options->top.meter && (options->top.url || options->top.http_config_file))
        return options_fail(options,
                            "--meter asks no agent: leave --url and --http.config.file out");
    return 0;
}

/* --help and --version win over all else, wherever they are. */
static bool asks_for_text(int argc, char *const *argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (options->help_of == COMMAND_RUN)
            options->help_of = command_find(argv[i]);
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            options->command = COMMAND_HELP;
        else if (strcmp(argv[i], "--version") == 0 && options->command != COMMAND_HELP)
            options->command = COMMAND_VERSION;
    }
    return options->command != COMMAND_RUN;
}

int options_parse(int argc, char *const *argv, struct options *out)
{
    unsigned given = 0; /* flags, a bit for each */
    int error = 0;

    *out = (struct options){
        .listen_address = "127.0.0.1:9595",
        .auto_reload_interval_ns = 30 * NS_PER_SECOND,
        .log_level = LOG_LEVEL_INFO,
        .log_format = LOG_FORMAT_LOGFMT,
        .top = {.sort = TOP_RATE, .interval_ns = 2 * NS_PER_SECOND},
    };
    if (asks_for_text(argc, argv, out))
        return 0;
    for (int i = 1; i < argc && !error; i++)
        error =
            argv[i][0] == '-' ? flag_take(out, argc, argv, &i, &given) : take_word(out, argv[i]);
    return error ? error : check_command(out, given);
}
