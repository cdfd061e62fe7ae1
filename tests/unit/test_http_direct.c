/* SPDX-License-Identifier: Apache-2.0 */
/* base/http/http_direct against a server that says byte for byte what a test wants, in pieces:
 * where a response ends, what becomes of the connection, and connections that end at the wrong
 * moment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/http/http_address.h"
#include "base/http/http_call.h"
#include "base/http/http_connection.h"
#include "http_fixture.h"

/* In place of libc's: no memory for a change of what is watched for. */
static bool no_memory_to_modify;

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    if (no_memory_to_modify && operation == EPOLL_CTL_MOD) {
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
}

struct answer {
    const char *bytes;
    size_t piece; /* bytes sent at once, a millisecond apart; 0: all */
    bool closes;  /* the connection, behind the bytes */
    bool early;   /* without waiting for the request's end */
};

/* One connection at a time. */
struct script {
    struct fixture *fixture;
    const struct answer *answers;
    size_t count, next;
    int listener, fd;
    unsigned accepted, requests;
    struct loop_timer *timer;
    const char *left; /* to be sent */
    struct buffer request;
};

static void script_close(struct script *script)
{
    loop_unwatch(script->fixture->loop, script->fd);
    close(script->fd);
    script->fd = -1;
}

static void send_piece(void *context)
{
    struct script *script = context;
    const struct answer *answer = &script->answers[script->next - 1];
    size_t left = strlen(script->left);
    size_t length = answer->piece && answer->piece < left ? answer->piece : left;
    if (script->fd < 0)
        return;
    send(script->fd, script->left, length, MSG_NOSIGNAL);
    script->left += length;
    if (*script->left)
        loop_timer_after(script->timer, NS_PER_MS);
    else if (answer->closes)
        script_close(script);
}

static void answer_now(struct script *script)
{
    assert_true(script->next < script->count);
    script->left = script->answers[script->next++].bytes;
    script->requests++;
    buffer_clear(&script->request);
    send_piece(script);
}

static void on_request(void *context, int fd, uint32_t events)
{
    struct script *script = context;
    static char piece[1 << 16];
    (void)events;
    ssize_t length = recv(fd, piece, sizeof(piece), 0);
    if (length <= 0) {
        script_close(script);
        return;
    }
    buffer_append(&script->request, piece, (size_t)length);
    const struct answer *answer = &script->answers[script->next];
    bool early = script->next < script->count && answer->early;
    if (request_length(&script->request) || early) {
        buffer_clear(&script->fixture->server.last);
        buffer_append_text(&script->fixture->server.last, buffer_text(&script->request));
        answer_now(script);
        if (early && script->fd >= 0)
            loop_unwatch(script->fixture->loop, fd); /* the rest is never read */
    }
}

static void on_connection_of_script(void *context, int fd, uint32_t events)
{
    struct script *script = context;
    (void)events;
    if (script->fd >= 0)
        script_close(script);
    script->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    script->accepted++;
    loop_watch(script->fixture->loop, script->fd, EPOLLIN, on_request, script);
}

static int script_port(const struct script *script)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    getsockname(script->listener, (struct sockaddr *)&address, &length);
    return ntohs(address.sin_port);
}

static void script_start(struct script *script, struct fixture *fixture,
                         const struct answer *answers, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *script = (struct script){.fixture = fixture, .answers = answers, .count = count, .fd = -1};
    script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(script->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(script->listener, 8), 0);
    buffer_init(&script->request, 16 << 20);
    assert_int_equal(loop_timer_new(fixture->loop, send_piece, script, &script->timer), 0);
    loop_watch(fixture->loop, script->listener, EPOLLIN, on_connection_of_script, script);
}

static void script_stop(struct script *script)
{
    if (script->fd >= 0)
        script_close(script);
    loop_unwatch(script->fixture->loop, script->listener);
    close(script->listener);
    loop_timer_free(&script->timer);
    buffer_free(&script->request);
}

static void fetch_from(struct script *script)
{
    struct fixture *fixture = script->fixture;
    struct http_request request = request_for(fixture, "");
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d/x", script_port(script));
    fetch(fixture, &request);
}

/* ---- where a response ends ---- */

