/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF programs on a real kernel with real sockets: loads them, plays conversations in a cgroup of
 * its own, and compares the rows with what was said. Exits with 77 and the reason where it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/cgroup_tree.h"
#include "collect/http_meter.h"
#include "sockets.h"

static char cgroup[512], parent_procs[512];
static struct http_metrics_config config;
static struct http_meter *meter;
static struct http_row_entry start_rows[64];
static size_t start_count;
static uint64_t start_outcomes[HTTP_OUTCOMES];

static void move_to(const char *procs)
{
    char pid[16];
    int fd = open(procs, O_WRONLY);

    snprintf(pid, sizeof(pid), "%d", getpid());
    if (fd < 0 || write(fd, pid, strlen(pid)) < 0)
        printf("cannot move to %s: %s\n", procs, strerror(errno));
    close(fd);
}

static int cannot_run(const char *why)
{
    printf("SKIP: %s\n", why);
    return 77;
}

static int cgroup_enter(void)
{
    static char mounts[65536];
    FILE *file = fopen("/proc/self/mounts", "r");
    size_t length = file ? fread(mounts, 1, sizeof(mounts) - 1, file) : 0;
    char *mount;

    if (file)
        fclose(file);
    mounts[length] = '\0';
    mount = cgroup_mount_find(mounts);
    if (!mount)
        return cannot_run("no cgroup v2 hierarchy is mounted");
    snprintf(cgroup, sizeof(cgroup), "%s/edgemeter-test-%d", mount, getpid());
    snprintf(parent_procs, sizeof(parent_procs), "%s/cgroup.procs", mount);
    free(mount);
    if (mkdir(cgroup, 0755))
        return cannot_run("no cgroup can be made (not root?)");
    char procs[600];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
    move_to(procs);
    return 0;
}

static void cgroup_leave(void)
{
    move_to(parent_procs);
    rmdir(cgroup);
}

/* One load for all tests (it takes seconds in an emulated machine): each counts from its start. */
static int meter_start(void **state)
{
    (void)state;
    http_metrics_config_init(&config);
    return http_meter_new(&config, cgroup, &meter);
}

static int meter_end(void **state)
{
    (void)state;
    http_meter_free(&meter);
    http_metrics_config_free(&config);
    return 0;
}

static int remember_start(void **state)
{
    const struct http_row_entry *rows;

    (void)state;
    if (http_meter_read(meter, &rows, &start_count) || start_count > ARRAY_SIZE(start_rows))
        return -1;
    memcpy(start_rows, rows, start_count * sizeof(*rows));
    return http_meter_read_outcomes(meter, start_outcomes);
}

static uint64_t count_of(const struct http_row *row)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HTTP_BUCKETS; i++)
        count += row->buckets[i];
    return count;
}

static struct http_row find(const struct http_row_entry *rows, size_t count, int role, int method,
                            int status)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].key.role == role && rows[i].key.method == method &&
            rows[i].key.status == status)
            return rows[i].row;
    return (struct http_row){0};
}

/* What the row has gained since the test's start; a row is nothing but numbers of 64 bits. */
static struct http_row row_of(int role, int method, int status)
{
    const struct http_row_entry *rows;
    size_t count;

    assert_int_equal(http_meter_read(meter, &rows, &count), 0);
    struct http_row row = find(rows, count, role, method, status);
    struct http_row start = find(start_rows, start_count, role, method, status);
    for (size_t i = 0; i < sizeof(row) / sizeof(uint64_t); i++)
        ((uint64_t *)&row)[i] -= ((uint64_t *)&start)[i];
    return row;
}

static uint64_t outcome(int which)
{
    uint64_t outcomes[HTTP_OUTCOMES];

    assert_int_equal(http_meter_read_outcomes(meter, outcomes), 0);
    return outcomes[which] - start_outcomes[which];
}

/* Both ends are in our cgroup: each exchange is one of a server and one of a client. */
static void assert_counted(int method, int status, uint64_t expected)
{
    for (int role = 0; role < HTTP_ROLES; role++) {
        struct http_row row = row_of(role, method, status);
        assert_int_equal(count_of(&row), expected);
    }
}

