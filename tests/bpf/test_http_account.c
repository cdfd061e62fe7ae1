/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that end otherwise than well, and requests told apart by route and host: every one that
 * was seen is in a row or has one reason why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "collect/http_meter_state.h"
#include "meter_fixture.h"

static char *routes[] = {"/api/v1/", "/api/v1/orders", "/static/"};
static char *hosts[] = {"shop.example", "api.example"};
static const struct conversation ipv4 = {.family = AF_INET};

static uint64_t server_count(int method, int status)
{
    struct http_row row = row_gained(HTTP_ROLE_SERVER, method, status);
    return row_count(&row);
}

static void test_client_gone_before_the_answer(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"},
        {CLIENT_CLOSES, NULL},
        {0},
    };

    (void)state;
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_GET, 200, 1);
    assert_counted(HTTP_METHOD_GET, 0, 1);
    assert_int_equal(outcome_gained(HTTP_HEAD_UNANSWERED), 2);
    assert_adds_up();
}

static void test_reset_in_the_middle_of_an_answer(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 206 Partial\r\nContent-Length: 100000\r\n\r\nonly this"},
        {CLIENT_RESETS, NULL},
        {0},
    };

    (void)state;
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_GET, 206, 1);
    assert_int_equal(outcome_gained(HTTP_HEAD_UNANSWERED), 0);
    assert_adds_up();
}

static void test_answered_before_the_head_ended(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "GET /slow HTTP/1.1\r\nHost: x\r\nX-Half: "},
        {SERVER, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
        {SERVER_CLOSES, NULL},
        {0},
    };

    (void)state;
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_GET, 408, 1);
    assert_adds_up();
}

/* The head goes on after its answer: one request, not two. */
static void test_head_goes_on_after_its_answer(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "POST /long HTTP/1.1\r\nHost: x\r\n"},
        {SERVER, "HTTP/1.1 431 Too Large\r\nContent-Length: 0\r\n\r\n"},
        {CLIENT, "X-More: y\r\n\r\n"},
        {CLIENT, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    (void)state;
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_POST, 431, 1);
    assert_counted(HTTP_METHOD_GET, 200, 1);
    assert_int_equal(outcome_gained(HTTP_HEAD_SEEN), 4);
    assert_adds_up();
}

static void test_unreadable_request_refused(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "\x16\x03\x01\x02 hello in TLS to a plain port\n\n"},
        {SERVER, "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad"},
        {SERVER_CLOSES, NULL},
        {0},
    };

    (void)state;
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_OTHER, 400, 1);
    assert_int_equal(outcome_gained(HTTP_CONNECTION_HTTP), 2);
    assert_int_equal(outcome_gained(HTTP_CONNECTION_TLS), 0);
    assert_adds_up();
}

