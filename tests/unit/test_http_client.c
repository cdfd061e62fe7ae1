/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_client against a small server: requests, responses, bodies, keep-alive,
 * cancelling. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "http_fixture.h"

/* ---- requests and responses ---- */

static int on_body(void *context, const char *bytes, size_t length)
{
    struct fixture *fixture = context;
    fixture->pieces++;
    assert_int_equal(buffer_append(&fixture->body, bytes, length), 0);
    http_call_cancel(&fixture->cancel_in_body);
    if (fixture->start_in_body) {
        struct http_request request = request_for(fixture, "/missing");
        struct http_call *call;
        fixture->start_in_body = false;
        assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    }
    return fixture->abort_with;
}

static void test_get(void **state)
{
    struct fixture *fixture = *state;
    fetch_path(fixture, "/echo");
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->status, 200);
    assert_body(fixture, "hello");
    assert_string_equal(fixture->content_type, "text/plain; version=0.0.4");
    assert_int_equal(fixture->retry_after_ms, -1);
    assert_true(fixture->duration_seconds > 0 && fixture->duration_seconds < 5);
    assert_true(server_saw(&fixture->server, "GET /echo HTTP/1.1\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nUser-Agent: edgemeter/test\r\n"));
    assert_false(server_saw(&fixture->server, "Accept-Encoding"));
    assert_false(server_saw(&fixture->server, "Authorization"));

    fetch_path(fixture, "/missing");
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->status, 404);
    assert_body(fixture, "gone");
    assert_string_equal(fixture->content_type, "");

    fetch_path(fixture, "/empty");
    assert_int_equal(fixture->status, 204);
    assert_body(fixture, "");
}

static void test_post(void **state)
{
    struct fixture *fixture = *state;
    static char big[1500000];
    const struct http_header headers[] = {
        {"Content-Type", "application/x-protobuf"}, {"X-Empty", ""}, {"X-Number", "7"}};
    struct http_request request = request_for(fixture, "/echo");
    request.method = "POST";
    request.body = "a\0b";
    request.body_length = 3;
    request.headers = headers;
    request.header_count = ARRAY_SIZE(headers);
    fetch(fixture, &request);
    assert_int_equal(fixture->status, 200);
    struct server *server = &fixture->server;
    assert_true(server_saw(server, "POST /echo HTTP/1.1\r\n"));
    assert_true(server_saw(server, "\r\nContent-Type: application/x-protobuf\r\n"));
    assert_true(server_saw(server, "\r\nX-Empty:\r\n"));
    assert_true(server_saw(server, "\r\nX-Number: 7\r\n"));
    assert_true(server_saw(server, "\r\nContent-Length: 3\r\n"));
    assert_memory_equal(server->last.bytes + server->last.length - 7, "\r\n\r\na\0b", 7);

    memset(big, 'b', sizeof(big)); /* libcurl would ask for 100 Continue from 1 MiB on */
    request.body = big;
    request.body_length = sizeof(big);
    request.header_count = 0;
    fetch(fixture, &request);
    assert_int_equal(fixture->status, 200);
    assert_true(server->last.length > sizeof(big));
    assert_false(server_saw(server, "Expect:"));
    assert_false(server_saw(server, "Content-Type:"));

    request.body = NULL;
    request.body_length = 0;
    fetch(fixture, &request);
    assert_int_equal(fixture->status, 200);
    assert_true(server_saw(server, "\r\nContent-Length: 0\r\n"));

    request.method = "PUT";
    struct http_call *call = NULL;
    assert_int_equal(http_client_start(fixture->client, &request, &call), -EINVAL);
}

