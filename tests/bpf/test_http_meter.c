/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF programs on a real kernel with real sockets: loads them, plays conversations in a cgroup
 * of its own, and compares the rows with what was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "meter_fixture.h"

static const struct step three_exchanges[] = {
    {CLIENT, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {SERVER, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
    {CLIENT, "POST /b HTTP/1.1\r\nHost: x\r\ncontent-length: 3\r\n\r\nabc"},
    {SERVER, "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
             "4\r\nnone\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"},
    {CLIENT, "HEAD /c HTTP/1.1\r\nHost: x\r\n\r\n"},
    {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"},
    {0},
};

static void assert_three_exchanges(void)
{
    assert_counted(HTTP_METHOD_GET, 200, 1);
    assert_counted(HTTP_METHOD_POST, 404, 1);
    assert_counted(HTTP_METHOD_HEAD, 200, 1);
    assert_int_equal(row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200).response_bytes, 5);
    assert_int_equal(row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_POST, 404).request_bytes, 3);
    assert_int_equal(row_gained(HTTP_ROLE_CLIENT, HTTP_METHOD_POST, 404).response_bytes, 14);
    assert_int_equal(row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_HEAD, 200).response_bytes, 0);
    assert_int_equal(outcome_gained(HTTP_HEAD_COUNTED), 6);
    assert_int_equal(outcome_gained(HTTP_CONNECTION_SEEN), 2);
    assert_int_equal(outcome_gained(HTTP_CONNECTION_HTTP), 2);
    assert_int_equal(outcome_gained(HTTP_LOSS_RESYNC), 0);
}

static void test_ipv4(void **state)
{
    (void)state;
    play(&(struct conversation){.family = AF_INET}, three_exchanges);
    assert_three_exchanges();
}

static void test_ipv6(void **state)
{
    (void)state;
    play(&(struct conversation){.family = AF_INET6}, three_exchanges);
    assert_three_exchanges();
}

/* Extension headers before TCP's, as a jumbo payload has one. */
static void test_ipv6_options(void **state)
{
    const struct conversation how = {.family = AF_INET6};
    const uint8_t padding[] = {0, 0, 1, 4, 0, 0, 0, 0};
    struct connection connection;

    (void)state;
    connection_open(&connection, &how);
    for (int i = 0; i < 2; i++) {
        int fd = i ? connection.server : connection.client;
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, padding, sizeof(padding)), 0);
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding)), 0);
    }
    connection_play(&connection, &how, three_exchanges);
    connection_close(&connection);
    assert_three_exchanges();
}

static void test_every_byte_its_own_segment(void **state)
{
    (void)state;
    play(&(struct conversation){.family = AF_INET, .piece = 1}, three_exchanges);
    assert_three_exchanges();
}

static void test_deferred_accept(void **state)
{
    (void)state;
    play(&(struct conversation){.family = AF_INET, .defer_accept = true}, three_exchanges);
    assert_three_exchanges();
}

static void test_deferred_accept_ipv6(void **state)
{
    (void)state;
    play(&(struct conversation){.family = AF_INET6, .defer_accept = true}, three_exchanges);
    assert_three_exchanges();
}

static void test_deferred_accept_ipv6_in_pieces(void **state)
{
    (void)state;
    play(&(struct conversation){.family = AF_INET6, .defer_accept = true, .piece = 7},
         three_exchanges);
    assert_three_exchanges();
}

