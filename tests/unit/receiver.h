/* SPDX-License-Identifier: Apache-2.0 */
/* A remote-write receiver for tests, on the loop of the shipper under test. It answers as scripted,
 * then with 204, and keeps every request and every sample that it has taken. */
#ifndef EDGEMETER_TESTS_RECEIVER_H
#define EDGEMETER_TESTS_RECEIVER_H

#include <arpa/inet.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"
#include "ship/remote.pb-c.h"
#include "ship/remote_v2.pb-c.h"

#define RECEIVER_CONNECTIONS 16
#define RECEIVER_REQUESTS 512
#define RECEIVER_SAMPLES 20000

enum reply {
    REPLY_TAKE = 0,        /* 204 */
    REPLY_CLOSE = 1,       /* close the connection instead of an answer */
    REPLY_CUT = 2,         /* close it in the middle of the response's head */
    REPLY_CUT_BODY = 3,    /* close it in the middle of the body of a 200 */
    REPLY_CUT_REQUEST = 4, /* close it in the middle of the request */
    REPLY_HANG = 5,
    REPLY_TAKE_SILENT = 6, /* 200, without the headers that 2.0 asks for */
    REPLY_TAKE_HALF = 7,   /* 2.0: 400, with headers that confirm every second sample */
    REPLY_TAKE_LESS = 8,   /* 2.0: 200, with headers that confirm all but one sample */
    REPLY_CUT_LINE = 9,    /* close it behind the first line of the response's head */
    /* Any other number is a status; those from 429 on have the receiver's Retry-After. */
};

typedef Io__Prometheus__Write__V2__Request request_v2;
typedef Io__Prometheus__Write__V2__TimeSeries series_v2;

struct taken_sample {
    double value;
    int64_t timestamp_ms;
    uint64_t histogram_count;
    bool is_histogram;
    char series[32]; /* the value of label n */
    double exemplar; /* of its only one */
    bool has_exemplar;
    int64_t created_ms;
    char help[32];
};

struct received_request {
    uint64_t at_ns;
    uint64_t at_tick;
    int reply;
    unsigned attempt; /* Retry-Attempt, 0 without */
    bool is_v2;
    size_t samples, histograms, metadata; /* samples: of both kinds */
    struct buffer head;
    struct buffer body;
};

struct receiver_connection {
    int fd;
    struct buffer bytes;
};

struct receiver {
    struct loop *loop;
    int listener;
    int port;
    const int *script;
    size_t script_length;
    const char *retry_after; /* NULL: none */
    const uint64_t *ticks;
    size_t most_samples;    /* of a request, more is answered with 413; 0: any number */
    size_t open, most_open; /* connections */
    struct receiver_connection connections[RECEIVER_CONNECTIONS];
    struct received_request requests[RECEIVER_REQUESTS];
    size_t request_count;
    struct taken_sample *taken;
    size_t taken_count;
};

static inline void receiver_close(struct receiver *r, struct receiver_connection *connection)
{
    loop_unwatch(r->loop, connection->fd);
    close(connection->fd);
    connection->fd = -1;
    r->open--;
    buffer_free(&connection->bytes);
}

static inline uint8_t *receiver_uncompress(const struct received_request *request, size_t *length)
{
    const struct buffer *body = &request->body;
    assert_int_equal(snappy_uncompressed_length(body->bytes, body->length, length), SNAPPY_OK);
    char *bytes = malloc(*length + 1);
    assert_int_equal(snappy_uncompress(body->bytes, body->length, bytes, length), SNAPPY_OK);
    return (uint8_t *)bytes;
}

static inline struct taken_sample *receiver_new_sample(struct receiver *r)
{
    assert_true(r->taken_count < RECEIVER_SAMPLES);
    struct taken_sample *taken = &r->taken[r->taken_count++];
    *taken = (struct taken_sample){};
    return taken;
}

static inline void receiver_take_v1(struct receiver *r, const Prometheus__TimeSeries *series)
{
    struct taken_sample *taken = receiver_new_sample(r);
    taken->is_histogram = series->n_histograms > 0;
    for (size_t i = 0; i < series->n_labels; i++)
        if (strcmp(series->labels[i]->name, "n") == 0)
            snprintf(taken->series, sizeof(taken->series), "%s", series->labels[i]->value);
    taken->has_exemplar = series->n_exemplars > 0;
    taken->exemplar = series->n_exemplars ? series->exemplars[0]->value : 0;
    if (taken->is_histogram) {
        taken->histogram_count = series->histograms[0]->count_int;
        taken->timestamp_ms = series->histograms[0]->timestamp;
    } else {
        taken->value = series->samples[0]->value;
        taken->timestamp_ms = series->samples[0]->timestamp;
    }
}