static void test_config_headers(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.headers = calloc(1, sizeof(struct http_header));
    fixture->config.header_count = 1;
    fixture->config.headers[0] = (struct http_header){strdup("X-Scope-OrgID"), strdup("edge")};
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nX-Scope-OrgID: edge\r\n"));

    free(fixture->config.headers[0].value);
    fixture->config.headers[0].value = strdup("edge:"); /* also to where a redirect leads */
    fetch_path(fixture, "/to/302");
    assert_true(server_saw(&fixture->server, "GET /echo "));
    assert_true(server_saw(&fixture->server, "\r\nX-Scope-OrgID: edge:\r\n"));

    int requests = fixture->server.requests;
    free(fixture->config.headers[0].value);
    fixture->config.headers[0].value = strdup("a\r\nX-Injected: b");
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->status, 0);
    assert_non_null(strstr(fixture->error, "X-Scope-OrgID"));
    assert_null(strstr(fixture->error, "Injected"));
    assert_int_equal(fixture->server.requests, requests);
}

static void test_gzip(void **state)
{
    static const struct {
        const char *path;
        size_t length;
        const char *error; /* how it begins */
    } cases[] = {
        {"/gzip", 10000, ""},
        {"/gzip-capitals", 10000, ""},
        {"/gzip-members", 30000, ""},
        {"/gzip-piece", 32768, ""},
        {"/identity", 45, ""},
        {"/utf-8", 45, ""},
        {"/gzip-nothing", 0, "gzip body: ends too early"},
        {"/gzip-cut", 10000, "gzip body: ends too early"},
        {"/bad-gzip", 0, "gzip body: incorrect header check"},
        {"/zlib", 0, "gzip body: incorrect header check"},
        {"/gzip-chain", 0,
         "the response has a Content-Encoding that was not asked for: gzip, gzip"},
        {"/gzip-twice", 0, "the response has a Content-Encoding that was not asked for: gzip, and"},
        {"/deflate", 0,
         "the response has a Content-Encoding that was not asked for: utf-8, Deflate"},
        {"/brotli", 0, "the response has a Content-Encoding that was not asked for: br"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_request request = request_for(fixture, cases[i].path);
        request.accept_gzip = true;
        fetch(fixture, &request);
        assert_true(server_saw(&fixture->server, "\r\nAccept-Encoding: gzip\r\n"));
        if (strncmp(fixture->error, cases[i].error, strlen(cases[i].error)) ||
            !*fixture->error != !*cases[i].error)
            fail_msg("%s: \"%s\"", cases[i].path, fixture->error);
        assert_int_equal(fixture->body.length, cases[i].length);
    }
    fetch_path(fixture, "/gzip"); /* not asked for: taken as it is */
    assert_int_equal(fixture->body.length, GZIP_SIZE);

    struct http_request request = request_for(fixture, "/gzip");
    request.decode_gzip = true;
    fetch(fixture, &request);
    assert_false(server_saw(&fixture->server, "Accept-Encoding"));
    assert_int_equal(fixture->body.length, 10000);
}

static void test_gzip_limit(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/gzip");
    request.accept_gzip = true;
    request.max_response_bytes = 10000;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "");
    assert_int_equal(strspn(fixture->body.bytes, "z"), 10000);
    request.max_response_bytes = 9999; /* the decoded size counts, not the 45 bytes sent */
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "response body is larger than 9999 bytes");
}

/* ---- the head ---- */

struct heads {
    struct fixture *fixture;
    unsigned count;
    int status, refuse_with;
    char text[64], content_type[64];
    char final_text[64];
    bool too_large;
};

static int on_head(void *context, const struct http_head *head)
{
    struct heads *heads = context;
    heads->count++;
    heads->status = head->status;
    snprintf(heads->text, sizeof(heads->text), "%s", head->status_text);
    snprintf(heads->content_type, sizeof(heads->content_type), "%s", head->content_type);
    return heads->refuse_with;
}

static void on_done_with_head(void *context, const struct http_response *response)
{
    struct heads *heads = context;
    snprintf(heads->final_text, sizeof(heads->final_text), "%s", response->status_text);
    heads->too_large = response->too_large;
    on_done(heads->fixture, response);
}