static void test_pipelined(void **state)
{
    static char requests[64 * 16 + 1], responses[64 * 16 + 1];
    struct step steps[] = {{CLIENT, requests}, {SERVER, responses}, {0}};

    (void)state;
    requests[0] = responses[0] = '\0';
    for (int i = 0; i < 16; i++) {
        strcat(requests, "GET /p HTTP/1.1\r\nHost: x\r\n\r\n");
        strcat(responses, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    play(&(struct conversation){.family = AF_INET}, steps);
    assert_counted(HTTP_METHOD_GET, 200, 16);
}

static void test_more_outstanding_than_slots(void **state)
{
    static char requests[64 * 20 + 1], responses[64 * 20 + 1];
    struct step steps[] = {
        {CLIENT, requests},
        {SERVER, responses},
        {CLIENT, "PUT /after HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    (void)state;
    requests[0] = responses[0] = '\0';
    for (int i = 0; i < 20; i++) {
        strcat(requests, "GET /p HTTP/1.1\r\nHost: x\r\n\r\n");
        strcat(responses, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    play(&(struct conversation){.family = AF_INET}, steps);
    assert_counted(HTTP_METHOD_GET, 200, 16);
    assert_counted(HTTP_METHOD_PUT, 201, 1);
    assert_int_equal(outcome_gained(HTTP_HEAD_TOO_MANY), 2 * 4);
}

static void test_interim_and_until_close(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "PUT /u HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"},
        {SERVER, "HTTP/1.1 100 Continue\r\n\r\n"},
        {CLIENT, "body"},
        {SERVER, "HTTP/1.1 204 No Content\r\n\r\n"},
        {CLIENT, "GET /old HTTP/1.0\r\n\r\n"},
        {SERVER, "HTTP/1.0 200 OK\r\n\r\nuntil the end"},
        {SERVER_CLOSES, NULL},
        {0},
    };

    (void)state;
    play(&(struct conversation){.family = AF_INET}, steps);
    assert_counted(HTTP_METHOD_PUT, 204, 1);
    assert_counted(HTTP_METHOD_GET, 200, 1);
    assert_int_equal(row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200).response_bytes, 13);
}

static void test_large_body(void **state)
{
    static char body[300000];
    struct step steps[] = {
        {CLIENT, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 299999\r\n\r\n"},
        {SERVER, body},
        {CLIENT, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };

    (void)state;
    memset(body, 'x', sizeof(body) - 1);
    play(&(struct conversation){.family = AF_INET, .piece = 20000}, steps);
    assert_counted(HTTP_METHOD_GET, 200, 2);
    assert_int_equal(row_gained(HTTP_ROLE_CLIENT, HTTP_METHOD_GET, 200).response_bytes, 299999);
}

/* Of an answer in one packet both are the same, and added once. */
static void test_time_to_first_byte(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "GET /a HTTP/1.1\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
        {CLIENT, "GET /b HTTP/1.1\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
        {CLIENT, "PUT /c HTTP/1.1\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
        {SERVER, "world"},
        {0},
    };

    (void)state;
    play(&(struct conversation){.family = AF_INET}, steps);
    assert_counted(HTTP_METHOD_GET, 200, 2);
    assert_counted(HTTP_METHOD_PUT, 200, 1);
    for (int role = 0; role < HTTP_ROLES; role++) {
        struct http_row row = row_gained(role, HTTP_METHOD_GET, 200);
        assert_true(row.duration_sum > 0);
        assert_int_equal(row.first_byte_sum, row.duration_sum);
        row = row_gained(role, HTTP_METHOD_PUT, 200);
        assert_true(row.first_byte_sum > 0 && row.first_byte_sum < row.duration_sum);
    }
}

static void test_not_http(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "*1\r\n$4\r\nPING\r\n"},
        {SERVER, "+PONG\r\n"},
        {CLIENT, "GET key\r\n"},
        {SERVER, "$-1\r\n"},
        {0},
    };

    (void)state;
    play(&(struct conversation){.family = AF_INET}, steps);
    assert_int_equal(outcome_gained(HTTP_CONNECTION_NOT_HTTP), 2);
    assert_int_equal(outcome_gained(HTTP_HEAD_COUNTED), 0);
}

/* Opened before the programs are attached: counted from its next request on. It does not tell when
 * it ends: an answer without a length ends with the FIN or RST that goes by. */
static void begun_before(const struct step *end)
{
    const struct conversation how = {.family = AF_INET};
    static const struct step before[] = {
        {CLIENT, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
        {CLIENT, "GET /two HTTP/1.1\r\nHost: x\r\n\r\n"},
        {0},
    };
    static const struct step after[] = {
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
        {CLIENT, "GET /three HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"},
        {CLIENT, "GET /four HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"},
        {CLIENT, "GET /old HTTP/1.0\r\n\r\n"},
        {SERVER, "HTTP/1.0 203 Fine\r\n\r\nuntil the end"},
        {0},
    };
    struct connection connection;

    http_meter_free(&meter);
    connection_open(&connection, &how);
    connection_play(&connection, &how, before);
    assert_int_equal(http_meter_new(&meter_config, meter_cgroup, &meter), 0);
    meter_forget();
    connection_play(&connection, &how, after);
    assert_counted(HTTP_METHOD_GET, 203, 0);
    connection_play(&connection, &how, end);
    connection_close(&connection);
    assert_counted(HTTP_METHOD_GET, 202, 2);
    assert_counted(HTTP_METHOD_GET, 203, 1);
    assert_counted(HTTP_METHOD_GET, 200, 0);
    assert_int_equal(outcome_gained(HTTP_HEAD_REQUEST_UNSEEN), 2);
    assert_adds_up();
}

static void test_begun_before(void **state)
{
    (void)state;
    begun_before((const struct step[]){{SERVER_CLOSES, NULL}, {0}});
}

static void test_begun_before_and_reset(void **state)
{
    (void)state;
    begun_before((const struct step[]){{SERVER_RESETS, NULL}, {0}});
}

/* A socket may have several connections, one after the other. */
static void test_a_socket_connects_again(void **state)
{
    const struct conversation how = {.family = AF_INET};
    struct connection connection;

    (void)state;
    connection_open(&connection, &how);
    for (int i = 0; i < 3; i++) {
        if (i)
            connection_open_again(&connection);
        connection_play(&connection, &how, three_exchanges);
    }
    connection_close(&connection);
    assert_counted(HTTP_METHOD_GET, 200, 3);
    assert_counted(HTTP_METHOD_POST, 404, 3);
    assert_int_equal(outcome_gained(HTTP_CONNECTION_SEEN), 6);
    assert_adds_up();
}

/* 16 rows, 20 statuses, two roles: what finds no row is in its role's surplus row. The second meter
 * beside the first counts all of it too. */
static void test_surplus_in_a_second_meter(void **state)
{
    uint64_t counted[HTTP_ROLES] = {0}, outcomes[HTTP_OUTCOMES];
    const struct http_row_entry *rows;
    struct http_metrics_config small = meter_config;
    struct http_meter *other;
    size_t count;

    (void)state;
    small.max_rows = 16;
    small.native_histograms = true;
    assert_int_equal(http_meter_new(&small, meter_cgroup, &other), 0);
    for (int status = 300; status < 320; status++) {
        char response[64];
        snprintf(response, sizeof(response), "HTTP/1.1 %d Any\r\nContent-Length: 0\r\n\r\n",
                 status);
        const struct step steps[] = {
            {CLIENT, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, {SERVER, response}, {0}};
        play(&(struct conversation){.family = AF_INET}, steps);
        assert_counted(HTTP_METHOD_GET, status, 1);
    }
    assert_int_equal(http_meter_read(other, &rows, &count), 0);
    assert_int_equal(count, 16 + HTTP_ROLES);
    for (size_t i = 0; i < count; i++) {
        uint64_t native = 0;
        for (size_t j = 0; j < HTTP_NATIVE_BUCKETS; j++)
            native += rows[i].native->buckets[j];
        assert_int_equal(native, row_count(&rows[i].row));
        counted[rows[i].key.role] += native;
    }
    assert_int_equal(counted[HTTP_ROLE_SERVER], 20);
    assert_int_equal(counted[HTTP_ROLE_CLIENT], 20);
    assert_int_equal(http_meter_read_outcomes(other, outcomes), 0);
    assert_int_equal(outcomes[HTTP_HEAD_SURPLUS], 2 * 20 - 16);
    http_meter_free(&other);
}

/* A role that is not metered has no rows, and its requests one reason for that. */
static void test_one_role(void **state)
{
    static const struct step steps[] = {
        {CLIENT, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {0},
    };
    const struct http_row_entry *rows;
    uint64_t outcomes[HTTP_OUTCOMES];
    struct http_meter *other;
    size_t count;

    (void)state;
    for (int role = 0; role < HTTP_ROLES; role++) {
        struct http_metrics_config one = meter_config;
        one.server = role == HTTP_ROLE_SERVER;
        one.client = role == HTTP_ROLE_CLIENT;
        assert_int_equal(http_meter_new(&one, meter_cgroup, &other), 0);
        play(&(struct conversation){.family = AF_INET}, steps);
        assert_int_equal(http_meter_read(other, &rows, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(rows[0].key.role, role);
        assert_int_equal(http_meter_read_outcomes(other, outcomes), 0);
        assert_int_equal(outcomes[HTTP_HEAD_COUNTED], 1);
        assert_int_equal(outcomes[HTTP_HEAD_ROLE_OFF], 1);
        http_meter_free(&other);
    }
}

#define LIVE(name) cmocka_unit_test_setup(name, meter_remember)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(test_ipv4),
        LIVE(test_ipv6),
        LIVE(test_ipv6_options),
        LIVE(test_every_byte_its_own_segment),
        LIVE(test_deferred_accept),
        LIVE(test_deferred_accept_ipv6),
        LIVE(test_deferred_accept_ipv6_in_pieces),
        LIVE(test_pipelined),
        LIVE(test_more_outstanding_than_slots),
        LIVE(test_interim_and_until_close),
        LIVE(test_large_body),
        LIVE(test_time_to_first_byte),
        LIVE(test_not_http),
        LIVE(test_begun_before),
        LIVE(test_begun_before_and_reset),
        LIVE(test_a_socket_connects_again),
        LIVE(test_surplus_in_a_second_meter),
        LIVE(test_one_role),
    };

    int skipped = meter_cgroup_enter();
    if (skipped)
        return skipped;
    http_metrics_config_init(&meter_config);
    int failed = cmocka_run_group_tests(tests, meter_start, meter_end);
    meter_cgroup_leave();
    return failed ? 1 : 0;
}