static void play(const struct conversation *how, const struct step *steps)
{
    struct connection connection;

    connection_open(&connection, how);
    connection_play(&connection, how, steps);
    connection_close(&connection);
}

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
    assert_int_equal(row_of(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200).response_bytes, 5);
    assert_int_equal(row_of(HTTP_ROLE_SERVER, HTTP_METHOD_POST, 404).request_bytes, 3);
    assert_int_equal(row_of(HTTP_ROLE_CLIENT, HTTP_METHOD_POST, 404).response_bytes, 14);
    assert_int_equal(row_of(HTTP_ROLE_SERVER, HTTP_METHOD_HEAD, 200).response_bytes, 0);
    assert_int_equal(outcome(HTTP_HEAD_COUNTED), 6);
    assert_int_equal(outcome(HTTP_CONNECTION_HTTP), 2);
    assert_int_equal(outcome(HTTP_LOSS_RESYNC), 0);
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
    assert_int_equal(outcome(HTTP_HEAD_TOO_MANY), 2 * 4);
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
    assert_int_equal(row_of(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200).response_bytes, 13);
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
    assert_int_equal(row_of(HTTP_ROLE_CLIENT, HTTP_METHOD_GET, 200).response_bytes, 299999);
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
    assert_int_equal(outcome(HTTP_CONNECTION_NOT_HTTP), 2);
    assert_int_equal(outcome(HTTP_HEAD_COUNTED), 0);
}

/* Opened before the programs are attached: counted from its next request on. */
static void test_begun_before(void **state)
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
        {0},
    };
    struct connection connection;

    (void)state;
    http_meter_free(&meter);
    connection_open(&connection, &how);
    connection_play(&connection, &how, before);
    assert_int_equal(http_meter_new(&config, cgroup, &meter), 0);
    start_count = 0;
    memset(start_outcomes, 0, sizeof(start_outcomes));
    connection_play(&connection, &how, after);
    connection_close(&connection);
    assert_counted(HTTP_METHOD_GET, 202, 2);
    assert_counted(HTTP_METHOD_GET, 200, 0);
    assert_int_equal(outcome(HTTP_HEAD_REQUEST_UNSEEN), 2);
}

/* 16 rows, 20 statuses, two roles: what finds no row is in its role's surplus row. The second meter
 * beside the first counts all of it too. */
static void test_surplus_in_a_second_meter(void **state)
{
    uint64_t counted[HTTP_ROLES] = {0}, outcomes[HTTP_OUTCOMES];
    const struct http_row_entry *rows;
    struct http_metrics_config small = config;
    struct http_meter *other;
    size_t count;

    (void)state;
    small.max_rows = 16;
    assert_int_equal(http_meter_new(&small, cgroup, &other), 0);
    for (int status = 300; status < 320; status++) {
        char response[64];
        snprintf(response, sizeof(response), "HTTP/1.1 %d Any\r\nContent-Length: 0\r\n\r\n", status);
        const struct step steps[] = {
            {CLIENT, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, {SERVER, response}, {0}};
        play(&(struct conversation){.family = AF_INET}, steps);
        assert_counted(HTTP_METHOD_GET, status, 1);
    }
    assert_int_equal(http_meter_read(other, &rows, &count), 0);
    assert_int_equal(count, 16 + HTTP_ROLES);
    for (size_t i = 0; i < count; i++)
        counted[rows[i].key.role] += count_of(&rows[i].row);
    assert_int_equal(counted[HTTP_ROLE_SERVER], 20);
    assert_int_equal(counted[HTTP_ROLE_CLIENT], 20);
    assert_int_equal(http_meter_read_outcomes(other, outcomes), 0);
    assert_int_equal(outcomes[HTTP_HEAD_SURPLUS], 2 * 20 - 16);
    http_meter_free(&other);
}

#define LIVE(name) cmocka_unit_test_setup(name, remember_start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(test_ipv4),
        LIVE(test_ipv6),
        LIVE(test_every_byte_its_own_segment),
        LIVE(test_deferred_accept),
        LIVE(test_deferred_accept_ipv6_in_pieces),
        LIVE(test_pipelined),
        LIVE(test_more_outstanding_than_slots),
        LIVE(test_interim_and_until_close),
        LIVE(test_large_body),
        LIVE(test_not_http),
        LIVE(test_begun_before),
        LIVE(test_surplus_in_a_second_meter),
    };

    if (geteuid() != 0)
        return cannot_run("loading BPF programs needs root");
    int skipped = cgroup_enter();
    if (skipped)
        return skipped;
    int failed = cmocka_run_group_tests(tests, meter_start, meter_end);
    cgroup_leave();
    return failed ? 1 : 0;
}