static void test_head(void **state)
{
    struct fixture *fixture = *state;
    struct heads heads = {.fixture = fixture};
    struct http_request request = request_for(fixture, "/large");
    request.on_head = on_head;
    request.on_done = on_done_with_head;
    request.context = &heads;
    fetch(fixture, &request);
    assert_int_equal(heads.count, 1);
    assert_int_equal(heads.status, 200);
    assert_string_equal(heads.text, "200 OK");

    request = request_for(fixture, "/to/302"); /* that of the last response, not of the redirect */
    request.on_head = on_head;
    request.on_done = on_done_with_head;
    request.context = &heads;
    fetch(fixture, &request);
    assert_int_equal(heads.count, 2);
    assert_string_equal(heads.content_type, "text/plain; version=0.0.4");

    heads.refuse_with = -ENOSPC;
    request.max_response_bytes = 1;
    fetch(fixture, &request);
    assert_int_equal(heads.count, 3);
    assert_string_equal(fixture->error, "reading of the response stopped: No space left on device");
    assert_int_equal(fixture->body.length, 0);
    assert_false(heads.too_large);
    heads.refuse_with = 0;
    fetch(fixture, &request);
    assert_true(heads.too_large);

    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d/empty", fixture->server.port);
    fetch(fixture, &request);
    assert_int_equal(heads.count, 4); /* no body, no head */
    assert_string_equal(heads.final_text, "204 No Content");
}

static void test_body_limit(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/echo");
    request.max_response_bytes = 5;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "");
    assert_body(fixture, "hello");
    request.max_response_bytes = 4;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "response body is larger than 4 bytes");
    assert_int_equal(fixture->status, 200);
    assert_body(fixture, "hell");
    request = request_for(fixture, "/large");
    request.max_response_bytes = 47999;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "response body is larger than 47999 bytes");
    request.on_body = on_body;
    buffer_clear(&fixture->body);
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "response body is larger than 47999 bytes");
    request = request_for(fixture, "/empty");
    request.max_response_bytes = 0;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "");
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *path;
        int64_t expected;
    } cases[] = {
        {"/retry/7", 7000},  {"/retry/0", 0},
        {"/retry/soon", -1}, {"/retry/-5", -1},
        {"/retry/1.5x", -1}, {"/retry/99999999999999999999", INT64_MAX / 1000 * 1000},
        {"/echo", -1},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fetch_path(fixture, cases[i].path);
        if (fixture->retry_after_ms != cases[i].expected)
            fail_msg("%s: %lld", cases[i].path, (long long)fixture->retry_after_ms);
    }
    fetch_path(fixture, "/retry-date");
    assert_int_equal(fixture->status, 503);
    assert_in_range(fixture->retry_after_ms, 95000, 100000);
    fetch_path(fixture, "/retry/Wed,%2021%20Oct%202015%2007:28:00%20GMT");
    assert_int_equal(fixture->retry_after_ms, -1); /* not decoded: no date */
}

/* ---- connections and concurrency ---- */

static void test_keep_alive(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 10; i++)
        fetch_path(fixture, "/echo");
    assert_int_equal(fixture->server.requests, 10);
    assert_int_equal(fixture->server.accepted, 1);

    /* A server that closed the idle connection costs a new one, and no error. */
    for (int i = 0; i < CONNECTIONS; i++) {
        if (fixture->server.connections[i].fd >= 0)
            connection_close(&fixture->server, &fixture->server.connections[i]);
    }
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->status, 200);
    assert_int_equal(fixture->server.accepted, 2);
}

static void test_many_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/echo");
    for (int round = 0; round < 3; round++) {
        fixture->answers = 0;
        fixture->wanted = 20;
        for (int i = 0; i < 20; i++) {
            struct http_call *call;
            assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
        }
        run(fixture, 120 * 1000);
        assert_int_equal(fixture->answers, 20);
    }
    assert_int_equal(fixture->server.requests, 60);
    assert_true(fixture->server.accepted <= 20);
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
    struct fixture *fixture = *state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    fetch_path(fixture, "/echo");
    unsetenv("http_proxy");
    assert_int_equal(fixture->status, 200);
}

/* ---- bodies piece by piece, cancelling ---- */

static void on_done_without_body(void *context, const struct http_response *response)
{
    struct fixture *fixture = context;
    struct http_response without = *response;
    assert_int_equal(response->body.length, 0);
    without.body = TEXT("");
    if (fixture->body.length)
        without.body = TEXT("taken");
    on_done(context, &without);
}

