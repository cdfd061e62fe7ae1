/* SPDX-License-Identifier: Apache-2.0 */
/* An API server that follows a script, for tests: each request is held to what it has to ask for
 * and gets its answer. What is seen of the answers is gathered as a text. */
#ifndef EDGEMETER_TESTS_KUBERNETES_FIXTURE_H
#define EDGEMETER_TESTS_KUBERNETES_FIXTURE_H

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/http/http_client.h"
#include "base/log.h"
#include "http_server.h"

#define PATIENCE_NS (20 * NS_PER_SECOND)
#define LOOK_NS (2 * NS_PER_MS)

/* Answers: the body follows and the connection stays open, or is cut behind it. */
#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define CUT "\1"
#define STATUS(code, message)                                                                \
    "HTTP/1.1 " #code " No\r\nConnection: close\r\n\r\n{\"kind\":\"Status\",\"code\":" #code \
    ",\"message\":\"" message "\"}" CUT

/* A request of the script. */
struct step {
    const char *wants;   /* in the path */
    const char *refuses; /* not in the path; NULL: nothing */
    const char *answer;
};

struct kubernetes_fixture {
    struct server server; /* first */
    struct loop *loop;
    struct http_client *client;
    struct loop_timer *timer;
    const struct step *script;
    size_t steps, done;
    size_t wanted; /* steps to wait for */
    struct buffer seen;
    const char *expected;
    uint64_t deadline_ns;
};

static inline void on_kubernetes_request(struct server *server, struct connection *connection,
                                         const char *path)
{
    struct kubernetes_fixture *fixture = (struct kubernetes_fixture *)server;

    if (fixture->done == fixture->steps)
        fail_msg("request %zu is one too many: %s", fixture->done, path);
    const struct step *step = &fixture->script[fixture->done++];
    if (!strstr(path, step->wants) || (step->refuses && strstr(path, step->refuses)))
        fail_msg("request %zu is not for %s but not %s: %s", fixture->done - 1, step->wants,
                 step->refuses ? step->refuses : "-", path);
    size_t length = strlen(step->answer);
    bool cut = length && step->answer[length - 1] == *CUT;
    send(connection->fd, step->answer, length - cut, MSG_NOSIGNAL);
    if (cut)
        connection_close(server, connection);
}

static inline void look_at_seen(void *context)
{
    struct kubernetes_fixture *fixture = context;
    bool all = fixture->done >= fixture->wanted;

    if ((all && strcmp(fixture->seen.bytes, fixture->expected) == 0) ||
        clock_monotonic_ns() > fixture->deadline_ns)
        loop_stop(fixture->loop);
    loop_timer_after(fixture->timer, LOOK_NS);
}

/* Runs until this is what was seen since the last time. */
static inline void expect_seen(struct kubernetes_fixture *fixture, const char *expected)
{
    fixture->expected = expected;
    fixture->deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
    loop_timer_after(fixture->timer, 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_string_equal(fixture->seen.bytes, expected);
    buffer_clear(&fixture->seen);
    buffer_append_string(&fixture->seen, "");
}

static inline void kubernetes_fixture_start(struct kubernetes_fixture *fixture,
                                            const struct step *script, size_t steps)
{
    *fixture = (struct kubernetes_fixture){.script = script, .steps = steps};
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT); /* refusals are warned of */
    buffer_init(&fixture->seen, 1 << 16);
    buffer_append_string(&fixture->seen, "");
    assert_int_equal(loop_new(&fixture->loop), 0);
    assert_int_equal(http_client_new(fixture->loop, "edgemeter/test", &fixture->client), 0);
    assert_int_equal(loop_timer_new(fixture->loop, look_at_seen, fixture, &fixture->timer), 0);
    fixture->server.respond = on_kubernetes_request;
    server_start(&fixture->server, fixture->loop);
}

static inline void kubernetes_fixture_end(struct kubernetes_fixture *fixture)
{
    assert_int_equal(fixture->done, fixture->steps);
    http_client_free(&fixture->client);
    server_stop(&fixture->server);
    loop_timer_free(&fixture->timer);
    loop_free(&fixture->loop);
    buffer_free(&fixture->seen);
}

#endif
