/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_proxy: which requests take a proxy, by the rules of Go's httpproxy, and that they do.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/http/http_proxy.h"
#include "http_fixture.h"

static void test_excludes(void **state)
{
    static const struct {
        const char *list, *host, *port;
        bool excluded;
    } cases[] = {
        {"", "foo.com", "80", false},
        {" , ,", "foo.com", "80", false},
        {"*", "foo.com", "80", true},
        {"a,*", "1.2.3.4", "80", true},
        {"foo.com", "foo.com", "80", true},
        {"foo.com", "FOO.com", "80", true},
        {"foo.com", "bar.foo.com", "80", true},
        {"foo.com", "barfoo.com", "80", false},
        {"foo.com", "foo.com.org", "80", false},
        {"foo.com", "com", "80", false},
        {".foo.com", "foo.com", "80", false},
        {".foo.com", "bar.foo.com", "80", true},
        {"*.foo.com", "bar.foo.com", "80", true},
        {"*.foo.com", "foo.com", "80", false},
        {"foo.com:80", "foo.com", "80", true},
        {"foo.com:80", "foo.com", "443", false},
        {"foo.com:80", "a.foo.com", "80", true},
        {" foo.com , bar.com ", "bar.com", "80", true},
        {"10.0.0.1", "10.0.0.1", "80", true},
        {"10.0.0.1", "10.0.0.2", "80", false},
        {"10.0.0.1:80", "10.0.0.1", "80", true},
        {"10.0.0.1:80", "10.0.0.1", "81", false},
        {"10.0.0.0/8", "10.255.1.1", "80", true},
        {"10.0.0.0/8", "11.0.0.1", "80", false},
        {"10.128.0.0/9", "10.127.255.255", "80", false},
        {"10.128.0.0/9", "10.128.0.0", "80", true},
        {"0.0.0.0/0", "8.8.8.8", "80", true},
        {"0.0.0.0/0", "fd00::1", "80", false},
        {"0.0.0.0/0", "foo.com", "80", false},
        {"10.0.0.0/33", "10.0.0.1", "80", false},
        {"10.0.0.0/", "10.0.0.1", "80", false},
        {"fd00::/8", "fd12::1", "80", true},
        {"fd00::/8", "fe80::1", "80", false},
        {"fd00::1", "fd00::1", "80", true},
        {"fd00::1", "fd00:0::1", "80", true},
        {"[fd00::1]:80", "fd00::1", "80", true},
        {"[fd00::1]:80", "fd00::1", "81", false},
        {"::ffff:10.0.0.1", "10.0.0.1", "80", true},
        {":80", "foo.com", "80", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (http_proxy_excludes(cases[i].list, cases[i].host, cases[i].port) != cases[i].excluded)
            fail_msg("\"%s\" and %s:%s", cases[i].list, cases[i].host, cases[i].port);
}

static void test_choose(void **state)
{
    static const struct {
        struct http_proxy_config config;
        const char *url;
        const char *proxy; /* NULL: none */
    } cases[] = {
        {{0}, "http://foo.com/", NULL},
        {{.url = ""}, "http://foo.com/", NULL},
        {{.url = "http://p:1"}, "http://foo.com/", "http://p:1"},
        {{.url = "http://p:1"}, "https://foo.com/", "http://p:1"},
        {{.url = "socks5://p:1"}, "http://foo.com/", "socks5://p:1"},
        {{.url = "http://p:1"}, "http://127.0.0.1:9100/", "http://p:1"},
        {{.url = "http://p:1"}, "http://localhost/", "http://p:1"},
        {{.url = "http://p:1", .no_proxy = "bar.com"}, "http://foo.com/", "http://p:1"},
        {{.url = "http://p:1", .no_proxy = "foo.com"}, "http://foo.com/", NULL},
        {{.url = "http://p:1", .no_proxy = "foo.com:443"}, "https://foo.com/", NULL},
        {{.url = "http://p:1", .no_proxy = "foo.com:443"}, "http://foo.com/", "http://p:1"},
        {{.url = "http://p:1", .no_proxy = "bar.com"}, "http://127.0.0.1:9100/", NULL},
        {{.url = "http://p:1", .no_proxy = "bar.com"}, "http://127.9.9.9/", NULL},
        {{.url = "http://p:1", .no_proxy = "bar.com"}, "http://[::1]:9100/", NULL},
        {{.url = "http://p:1", .no_proxy = "bar.com"}, "http://localhost:9100/", NULL},
        {{.url = "http://p:1", .no_proxy = "fd00::/8"}, "http://[fd00::2]:9100/", NULL},
        {{.from_environment = true}, "http://foo.com/", "http://p:8080"},
        {{.from_environment = true}, "https://foo.com/", "https://q:8443"},
        {{.from_environment = true}, "http://in.example/", NULL},
        {{.from_environment = true}, "http://127.0.0.1/", NULL},
    };
    (void)state;
    forget_proxies();
    setenv("HTTP_PROXY", "p:8080", 1);
    setenv("http_proxy", "wrong:1", 1);
    setenv("https_proxy", "https://q:8443", 1);
    setenv("NO_PROXY", "in.example", 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        autofree char *proxy = NULL;
        assert_int_equal(http_proxy_choose(&cases[i].config, cases[i].url, &proxy), 0);
        if (!cases[i].proxy != !proxy || (proxy && strcmp(proxy, cases[i].proxy)))
            fail_msg("case %zu, %s: %s", i, cases[i].url, proxy ? proxy : "none");
    }
    char *proxy;
    const struct http_proxy_config environment = {.from_environment = true};
    setenv("REQUEST_METHOD", "GET", 1);
    assert_int_equal(http_proxy_choose(&environment, "http://foo.com/", &proxy), -EINVAL);
    assert_int_equal(http_proxy_choose(&environment, "https://foo.com/", &proxy), 0);
    free(proxy);
    forget_proxies();
}

static void use_proxy(struct fixture *fixture, const char *userinfo)
{
    char url[64];
    snprintf(url, sizeof(url), "http://%s127.0.0.1:%d", userinfo, fixture->server.port);
    fixture->config.proxy.url = strdup(url);
    fixture->config.proxy.connect_headers = calloc(2, sizeof(struct http_header));
    fixture->config.proxy.connect_headers[0] = (struct http_header){strdup("X-A"), strdup("1")};
    fixture->config.proxy.connect_headers[1] = (struct http_header){strdup("X-A"), strdup("2")};
    fixture->config.proxy.connect_header_count = 2;
    fixture->config.authorization.type = strdup("Bearer");
    fixture->config.authorization.credentials = strdup("secret");
}

static void test_http_through_a_proxy(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "");
    use_proxy(fixture, "user:pass@");
    snprintf(fixture->url, sizeof(fixture->url), "http://away.invalid/x?y");
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "");
    assert_body(fixture, "proxy");
    assert_true(server_saw(&fixture->server, "GET http://away.invalid/x?y HTTP/1.1\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nAuthorization: Bearer secret\r\n"));
    assert_false(server_saw(&fixture->server, "X-A"));
}

static void test_https_through_a_proxy(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "");
    use_proxy(fixture, "");
    snprintf(fixture->url, sizeof(fixture->url), "https://away.invalid/x");
    fetch(fixture, &request);
    assert_true(server_saw(&fixture->server, "CONNECT away.invalid:443 HTTP/1.1\r\n"));
    assert_true(server_saw(&fixture->server, "\r\nX-A: 1\r\nX-A: 2\r\n"));
    assert_false(server_saw(&fixture->server, "secret")); /* that is not the proxy's */
    assert_non_null(strstr(fixture->error, "403"));
}

static void test_no_proxy_is_direct(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.proxy.url = strdup("http://127.0.0.1:1");
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->status, 0);
    assert_string_equal(fixture->error, "dial proxy 127.0.0.1:1: connection refused");
    fixture->config.proxy.no_proxy = strdup("other");
    fetch_path(fixture, "/echo");
    assert_int_equal(fixture->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_excludes),      cmocka_unit_test(test_choose),
        HTTP_TEST(test_http_through_a_proxy), HTTP_TEST(test_https_through_a_proxy),
        HTTP_TEST(test_no_proxy_is_direct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