static void test_on_body(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/echo");
    request.on_body = on_body;
    request.on_done = on_done_without_body;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "");
    assert_true(fixture->pieces > 0);
    assert_body(fixture, "taken");

    fixture->abort_with = -ENOSPC;
    fetch(fixture, &request);
    assert_string_equal(fixture->error,
                        "reading of the response body stopped: No space left on device");

    fixture->abort_with = 0;
    fixture->pieces = 0;
    request.max_response_bytes = 4;
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "response body is larger than 4 bytes");
    assert_int_equal(fixture->pieces, 0);
}

static void test_cancel(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/silent");
    struct http_call *call = NULL;
    for (int i = 0; i < 2; i++) { /* before anything was sent; while waiting */
        assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
        if (i == 1)
            run(fixture, 250);
        http_call_cancel(&call);
        assert_null(call);
        http_call_cancel(&call);
        run(fixture, 50);
        assert_int_equal(fixture->answers, 0);
    }
    assert_int_equal(fixture->server.requests, 1);
    /* One that failed before it reached the network. */
    fixture->config.authorization.credentials_file = strdup("/nonexistent");
    assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    http_call_cancel(&call);
    run(fixture, 50);
    assert_int_equal(fixture->answers, 0);
}

/* libcurl is on the stack while on_body runs; the client may be used all the same. */
static void test_cancel_and_start_inside_on_body(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/large");
    request.on_body = on_body;
    assert_int_equal(http_client_start(fixture->client, &request, &fixture->cancel_in_body), 0);
    for (int i = 0; i < 100 && !fixture->pieces; i++)
        run(fixture, 20);
    run(fixture, 50);
    assert_int_equal(fixture->pieces, 1);
    assert_int_equal(fixture->answers, 0);

    fixture->start_in_body = true;
    struct http_request silent = request_for(fixture, "/silent");
    assert_int_equal(http_client_start(fixture->client, &silent, &fixture->cancel_in_body), 0);
    run(fixture, 50);
    struct http_request again = request_for(fixture, "/echo");
    again.on_body = on_body;
    struct http_call *call;
    fixture->wanted = 2;
    assert_int_equal(http_client_start(fixture->client, &again, &call), 0);
    run(fixture, 2000);
    assert_int_equal(fixture->answers, 2);
    assert_int_equal(fixture->status, 404);
    assert_null(fixture->cancel_in_body);
}

/* on_done starts the next call and cancels another; the client is freed with calls running. */
static struct http_call *victim;

static void on_done_goes_on(void *context, const struct http_response *response)
{
    struct fixture *fixture = context;
    struct http_request request = request_for(fixture, "/echo");
    struct http_call *call;
    assert_int_equal(response->status, 200);
    http_call_cancel(&victim);
    if (++fixture->answers == 5) {
        loop_stop(fixture->loop);
        return;
    }
    request.on_done = on_done_goes_on;
    assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
}

static void test_calls_from_on_done(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/silent");
    struct http_call *call;
    assert_int_equal(http_client_start(fixture->client, &request, &victim), 0);
    assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    request = request_for(fixture, "/echo");
    request.on_done = on_done_goes_on;
    assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    run(fixture, 2000);
    assert_int_equal(fixture->answers, 5);
    assert_null(victim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_get),
        HTTP_TEST(test_post),
        HTTP_TEST(test_config_headers),
        HTTP_TEST(test_gzip),
        HTTP_TEST(test_gzip_limit),
        HTTP_TEST(test_head),
        HTTP_TEST(test_body_limit),
        HTTP_TEST(test_retry_after),
        HTTP_TEST(test_keep_alive),
        HTTP_TEST(test_many_at_once),
        HTTP_TEST(test_proxy_of_the_environment_is_ignored),
        HTTP_TEST(test_on_body),
        HTTP_TEST(test_cancel),
        HTTP_TEST(test_cancel_and_start_inside_on_body),
        HTTP_TEST(test_calls_from_on_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
