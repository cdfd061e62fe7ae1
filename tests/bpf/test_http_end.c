/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that end while their answer comes in: the client is reset by one CPU at about the
 * moment at which the other takes the answer for it. Every request is counted once, as answered or
 * as unanswered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "meter_fixture.h"

#define ROUNDS 20000
#define MOST_NS 60000 /* between request and reset; an answer takes some 20 us */

static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* Where there is one CPU alone both are on it, and nothing happens at once. */
static void run_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void *serve(void *listener)
{
    char bytes[512];
    int client;

    run_on(0);
    while ((client = accept(*(int *)listener, NULL, NULL)) >= 0) {
        if (read(client, bytes, sizeof(bytes)) > 0)
            send(client, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
        close(client);
    }
    return NULL;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void ask_and_reset(const struct sockaddr_in *address, int64_t after_ns)
{
    const struct linger at_once = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    for (int64_t start = now_ns(); now_ns() - start < after_ns;)
        ;
    close(fd);
}

static void test_an_answer_at_the_end(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof(address);
    unsigned seed = 1;
    pthread_t server;

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 1024), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pthread_create(&server, NULL, serve, &listener), 0);
    run_on(1);
    for (int i = 0; i < ROUNDS; i++)
        ask_and_reset(&address, rand_r(&seed) % MOST_NS);
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    assert_true(outcome_gained(HTTP_HEAD_SEEN) >= ROUNDS);
    assert_adds_up();
    struct http_row answered = row_gained(HTTP_ROLE_CLIENT, HTTP_METHOD_GET, 200);
    struct http_row unanswered = row_gained(HTTP_ROLE_CLIENT, HTTP_METHOD_GET, 0);
    assert_int_equal(row_count(&answered) + row_count(&unanswered), ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_answer_at_the_end, meter_remember),
    };

    int skipped = meter_cgroup_enter();
    if (skipped)
        return skipped;
    http_metrics_config_init(&meter_config);
    int failed = cmocka_run_group_tests(tests, meter_start, meter_end);
    meter_cgroup_leave();
    return failed ? 1 : 0;
}