static inline void receiver_take_v2(struct receiver *r, const request_v2 *request,
                                    const series_v2 *series)
{
    struct taken_sample *taken = receiver_new_sample(r);
    taken->is_histogram = series->n_histograms > 0;
    for (size_t i = 0; i < series->n_labels_refs; i += 2)
        if (strcmp(request->symbols[series->labels_refs[i]], "n") == 0)
            snprintf(taken->series, sizeof(taken->series), "%s",
                     request->symbols[series->labels_refs[i + 1]]);
    taken->has_exemplar = series->n_exemplars > 0;
    taken->exemplar = series->n_exemplars ? series->exemplars[0]->value : 0;
    taken->created_ms = series->created_timestamp;
    if (series->metadata)
        snprintf(taken->help, sizeof(taken->help), "%s",
                 request->symbols[series->metadata->help_ref]);
    if (taken->is_histogram) {
        taken->histogram_count = series->histograms[0]->count_int;
        taken->timestamp_ms = series->histograms[0]->timestamp;
    } else {
        taken->value = series->samples[0]->value;
        taken->timestamp_ms = series->samples[0]->timestamp;
    }
}

static inline void receiver_read_v1(struct receiver *r, struct received_request *request, bool take)
{
    size_t length;
    autofree uint8_t *bytes = receiver_uncompress(request, &length);
    Prometheus__WriteRequest *decoded = prometheus__write_request__unpack(NULL, length, bytes);
    assert_non_null(decoded);
    request->samples = decoded->n_timeseries;
    request->metadata = decoded->n_metadata;
    for (size_t i = 0; i < decoded->n_timeseries; i++) {
        const Prometheus__TimeSeries *series = decoded->timeseries[i];
        assert_int_equal(series->n_samples + series->n_histograms, 1);
        if (take)
            receiver_take_v1(r, series);
    }
    prometheus__write_request__free_unpacked(decoded, NULL);
}

static inline void receiver_read_v2(struct receiver *r, struct received_request *request, bool take)
{
    size_t length;
    autofree uint8_t *bytes = receiver_uncompress(request, &length);
    request_v2 *decoded = io__prometheus__write__v2__request__unpack(NULL, length, bytes);
    assert_non_null(decoded);
    request->samples = decoded->n_timeseries;
    for (size_t i = 0; i < decoded->n_timeseries; i++) {
        const series_v2 *series = decoded->timeseries[i];
        assert_int_equal(series->n_samples + series->n_histograms, 1);
        request->metadata += series->metadata != NULL;
        request->histograms += series->n_histograms;
        if (take)
            receiver_take_v2(r, decoded, series);
    }
    io__prometheus__write__v2__request__free_unpacked(decoded, NULL);
}

static inline void receiver_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What a 2.0 receiver says that it has written. */
static inline void receiver_answer_v2(int fd, const char *status, size_t written, size_t histograms)
{
    char text[512];
    snprintf(text, sizeof(text),
             "HTTP/1.1 %s\r\n"
             "X-Prometheus-Remote-Write-Samples-Written: %zu\r\n"
             "X-Prometheus-Remote-Write-Histograms-Written: %zu\r\n"
             "X-Prometheus-Remote-Write-Exemplars-Written: 0\r\n"
             "Content-Length: 0\r\n\r\n",
             status, written, histograms);
    receiver_send(fd, text);
}

static inline void receiver_answer_status(const struct receiver *r, int fd, int status)
{
    char text[256], again[64] = "";
    if (status >= 429 && r->retry_after)
        snprintf(again, sizeof(again), "Retry-After: %s\r\n", r->retry_after);
    snprintf(text, sizeof(text), "HTTP/1.1 %d Scripted\r\n%sContent-Length: 7\r\n\r\nbecause",
             status, again);
    receiver_send(fd, text);
}

static inline void receiver_answer(struct receiver *r, struct receiver_connection *connection,
                                   const struct received_request *request)
{
    int fd = connection->fd;
    switch (request->reply) {
    case REPLY_TAKE:
        if (request->is_v2)
            receiver_answer_v2(fd, "204 No Content", request->samples - request->histograms,
                               request->histograms);
        else
            receiver_send(fd, "HTTP/1.1 204 No Content\r\n\r\n");
        return;
    case REPLY_TAKE_SILENT:
        receiver_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        return;
    case REPLY_TAKE_HALF:
        receiver_answer_v2(fd, "400 Bad Request", request->samples / 2, 0);
        return;
    case REPLY_TAKE_LESS:
        receiver_answer_v2(fd, "200 OK", request->samples - 1, 0);
        return;
    case REPLY_CUT_BODY:
        receiver_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        break;
    case REPLY_CUT:
        receiver_send(fd, "HTTP/1.1 20");
        break;
    case REPLY_CUT_LINE:
        receiver_send(fd, "HTTP/1.1 204 No Content\r\n");
        break;
    case REPLY_CLOSE:
    case REPLY_CUT_REQUEST:
        break;
    case REPLY_HANG:
        return;
    default:
        receiver_answer_status(r, fd, request->reply);
        return;
    }
    receiver_close(r, connection);
}

static inline const char *receiver_header(const struct received_request *request, const char *name)
{
    const char *at = strcasestr(request->head.bytes, name);
    return at ? at + strlen(name) : NULL;
}

static inline int receiver_next_reply(const struct receiver *r)
{
    return r->request_count < r->script_length ? r->script[r->request_count] : REPLY_TAKE;
}