static void test_responses(void **state)
{
    static const struct {
        struct answer answer;
        int status;
        const char *body, *error; /* how it begins */
    } cases[] = {
        {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, 200, "hello", ""},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, 200, "", ""},
        {{"HTTP/1.1 204 No Content\r\n\r\n"}, 204, "", ""},
        {{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"}, 304, "", ""},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"},
         200,
         "hello",
         ""},
        {{"HTTP/1.1 200 OK\r\n\r\nhello", .closes = true}, 200, "hello", ""},
        {{"HTTP/1.1 200 OK\r\n\r\n", .closes = true}, 200, "", ""},
        {{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, 200, "hello", ""},
        {{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
         200,
         "hello",
         ""},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .closes = true},
         200,
         "hello",
         "127.0.0.1:"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .closes = true},
         200,
         "hello",
         "127.0.0.1:"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!"},
         200,
         "hello",
         "the response has a broken chunk"},
        {{"HTTP/1.1 200 O", .closes = true}, 0, "", "127.0.0.1:"},
        {{"", .closes = true}, 0, "", "127.0.0.1:"},
        {{"SSH-2.0-OpenSSH_9.2\r\n"}, 0, "", "the response is not HTTP/1"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: br\r\n\r\n"},
         0,
         "",
         "the response has a Transfer-Encoding that was not asked for"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t piece = 0; piece < 8; piece += 1 + piece) {
            struct answer answer = cases[i].answer;
            struct script script;
            answer.piece = piece;
            script_start(&script, fixture, &answer, 1);
            fetch_from(&script);
            if (strncmp(fixture->error, cases[i].error, strlen(cases[i].error)) ||
                !*fixture->error != !*cases[i].error)
                fail_msg("case %zu, pieces of %zu: \"%s\"", i, piece, fixture->error);
            assert_int_equal(fixture->status, cases[i].status);
            assert_string_equal(fixture->body.bytes ? fixture->body.bytes : "", cases[i].body);
            assert_true(server_saw(&fixture->server, "GET /x HTTP/1.1\r\nHost: 127.0.0.1:"));
            script_stop(&script);
            run(fixture, 5);
        }
    }
}

static void test_endless_head(void **state)
{
    struct fixture *fixture = *state;
    autobuffer struct buffer head;
    struct script script;
    buffer_init(&head, 1 << 20);
    buffer_append_string(&head, "HTTP/1.1 200 OK\r\n");
    while (head.length < 200000)
        buffer_append_string(&head, "X-More: and more and more and more\r\n");
    struct answer answer = {head.bytes};
    script_start(&script, fixture, &answer, 1);
    fetch_from(&script);
    assert_string_equal(fixture->error, "response headers are larger than 65536 bytes");
    assert_int_equal(fixture->status, 0);
    script_stop(&script);
}

/* What comes with the end of a head does not count as head. */
static void test_large_head(void **state)
{
    struct fixture *fixture = *state;
    autobuffer struct buffer bytes;
    struct script script;
    buffer_init(&bytes, 1 << 20);
    buffer_append_string(&bytes, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX-Long: ");
    while (bytes.length < 60000)
        buffer_append_char(&bytes, 'x');
    buffer_append_string(&bytes, "\r\n\r\n");
    while (bytes.length < 60004 + 100000)
        buffer_append_char(&bytes, 'b');
    struct answer answer = {bytes.bytes, .piece = 60000};
    script_start(&script, fixture, &answer, 1);
    fetch_from(&script);
    assert_string_equal(fixture->error, "");
    assert_int_equal(strspn(fixture->body.bytes, "b"), 100000);
    script_stop(&script);
}

/* ---- what becomes of the connection ---- */

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void test_kept_connections(void **state)
{
    static const struct {
        const char *first;
        unsigned connections; /* for two calls */
    } cases[] = {
        {OK, 1},
        {"HTTP/1.1 204 No Content\r\n\r\n", 1},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 2},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2},
        {OK "more", 2}, /* whoever says more than it should is not kept */
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 2},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer answers[] = {{cases[i].first}, {OK}};
        struct script script;
        script_start(&script, fixture, answers, 2);
        fetch_from(&script);
        run(fixture, 5);
        fetch_from(&script);
        assert_string_equal(fixture->error, "");
        assert_body(fixture, "ok");
        if (script.accepted != cases[i].connections)
            fail_msg("case %zu: %u connections", i, script.accepted);
        script_stop(&script);
        run(fixture, 5);
    }
}

