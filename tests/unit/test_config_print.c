/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration printed again: it means the same, and shows no secret. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"

#define SECRET "hunter2"

static struct config *parse(const char *yaml)
{
    struct problems problems;
    struct config *config = NULL;
    int error = config_parse("f", yaml, strlen(yaml), &config, &problems);
    problems_print(&problems, stderr);
    problems_free(&problems);
    assert_int_equal(error, 0);
    return config;
}

static void test_form(void **state)
{
    (void)state;
    struct config *config =
        parse("global:   {scrape_interval:   5s, external_labels: {a: 'b', key: c}}\n"
              "scrape_configs:\n"
              "- &a\n"
              "  job_name: \"a: #\"\n"
              "  params: {'match[]': ['{job!=\"\"}'], password: [plain]}\n"
              "  static_configs: [{targets: ['[::1]:1'], labels: {n: '1', key: k}}]\n"
              "- {<<: *a, job_name: b}\n"
              "rule_files: []\n"
              "alerting:\n");
    assert_string_equal(config->printed.bytes, "global:\n"
                                               "  scrape_interval: 5s\n"
                                               "  external_labels:\n"
                                               "    a: 'b'\n"
                                               "    key: c\n"
                                               "scrape_configs:\n"
                                               "- job_name: 'a: #'\n"
                                               "  params:\n"
                                               "    'match[]':\n"
                                               "    - '{job!=\"\"}'\n"
                                               "    password:\n"
                                               "    - plain\n"
                                               "  static_configs:\n"
                                               "  - targets:\n"
                                               "    - '[::1]:1'\n"
                                               "    labels:\n"
                                               "      n: '1'\n"
                                               "      key: k\n"
                                               "- job_name: b\n"
                                               "  params:\n"
                                               "    'match[]':\n"
                                               "    - '{job!=\"\"}'\n"
                                               "    password:\n"
                                               "    - plain\n"
                                               "  static_configs:\n"
                                               "  - targets:\n"
                                               "    - '[::1]:1'\n"
                                               "    labels:\n"
                                               "      n: '1'\n"
                                               "      key: k\n"
                                               "rule_files: []\n"
                                               "alerting: null\n");
    struct config *again = parse(config->printed.bytes);
    assert_string_equal(again->printed.bytes, config->printed.bytes);
    assert_int_equal(again->scrape_count, 2);
    config_free(&again);
    config_free(&config);
}

/* What is printed is taken again, and printed the same. */
static void test_many_lines(void **state)
{
    (void)state;
    struct config *config = parse("scrape_configs:\n- job_name: a\n\n\n\n    b\n"
                                  "- job_name: |\n    c\n\n     d\n- job_name: \"\\te\\n \"\n");
    assert_non_null(strstr(config->printed.bytes, "- job_name: \"a\\n\\n\\nb\"\n"));
    struct config *again = parse(config->printed.bytes);
    assert_string_equal(again->printed.bytes, config->printed.bytes);
    config_free(&again);
    config_free(&config);
}

static void test_secrets(void **state)
{
    (void)state;
    struct config *config =
        parse("scrape_configs:\n"
              "- job_name: a\n"
              "  basic_auth: {username: shown, password: " SECRET "}\n"
              "  proxy_url: http://u:" SECRET "@p:1\n"
              "  proxy_connect_header: {A: [" SECRET "]}\n"
              "  http_headers: {X: {secrets: [" SECRET ", '" SECRET " 2']}}\n"
              "- job_name: b\n"
              "  authorization: {credentials: '" SECRET "'}\n"
              "- job_name: c\n"
              "  bearer_token: " SECRET "\n"
              "- job_name: d\n"
              "  oauth2: {client_id: shown, client_secret: " SECRET ", token_url: 'http://u:" SECRET
              "@t/'}\n"
              "remote_write:\n"
              "- url: https://u:" SECRET "@h/x?y\n"
              "  headers: {X-Key: " SECRET "}\n"
              "- url: http://h/\n"
              "  sigv4: {region: r, access_key: shown, secret_key: " SECRET "}\n");
    const char *printed = config->printed.bytes;
    assert_null(strstr(printed, SECRET));
    assert_non_null(strstr(printed, "username: shown\n"));
    assert_non_null(strstr(printed, "client_id: shown\n"));
    assert_non_null(strstr(printed, "password: <secret>\n"));
    assert_non_null(strstr(printed, "url: https://u:xxxxx@h/x?y\n"));
    assert_non_null(strstr(printed, "X-Key: <secret>\n"));
    assert_non_null(strstr(printed, "secrets:\n      - <secret>\n      - <secret>\n"));
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_many_lines),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
