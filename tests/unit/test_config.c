/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: what is refused and taken and in which words (the tables), what the structs then
 * hold, and that hostile files end in an error. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "config_fixture.h"
#include "config_accepted_cases.h"

#define S NS_PER_SECOND

static void run_cases(const struct config_case *cases, size_t count, int wanted)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct config *config;
        int status;
        autofree char *said = problems_of("f", cases[i].yaml, &status, &config);
        bool good = status == wanted && (config != NULL) == (wanted == 0) &&
                    strcmp(said, cases[i].problems) == 0;
        if (!good)
            print_error("for:\n%s\nstatus %d, said:\n%s\nwanted:\n%s\n", cases[i].yaml, status,
                        said, cases[i].problems);
        wrong += !good;
        config_free(&config);
    }
    assert_int_equal(wrong, 0);
}

static void test_rejected(void **state)
{
    static const char *const keys[] = {
        "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",    "AWS_REGION",     "AWS_DEFAULT_REGION"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        unsetenv(keys[i]);
    run_cases(rejected_cases, ARRAY_SIZE(rejected_cases), -EINVAL);
}

static void test_accepted(void **state)
{
    (void)state;
    unsetenv("EDGEMETER_UNSET");
    run_cases(accepted_cases, ARRAY_SIZE(accepted_cases), 0);
}

/* --- what the structs hold --- */

static void test_defaults(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "http_metrics:\n"
                                            "scrape_configs:\n- job_name: a\n"
                                            "remote_write:\n- url: http://x/\n");
    assert_true(config->http_metrics_given);
    assert_int_equal(config->http_metrics->interval_ns, 60 * S); /* global's own default */
    assert_string_equal(config->http_metrics->job_name, "http-metrics");
    assert_null(config->http_metrics->cgroup_root);
    assert_true(config->http_metrics->server && config->http_metrics->client);
    assert_int_equal(config->http_metrics->bucket_count, 14);
    assert_int_equal(config->http_metrics->max_rows, 4096);

    const struct scrape_config *scrape = config->scrapes[0];
    assert_int_equal(config->scrape_count, 1);
    assert_int_equal(scrape->scrape_interval_ns, 60 * S);
    assert_int_equal(scrape->scrape_timeout_ns, 10 * S);
    assert_string_equal(scrape->metrics_path, "/metrics");
    assert_string_equal(scrape->scheme, "http");
    assert_false(scrape->honor_labels);
    assert_true(scrape->honor_timestamps);
    assert_true(scrape->http.follow_redirects);

    assert_int_equal(config->remote_count, 1);
    assert_int_equal(config->queue.max_bytes, UINT64_C(1) << 30);
    assert_int_equal(config->queue.max_age_ns, 0);
    assert_int_equal(config->queue.sync_interval_ns, 5 * NS_PER_SECOND);
    config_free(&config);
    assert_null(config);
}

static void test_without_a_file(void **state)
{
    (void)state;
    struct config *config = NULL;
    assert_int_equal(config_default(&config), 0);
    assert_true(config->http_metrics_given);
    assert_int_equal(config->http_metrics->interval_ns, 15 * S);
    assert_int_equal(config->scrape_count, 0);
    assert_int_equal(config->remote_count, 0);
    config_free(&config);
}

