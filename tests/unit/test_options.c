/* SPDX-License-Identifier: Apache-2.0 */
/* options: which command lines are taken, what they give, and what a refused one is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/options.h"

#define ARGUMENTS_MAX 6

static int parse(const char *const *arguments, struct options *out)
{
    char *argv[ARGUMENTS_MAX + 2] = {"edgemeter"};
    int argc = 1;
    while (argc <= ARGUMENTS_MAX && arguments[argc - 1]) {
        argv[argc] = (char *)arguments[argc - 1];
        argc++;
    }
    return options_parse(argc, argv, out);
}

static void assert_string_or_null(const char *actual, const char *expected)
{
    if (!actual || !expected)
        assert_ptr_equal(actual, expected);
    else
        assert_string_equal(actual, expected);
}

static void test_accepted(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        enum command command;
        const char *config_file;
        const char *listen_address;
        enum log_level level;
        enum log_format format;
    } cases[] = {
        {{NULL}, COMMAND_RUN, NULL, "127.0.0.1:9595", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT},
        {{"--config.file=a.yml"},
         COMMAND_RUN,
         "a.yml",
         "127.0.0.1:9595",
         LOG_LEVEL_INFO,
         LOG_FORMAT_LOGFMT},
        {{"--config.file", "a.yml", "--log.level", "debug"},
         COMMAND_RUN,
         "a.yml",
         "127.0.0.1:9595",
         LOG_LEVEL_DEBUG,
         LOG_FORMAT_LOGFMT},
        {{"--web.listen-address=[::1]:0", "--log.format=json", "--log.level=error"},
         COMMAND_RUN,
         NULL,
         "[::1]:0",
         LOG_LEVEL_ERROR,
         LOG_FORMAT_JSON},
        {{"--config.file=a=b.yml"},
         COMMAND_RUN,
         "a=b.yml",
         "127.0.0.1:9595",
         LOG_LEVEL_INFO,
         LOG_FORMAT_LOGFMT},
        {{"--config.file", "-"},
         COMMAND_RUN,
         "-",
         "127.0.0.1:9595",
         LOG_LEVEL_INFO,
         LOG_FORMAT_LOGFMT},
        {{"check-config", "a.yml"},
         COMMAND_CHECK_CONFIG,
         "a.yml",
         "127.0.0.1:9595",
         LOG_LEVEL_INFO,
         LOG_FORMAT_LOGFMT},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options;
        print_message("%s\n", cases[i].arguments[0] ? cases[i].arguments[0] : "(nothing)");
        assert_int_equal(parse(cases[i].arguments, &options), 0);
        assert_int_equal(options.command, cases[i].command);
        assert_string_or_null(options.config_file, cases[i].config_file);
        assert_string_equal(options.listen_address, cases[i].listen_address);
        assert_int_equal(options.log_level, cases[i].level);
        assert_int_equal(options.log_format, cases[i].format);
    }
}

static void test_help_and_version_win(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        enum command command;
    } cases[] = {
        {{"--help"}, COMMAND_HELP},
        {{"-h"}, COMMAND_HELP},
        {{"--version"}, COMMAND_VERSION},
        {{"--config.file", "--help"}, COMMAND_HELP},
        {{"--no-such-flag", "--help"}, COMMAND_HELP},
        {{"check-config", "--help"}, COMMAND_HELP},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options;
        assert_int_equal(parse(cases[i].arguments, &options), 0);
        assert_int_equal(options.command, cases[i].command);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        const char *problem;
    } cases[] = {
        {{"--no-such-flag"}, "unknown flag \"--no-such-flag\""},
        {{"--no-such-flag=7"}, "unknown flag \"--no-such-flag\""},
        {{"-config.file=a"}, "unknown flag \"-config.file\""},
        {{"--config.fil=a"}, "unknown flag \"--config.fil\""},
        {{"--config.files=a"}, "unknown flag \"--config.files\""},
        {{"--"}, "unknown flag \"--\""},
        {{"bottom"}, "unknown command \"bottom\""},
        {{"top", "--role=proxy"}, "--role: \"proxy\" is not server or client"},
        {{"top", "--sort", "size"}, "--sort: \"size\" is not name, rate"},
        {{"top", "--interval=5ms"}, "--interval: \"5ms\" is not a duration"},
        {{"top", "--meter", "--url=x"}, "--meter asks no agent"},
        {{"top", "a"}, "top takes no \"a\""},
        {{"--url=x"}, "--url is a flag of a command"},
        {{""}, "unknown command \"\""},
        {{"--config.file"}, "--config.file needs a value"},
        {{"--config.file="}, "--config.file needs a value"},
        {{"--config.file", ""}, "--config.file needs a value"},
        {{"--config.file", "--log.level=info"}, "--config.file needs a value"},
        {{"--config.file=a", "--config.file=a"}, "--config.file is given twice"},
        {{"--config.file=a", "b"}, "unknown command \"b\""},
        {{"--log.level=warning"}, "--log.level: \"warning\" is not debug, info, warn or error"},
        {{"--log.format", "xml"}, "--log.format: \"xml\" is not logfmt or json"},
        {{"--web.listen-address=9595"}, "--web.listen-address: \"9595\": the port is missing"},
        {{"--web.listen-address=a:http"}, "--web.listen-address: \"a:http\": the port is not"},
        {{"--storage.path="}, "--storage.path needs a value"},
        {{"check-config"}, "check-config: the FILE is missing"},
        {{"check-config", "a", "b"}, "check-config takes one FILE, not \"b\" besides"},
        {{"check-config", "--log.level=info"}, "check-config takes no --log.level"},
        {{"check-config", "--syntax-only"}, "check-config: the FILE is missing"},
        {{"--web.enable-lifecycle=true"}, "--web.enable-lifecycle takes no value"},
        {{"--web.enable-lifecycle", "true"}, "unknown command \"true\""},
        {{"--web.enable-lifecycle", "--web.enable-lifecycle"},
         "--web.enable-lifecycle is given twice"},
        {{"--enable-feature"}, "--enable-feature needs a value"},
        {{"--web.enable-remote-write-receiver"},
         "--web.enable-remote-write-receiver is a flag of Prometheus that is not built: edgemeter"},
        {{"--web.route-prefix=/edge"},
         "--web.route-prefix is a flag of Prometheus that is not built: a proxy in front"},
        {{"--storage.tsdb.path"}, "--storage.tsdb.path needs a value"},
        {{"--storage.tsdb", "/data"}, "unknown flag \"--storage.tsdb\""},
        {{"--no-query.timeout", "1m"}, "unknown flag \"--no-query.timeout\""},
        {{"--storage.agent.path=a", "--storage.path=b"}, "--storage.path and --storage.agent.path"},
        {{"queue", "--storage.path=a", "--query.timeout=1m"}, "queue takes no --query.timeout"},
        {{"--config.auto-reload-interval=5"},
         "--config.auto-reload-interval: \"5\" is not a duration"},
        {{"--config.auto-reload-interval=10ms"}, "--config.auto-reload-interval: \"10ms\" is not"},
        {{"--log.level=info", "check-config", "a"}, "check-config takes no --log.level"},
        {{"queue"}, "queue: --storage.path is missing"},
        {{"queue", "--dump"}, "queue: --storage.path is missing"},
        {{"queue", "/data"}, "queue takes no \"/data\""},
        {{"queue", "--storage.path=/data", "--log.level=info"}, "queue takes no --log.level"},
        {{"--dump"}, "--dump is a flag of a command"},
        {{"queue", "--storage.path=/data", "--syntax-only"}, "queue takes no --syntax-only"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options;
        print_message("%s\n", cases[i].problem);
        assert_int_equal(parse(cases[i].arguments, &options), -EINVAL);
        if (strncmp(options.problem, cases[i].problem, strlen(cases[i].problem)) != 0)
            assert_string_equal(options.problem, cases[i].problem);
    }
}

/* A value longer than the message's room is cut, not written past its end. */
static void test_long_value_is_cut(void **state)
{
    char argument[4096];
    struct options options;
    (void)state;

    memset(argument, 'x', sizeof(argument));
    memcpy(argument, "--", 2);
    argument[sizeof(argument) - 1] = '\0';
    assert_int_equal(parse((const char *const[]){argument, NULL}, &options), -EINVAL);
    assert_int_equal(strlen(options.problem), sizeof(options.problem) - 1);
}