/* The server was tired of waiting, and closed just as the next request came. */
static void test_retry_on_a_new_connection(void **state)
{
    static const struct answer answers[] = {{OK}, {"", .closes = true}, {OK}};
    struct fixture *fixture = *state;
    struct script script;
    script_start(&script, fixture, answers, ARRAY_SIZE(answers));
    fetch_from(&script);
    fetch_from(&script);
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->status, 200);
    assert_int_equal(script.requests, 3);
    assert_int_equal(script.accepted, 2);
    script_stop(&script);
}

/* What a server says while nobody asks is no answer to whoever asks next. */
static void test_unasked(void **state)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    static const struct answer answers[] = {{OK}, {OK}};
    struct fixture *fixture = *state;
    struct script script;
    script_start(&script, fixture, answers, ARRAY_SIZE(answers));
    fetch_from(&script);
    assert_int_equal(send(script.fd, late, strlen(late), MSG_NOSIGNAL), strlen(late));
    fetch_from(&script);
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->status, 200);
    assert_int_equal(script.accepted, 2);
    script_stop(&script);
}

/* But once: a new connection that ends so is an error. */
static void test_no_second_retry(void **state)
{
    static const struct answer answers[] = {{OK}, {"", .closes = true}, {"", .closes = true}};
    struct fixture *fixture = *state;
    struct script script;
    script_start(&script, fixture, answers, ARRAY_SIZE(answers));
    fetch_from(&script);
    fetch_from(&script);
    assert_non_null(strstr(fixture->error, "closed the connection without a response"));
    assert_int_equal(script.requests, 3);
    script_stop(&script);
}

/* A server that answers before it has the whole request, and then closes: the answer counts. */
static void test_early_answer(void **state)
{
    static char body[8 << 20];
    static const struct answer answers[] = {
        {"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", .early = true}};
    struct fixture *fixture = *state;
    struct script script;
    script_start(&script, fixture, answers, 1);
    struct http_request request = request_for(fixture, "");
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d/x", script_port(&script));
    request.method = "POST";
    request.body = body;
    request.body_length = sizeof(body);
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "");
    assert_int_equal(fixture->status, 413);
    assert_body(fixture, "no");
    script_stop(&script);
}

/* A kept connection that cannot be watched for the rest of a large request ends with it: nobody may
 * find the call there that is another's by then. */
static void test_kept_connection_cannot_be_watched(void **state)
{
    static char body[8 << 20];
    static const struct answer answers[] = {{OK}, {OK}};
    struct fixture *fixture = *state;
    struct script script;
    script_start(&script, fixture, answers, ARRAY_SIZE(answers));
    fetch_from(&script);
    loop_unwatch(fixture->loop, script.fd); /* it reads nothing */
    struct http_request request = request_for(fixture, "");
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d/x", script_port(&script));
    request.method = "POST";
    request.body = body;
    request.body_length = sizeof(body);
    no_memory_to_modify = true;
    fetch(fixture, &request);
    no_memory_to_modify = false;
    assert_non_null(strstr(fixture->error, "cannot allocate memory"));
    script_close(&script);
    fetch_from(&script);
    assert_string_equal(fixture->error, "");
    assert_int_equal(script.accepted, 2);
    assert_int_equal(script.requests, 2);
    script_stop(&script);
}

