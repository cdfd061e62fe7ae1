/* SPDX-License-Identifier: Apache-2.0 */
/* serve: listen addresses, routes and their errors, and the limits, over real loopback connections
 * whose clients run on the server's own loop. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "serve/clients.h"
#include "serve/listener.h"
#include "serve/server.h"

#define LONG_BODY (3u << 20)    /* bytes: many turns of MHD's edge-triggered epoll */
#define CONNECTIONS CLIENTS_MAX /* as many as the server takes */

struct fixture {
    struct loop *loop;
    struct metric_registry *metrics;
    struct server *server;
    struct loop_timer *guard; /* ends a test that would hang */
    struct buffer answer;
    bool answered;
    int idle[CONNECTIONS];
};

/* ---- routes ---- */

static void answer_hello(void *context, struct server_response *response)
{
    buffer_append_string(&response->body, context);
}

static void answer_teapot(void *context, struct server_response *response)
{
    (void)context;
    response->status = 418;
    response->content_type = "text/tea";
}

static void answer_long(void *context, struct server_response *response)
{
    (void)context;
    memset(buffer_reserve(&response->body, LONG_BODY), 'x', LONG_BODY);
    response->body.length += LONG_BODY;
}

static void answer_too_long(void *context, struct server_response *response)
{
    (void)context;
    while (buffer_append(&response->body, (char[4096]){0}, 4096) == 0)
        ;
}

static const struct server_route routes[] = {
    {"GET", "/hello", answer_hello, "hello\n"},   {"POST", "/hello", answer_hello, "posted\n"},
    {"POST", "/post", answer_hello, "posted\n"},  {"GET", "/teapot", answer_teapot, NULL},
    {"GET", "/long", answer_long, NULL},          {"GET", "/too-long", answer_too_long, NULL},
    {"GET", "/any/*/end", answer_hello, "any\n"},
};

/* ---- a client on the loop ---- */

