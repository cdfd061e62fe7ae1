/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_oauth2: tokens are fetched, shared, kept and renewed; a token that cannot be had fails
 * the calls that need it. And http_headers, which are the other way to bring one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_fixture.h"

static void use_oauth2(struct fixture *fixture, const char *path)
{
    char url[64];
    struct http_oauth2_config *oauth2 = calloc(1, sizeof(*oauth2));
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", fixture->server.port, path);
    oauth2->client_id = strdup("id");
    oauth2->client_secret = strdup("s&t");
    oauth2->token_url = strdup(url);
    fixture->config.oauth2 = oauth2;
}

static void test_token(void **state)
{
    struct fixture *fixture = *state;
    use_oauth2(fixture, "/token");
    struct http_oauth2_config *oauth2 = fixture->config.oauth2;
    oauth2->scopes = calloc(2, sizeof(char *));
    oauth2->scopes[0] = strdup("one");
    oauth2->scopes[1] = strdup("t/wo");
    oauth2->scope_count = 2;
    oauth2->endpoint_params = calloc(1, sizeof(struct http_header));
    oauth2->endpoint_params[0] = (struct http_header){strdup("audience"), strdup("a b")};
    oauth2->endpoint_param_count = 1;

    struct http_request request = request_for(fixture, "/silent");
    struct http_call *call;
    assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    while (fixture->server.requests < 2)
        run(fixture, 10);
    http_call_cancel(&call);
    assert_true(server_saw(&fixture->server, "GET /silent HTTP/1.1\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Bearer t1\r\n"));

    fetch_path(fixture, "/echo"); /* with the token that is there */
    assert_int_equal(fixture->status, 200);
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Bearer t1\r\n"));
    assert_int_equal(fixture->server.requests, 3);
}