static void test_scrape(void **state)
{
    (void)state;
    struct config *config = parse_good("conf/f.yml", "scrape_configs:\n"
                                                     "- job_name: 5\n"
                                                     "  scrape_interval: 5s\n"
                                                     "  metrics_path: m\n"
                                                     "  scheme: https\n"
                                                     "  honor_labels: true\n"
                                                     "  honor_timestamps: false\n"
                                                     "  follow_redirects: false\n"
                                                     "  basic_auth:\n"
                                                     "    username: u\n"
                                                     "    password_file: secret\n"
                                                     "  tls_config:\n"
                                                     "    ca_file: /abs/ca\n"
                                                     "    cert_file: c\n"
                                                     "    key_file: k\n"
                                                     "    server_name: s\n"
                                                     "    insecure_skip_verify: true\n"
                                                     "  static_configs:\n"
                                                     "  - targets: ['a:1', '[::1]:2']\n"
                                                     "    labels: {env: prod, n: 1, empty: ''}\n"
                                                     "  - targets: [b]\n"
                                                     "global: {scrape_timeout: 7s}\n");
    const struct scrape_config *scrape = config->scrapes[0];
    assert_string_equal(scrape->job_name, "5");
    assert_int_equal(scrape->scrape_interval_ns, 5 * S);
    assert_int_equal(scrape->scrape_timeout_ns, 5 * S); /* global's, lowered */
    assert_string_equal(scrape->metrics_path, "m");     /* / is added for the URL */
    assert_string_equal(scrape->scheme, "https");
    assert_true(scrape->honor_labels);
    assert_false(scrape->honor_timestamps);
    assert_false(scrape->http.follow_redirects);
    assert_string_equal(scrape->http.basic_auth.username, "u");
    assert_string_equal(scrape->http.basic_auth.password_file, "conf/secret");
    assert_null(scrape->http.basic_auth.password);
    assert_string_equal(scrape->http.tls.ca_file, "/abs/ca");
    assert_string_equal(scrape->http.tls.cert_file, "conf/c");
    assert_string_equal(scrape->http.tls.key_file, "conf/k");
    assert_string_equal(scrape->http.tls.server_name, "s");
    assert_true(scrape->http.tls.insecure_skip_verify);

    assert_int_equal(config->discoveries[0].count, 1);
    const struct static_config *statics = &config->discoveries[0].list[0]->statics;
    assert_int_equal(statics->group_count, 2);
    assert_int_equal(statics->groups[0].target_count, 2);
    assert_string_equal(statics->groups[0].targets[1], "[::1]:2");
    assert_int_equal(statics->groups[0].label_count, 2); /* an empty label is none */
    assert_string_equal(statics->groups[0].labels[1].name, "n");
    assert_string_equal(statics->groups[0].labels[1].value, "1");
    assert_int_equal(statics->groups[1].target_count, 1);
    config_free(&config);
}

/* One `http` block's text, and what Authorization settings come out of it. */
static void test_authorization(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *type, *credentials, *credentials_file, *username;
    } cases[] = {
        {SCRAPE "authorization: {credentials: c}", "Bearer", "c", NULL, NULL},
        {SCRAPE "authorization: {type: ' Token ', credentials: c}", "Token", "c", NULL, NULL},
        {SCRAPE "authorization: {credentials_file: c}", "Bearer", NULL, "/etc/c", NULL},
        {SCRAPE "bearer_token: c", "Bearer", "c", NULL, NULL},
        {SCRAPE "bearer_token_file: c", "Bearer", NULL, "/etc/c", NULL},
        {SCRAPE "basic_auth: {password: p}", NULL, NULL, NULL, ""},
        {SCRAPE "basic_auth:", NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *config = parse_good("/etc/f.yml", cases[i].yaml);
        const struct http_config *http = &config->scrapes[0]->http;
        const char *got[] = {http->authorization.type, http->authorization.credentials,
                             http->authorization.credentials_file, http->basic_auth.username};
        const char *wanted[] = {cases[i].type, cases[i].credentials, cases[i].credentials_file,
                                cases[i].username};
        for (size_t j = 0; j < ARRAY_SIZE(got); j++) {
            assert_int_equal(got[j] == NULL, wanted[j] == NULL);
            if (wanted[j])
                assert_string_equal(got[j], wanted[j]);
        }
        config_free(&config);
    }
}