/* --help gives the help of the command that it is beside. */
static void test_help_of_each_command(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        enum command help_of;
        const char *named[5];
    } cases[] = {
        {{"--help"},
         COMMAND_RUN,
         {"--config.file=", "--log.level=", "--version", "127.0.0.1:9595"}},
        {{"--help", "queue"}, COMMAND_QUEUE, {"--storage.path=FOLDER", "--dump"}},
        {{"check-config", "x", "-h"}, COMMAND_CHECK_CONFIG, {"--syntax-only", "FILE"}},
        {{"--storage.path=a", "queue", "--help"}, COMMAND_QUEUE, {"usage: edgemeter queue"}},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options;
        assert_int_equal(parse(cases[i].arguments, &options), 0);
        assert_int_equal(options.command, COMMAND_HELP);
        assert_int_equal(options.help_of, cases[i].help_of);
        for (size_t j = 0; cases[i].named[j]; j++)
            assert_non_null(strstr(options_help(options.help_of), cases[i].named[j]));
    }
}

static void test_queue(void **state)
{
    struct options options;
    (void)state;
    assert_int_equal(
        parse((const char *const[]){"queue", "--storage.path", "/data", NULL}, &options), 0);
    assert_int_equal(options.command, COMMAND_QUEUE);
    assert_string_equal(options.storage_path, "/data");
    assert_false(options.dump);
    assert_int_equal(
        parse((const char *const[]){"--storage.path=/data", "queue", "--dump", NULL}, &options), 0);
    assert_int_equal(options.command, COMMAND_QUEUE);
    assert_true(options.dump);
}

