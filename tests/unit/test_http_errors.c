/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_client where something is in the way: secrets and their files, failures and their
 * words, redirects. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "http_fixture.h"

/* A name look-up that hangs, and one that fails: libcurl's calls arrive here, not in libc. */
typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);

/* Whether the name server of slow.test keeps its answers, and how many wait for them. */
static atomic_bool name_server_is_silent;
static atomic_int look_ups;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    if (node && strcmp(node, "slow.test") == 0) {
        atomic_fetch_add(&look_ups, 1);
        while (atomic_load(&name_server_is_silent))
            usleep(1000);
        atomic_fetch_sub(&look_ups, 1);
        return EAI_NONAME;
    }
    if (node && strcmp(node, "absent.test") == 0)
        return EAI_NONAME;
    getaddrinfo_fn real = (getaddrinfo_fn)dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, out);
}

/* ---- authentication ---- */

static void test_basic_auth(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.basic_auth.username = strdup("user");
    fixture->config.basic_auth.password = strdup("pass:word");
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"));
}

static void test_basic_auth_files(void **state)
{
    struct fixture *fixture = *state;
    char name[] = "/tmp/test_http_XXXXXX", word[] = "/tmp/test_http_XXXXXX";
    close(mkstemp(name));
    close(mkstemp(word));
    write_file(name, "user\n");
    write_file(word, "pass:word\r\n");
    fixture->config.basic_auth.username_file = strdup(name);
    fixture->config.basic_auth.password_file = strdup(word);
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"));
    unlink(word);
    unlink(name);
}

static void test_authorization(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.authorization.credentials = strdup("s3cret");
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Bearer s3cret\r\n"));
    fixture->config.authorization.type = strdup("Token");
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Token s3cret\r\n"));
}

static void test_credentials_file_is_read_each_time(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/test_http_XXXXXX";
    char expected[128];
    close(mkstemp(path));
    fixture->config.authorization.credentials_file = strdup(path);
    write_file(path, "first\n");
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Bearer first\r\n"));
    write_file(path, "second");
    fetch_path(fixture, "/echo");
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Bearer second\r\n"));

    write_file(path, "top-secret\r\nX-Injected: b");
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->status, 0);
    assert_null(strstr(fixture->error, "top-secret"));
    unlink(path);
    fetch_path(fixture, "/echo");
    snprintf(expected, sizeof(expected),
             "authorization credentials_file %s: No such file or directory", path);
    assert_string_equal(fixture->error, expected);
    assert_int_equal(fixture->status, 0);
    assert_int_equal(fixture->server.requests, 2);
}

/* ---- failures ---- */

static int closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    close(fd);
    return ntohs(address.sin_port);
}

static void test_connection_refused(void **state)
{
    struct fixture *fixture = *state;
    char expected[128];
    struct http_request request = request_for(fixture, "/");
    int port = closed_port();
    snprintf(fixture->url, sizeof(fixture->url), "http://user:s3cret@127.0.0.1:%d/x", port);
    snprintf(expected, sizeof(expected), "dial 127.0.0.1:%d: connection refused", port);
    fetch(fixture, &request);
    assert_string_equal(fixture->error, expected);
    assert_int_equal(fixture->status, 0);
    assert_body(fixture, "");
}

static void test_errors(void **state)
{
    static const struct {
        const char *url; /* a path: on our server */
        const char *error;
    } cases[] = {
        {"http://absent.test:81/", "dial absent.test:81: no such host"},
        {"/close", "closed the connection without a response"},
        {"/cut-head", "closed the connection without a response"},
        {"/cut", "closed the connection within the response"},
        {"/circle", "stopped after 10 redirects"},
        {"/to-file", "the URL's scheme must be http or https"},
        {"file:///etc/passwd", "the URL's scheme must be http or https"},
        {"ftp://127.0.0.1/", "the URL's scheme must be http or https"},
        {"http://s3cret@127.0.0.1:99999/", "malformed URL"},
        {"", "malformed URL"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_request request = request_for(fixture, cases[i].url);
        if (cases[i].url[0] != '/') {
            request.url = cases[i].url;
            fixture->config.proxy.from_environment = false; /* libcurl's business anyway */
        }
        fetch(fixture, &request);
        if (!strstr(fixture->error, cases[i].error) || strstr(fixture->error, "s3cret"))
            fail_msg("%s: %s", cases[i].url, fixture->error);
        assert_int_equal(fixture->status, strcmp(cases[i].url, "/cut") == 0 ? 200 : 0);
    }
}

static void test_timeouts(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *error;
    } cases[] = {
        {"/silent", 0, "timed out after 1s while waiting for a response of 127.0.0.1:"},
        {"/half", 200, "timed out after 1s while reading the response of 127.0.0.1:"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_request request = request_for(fixture, cases[i].path);
        request.timeout_ns = NS_PER_SECOND;
        fetch(fixture, &request);
        assert_memory_equal(fixture->error, cases[i].error, strlen(cases[i].error));
        assert_int_equal(fixture->status, cases[i].status);
        assert_true(fixture->duration_seconds > 0.995 && fixture->duration_seconds < 30);
    }
}

/* Neither a time-out nor a cancel waits for a name server that does not answer. */
static void test_slow_name_lookup(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "/");
    struct http_call *call = NULL;
    atomic_store(&name_server_is_silent, true);
    request.url = "http://slow.test/";
    request.timeout_ns = 100 * NS_PER_MS;
    fetch(fixture, &request);
    assert_non_null(
        strstr(fixture->error, "timed out after 100ms while connecting to slow.test:80"));
    request.timeout_ns = 3600 * NS_PER_SECOND;
    assert_int_equal(http_client_start(fixture->client, &request, &call), 0);
    run(fixture, 20);
    http_call_cancel(&call);
    atomic_store(&name_server_is_silent, false);
    run(fixture, 100); /* the look-ups end without us */
    while (atomic_load(&look_ups))
        run(fixture, 10);
}