static void test_http_metrics(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "http_metrics:\n"
                                            "  cgroup_root: /sys/fs/cgroup/system.slice\n"
                                            "  job_name: web\n"
                                            "  roles: [client]\n"
                                            "  buckets: [0.1, 1, 2.5e1]\n"
                                            "  max_rows: 16\n"
                                            "global: {scrape_interval: 20s}\n");
    assert_string_equal(config->http_metrics->cgroup_root, "/sys/fs/cgroup/system.slice");
    assert_string_equal(config->http_metrics->job_name, "web");
    assert_int_equal(config->http_metrics->interval_ns,
                     20 * S); /* global's, though it comes later */
    assert_false(config->http_metrics->server);
    assert_true(config->http_metrics->client);
    assert_int_equal(config->http_metrics->bucket_count, 3);
    assert_true(config->http_metrics->buckets[2] == 25);
    assert_int_equal(config->http_metrics->max_rows, 16);
    config_free(&config);

    config = parse_good("f", "http_metrics:\n"
                             "  native_histograms: true\n"
                             "  routes: [/b, /a/]\n"
                             "  hosts: [10.0.0.1, WWW.example]\n");
    assert_true(config->http_metrics->native_histograms);
    assert_int_equal(config->http_metrics->routes.count, 2); /* in the order of the file */
    assert_string_equal(config->http_metrics->routes.list[0], "/b");
    assert_string_equal(config->http_metrics->routes.list[1], "/a/");
    assert_int_equal(config->http_metrics->hosts.count, 2);
    assert_string_equal(config->http_metrics->hosts.list[0], "10.0.0.1");
    assert_string_equal(config->http_metrics->hosts.list[1], "www.example");
    config_free(&config);

    config = parse_good("f", "http_metrics: {interval: 5s}\nglobal: {scrape_interval: 20s}\n");
    assert_int_equal(config->http_metrics->interval_ns, 5 * S);
    config_free(&config);
}

/* As many routes as are allowed, each 128 bytes, and one more. */
static void test_most_routes(void **state)
{
    (void)state;
    for (int count = HTTP_METRICS_MAX_NAMES; count <= HTTP_METRICS_MAX_NAMES + 1; count++) {
        autobuffer struct buffer yaml;
        struct config *config;
        int status;
        buffer_init(&yaml, 1 << 20);
        buffer_append_string(&yaml, "http_metrics:\n  routes:\n");
        for (int i = 0; i < count; i++)
            buffer_printf(&yaml, "  - /%0127d\n", i);
        autofree char *said = problems_of("f", yaml.bytes, &status, &config);
        if (count == HTTP_METRICS_MAX_NAMES) {
            assert_int_equal(status, 0);
            assert_int_equal(config->http_metrics->routes.count, count);
            assert_int_equal(strlen(config->http_metrics->routes.list[count - 1]), 128);
        } else {
            assert_int_equal(status, -EINVAL);
            assert_string_equal(said,
                                "f:3:3: http_metrics.routes: has 4097 routes; 4096 is the most\n");
        }
        config_free(&config);
    }
}

static void test_external_labels(void **state)
{
    (void)state;
    setenv("EDGEMETER_CLUSTER", "eu-1", 1);
    unsetenv("EDGEMETER_UNSET");
    struct config *config = parse_good("f", "http_metrics:\n"
                                            "global:\n"
                                            "  external_labels:\n"
                                            "    replica: 0\n"
                                            "    cluster: edge-${EDGEMETER_CLUSTER}\n"
                                            "    gone: $EDGEMETER_UNSET\n"
                                            "    Zone: b\n");
    static const char *const wanted[][2] = {
        {"Zone", "b"}, {"cluster", "edge-eu-1"}, {"replica", "0"}};
    assert_int_equal(config->external_label_count, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        assert_string_equal(config->external_labels[i].name, wanted[i][0]);
        assert_string_equal(config->external_labels[i].value, wanted[i][1]);
    }
    config_free(&config);
}

/* A job with a validation of its own does not inherit the escaping, which may not go with it. */
static void test_inherited_escaping(void **state)
{
    static const struct {
        const char *global, *job;
        enum scrape_escaping escaping;
    } cases[] = {
        {"{metric_name_escaping_scheme: dots}", "", ESCAPING_DOTS},
        {"{metric_name_escaping_scheme: dots}", ", metric_name_validation_scheme: ''",
         ESCAPING_DOTS},
        {"{metric_name_escaping_scheme: dots}", ", metric_name_validation_scheme: utf8",
         ESCAPING_UNSET},
        {"{metric_name_escaping_scheme: allow-utf-8}", ", metric_name_validation_scheme: legacy",
         ESCAPING_UNSET},
        {"{metric_name_escaping_scheme: dots}",
         ", metric_name_validation_scheme: legacy, metric_name_escaping_scheme: values",
         ESCAPING_VALUES},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml), "global: %s\nscrape_configs: [{job_name: j%s}]\n",
                 cases[i].global, cases[i].job);
        struct config *config = parse_good("f", yaml);
        assert_int_equal(config->scrapes[0]->protocols.escaping, cases[i].escaping);
        config_free(&config);
    }
}