static void test_reload_flags(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const all[] = {
        "--enable-feature=auto-reload-config",   "--enable-feature",
        "auto-reload-config,auto-reload-config", "--web.enable-lifecycle",
        "--config.auto-reload-interval=2m",      NULL};
    static const char *const check[] = {"check-config", "--syntax-only", "a.yml", NULL};
    struct options options;

    (void)state;
    assert_int_equal(parse(none, &options), 0);
    assert_false(options.enable_lifecycle || options.auto_reload || options.syntax_only);
    assert_int_equal(options.auto_reload_interval_ns, 30 * NS_PER_SECOND);
    assert_int_equal(parse(all, &options), 0);
    assert_true(options.enable_lifecycle && options.auto_reload);
    assert_int_equal(options.auto_reload_interval_ns, 120 * NS_PER_SECOND);
    assert_int_equal(parse(check, &options), 0);
    assert_int_equal(options.command, COMMAND_CHECK_CONFIG);
    assert_true(options.syntax_only);
    assert_string_equal(options.config_file, "a.yml");
}

/* A command line of Prometheus' is taken: what does nothing here is noted, not refused. */
static void test_prometheus_flags(void **state)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        const char *storage_path;
        const char *idle[3]; /* flag=value */
    } cases[] = {
        {{"--agent", "--storage.agent.path=/prometheus", "--web.route-prefix=/"}, "/prometheus"},
        {{"--no-agent", "--enable-feature=agent,"}},
        {{"--storage.tsdb.path=/p", "--enable-feature=st-storage,agent"},
         NULL,
         {"--storage.tsdb.path=/p", "--enable-feature=st-storage"}},
        {{"--query.timeout", "1m", "--storage.agent.wal-compression", "--log.level=info"},
         NULL,
         {"--query.timeout=1m", "--storage.agent.wal-compression="}},
        {{"--no-auto-gomemlimit", "--auto-gomemlimit.ratio=0.5", "--web.external-url="},
         NULL,
         {"--no-auto-gomemlimit=", "--auto-gomemlimit.ratio=0.5", "--web.external-url="}},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options;
        print_message("%s\n", cases[i].arguments[0]);
        assert_int_equal(parse(cases[i].arguments, &options), 0);
        assert_string_or_null(options.storage_path, cases[i].storage_path);
        for (size_t j = 0; j < options.idle_count; j++) {
            char said[128];
            snprintf(said, sizeof(said), "%.*s=%.*s", TEXT_FORMAT(options.idle[j].flag),
                     TEXT_FORMAT(options.idle[j].value));
            assert_true(j < ARRAY_SIZE(cases[i].idle) && cases[i].idle[j]);
            assert_string_equal(said, cases[i].idle[j]);
            assert_non_null(options.idle[j].advice);
        }
        assert_true(options.idle_count == 3 || !cases[i].idle[options.idle_count]);
    }
}

/* Of more flags than there is room for the first are kept. */
static void test_many_prometheus_flags(void **state)
{
    char *argv[OPTIONS_IDLE_MAX + 10] = {"edgemeter"};
    struct options options;
    (void)state;

    for (size_t i = 1; i < ARRAY_SIZE(argv); i++)
        argv[i] = "--query.timeout=1m";
    assert_int_equal(options_parse(ARRAY_SIZE(argv), argv, &options), 0);
    assert_int_equal(options.idle_count, OPTIONS_IDLE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_prometheus_flags),
        cmocka_unit_test(test_many_prometheus_flags),
        cmocka_unit_test(test_reload_flags),
        cmocka_unit_test(test_help_and_version_win),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_long_value_is_cut),
        cmocka_unit_test(test_help_of_each_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