static void test_refused_body_sent_all_the_same(void **state)
{
    static char body[5001];
    const struct step steps[] = {
        {CLIENT, "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n"},
        {CLIENT, body},
        {SERVER, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"},
        {CLIENT, body},
        {CLIENT, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_POST, 413, 1);
    assert_counted(HTTP_METHOD_GET, 200, 1);
    assert_int_equal(row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_POST, 413).request_bytes, 10000);
    assert_adds_up();
}

static void test_tunnel(void **state)
{
    static const struct step steps[] = {
        {CLIENT,
         "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"},
        {SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"},
        {CLIENT, "GET /not-a-request HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    (void)state;
    play(&ipv4, steps);
    assert_counted(HTTP_METHOD_GET, 101, 1);
    assert_counted(HTTP_METHOD_GET, 200, 0);
    assert_int_equal(outcome_gained(HTTP_LOSS_TUNNEL), 2);
    assert_adds_up();
}

static void expect_place(const char *target, const char *host, int route, int host_number)
{
    char request[512];
    const struct step steps[] = {
        {CLIENT, request}, {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, {0}};

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nAccept: */*\r\nhOST: %s\r\n\r\n", target,
             host);
    struct http_row before =
        row_gained_at(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200, route, host_number);
    play(&ipv4, steps);
    play(&(struct conversation){.family = AF_INET6, .piece = 3}, steps);
    struct http_row after =
        row_gained_at(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200, route, host_number);
    if (row_count(&after) != row_count(&before) + 2)
        fail_msg("%s at %s is not of route %d, host %d", target, host, route, host_number);
}

static void test_routes_and_hosts(void **state)
{
    (void)state;
    expect_place("/", "shop.example", 0, 1);
    expect_place("/api/v1/orders", "shop.example:8080", 2, 1);
    expect_place("/api/v1/orders/7?x=/static/", "SHOP.Example", 2, 1);
    expect_place("/api/v1/other", "api.example", 1, 2);
    expect_place("/static/a.css", "unknown.example", 3, 0);
    expect_place("/static", "shop.example.org", 0, 0);
    expect_place("http://shop.example/static/b.css", "shop.example", 3, 1);
    expect_place("*", "", 0, 0);
}

/* The exponential histogram holds as many as the classic one, none beyond the slowest: of a
 * connection's first request, which is looked at in full, and of those behind it. */
static void test_native_histogram(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "PUT /n HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
        {CLIENT, "PUT /n HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };
    const struct http_row_entry *rows;
    uint64_t native = 0;
    size_t count;

    (void)state;
    for (int i = 0; i < 10; i++)
        play(&ipv4, steps);
    assert_int_equal(server_count(HTTP_METHOD_PUT, 201), 20);
    assert_int_equal(http_meter_read(meter, &rows, &count), 0);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].key.method != HTTP_METHOD_PUT || rows[i].key.role != HTTP_ROLE_SERVER)
            continue;
        assert_non_null(rows[i].native);
        for (size_t j = 0; j < HTTP_NATIVE_BUCKETS; j++)
            native += rows[i].native->buckets[j];
        assert_int_equal(rows[i].native->buckets[HTTP_NATIVE_BUCKETS - 1], 0);
    }
    assert_int_equal(native, 20);
    assert_adds_up();
}

static struct http_row_entry read_row(int role, int method)
{
    const struct http_row_entry *rows;
    size_t count;

    assert_int_equal(http_meter_read(meter, &rows, &count), 0);
    for (size_t i = 0; i < count; i++)
        if (rows[i].key.role == role && rows[i].key.method == method)
            return rows[i];
    return (struct http_row_entry){0};
}

/* A row is deleted as it was read or not at all; one of the same key begins from nothing, its
 * exponential histogram too. */
static void test_deletion(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "PATCH /d HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };
    uint64_t native = 0;

    (void)state;
    play(&ipv4, steps);
    struct http_row_entry before = read_row(HTTP_ROLE_SERVER, HTTP_METHOD_PATCH);
    play(&ipv4, steps);
    assert_int_equal(http_meter_delete(meter, &before), -EAGAIN);
    struct http_row_entry now = read_row(HTTP_ROLE_SERVER, HTTP_METHOD_PATCH);
    assert_int_equal(row_count(&now.row), 2);
    assert_int_equal(http_meter_delete(meter, &now), 0);
    assert_int_equal(http_meter_delete(meter, &now), 0); /* it is gone already */
    now = read_row(HTTP_ROLE_SERVER, HTTP_METHOD_PATCH);
    assert_int_equal(row_count(&now.row), 0);
    play(&ipv4, steps);
    now = read_row(HTTP_ROLE_SERVER, HTTP_METHOD_PATCH);
    assert_int_equal(row_count(&now.row), 1);
    assert_non_null(now.native);
    for (size_t i = 0; i < HTTP_NATIVE_BUCKETS; i++)
        native += now.native->buckets[i];
    assert_int_equal(native, 1);
}

/* As on a kernel that has no batch look-ups for hashes: the same rows. */
static void test_one_by_one(void **state)
{
    const struct http_row_entry *rows;
    struct http_row_entry batched[64];
    size_t batched_count, count, found = 0;

    (void)state;
    assert_int_equal(http_meter_read(meter, &rows, &batched_count), 0);
    assert_in_range(batched_count, 2, ARRAY_SIZE(batched));
    memcpy(batched, rows, batched_count * sizeof(*rows));
    meter->no_batch = true;
    assert_int_equal(http_meter_read(meter, &rows, &count), 0);
    meter->no_batch = false;
    assert_int_equal(count, batched_count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            found += !memcmp(&rows[i].key, &batched[j].key, sizeof(rows[i].key)) &&
                     !memcmp(&rows[i].row, &batched[j].row, sizeof(rows[i].row));
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        assert_true(rows[i].key.cgroup); /* there was room for all */
}

/* The names are not the config's to free. */
static int meter_close(void **state)
{
    meter_config.routes.list = meter_config.hosts.list = NULL;
    meter_config.routes.count = meter_config.hosts.count = 0;
    return meter_end(state);
}

#define LIVE(name) cmocka_unit_test_setup(name, meter_remember)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(test_client_gone_before_the_answer),
        LIVE(test_reset_in_the_middle_of_an_answer),
        LIVE(test_answered_before_the_head_ended),
        LIVE(test_head_goes_on_after_its_answer),
        LIVE(test_unreadable_request_refused),
        LIVE(test_refused_body_sent_all_the_same),
        LIVE(test_tunnel),
        LIVE(test_routes_and_hosts),
        LIVE(test_native_histogram),
        LIVE(test_deletion),
        LIVE(test_one_by_one),
    };

    int skipped = meter_cgroup_enter();
    if (skipped)
        return skipped;
    http_metrics_config_init(&meter_config);
    meter_config.routes = (struct http_metrics_names){routes, ARRAY_SIZE(routes)};
    meter_config.hosts = (struct http_metrics_names){hosts, ARRAY_SIZE(hosts)};
    meter_config.native_histograms = true;
    int failed = cmocka_run_group_tests(tests, meter_start, meter_close);
    meter_cgroup_leave();
    return failed ? 1 : 0;
}