static void test_last_of_two_keys_wins(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "scrape_configs:\n"
                                            "- job_name: a\n"
                                            "global:\n"
                                            "  scrape_interval: 15s\n"
                                            "  scrape_timeout: 15s\n"
                                            "  evaluation_interval: 15s\n"
                                            "  scrape_timeout: 10s\n");
    assert_int_equal(config->scrapes[0]->scrape_timeout_ns, 10 * S);
    config_free(&config);
}

/* A key without a value is not a key left out: the page is at /, as in Prometheus. */
static void test_no_metrics_path(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "scrape_configs:\n"
                                            "- job_name: a\n"
                                            "  metrics_path:\n"
                                            "- {job_name: b, metrics_path: ''}\n");
    assert_string_equal(config->scrapes[0]->metrics_path, "");
    assert_string_equal(config->scrapes[1]->metrics_path, "");
    config_free(&config);
}

static void test_merge_keys(void **state)
{
    (void)state;
    struct config *config = parse_good("f", "scrape_configs:\n"
                                            "- &a {job_name: a, scheme: https, metrics_path: /a}\n"
                                            "- &b {job_name: b, scheme: http, honor_labels: true}\n"
                                            "- {<<: [*b, *a], job_name: c}\n"
                                            "- {job_name: d, <<: *a}\n");
    assert_string_equal(config->scrapes[2]->job_name, "c");
    assert_string_equal(config->scrapes[2]->scheme, "http"); /* the earlier of the list */
    assert_string_equal(config->scrapes[2]->metrics_path, "/a");
    assert_true(config->scrapes[2]->honor_labels);
    assert_string_equal(config->scrapes[3]->job_name, "d");
    assert_string_equal(config->scrapes[3]->scheme, "https");
    config_free(&config);
}

/* --- hostile files --- */

static void assert_refused(const char *yaml, const char *wanted)
{
    struct config *config;
    int status;
    autofree char *said = problems_of("f", yaml, &status, &config);
    assert_int_equal(status, -EINVAL);
    if (!strstr(said, wanted))
        print_error("said: %.500s\n", said);
    assert_non_null(strstr(said, wanted));
}

static void test_aliases_are_bounded(void **state)
{
    (void)state;
    autobuffer struct buffer yaml;
    buffer_init(&yaml, 1 << 20);
    buffer_append_string(&yaml, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        buffer_printf(&yaml, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            buffer_printf(&yaml, "%s*a%d", j ? ", " : "", i - 1);
        buffer_append_string(&yaml, "]\n");
    }
    assert_refused(yaml.bytes, "f:6:");
    assert_refused(yaml.bytes, "more than 200000 values");
}

static void test_merges_are_bounded(void **state)
{
    (void)state;
    autobuffer struct buffer yaml;
    buffer_init(&yaml, 4 << 20);
    buffer_append_string(&yaml, "a: &a {");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&yaml, "k%d: v, ", i);
    buffer_append_string(&yaml, "z: z}\nb:\n");
    for (int i = 0; i < 1000; i++)
        buffer_append_string(&yaml, "- {<<: *a}\n");
    assert_refused(yaml.bytes, "more than 200000 values");
}

static void repeat(struct buffer *out, const char *text, unsigned times)
{
    while (times--)
        buffer_append_string(out, text);
}