/* The next descriptor would be one too many. */
static struct rlimit forbid_descriptors(void)
{
    struct rlimit limit;
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {(rlim_t)next, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return limit;
}

/* Connections that are only kept take nobody the descriptor that a call needs. */
static void test_idle_connections_make_room(void **state)
{
    static const struct answer answers[] = {{OK}};
    struct fixture *fixture = *state;
    struct script first, second;
    script_start(&first, fixture, answers, 1);
    script_start(&second, fixture, answers, 1);
    fetch_from(&first);
    assert_string_equal(fixture->error, "");
    struct rlimit limit = forbid_descriptors();
    fetch_from(&second);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_string_equal(fixture->error, "");
    assert_body(fixture, "ok");
    assert_int_equal(first.fd, -1);
    script_stop(&first);
    script_stop(&second);
}

static void on_nothing(void *context, int fd, uint32_t events)
{
    (void)context;
    (void)fd;
    (void)events;
}

/* At most half of the descriptors that there may be: others need some, too. */
static void test_idle_connections_leave_half(void **state)
{
    enum { ALLOWED = 40, OPENED = 30 };
    struct fixture *fixture = *state;
    struct script script;
    struct http_connections *connections;
    struct http_connection *opened[OPENED];
    int fds[OPENED], idle = 0;
    struct http_call call = {0};
    struct rlimit limit;

    script_start(&script, fixture, NULL, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit few = {ALLOWED, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(http_connections_new(fixture->loop, on_nothing, NULL, &connections), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct http_address address = {.v4.sin_family = AF_INET};
    address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.v4.sin_port = htons((uint16_t)script_port(&script));
    for (size_t i = 0; i < OPENED; i++)
        assert_int_equal(http_connection_open(connections, &address, &opened[i]), 0);
    for (size_t i = 0; i < OPENED; i++) {
        fds[i] = opened[i]->fd;
        opened[i]->call = &call;
        call.connection = opened[i];
        http_connection_keep(opened[i]);
    }
    for (size_t i = 0; i < OPENED; i++)
        idle += fcntl(fds[i], F_GETFD) >= 0;
    assert_int_equal(idle, ALLOWED / 2);
    http_connections_free(&connections);
    script_stop(&script);
}

static void test_ipv6(void **state)
{
    struct fixture *fixture = *state;
    struct http_request request = request_for(fixture, "");
    snprintf(fixture->url, sizeof(fixture->url), "http://[::1]:1/");
    fetch(fixture, &request);
    assert_string_equal(fixture->error, "dial [::1]:1: connection refused");
}

static void test_addresses(void **state)
{
    static const struct {
        const char *url;
        const char *text; /* NULL: not for us */
    } cases[] = {
        {"http://127.0.0.1", "127.0.0.1:80"},
        {"HTTP://127.0.0.1:9100/metrics?a=b", "127.0.0.1:9100"},
        {"http://[::1]/", "[::1]:80"},
        {"http://[2001:db8::1]:9100/", "[2001:db8::1]:9100"},
        {"https://127.0.0.1/", NULL},
        {"http://localhost/", NULL},
        {"http://user:pass@127.0.0.1/", NULL},
        {"http://127.0.0.1:/", NULL},
        {"http://127.0.0.1:0/", NULL},
        {"http://127.0.0.1:65536/", NULL},
        {"http://127.0.0.1:80x/", NULL},
        {"http://127.1/", NULL},
        {"http://[::1/", NULL},
        {"http://::1/", NULL},
        {"http://[fe80::1%25lo]/", NULL},
        {"http://127.0.0.1/a#b", NULL},
        {"http://127.0.0.1/a b", NULL},
        {"http://127.0.0.1/\xc3\xbc", NULL},
        {"http://", NULL},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_request request = {.url = cases[i].url, .config = &fixture->config};
        struct http_address address;
        char text[HTTP_ADDRESS_TEXT_SIZE];
        bool ours = http_address_of(&request, &address);
        if (ours != !!cases[i].text)
            fail_msg("%s", cases[i].url);
        if (!ours)
            continue;
        http_address_text(&address, text);
        assert_string_equal(text, cases[i].text);
    }
}

#define DIRECT_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECT_TEST(test_responses),
        DIRECT_TEST(test_endless_head),
        DIRECT_TEST(test_large_head),
        DIRECT_TEST(test_kept_connections),
        DIRECT_TEST(test_retry_on_a_new_connection),
        DIRECT_TEST(test_unasked),
        DIRECT_TEST(test_no_second_retry),
        DIRECT_TEST(test_early_answer),
        DIRECT_TEST(test_kept_connection_cannot_be_watched),
        DIRECT_TEST(test_idle_connections_make_room),
        DIRECT_TEST(test_idle_connections_leave_half),
        DIRECT_TEST(test_ipv6),
        DIRECT_TEST(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
