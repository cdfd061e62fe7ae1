/* SPDX-License-Identifier: Apache-2.0 */
/* http_sd_configs against a server on the same loop: what is asked, what reaches the sink, and that
 * a bad answer takes nothing away. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "discover/discoverer.h"
#include "http_server.h"
#include "metric_line.h"

#define INTERVAL_NS (100 * NS_PER_MS)
#define PATIENCE_NS (30 * NS_PER_SECOND)

struct fixture {
    struct target_sink sink; /* first: the sink is the fixture */
    struct loop *loop;
    struct loop_timer *deadline;
    struct http_client *client;
    struct metric_registry *metrics;
    struct server server;
    char *canned;
    char *shown; /* the URL as others see it */
    struct discoverer_config *config;
    struct discoverer *discoverer;
    struct buffer events; /* "+0 a:1 b:1{env=prod};" and "-0;" */
    const char *wanted;   /* events and */
    int asked;            /* requests that end a run */
    uint64_t end_ns;
    size_t synced;
};

static void check_asked(void *context)
{
    struct fixture *fixture = context;

    bool is_as_wanted = fixture->server.requests >= fixture->asked &&
                        strcmp(fixture->events.bytes, fixture->wanted) == 0;

    if (is_as_wanted || clock_monotonic_ns() > fixture->end_ns)
        loop_stop(fixture->loop);
    loop_timer_after(fixture->deadline, INTERVAL_NS / 10);
}

static void on_update(struct target_sink *sink, const struct target_group *group)
{
    struct fixture *fixture = (struct fixture *)sink;
    struct buffer *events = &fixture->events;
    size_t prefix = strlen(fixture->shown) + 1;

    assert_true(text_has_prefix(group->source, text_of(fixture->shown)));
    buffer_printf(events, "%c%.*s", group->target_count ? '+' : '-',
                  TEXT_FORMAT(text_behind(group->source, prefix)));
    for (size_t i = 0; i < group->target_count; i++)
        buffer_printf(events, " %.*s",
                      TEXT_FORMAT(labels_get(group->targets[i], TEXT("__address__"))));
    if (group->target_count) {
        struct text env = labels_get(group->labels, TEXT("env"));
        assert_true(
            text_equal(labels_get(group->labels, TEXT("__meta_url")), text_of(fixture->shown)));
        if (env.length)
            buffer_printf(events, "{env=%.*s}", TEXT_FORMAT(env));
    }
    buffer_append_char(events, ';');
}

static void on_synced(struct target_sink *sink)
{
    ((struct fixture *)sink)->synced++;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT); /* bad answers are logged as errors */
    fixture->sink = (struct target_sink){on_update, on_synced};
    buffer_init(&fixture->events, 1 << 16);
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    assert_int_equal(http_client_new(fixture->loop, "edgemeter/test", &fixture->client), 0);
    assert_int_equal(loop_timer_new(fixture->loop, check_asked, fixture, &fixture->deadline), 0);
    server_start(&fixture->server, fixture->loop);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    fixture->discoverer->free(fixture->discoverer);
    discoverer_config_release(&fixture->config);
    http_client_free(&fixture->client);
    server_stop(&fixture->server);
    loop_timer_free(&fixture->deadline);
    loop_free(&fixture->loop);
    metric_registry_free(&fixture->metrics);
    buffer_free(&fixture->events);
    free(fixture->canned);
    free(fixture->shown);
    free(fixture);
    return 0;
}