/* ---- redirects ---- */

static void test_redirects(void **state)
{
    struct fixture *fixture = *state;
    fetch_path(fixture, "/to/301");
    assert_int_equal(fixture->status, 200);
    assert_body(fixture, "hello");
    /* libcurl, which follows redirects, begins anew. */
    unsigned again = fixture->config.proxy.from_environment ? 0 : 1;
    assert_int_equal(fixture->server.requests, 2 + again);

    struct http_request request = request_for(fixture, "/to/307");
    request.method = "POST";
    request.body = "again";
    request.body_length = 5;
    fetch(fixture, &request);
    assert_int_equal(fixture->status, 200);
    assert_true(server_saw(&fixture->server, "POST /echo"));
    assert_true(server_saw(&fixture->server, "\r\n\r\nagain"));

    fixture->config.follow_redirects = false;
    fetch_path(fixture, "/to/302");
    assert_int_equal(fixture->status, 302);
    assert_string_equal(fixture->error, "");
    assert_body(fixture, "moved");
    assert_int_equal(fixture->server.requests, 5 + 2 * again);
}

/* It would go on as a GET without its body, and any page's 200 would pass for the body's. */
static void test_a_post_is_not_turned_into_a_get(void **state)
{
    static const char *const paths[] = {"/to/301", "/to/302", "/to/303"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct http_request request = request_for(fixture, paths[i]);
        request.method = "POST";
        request.body = "all";
        request.body_length = 3;
        fetch(fixture, &request);
        assert_int_equal(fixture->status, 301 + (int)i);
        assert_string_equal(fixture->error, "");
        assert_body(fixture, "moved");
    }
    assert_int_equal(fixture->server.requests, 3);
}

static void test_credentials_stay_with_their_host(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.authorization.credentials = strdup("s3cret");
    fetch_path(fixture, "/to/302");
    assert_true(server_saw(&fixture->server, "s3cret"));
    fetch_path(fixture, "/elsewhere");
    assert_int_equal(fixture->status, 200);
    assert_true(server_saw(&fixture->server, "\r\nHost: localhost:"));
    assert_false(server_saw(&fixture->server, "Authorization"));

    http_config_free(&fixture->config);
    fixture->config.basic_auth.username = strdup("u");
    fixture->config.basic_auth.password = strdup("p");
    fetch_path(fixture, "/to/302");
    assert_true(server_saw(&fixture->server, "Authorization"));
    fetch_path(fixture, "/elsewhere");
    assert_true(server_saw(&fixture->server, "\r\nHost: localhost:"));
    assert_false(server_saw(&fixture->server, "Authorization"));
}

static void test_url_redacted(void **state)
{
    static const struct {
        const char *url;
        const char *redacted;
    } cases[] = {
        {"http://a:1/b", "http://a:1/b"},
        {"http://a", "http://a"},
        {"http://user@a/b", "http://user@a/b"},
        {"http://user:pass@a/b?c=d", "http://user:xxxxx@a/b?c=d"},
        {"https://u:p%40x@[::1]:9/", "https://u:xxxxx@[::1]:9/"},
        {"http://u:p@a:99999/", "<malformed URL>"},
        {"no url at all", "no url at all"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        autofree char *redacted = http_url_redacted(cases[i].url);
        assert_string_equal(redacted, cases[i].redacted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_basic_auth),
        HTTP_TEST(test_basic_auth_files),
        HTTP_TEST(test_authorization),
        HTTP_TEST(test_credentials_file_is_read_each_time),
        HTTP_TEST(test_connection_refused),
        HTTP_TEST(test_errors),
        HTTP_TEST(test_timeouts),
        HTTP_TEST(test_slow_name_lookup),
        HTTP_TEST(test_redirects),
        HTTP_TEST(test_a_post_is_not_turned_into_a_get),
        HTTP_TEST(test_credentials_stay_with_their_host),
        cmocka_unit_test(test_url_redacted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