static void test_token_request(void **state)
{
    struct fixture *fixture = *state;
    use_oauth2(fixture, "/token-none"); /* so that it is the last request seen */
    fixture->config.oauth2->scopes = calloc(2, sizeof(char *));
    fixture->config.oauth2->scopes[0] = strdup("one");
    fixture->config.oauth2->scopes[1] = strdup("t/wo");
    fixture->config.oauth2->scope_count = 2;
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "POST /token-none HTTP/1.1\r\n"));
    assert_true(
        server_saw(&fixture->server, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_true(server_saw(&fixture->server, "grant_type=client_credentials&scope=one%20t%2Fwo"));
    assert_string_equal(fixture->error, "oauth2: token_url: the response has no access_token");
    assert_int_equal(fixture->status, 0);
}

static void test_schemes_and_life(void **state)
{
    static const struct {
        const char *path, *header;
        unsigned requests; /* for three calls */
    } cases[] = {
        {"/token", "\r\nAuthorization: Bearer t1\r\n", 4},
        {"/token-for-ever", "\r\nAuthorization: Bearer t2\r\n", 4},
        {"/token-short", "\r\nAuthorization: Bearer t3\r\n", 6}, /* over before it is kept */
        {"/token-mac", "\r\nAuthorization: MAC t4\r\n", 4},
        {"/token-form", "\r\nAuthorization: Bearer t5\r\n", 5},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned before = fixture->server.requests;
        http_config_free(&fixture->config);
        use_oauth2(fixture, cases[i].path);
        for (int k = 0; k < 3; k++) {
            fetch_path(fixture, "/echo");
            assert_string_equal(fixture->error, "");
            assert_true(server_saw(&fixture->server, cases[i].header));
        }
        if (fixture->server.requests - before != cases[i].requests)
            fail_msg("%s: %u requests", cases[i].path, fixture->server.requests - before);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *path, *error;
    } cases[] = {
        {"/token-none", "oauth2: token_url: the response has no access_token"},
        {"/token-broken", "oauth2: token_url: the response is not JSON"},
        {"/missing", "oauth2: token_url: server returned HTTP status 404 Not Found"},
        {"/close", "oauth2: token_url: 127.0.0.1:"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        http_config_free(&fixture->config);
        use_oauth2(fixture, cases[i].path);
        fetch_path(fixture, "/echo");
        if (strncmp(fixture->error, cases[i].error, strlen(cases[i].error)))
            fail_msg("%s: \"%s\"", cases[i].path, fixture->error);
        assert_null(strstr(fixture->error, "s&t"));
        assert_false(server_saw(&fixture->server, "GET /echo"));
    }
    http_config_free(&fixture->config);
    use_oauth2(fixture, "/token");
    free(fixture->config.oauth2->client_secret);
    fixture->config.oauth2->client_secret = NULL;
    fixture->config.oauth2->client_secret_file = strdup("/nonexistent");
    fetch_path(fixture, "/echo");
    assert_string_equal(fixture->error,
                        "oauth2 client_secret_file /nonexistent: No such file or directory");
}

/* Many calls, one token request. */
static void test_shared(void **state)
{
    struct fixture *fixture = *state;
    use_oauth2(fixture, "/token");
    struct http_request request = request_for(fixture, "/echo");
    fixture->wanted = 20;
    for (int i = 0; i < 20; i++) {
        struct http_call *call;
        assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    }
    run(fixture, 8000);
    assert_int_equal(fixture->answers, 20);
    assert_int_equal(fixture->status, 200);
    assert_int_equal(fixture->server.requests, 21);
}

static void test_timeout(void **state)
{
    struct fixture *fixture = *state;
    use_oauth2(fixture, "/silent");
    struct http_request request = request_for(fixture, "/echo");
    struct http_call *slow, *quick;
    request.timeout_ns = 60 * NS_PER_SECOND;
    assert_int_equal(http_client_start(fixture->client, &request, &slow), 0);
    request.timeout_ns = 100 * NS_PER_MS;
    assert_int_equal(http_client_start(fixture->client, &request, &quick), 0);
    run(fixture, 8000);
    assert_int_equal(fixture->answers, 1);
    assert_string_equal(fixture->error, "timed out after 0.1s while waiting for an oauth2 token");
    http_call_cancel(&slow);
    run(fixture, 50);
    assert_int_equal(fixture->answers, 1);
}

/* Calls that wait are cancelled, and the client goes while some wait. */
static void test_cancel(void **state)
{
    struct fixture *fixture = *state;
    use_oauth2(fixture, "/token");
    struct http_request request = request_for(fixture, "/echo");
    struct http_call *calls[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(http_client_start(fixture->client, &request, &calls[i]), 0);
    http_call_cancel(&calls[0]);
    http_call_cancel(&calls[2]);
    run(fixture, 8000);
    assert_int_equal(fixture->answers, 1);
    run(fixture, 50);
    assert_int_equal(fixture->answers, 1);
    http_config_free(&fixture->config);
    use_oauth2(fixture, "/silent");
    for (int i = 0; i < 3; i++)
        assert_int_equal(http_client_start(fixture->client, &request, &calls[i]), 0);
    run(fixture, 50);
}

/* A new secret in the file is a new token. */
static void test_rotated_secret(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/test_oauth2_XXXXXX";
    close(mkstemp(path));
    use_oauth2(fixture, "/token");
    free(fixture->config.oauth2->client_secret);
    fixture->config.oauth2->client_secret = NULL;
    fixture->config.oauth2->client_secret_file = strdup(path);
    write_file(path, "one\n");
    fetch_path(fixture, "/echo");
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->server.requests, 3);
    write_file(path, "two\n");
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->server.requests, 5);
    unlink(path);
}

static void test_http_headers(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/test_headers_XXXXXX";
    close(mkstemp(path));
    write_file(path, " from a file\n");
    struct http_config *config = &fixture->config;
    config->extra_headers = calloc(3, sizeof(struct http_extra_header));
    config->extra_header_count = 3;
    config->extra_headers[0] =
        (struct http_extra_header){.name = strdup("X-A"), .value = strdup("one")};
    config->extra_headers[1] =
        (struct http_extra_header){.name = strdup("X-A"), .value = strdup("")};
    config->extra_headers[2] =
        (struct http_extra_header){.name = strdup("X-B"), .file = strdup(path)};
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nX-A: one\r\nX-A:\r\nX-B: from a file\r\n"));
    write_file(path, "a\nb");
    fetch_path(fixture, "/echo");
    assert_string_equal(fixture->error,
                        "header X-B: a name or value with a line break or separator");
    unlink(path);
    fetch_path(fixture, "/echo");
    assert_non_null(strstr(fixture->error, "http_headers file /tmp/test_headers_"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_token),  HTTP_TEST(test_token_request),  HTTP_TEST(test_schemes_and_life),
        HTTP_TEST(test_faults), HTTP_TEST(test_shared),         HTTP_TEST(test_timeout),
        HTTP_TEST(test_cancel), HTTP_TEST(test_rotated_secret), HTTP_TEST(test_http_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
