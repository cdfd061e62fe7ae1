/* SPDX-License-Identifier: Apache-2.0 */
/* How a job reaches its targets and how much it takes: the keys of the HTTP client, params and
 * limits. What is refused is in config_cases.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "config_fixture.h"

static void test_http(void **state)
{
    (void)state;
    struct config *config = parse_good(
        "/etc/f", "scrape_configs:\n"
                  "- job_name: a\n"
                  "  oauth2:\n"
                  "    client_id: id\n"
                  "    client_secret_file: secret\n"
                  "    token_url: https://x/token\n"
                  "    scopes: [one, two]\n"
                  "    endpoint_params: {audience: b, empty: ''}\n"
                  "    tls_config: {insecure_skip_verify: true}\n"
                  "    proxy_url: http://p:1\n"
                  "  tls_config: {ca: C, cert_file: c, key: K, min_version: TLS12, max_version: "
                  "TLS13}\n"
                  "  proxy_url: socks5://u:v@p:1080\n"
                  "  no_proxy: a,b\n"
                  "  proxy_connect_header: {X: [a, b], Y: [c]}\n"
                  "  http_headers:\n"
                  "    X-A: {files: [f], values: [v, w], secrets: [s]}\n"
                  "    X-B: {values: ['']}\n"
                  "  enable_http2: false\n"
                  "remote_write: [{url: 'http://x', proxy_from_environment: true}]\n");
    const struct http_config *http = &config->scrapes[0]->http;
    const struct http_oauth2_config *oauth2 = http->oauth2;
    assert_string_equal(oauth2->client_id, "id");
    assert_string_equal(oauth2->client_secret_file, "/etc/secret");
    assert_string_equal(oauth2->token_url, "https://x/token");
    assert_int_equal(oauth2->scope_count, 2);
    assert_string_equal(oauth2->scopes[1], "two");
    assert_int_equal(oauth2->endpoint_param_count, 2);
    assert_string_equal(oauth2->endpoint_params[0].value, "b");
    assert_string_equal(oauth2->endpoint_params[1].value, "");
    assert_true(oauth2->tls.insecure_skip_verify);
    assert_string_equal(oauth2->proxy.url, "http://p:1");
    assert_string_equal(http->tls.ca, "C");
    assert_string_equal(http->tls.cert_file, "/etc/c");
    assert_string_equal(http->tls.key, "K");
    assert_int_equal(http->tls.min_version, HTTP_TLS_1_2);
    assert_int_equal(http->tls.max_version, HTTP_TLS_1_3);
    assert_string_equal(http->proxy.url, "socks5://u:v@p:1080");
    assert_string_equal(http->proxy.no_proxy, "a,b");
    assert_int_equal(http->proxy.connect_header_count, 3);
    assert_string_equal(http->proxy.connect_headers[1].name, "X");
    assert_string_equal(http->proxy.connect_headers[1].value, "b");
    assert_int_equal(http->extra_header_count, 5);
    assert_string_equal(http->extra_headers[1].value, "w");
    assert_string_equal(http->extra_headers[2].value, "s");
    assert_string_equal(http->extra_headers[3].file, "/etc/f");
    assert_string_equal(http->extra_headers[4].name, "X-B");
    assert_string_equal(http->extra_headers[4].value, "");
    assert_false(http->enable_http2);
    assert_true(config->remotes[0]->http.proxy.from_environment);
    assert_false(config->remotes[0]->http.enable_http2); /* the default of a remote */
    config_free(&config);
}

static void test_scrape_request(void **state)
{
    (void)state;
    struct config *config =
        parse_good("f", "global: {sample_limit: 9, body_size_limit: 1MB}\n"
                        "scrape_configs:\n"
                        "- job_name: a\n"
                        "  params: {z: [1, ''], 'match[]': ['{job!=\"\"}'], none: [], null: }\n"
                        "  track_timestamps_staleness: true\n"
                        "  enable_compression: false\n"
                        "  sample_limit: 1\n"
                        "  target_limit: 2\n"
                        "  label_limit: 3\n"
                        "  label_name_length_limit: 4\n"
                        "  label_value_length_limit: 5\n"
                        "  keep_dropped_targets: 6\n"
                        "- job_name: b\n"
                        "  body_size_limit: 2KB\n");
    const struct scrape_config *a = config->scrapes[0], *b = config->scrapes[1];
    assert_int_equal(a->params.count, 3);
    assert_string_equal(a->params.list[0].name, "match[]");
    assert_string_equal(a->params.list[0].values[0], "{job!=\"\"}");
    assert_int_equal(a->params.list[1].value_count, 0);
    assert_string_equal(a->params.list[2].name, "z");
    assert_int_equal(a->params.list[2].value_count, 2);
    assert_string_equal(a->params.list[2].values[1], "");
    assert_true(a->track_timestamps_staleness);
    assert_false(a->enable_compression);
    assert_int_equal(a->limits.body_size_limit, 1 << 20);
    assert_int_equal(a->limits.sample_limit, 1);
    assert_int_equal(a->limits.target_limit, 2);
    assert_int_equal(a->limits.label_limit, 3);
    assert_int_equal(a->limits.label_name_length_limit, 4);
    assert_int_equal(a->limits.label_value_length_limit, 5);
    assert_int_equal(a->limits.keep_dropped_targets, 6);
    assert_int_equal(b->limits.body_size_limit, 2048);
    assert_int_equal(b->limits.sample_limit, 9);
    assert_true(b->enable_compression);
    assert_int_equal(b->params.count, 0);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_scrape_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
