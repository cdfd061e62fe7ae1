/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that come before their connection has a socket of its own: they reach the listener's,
 * and are taken over by the socket that the connection gets. In a network namespace of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter_fixture.h"

#define GET "GET /early HTTP/1.1\r\nHost: x\r\n\r\n"
#define PUT "PUT /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CREATED "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"

static const struct timeval patience = {.tv_sec = 20};

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
    return fd;
}

static int listen_on_loopback(int option, int value, int backlog, struct sockaddr_in *address)
{
    int fd = tcp_socket();
    socklen_t length = sizeof(*address);

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)address, length), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static void say(int from, const char *text)
{
    assert_int_equal(write(from, text, strlen(text)), strlen(text));
}

static void hear(int at, const char *text)
{
    char bytes[256];

    assert_int_equal(recv(at, bytes, strlen(text), MSG_WAITALL), strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static void exchange(int client, int server, const char *request, const char *answer)
{
    say(client, request);
    hear(server, request);
    say(server, answer);
    hear(client, answer);
}

/* The answer to what came before the socket, and one more exchange. */
static void answer_and_go_on(int client, int server)
{
    say(server, OK);
    hear(client, OK);
    exchange(client, server, PUT, CREATED);
    close(client);
    close(server);
}

/* The first connection brings the cookie, the second its request, or the first bytes of it, in the
 * SYN. */
static void test_fast_open(void **state)
{
    static const size_t in_syn[] = {0, sizeof(GET) - 1, 9};
    struct sockaddr_in address;
    int listener = listen_on_loopback(TCP_FASTOPEN, 16, 8, &address);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int client = tcp_socket();
        if (in_syn[i])
            assert_int_equal(sendto(client, GET, in_syn[i], MSG_FASTOPEN,
                                    (struct sockaddr *)&address, sizeof(address)),
                             in_syn[i]);
        else
            assert_int_equal(
                sendto(client, "", 0, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof(address)),
                0);
        int server = accept(listener, NULL, NULL);
        assert_true(server >= 0);
        struct tcp_info info;
        socklen_t length = sizeof(info);
        assert_int_equal(getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
        assert_int_equal(!!(info.tcpi_options & TCPI_OPT_SYN_DATA), !!in_syn[i]);
        say(client, &GET[in_syn[i]]);
        hear(server, GET);
        answer_and_go_on(client, server);
    }
    close(listener);
    assert_counted(HTTP_METHOD_GET, 200, 3);
    assert_counted(HTTP_METHOD_PUT, 201, 3);
    assert_adds_up();
}

/* An IPv4 connection to a listener of IPv6. */
static void test_mapped_address(void **state)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(any);
    int listener = socket(AF_INET6, SOCK_STREAM, 0), client = tcp_socket();

    (void)state;
    assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){30}, 4), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&any, &length), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = any.sin6_port;
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    say(client, GET);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    hear(server, GET);
    answer_and_go_on(client, server);
    close(listener);
    assert_counted(HTTP_METHOD_GET, 200, 1);
    assert_counted(HTTP_METHOD_PUT, 201, 1);
    assert_adds_up();
}

static int connect_from(const struct sockaddr_in *own, const struct sockaddr_in *address)
{
    const struct linger reset = {.l_onoff = 1};
    int fd = tcp_socket();

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)own, sizeof(*own)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    return fd;
}

/* A request is left lying at a full listener; later the same two ports connect again. */
static void test_ports_used_again(void **state)
{
    struct sockaddr_in address, own = {.sin_family = AF_INET};
    socklen_t length = sizeof(own);
    int listener = listen_on_loopback(TCP_DEFER_ACCEPT, 30, 0, &address);

    (void)state;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int left = connect_from(&own, &address);
    assert_int_equal(getsockname(left, (struct sockaddr *)&own, &length), 0);
    int first = tcp_socket();
    assert_int_equal(connect(first, (struct sockaddr *)&address, sizeof(address)), 0);
    say(first, PUT);
    while (outcome_gained(HTTP_HEAD_SEEN) < 2) /* at both ends: it fills the queue */
        usleep(1000);
    say(left, GET);
    while (outcome_gained(HTTP_HEAD_SEEN) < 4)
        usleep(1000);
    usleep(300000); /* what waits meanwhile is not what is answered then */
    close(left);
    int server = accept(listener, NULL, NULL);
    hear(server, PUT);
    say(server, CREATED);
    hear(first, CREATED);
    close(server);
    close(first);
    int again = connect_from(&own, &address);
    say(again, "GET /e");
    say(again, &GET[6]);
    server = accept(listener, NULL, NULL);
    hear(server, GET);
    say(server, OK);
    hear(again, OK);
    exchange(again, server, GET, OK);
    close(again);
    close(server);
    close(listener);
    assert_counted(HTTP_METHOD_GET, 200, 2);
    struct http_row client = row_gained(HTTP_ROLE_CLIENT, HTTP_METHOD_GET, 200);
    struct http_row served = row_gained(HTTP_ROLE_SERVER, HTTP_METHOD_GET, 200);
    assert_in_range(served.first_byte_sum + served.at_once_sum, 0,
                    client.first_byte_sum + client.at_once_sum);
}

/* Loopback up, fast open on both sides. 0; or 77 after a line that says why not. */
static int own_network(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    const char *why = NULL;
    int fd = -1, file = -1;

    if (unshare(CLONE_NEWNET))
        why = "no network namespace can be made (not root?)";
    else if ((fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
        why = "loopback does not come up in a network namespace";
    else if ((file = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY)) < 0 ||
             write(file, "3", 1) != 1)
        why = "net.ipv4.tcp_fastopen cannot be set";
    if (fd >= 0)
        close(fd);
    if (file >= 0)
        close(file);
    if (why)
        printf("SKIP: %s\n", why);
    return why ? 77 : 0;
}

#define LIVE(name) cmocka_unit_test_setup(name, meter_remember)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(test_fast_open),
        LIVE(test_mapped_address),
        LIVE(test_ports_used_again),
    };

    int skipped = own_network();
    if (!skipped)
        skipped = meter_cgroup_enter();
    if (skipped)
        return skipped;
    http_metrics_config_init(&meter_config);
    int failed = cmocka_run_group_tests(tests, meter_start, meter_end);
    meter_cgroup_leave();
    return failed ? 1 : 0;
}
