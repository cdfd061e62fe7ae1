/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of base/http/http_client share: a loop, a client, a server, and the last answer.
 */
#ifndef EDGEMETER_TESTS_HTTP_FIXTURE_H
#define EDGEMETER_TESTS_HTTP_FIXTURE_H

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http/http_client.h"
#include "http_server.h"

struct fixture {
    struct loop *loop;
    struct loop_timer *timer;
    struct http_client *client;
    struct server server;
    struct http_config config;
    char url[256];

    int wanted; /* answers that end a run */
    int answers;
    int status;
    char error[1024]; /* "" where there was none */
    char content_type[128];
    int64_t retry_after_ms;
    struct buffer body;
    double duration_seconds;

    int pieces; /* the rest is of the tests with on_body */
    int abort_with;
    struct http_call *cancel_in_body;
    bool start_in_body;
};

static inline void on_time(void *context)
{
    struct fixture *fixture = context;
    loop_stop(fixture->loop);
}

static inline int http_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(loop_timer_new(fixture->loop, on_time, fixture, &fixture->timer), 0);
    assert_int_equal(http_client_new(fixture->loop, "edgemeter/test", &fixture->client), 0);
    server_start(&fixture->server, fixture->loop);
    http_config_init(&fixture->config);
    buffer_init(&fixture->body, 1 << 20);
    fixture->wanted = 1;
    *state = fixture;
    return 0;
}

static inline int http_teardown(void **state)
{
    struct fixture *fixture = *state;
    http_client_free(&fixture->client);
    server_stop(&fixture->server);
    loop_timer_free(&fixture->timer);
    loop_free(&fixture->loop);
    http_config_free(&fixture->config);
    buffer_free(&fixture->body);
    free(fixture);
    return 0;
}

static inline void on_done(void *context, const struct http_response *response)
{
    struct fixture *fixture = context;
    fixture->status = response->status;
    fixture->retry_after_ms = response->retry_after_ms;
    fixture->duration_seconds = response->duration_seconds;
    snprintf(fixture->error, sizeof(fixture->error), "%s", response->error ? response->error : "");
    snprintf(fixture->content_type, sizeof(fixture->content_type), "%s", response->content_type);
    buffer_clear(&fixture->body);
    assert_int_equal(buffer_append_text(&fixture->body, response->body), 0);
    if (++fixture->answers == fixture->wanted)
        loop_stop(fixture->loop);
}

static inline struct http_request request_for(struct fixture *fixture, const char *path)
{
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d%s", fixture->server.port,
             path);
    return (struct http_request){
        .method = "GET",
        .url = fixture->url,
        .config = &fixture->config,
        .timeout_ns = 60 * NS_PER_SECOND,
        .max_response_bytes = 1 << 20,
        .on_done = on_done,
        .context = fixture,
    };
}

static inline void run(struct fixture *fixture, unsigned limit_ms)
{
    loop_timer_after(fixture->timer, limit_ms * NS_PER_MS);
    assert_int_equal(loop_run(fixture->loop), 0);
    loop_timer_disarm(fixture->timer);
}

static inline void fetch(struct fixture *fixture, const struct http_request *request)
{
    struct http_call *call = NULL;
    fixture->answers = 0;
    assert_int_equal(http_client_start(fixture->client, request, &call), 0);
    assert_non_null(call);
    assert_int_equal(fixture->answers, 0);
    run(fixture, 120 * 1000);
    assert_int_equal(fixture->answers, 1);
}

static inline void fetch_path(struct fixture *fixture, const char *path)
{
    struct http_request request = request_for(fixture, path);
    fetch(fixture, &request);
}

static inline void assert_body(const struct fixture *fixture, const char *body)
{
    assert_string_equal(fixture->body.bytes, body);
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A proxy that the machine's environment names is none of the tests'. */
static inline void forget_proxies(void)
{
    static const char *const names[] = {"HTTP_PROXY",  "HTTPS_PROXY", "NO_PROXY",      "http_proxy",
                                        "https_proxy", "no_proxy",    "REQUEST_METHOD"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
}

/* As http_setup, but that calls take the way through libcurl, though it leads to an address. */
static inline int http_setup_libcurl(void **state)
{
    http_setup(state);
    forget_proxies();
    ((struct fixture *)*state)->config.proxy.from_environment = true;
    return 0;
}

/* Each test runs twice: there are two ways to a server. */
#define HTTP_TEST(name)                                                    \
    cmocka_unit_test_setup_teardown(name, http_setup, http_teardown),      \
    {                                                                      \
#name "_by_libcurl", name, http_setup_libcurl, http_teardown, NULL \
    }

#endif