static void test_depth_and_breadth_are_bounded(void **state)
{
    (void)state;
    autobuffer struct buffer yaml;
    buffer_init(&yaml, 8 << 20);

    repeat(&yaml, "[", 5000);
    assert_refused(yaml.bytes, "f:1:33: nested more than 32 levels deep");

    buffer_clear(&yaml);
    repeat(&yaml, "- x\n", 250000);
    assert_refused(yaml.bytes, "f:200000:3: the file holds more than 200000 values");

    buffer_clear(&yaml);
    for (int i = 0; i < 2000; i++)
        buffer_printf(&yaml, "key%d: 1\n", i);
    assert_refused(yaml.bytes, "f:1:1: a mapping with more than 1024 keys");

    buffer_clear(&yaml);
    repeat(&yaml, "# a long comment\n", 300000);
    assert_refused(yaml.bytes, "f: the file is larger than 4 MiB");

    buffer_clear(&yaml);
    for (int i = 0; i < 2000; i++)
        buffer_printf(&yaml, "k%d: &a%d x\n", i, i);
    assert_refused(yaml.bytes, "an anchor that is one more than the 1024 allowed");

    buffer_clear(&yaml);
    buffer_append_string(&yaml, "scrape_configs:\n");
    repeat(&yaml, "- {}\n", 5000);
    assert_refused(yaml.bytes, "f:2:1: scrape_configs: more than 4096 jobs");
}

static void test_problems_are_bounded(void **state)
{
    (void)state;
    autobuffer struct buffer yaml;
    buffer_init(&yaml, 1 << 20);
    buffer_append_string(&yaml, "scrape_configs:\n");
    repeat(&yaml, "- {}\n", 1000);
    struct config *config;
    int status;
    autofree char *said = problems_of("f", yaml.bytes, &status, &config);
    size_t lines = 0;
    for (const char *at = said; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 200);
    assert_non_null(strstr(said, "there are more problems than the 199 listed"));
}

/* --- files --- */

static void assert_load_says(const char *path, const char *wanted)
{
    struct config *config = NULL;
    struct problems problems;
    assert_int_equal(config_load(path, &config, &problems), -EINVAL);
    assert_null(config);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.list[0].message, wanted);
    assert_string_equal(problems.file, path);
    problems_free(&problems);
}

static void test_load(void **state)
{
    (void)state;
    char path[] = "/tmp/edgemeter-config-XXXXXX";
    autoclose int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_load_says(path, "the file is empty");

    static const char yaml[] = SCRAPE "bearer_token_file: token\n";
    assert_int_equal(write(fd, yaml, sizeof(yaml) - 1), sizeof(yaml) - 1);
    struct config *config = NULL;
    struct problems problems;
    assert_int_equal(config_load(path, &config, &problems), 0);
    assert_int_equal(problems.count, 0);
    assert_string_equal(config->scrapes[0]->http.authorization.credentials_file, "/tmp/token");
    problems_free(&problems);
    config_free(&config);

    unlink(path);
    assert_load_says(path, "cannot read it: No such file or directory");
    assert_load_says("/", "cannot read it: Is a directory");
}

/* A place is a line and a column only where there is one. */
static void test_print_without_a_place(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct problems problems;
    assert_int_equal(config_load("/nonexistent/f.yml", &config, &problems), -EINVAL);
    autofree char *said = NULL;
    size_t length;
    FILE *stream = open_memstream(&said, &length);
    problems_print(&problems, stream);
    fclose(stream);
    problems_free(&problems);
    assert_string_equal(said, "/nonexistent/f.yml: cannot read it: No such file or directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rejected),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_without_a_file),
        cmocka_unit_test(test_scrape),
        cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_http_metrics),
        cmocka_unit_test(test_most_routes),
        cmocka_unit_test(test_external_labels),
        cmocka_unit_test(test_inherited_escaping),
        cmocka_unit_test(test_last_of_two_keys_wins),
        cmocka_unit_test(test_no_metrics_path),
        cmocka_unit_test(test_merge_keys),
        cmocka_unit_test(test_aliases_are_bounded),
        cmocka_unit_test(test_merges_are_bounded),
        cmocka_unit_test(test_depth_and_breadth_are_bounded),
        cmocka_unit_test(test_problems_are_bounded),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_print_without_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
