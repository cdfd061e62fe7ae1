/* SPDX-License-Identifier: Apache-2.0 */
/* serve/targets_page over the agent's own server, read by jansson. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http/http_client.h"
#include "base/log.h"
#include "labels_maker.h"
#include "serve/targets_page.h"

struct fixture {
    struct loop *loop;
    struct http_client *http;
    struct server *server;
    struct http_config config;
    struct shown_target target;
    struct labels *discovered, *labels;
    const char *own_address;
    json_t *answer;
};

static void respond(void *context, struct server_response *response)
{
    struct fixture *fixture = context;
    struct targets_page *page;
    assert_int_equal(targets_page_new(response->request, fixture->own_address, &page), 0);
    targets_page_add_pool(page, "a \"pool\"", 2);
    targets_page_add_target(page, &fixture->target);
    targets_page_add_target(page, &fixture->target);
    targets_page_add_dropped(page, fixture->discovered);
    targets_page_add_pool(page, "b", 0);
    targets_page_write(page, response);
    targets_page_free(&page);
}

static struct server_route routes[] = {{"GET", "/api/v1/targets", respond, NULL}};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(http_client_new(fixture->loop, "test", &fixture->http), 0);
    routes[0].context = fixture;
    assert_int_equal(server_new(fixture->loop, NULL, "127.0.0.1:0", routes, 1, &fixture->server),
                     0);
    http_config_init(&fixture->config);
    fixture->discovered = make_labels("__address__", "h:1", "x", "\"\\\n\xc3\xbc", NULL);
    fixture->labels = make_labels("instance", "h:1", NULL);
    fixture->own_address = "0.0.0.0:9595";
    fixture->target = (struct shown_target){
        .discovered = fixture->discovered,
        .labels = fixture->labels,
        .pool = "a \"pool\"",
        .url = "http://127.0.0.1:9100/metrics?a=b",
        .error = "",
        .health = "unknown",
        .interval = "1m30s",
        .timeout = "10s",
    };
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    server_free(&fixture->server);
    http_client_free(&fixture->http);
    loop_free(&fixture->loop);
    free(fixture->discovered);
    free(fixture->labels);
    json_decref(fixture->answer);
    free(fixture);
    return 0;
}

static void on_done(void *context, const struct http_response *response)
{
    struct fixture *fixture = context;
    json_error_t error;
    assert_int_equal(response->status, 200);
    assert_string_equal(response->content_type, "application/json");
    json_decref(fixture->answer);
    fixture->answer = json_loadb(response->body.bytes, response->body.length, 0, &error);
    if (!fixture->answer)
        fail_msg("%s", error.text);
    loop_stop(fixture->loop);
}

static json_t *fetch(struct fixture *fixture, const char *query)
{
    char url[256];
    struct http_call *call;
    snprintf(url, sizeof(url), "http://%s/api/v1/targets%s", server_address(fixture->server),
             query);
    struct http_request request = {
        .method = "GET",
        .url = url,
        .config = &fixture->config,
        .timeout_ns = 5 * NS_PER_SECOND,
        .max_response_bytes = 1 << 20,
        .on_done = on_done,
        .context = fixture,
    };
    assert_int_equal(http_client_start(fixture->http, &request, &call), 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_string_equal(json_string_value(json_object_get(fixture->answer, "status")), "success");
    return json_object_get(fixture->answer, "data");
}

static json_t *first_target(json_t *data)
{
    return json_array_get(json_object_get(data, "activeTargets"), 0);
}

static void assert_text(const json_t *object, const char *key, const char *expected)
{
    const char *value = json_string_value(json_object_get(object, key));
    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void test_all(void **state)
{
    struct fixture *fixture = *state;
    char host[256], global[300];
    json_t *data = fetch(fixture, "");
    json_t *target = first_target(data);
    assert_int_equal(json_array_size(json_object_get(data, "activeTargets")), 2);
    assert_int_equal(json_object_size(target), 11);
    assert_text(json_object_get(target, "discoveredLabels"), "x", "\"\\\n\xc3\xbc");
    assert_text(json_object_get(target, "labels"), "instance", "h:1");
    assert_text(target, "scrapePool", "a \"pool\"");
    assert_text(target, "scrapeUrl", "http://127.0.0.1:9100/metrics?a=b");
    gethostname(host, sizeof(host));
    snprintf(global, sizeof(global), "http://%s:9100/metrics?a=b", host);
    assert_text(target, "globalUrl", global);
    assert_text(target, "lastError", "");
    assert_text(target, "lastScrape", "0001-01-01T00:00:00Z");
    assert_true(json_number_value(json_object_get(target, "lastScrapeDuration")) == 0);
    assert_text(target, "health", "unknown");
    assert_text(target, "scrapeInterval", "1m30s");
    assert_text(target, "scrapeTimeout", "10s");
    json_t *dropped = json_object_get(data, "droppedTargets");
    assert_int_equal(json_array_size(dropped), 1);
    assert_text(json_object_get(json_array_get(dropped, 0), "discoveredLabels"), "__address__",
                "h:1");
    assert_text(json_array_get(dropped, 0), "scrapePool", "a \"pool\"");
    json_t *counts = json_object_get(data, "droppedTargetCounts");
    assert_int_equal(json_integer_value(json_object_get(counts, "a \"pool\"")), 2);
    assert_int_equal(json_integer_value(json_object_get(counts, "b")), 0);
}

static void test_scraped(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } times[] = {
        {INT64_C(1700000000123456789), "2023-11-14T22:13:20.123456789Z"},
        {INT64_C(1700000000120000000), "2023-11-14T22:13:20.12Z"},
        {INT64_C(1700000000000000000), "2023-11-14T22:13:20Z"},
    };
    struct fixture *fixture = *state;
    fixture->target.health = "down";
    fixture->target.error = "server returned HTTP status 500 \xff";
    fixture->target.last_scrape_seconds = 0.004388847;
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        fixture->target.last_scrape_ns = times[i].ns;
        json_t *target = first_target(fetch(fixture, ""));
        assert_text(target, "lastScrape", times[i].text);
        assert_text(target, "lastError", "server returned HTTP status 500 \xef\xbf\xbd");
        assert_true(json_number_value(json_object_get(target, "lastScrapeDuration")) ==
                    0.004388847);
    }
}

static void test_global_urls(void **state)
{
    static const struct {
        const char *url, *global; /* %s is the host's name */
    } cases[] = {
        {"https://localhost:1/x", "https://%s:1/x"},
        {"http://[::1]:1", "http://%s:1"},
        {"https://127.0.0.1:9595/metrics", "http://%s:9595/metrics"},
        {"http://127.0.0.1/metrics", "http://127.0.0.1/metrics"},
        {"http://10.0.0.1:9595/metrics", "http://10.0.0.1:9595/metrics"},
        {"http://[fd00::1]:1/", "http://[fd00::1]:1/"},
        {"http://host/a:b", "http://host/a:b"},
    };
    struct fixture *fixture = *state;
    char host[256], global[300];
    gethostname(host, sizeof(host));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *place = strstr(cases[i].global, "%s");
        fixture->target.url = cases[i].url;
        if (place)
            snprintf(global, sizeof(global), "%.*s%s%s", (int)(place - cases[i].global),
                     cases[i].global, host, place + 2);
        else
            snprintf(global, sizeof(global), "%s", cases[i].global);
        assert_text(first_target(fetch(fixture, "")), "globalUrl", global);
    }
}

static void test_choices(void **state)
{
    static const struct {
        const char *query;
        size_t active, dropped;
        bool counts;
    } cases[] = {
        {"?state=any", 2, 1, true},       {"?state=ANY", 2, 1, true},
        {"?state=", 2, 1, true},          {"?state=active", 2, 0, false},
        {"?state=dropped", 0, 1, true},   {"?state=other", 0, 0, false},
        {"?scrapePool=b", 0, 0, true},    {"?scrapePool=a%20%22pool%22&state=active", 2, 0, false},
        {"?scrapePool=none", 0, 0, true},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *data = fetch(fixture, cases[i].query);
        assert_int_equal(json_array_size(json_object_get(data, "activeTargets")), cases[i].active);
        assert_int_equal(json_array_size(json_object_get(data, "droppedTargets")),
                         cases[i].dropped);
        assert_int_equal(json_is_object(json_object_get(data, "droppedTargetCounts")),
                         cases[i].counts);
    }
}

#define PAGE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_all),
        PAGE_TEST(test_scraped),
        PAGE_TEST(test_global_urls),
        PAGE_TEST(test_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