static inline struct received_request *receiver_begin_request(struct receiver *r)
{
    assert_true(r->request_count < RECEIVER_REQUESTS);
    int reply = receiver_next_reply(r);
    struct received_request *request = &r->requests[r->request_count++];
    *request = (struct received_request){
        .at_ns = clock_monotonic_ns(), .at_tick = *r->ticks, .reply = reply};
    buffer_init(&request->head, 64 << 10);
    buffer_init(&request->body, 16 << 20);
    return request;
}

static inline void receiver_handle(struct receiver *r, struct receiver_connection *connection,
                                   size_t head, size_t length)
{
    struct received_request *request = receiver_begin_request(r);
    assert_int_equal(buffer_append(&request->head, connection->bytes.bytes, head), 0);
    assert_int_equal(buffer_append(&request->body, connection->bytes.bytes + head, length - head),
                     0);
    assert_int_equal(connection->bytes.length, length);
    buffer_clear(&connection->bytes);
    const char *attempt = receiver_header(request, "\r\nRetry-Attempt: ");
    request->attempt = attempt ? (unsigned)atoi(attempt) : 0;
    request->is_v2 = receiver_header(request, ";proto=io.prometheus.write.v2.Request\r\n") != NULL;
    bool take = request->reply == REPLY_TAKE || request->reply == REPLY_CUT_BODY;
    size_t before = r->taken_count;
    (request->is_v2 ? receiver_read_v2 : receiver_read_v1)(r, request, take);
    if (r->most_samples && request->samples > r->most_samples) {
        r->taken_count = before;
        request->reply = 413;
    }
    receiver_answer(r, connection, request);
}

static inline void receiver_on_bytes(void *context, int fd, uint32_t events)
{
    struct receiver *r = context;
    struct receiver_connection *connection = r->connections;
    char chunk[65536];
    (void)events;
    while (connection->fd != fd)
        connection++;
    ssize_t length = recv(fd, chunk, sizeof(chunk), 0);
    if (length <= 0) {
        receiver_close(r, connection);
        return;
    }
    if (receiver_next_reply(r) == REPLY_CUT_REQUEST) {
        receiver_begin_request(r);
        receiver_close(r, connection);
        return;
    }
    assert_int_equal(buffer_append(&connection->bytes, chunk, (size_t)length), 0);
    const char *end = strstr(connection->bytes.bytes, "\r\n\r\n");
    if (!end)
        return;
    size_t head = (size_t)(end + 4 - connection->bytes.bytes);
    const char *body = strcasestr(connection->bytes.bytes, "\r\nContent-Length: ");
    assert_non_null(body);
    size_t whole = head + strtoul(body + 18, NULL, 10);
    if (connection->bytes.length >= whole)
        receiver_handle(r, connection, head, whole);
}

static inline void receiver_on_accept(void *context, int fd, uint32_t events)
{
    struct receiver *r = context;
    struct receiver_connection *connection = r->connections;
    (void)events;
    while (connection->fd >= 0)
        connection++;
    assert_true(connection < r->connections + RECEIVER_CONNECTIONS);
    connection->fd = accept(fd, NULL, NULL);
    assert_true(connection->fd >= 0);
    r->open++;
    r->most_open = r->open > r->most_open ? r->open : r->most_open;
    buffer_init(&connection->bytes, 16 << 20);
    assert_int_equal(loop_watch(r->loop, connection->fd, EPOLLIN, receiver_on_bytes, r), 0);
}

/* Port 0: the kernel chooses one. */
static inline void receiver_listen(struct receiver *r, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof(address);
    int on = 1;
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(r->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(r->listener, 64), 0);
    getsockname(r->listener, (struct sockaddr *)&address, &length);
    r->port = ntohs(address.sin_port);
    assert_int_equal(loop_watch(r->loop, r->listener, EPOLLIN, receiver_on_accept, r), 0);
}

/* Refuses connections until receiver_listen(), ends those that it has. */
static inline void receiver_down(struct receiver *r)
{
    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++)
        if (r->connections[i].fd >= 0)
            receiver_close(r, &r->connections[i]);
    if (r->listener < 0)
        return;
    loop_unwatch(r->loop, r->listener);
    close(r->listener);
    r->listener = -1;
}

/* A request that hangs fails. */
static inline void receiver_cut_connections(struct receiver *r)
{
    receiver_down(r);
    receiver_listen(r, r->port);
}

static inline void receiver_start(struct receiver *r, struct loop *loop)
{
    *r = (struct receiver){.loop = loop};
    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++)
        r->connections[i].fd = -1;
    r->taken = calloc(RECEIVER_SAMPLES, sizeof(*r->taken));
    assert_non_null(r->taken);
    receiver_listen(r, 0);
}

/* The script begins anew with the next one. */
static inline void receiver_forget_requests(struct receiver *r)
{
    for (size_t i = 0; i < r->request_count; i++) {
        buffer_free(&r->requests[i].head);
        buffer_free(&r->requests[i].body);
    }
    r->request_count = 0;
}

static inline void receiver_stop(struct receiver *r)
{
    receiver_down(r);
    receiver_forget_requests(r);
    free(r->taken);
}

#endif