static void set_answer(struct fixture *fixture, const char *status, const char *type,
                       const char *body)
{
    free(fixture->canned);
    assert_true(asprintf(&fixture->canned,
                         "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                         type, strlen(body), body) > 0);
    fixture->server.canned = fixture->canned;
}

static void set_targets(struct fixture *fixture, const char *json)
{
    set_answer(fixture, "200 OK", "application/json", json);
}

static void start_every(struct fixture *fixture, uint64_t interval_ns)
{
    const struct discovery_environment environment = {
        .loop = fixture->loop,
        .http = fixture->client,
        .metrics = fixture->metrics,
    };
    struct discoverer_config *config = fixture->config = calloc(1, sizeof(*config));

    config->kind = DISCOVERER_HTTP;
    config->http.refresh_interval_ns = interval_ns;
    http_config_init(&config->http.http);
    assert_true(asprintf(&config->http.url, "http://edge:hidden@127.0.0.1:%d/canned",
                         fixture->server.port) > 0);
    assert_true(asprintf(&fixture->shown, "http://edge:xxxxx@127.0.0.1:%d/canned",
                         fixture->server.port) > 0);
    assert_int_equal(
        http_discoverer_new(&environment, config, &fixture->sink, &fixture->discoverer), 0);
    assert_int_equal(fixture->synced, 0);
}

/* A request that is not answered by then ends in favour of the next one, also where the process
 * stood still for so long. */
static void start(struct fixture *fixture)
{
    start_every(fixture, INTERVAL_NS);
}

/* All that reaches the sink until the server has been asked so often. */
static void expect_within(struct fixture *fixture, const char *wanted, int requests)
{
    buffer_clear(&fixture->events);
    buffer_append_string(&fixture->events, "");
    fixture->wanted = wanted;
    fixture->asked = requests;
    fixture->end_ns = clock_monotonic_ns() + PATIENCE_NS;
    loop_timer_after(fixture->deadline, 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_string_equal(fixture->events.bytes, wanted);
}

/* Three times more: the answer that was under way may be the one before, the last says that the
 * same is not taken again. */
static void expect(struct fixture *fixture, const char *wanted)
{
    expect_within(fixture, wanted, fixture->server.requests + 3);
}

static void test_request(void **state)
{
    struct fixture *fixture = *state;

    set_targets(fixture, "[{\"targets\": [\"a:1\", \"b:1\"]},"
                         " {\"targets\": [\"c:1\"], \"labels\": {\"env\": \"prod\"}}]");
    start_every(fixture, 3600 * NS_PER_SECOND);
    expect_within(fixture, "+0 a:1 b:1;+1 c:1{env=prod};", 1);
    assert_int_equal(fixture->synced, 1);
    assert_true(server_saw(&fixture->server, "GET /canned HTTP/1.1\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nAccept: application/json\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Basic ZWRnZTpoaWRkZW4=\r\n"));
    assert_true(
        server_saw(&fixture->server, "\r\nX-Prometheus-Refresh-Interval-Seconds: 3600\r\n"));
    assert_int_equal(metric_line(fixture->metrics, "prometheus_sd_http_failures_total"), 0);
}

static void test_targets(void **state)
{
    struct fixture *fixture = *state;

    set_targets(fixture, "[{\"targets\": [\"a:1\"]}, {\"targets\": [\"c:1\"]}]");
    start(fixture);
    expect(fixture, "+0 a:1;+1 c:1;");
    assert_int_equal(fixture->synced, 1);
    assert_true(server_saw(&fixture->server, "\r\nX-Prometheus-Refresh-Interval-Seconds: 0.1\r\n"));
    set_targets(fixture, "[{\"targets\": [\"d:1\"]}]");
    expect(fixture, "+0 d:1;-1;");
    set_targets(fixture, "[]");
    expect(fixture, "-0;");
    set_targets(fixture, "null");
    expect(fixture, "");
}

static void test_bad_answers(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *status, *type, *body;
    } bad[] = {
        {"500 No", "application/json", "[]"},
        {"204 No Content", "application/json", ""},
        {"203 Somebody Else's", "application/json", "[]"},
        {"200 OK", "text/plain", "[]"},
        {"200 OK", "application/json; charset=latin1", "[]"},
        {"200 OK", "application/jsonlines", "[]"},
        {"200 OK", "application/json, charset=utf-8", "[]"},
        {"200 OK", "application/json", "[{\"targets\": [\"a:1\"]"},
        {"200 OK", "application/json", "{\"targets\": [\"a:1\"]}"},
        {"200 OK", "application/json", "[null]"},
        {"200 OK", "application/json", "[{\"targets\": [1]}]"},
        {"200 OK", "application/json", "[{\"other\": []}]"},
    };
    int failures = 0;

    set_targets(fixture, "[{\"targets\": [\"a:1\"]}]");
    start(fixture);
    expect(fixture, "+0 a:1;");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        set_answer(fixture, bad[i].status, bad[i].type, bad[i].body);
        expect(fixture, "");
        int counted = (int)metric_line(fixture->metrics, "prometheus_sd_http_failures_total");
        assert_true(counted >= failures + 2); /* the last one is under way */
        failures = counted;
    }
    set_answer(fixture, "200 OK", "Application/JSON; charset=\"UTF-8\"",
               "[{\"targets\": [\"z:1\"]}]");
    expect(fixture, "+0 z:1;");
}

static int count_failures(struct fixture *fixture)
{
    expect_within(fixture, "", 0); /* a turn of the loop */
    return (int)metric_line(fixture->metrics, "prometheus_sd_http_failures_total");
}

static void test_a_bad_answer_is_one_failure(void **state)
{
    struct fixture *fixture = *state;

    set_answer(fixture, "500 No", "application/json", "[]");
    start_every(fixture, 3600 * NS_PER_SECOND);
    uint64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;
    while (count_failures(fixture) == 0 && clock_monotonic_ns() < end_ns)
        continue;
    for (int i = 0; i < 20; i++)
        assert_int_equal(count_failures(fixture), 1);
    assert_int_equal(fixture->server.requests, 1);
}

/* Targets of the discoverer before this one stay until the first answer that can be taken. */
static void test_first_answer_is_bad(void **state)
{
    struct fixture *fixture = *state;

    set_answer(fixture, "503 Busy", "text/plain", "");
    start(fixture);
    expect(fixture, "");
    assert_int_equal(fixture->synced, 0);
    set_targets(fixture, "[{\"targets\": [\"a:1\"]}]");
    expect(fixture, "+0 a:1;");
    assert_int_equal(fixture->synced, 1);
}

/* With nobody to answer, a request ends at the next one's time, and the next one is sent. */
static void test_silent_server(void **state)
{
    struct fixture *fixture = *state;

    fixture->server.canned = "";
    start(fixture);
    expect(fixture, "");
    assert_true(metric_line(fixture->metrics, "prometheus_sd_http_failures_total") >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_answer_is_one_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_answer_is_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_server, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