static int client_connect(const struct fixture *fixture)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    address.sin_port = htons(atoi(strrchr(server_address(fixture->server), ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void client_read(void *context, int fd, uint32_t events)
{
    struct fixture *fixture = context;
    char bytes[65536];
    (void)events;

    ssize_t length = read(fd, bytes, sizeof(bytes));
    if (length > 0) {
        buffer_append(&fixture->answer, bytes, (size_t)length);
        return;
    }
    fixture->answered = true;
    loop_unwatch(fixture->loop, fd);
    close(fd);
    loop_stop(fixture->loop);
}

static void client_send(struct fixture *fixture, const char *request, size_t length)
{
    int fd = client_connect(fixture);
    assert_int_equal(send(fd, request, length, MSG_NOSIGNAL), length);
    assert_int_equal(loop_watch(fixture->loop, fd, EPOLLIN, client_read, fixture), 0);
}

/* Until the server closed a connection: the answer as text. */
static const char *client_wait(struct fixture *fixture)
{
    loop_timer_after(fixture->guard, 10 * NS_PER_SECOND);
    assert_int_equal(loop_run(fixture->loop), 0);
    loop_timer_disarm(fixture->guard);
    assert_true(fixture->answered);
    return fixture->answer.bytes ? fixture->answer.bytes : "";
}

/* One exchange on a connection of its own; "Connection: close" makes its end visible. */
static const char *exchange(struct fixture *fixture, const char *method, const char *path,
                            const char *headers, const char *body)
{
    struct buffer request;
    buffer_init(&request, 1 << 20);
    buffer_printf(&request, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method,
                  path, headers);
    buffer_append_string(&request, body);
    buffer_clear(&fixture->answer);
    fixture->answered = false;
    client_send(fixture, request.bytes, request.length);
    buffer_free(&request);
    return client_wait(fixture);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

static void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" is not in \"%.400s\"", part, text ? text : "(nothing)");
}

/* ---- setup ---- */

static void guard_fired(void *context)
{
    struct fixture *fixture = context;
    loop_stop(fixture->loop);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    buffer_init(&fixture->answer, 8u << 20);
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(metric_registry_new(&fixture->metrics), 0);
    assert_int_equal(loop_timer_new(fixture->loop, guard_fired, fixture, &fixture->guard), 0);
    assert_int_equal(server_new(fixture->loop, fixture->metrics, "127.0.0.1:0", routes,
                                ARRAY_SIZE(routes), &fixture->server),
                     0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    server_free(&fixture->server);
    loop_timer_free(&fixture->guard);
    loop_free(&fixture->loop);
    metric_registry_free(&fixture->metrics);
    buffer_free(&fixture->answer);
    free(fixture);
    return 0;
}

/* ---- addresses ---- */

static void test_address_accepted(void **state)
{
    static const struct {
        const char *text, *host, *port;
    } cases[] = {
        {"127.0.0.1:9595", "127.0.0.1", "9595"},
        {":9595", "", "9595"},
        {"[::1]:80", "::1", "80"},
        {"[::]:0", "::", "0"},
        {"localhost:65535", "localhost", "65535"},
        {"[fe80::1%eth0]:1", "fe80::1%eth0", "1"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listen_address address;
        const char *problem;
        assert_int_equal(listen_address_parse(cases[i].text, &address, &problem), 0);
        assert_string_equal(address.host, cases[i].host);
        assert_string_equal(address.port, cases[i].port);
    }
}

static void test_address_refused(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "the port is missing"},
        {"9595", "the port is missing"},
        {"127.0.0.1", "the port is missing"},
        {"localhost:", "the port is not a number"},
        {"localhost:http", "the port is not a number"},
        {"localhost:65536", "the port is not a number"},
        {"localhost:-1", "the port is not a number"},
        {"localhost:123456", "the port is not a number"},
        {"[::1]", "the port is not a number"},
        {"::1:9595", "an IPv6 address goes in brackets"},
        {"http://localhost:9595", "not a URL"},
        {"localhost:9595/", "not a URL"},
        {"[]:9595", "the brackets hold no IPv6 address"},
        {"[::1:9595", "an IPv6 address goes in brackets"},
        {"a]:9595", "the brackets hold no IPv6 address"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listen_address address;
        const char *problem = "";
        print_message("%s\n", cases[i].text);
        assert_int_equal(listen_address_parse(cases[i].text, &address, &problem), -EINVAL);
        assert_contains(problem, cases[i].problem);
    }

    char text[400];
    struct listen_address address;
    const char *problem = "";
    memset(text, 'a', sizeof(text));
    strcpy(text + 256, ":1");
    assert_int_equal(listen_address_parse(text, &address, &problem), -EINVAL);
    assert_contains(problem, "longer than 255");
    strcpy(text + 255, ":1");
    assert_int_equal(listen_address_parse(text, &address, &problem), 0);
}

static void test_address_in_use(void **state)
{
    struct fixture *fixture = *state;
    struct server *second = NULL;

    assert_int_equal(
        server_new(fixture->loop, NULL, server_address(fixture->server), routes, 1, &second),
        -EADDRINUSE);
    assert_int_equal(server_new(fixture->loop, NULL, "nonsense", routes, 1, &second), -EINVAL);
    assert_int_equal(server_new(fixture->loop, NULL, "192.0.2.1:0", routes, 1, &second),
                     -EADDRNOTAVAIL);
    assert_null(second);
}

static bool host_has_ipv6(void)
{
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    autoclose int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;
}

static void test_port_zero_is_reported(void **state)
{
    static const struct {
        const char *text, *prefix;
    } cases[] = {{"127.0.0.1:0", "127.0.0.1:"}, {"[::1]:0", "[::1]:"}, {":0", "[::]:"}};
    struct fixture *fixture = *state;
    size_t count = host_has_ipv6() ? ARRAY_SIZE(cases) : 1;

    for (size_t i = 0; i < count; i++) {
        struct server *server = NULL;
        assert_int_equal(server_new(fixture->loop, NULL, cases[i].text, routes, 1, &server), 0);
        const char *address = server_address(server);
        print_message("%s: %s\n", cases[i].text, address);
        assert_int_equal(strncmp(address, cases[i].prefix, strlen(cases[i].prefix)), 0);
        assert_true(atoi(address + strlen(cases[i].prefix)) > 0);
        server_free(&server);
        assert_null(server);
    }
}

/* ---- answers ---- */

static void test_answers(void **state)
{
    static const struct {
        const char *method, *path, *status, *header, *body;
    } cases[] = {
        {"GET", "/hello", "HTTP/1.1 200 ", "Content-Type: text/plain; charset=utf-8\r\n",
         "hello\n"},
        {"GET", "/hello?a=b&c", "HTTP/1.1 200 ", "Content-Length: 6\r\n", "hello\n"},
        {"HEAD", "/hello", "HTTP/1.1 200 ", "Content-Length: 6\r\n", ""},
        {"POST", "/hello", "HTTP/1.1 200 ", "Content-Length: 7\r\n", "posted\n"},
        {"GET", "/teapot", "HTTP/1.1 418 ", "Content-Type: text/tea\r\n", ""},
        {"GET", "/nothing", "HTTP/1.1 404 ", "text/plain", "404 page not found\n"},
        {"GET", "/", "HTTP/1.1 404 ", "text/plain", "404 page not found\n"},
        {"GET", "/hello/", "HTTP/1.1 404 ", "text/plain", "404 page not found\n"},
        {"GET", "/any/p-a.rt/end", "HTTP/1.1 200 ", "Content-Length: 4\r\n", "any\n"},
        {"GET", "/any/two/parts/end", "HTTP/1.1 404 ", "text/plain", "404 page not found\n"},
        {"HEAD", "/nothing", "HTTP/1.1 404 ", "Content-Length: 19\r\n", ""},
        {"DELETE", "/hello", "HTTP/1.1 405 ", "Allow: GET, HEAD, POST\r\n", "Method Not Allowed\n"},
        {"POST", "/teapot", "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n", "Method Not Allowed\n"},
        {"GET", "/post", "HTTP/1.1 405 ", "Allow: POST\r\n", "Method Not Allowed\n"},
        {"HEAD", "/post", "HTTP/1.1 405 ", "Allow: POST\r\n", ""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        print_message("%s %s\n", cases[i].method, cases[i].path);
        const char *answer = exchange(*state, cases[i].method, cases[i].path, "", "");
        assert_int_equal(strncmp(answer, cases[i].status, strlen(cases[i].status)), 0);
        assert_contains(answer, cases[i].header);
        assert_string_equal(body_of(answer), cases[i].body);
    }
}

static void test_request_body_is_thrown_away(void **state)
{
    char body[60000 + 1];
    memset(body, 'x', 60000);
    body[60000] = '\0';
    assert_string_equal(
        body_of(exchange(*state, "POST", "/hello", "Content-Length: 60000\r\n", body)), "posted\n");
    assert_string_equal(body_of(exchange(*state, "GET", "/hello", "Content-Length: 3\r\n", "abc")),
                        "hello\n");
}

/* More body than is ever read: closed without an answer. */
static void test_long_request_body(void **state)
{
    size_t length = 100000;
    char *body = calloc(1, length + 1);
    memset(body, 'x', length);
    assert_string_equal(exchange(*state, "POST", "/hello", "Content-Length: 100000\r\n", body), "");
    free(body);
}

static void test_long_head(void **state)
{
    char headers[40000];
    memset(headers, 'x', sizeof(headers));
    memcpy(headers, "X: ", 3);
    strcpy(headers + sizeof(headers) - 3, "\r\n");
    assert_contains(exchange(*state, "GET", "/hello", headers, ""), "HTTP/1.1 431 ");
}

static void test_long_bodies(void **state)
{
    struct fixture *fixture = *state;

    const char *answer = exchange(fixture, "GET", "/long", "", "");
    assert_contains(answer, "HTTP/1.1 200 ");
    assert_int_equal(strlen(body_of(answer)), LONG_BODY);
    answer = exchange(fixture, "GET", "/too-long", "", "");
    assert_contains(answer, "HTTP/1.1 500 ");
    assert_string_equal(body_of(answer), "The page does not fit into memory.\n");
}

static void test_keep_alive_and_pipelining(void **state)
{
    static const char requests[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
                                   "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                                   "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct fixture *fixture = *state;

    client_send(fixture, requests, sizeof(requests) - 1);
    const char *answer = client_wait(fixture);
    assert_contains(answer, "200 OK");
    answer = strstr(answer, "hello\n");
    assert_non_null(answer);
    assert_contains(answer, "404 page not found\n");
    assert_contains(answer + 6, "hello\n");
}

static void test_requests_are_counted(void **state)
{
    struct fixture *fixture = *state;
    autobuffer struct buffer page;

    buffer_init(&page, 1 << 20);
    exchange(fixture, "GET", "/hello", "", "");
    exchange(fixture, "HEAD", "/hello", "", "");
    exchange(fixture, "DELETE", "/hello", "", "");
    exchange(fixture, "GET", "/from/outside", "", "");
    assert_int_equal(metric_registry_write(fixture->metrics, &page), 0);
    assert_contains(page.bytes,
                    "edgemeter_web_requests_total{code=\"200\",handler=\"/hello\"} 2\n");
    assert_contains(page.bytes,
                    "edgemeter_web_requests_total{code=\"405\",handler=\"/hello\"} 1\n");
    assert_contains(page.bytes,
                    "edgemeter_web_requests_total{code=\"404\",handler=\"unknown\"} 1\n");
}

/* ---- the limit of connections ---- */

static bool is_ended(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Both ends of each connection are ours. */
static void require_descriptors(void)
{
    descriptors_allow_all();
    if (descriptors_limit() < 2 * CONNECTIONS + 50) {
        print_message("SKIP: too few descriptors are allowed (ulimit -n)\n");
        skip();
    }
}

/* With all connections taken, whoever has kept the server waiting longest makes room. */
static void test_the_idlest_makes_room(void **state)
{
    struct fixture *fixture = *state;

    require_descriptors();
    for (size_t i = 0; i < CONNECTIONS; i++)
        fixture->idle[i] = client_connect(fixture);
    for (int i = 0; i < 20; i++)
        assert_string_equal(body_of(exchange(fixture, "GET", "/hello", "", "")), "hello\n");
    assert_true(is_ended(fixture->idle[0]));
    assert_false(is_ended(fixture->idle[CONNECTIONS - 1]));
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(fixture->idle[i]);
}

/* So does, where all have sent a head, whoever has taken longest for the rest. */
static void test_who_does_not_end_makes_room(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";

    require_descriptors();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fixture->idle[i] = client_connect(fixture);
        assert_int_equal(send(fixture->idle[i], request, sizeof(request) - 1, 0),
                         sizeof(request) - 1);
    }
    assert_string_equal(body_of(exchange(fixture, "GET", "/hello", "", "")), "hello\n");
    assert_true(is_ended(fixture->idle[0]));
    assert_false(is_ended(fixture->idle[CONNECTIONS - 1]));
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(fixture->idle[i]);
}

/* A server that goes with connections open and a body half sent leaves nothing behind (ASan). */
static void test_free_in_the_middle(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "GET /long HTTP/1.1\r\nHost: a\r\n\r\n";

    int fd = client_connect(fixture);
    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    loop_timer_after(fixture->guard, 100 * NS_PER_MS);
    assert_int_equal(loop_run(fixture->loop), 0);
    server_free(&fixture->server);
    assert_null(fixture->server);
    close(fd);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_accepted),
        cmocka_unit_test(test_address_refused),
        SERVER_TEST(test_address_in_use),
        SERVER_TEST(test_port_zero_is_reported),
        SERVER_TEST(test_answers),
        SERVER_TEST(test_request_body_is_thrown_away),
        SERVER_TEST(test_long_request_body),
        SERVER_TEST(test_long_head),
        SERVER_TEST(test_long_bodies),
        SERVER_TEST(test_keep_alive_and_pipelining),
        SERVER_TEST(test_requests_are_counted),
        SERVER_TEST(test_the_idlest_makes_room),
        SERVER_TEST(test_who_does_not_end_makes_room),
        SERVER_TEST(test_free_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
