/* SPDX-License-Identifier: Apache-2.0 */
/* One call at a time on a connection. A kept connection that ends before a byte of the response has
 * come was closed by a server that was tired of waiting: the request goes out once more on a new
 * one. */
#include "base/http/http_direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/http/http_connection.h"

#define PIECE (64 * 1024) /* bytes read at once */
#define PIECES_PER_TURN 8 /* then it is others' turn */
#define HEAD_EXPECTED 512 /* bytes: most requests need no more */
#define LINE_END "\r\n"

struct http_direct {
    struct loop *loop;
    struct http_connections *connections;
    char piece[PIECE];
};

static void on_ready(void *context, int fd, uint32_t events);
static void read_response(struct http_connection *connection);

/* ---- the end of a call ---- */

static void end_failed(struct http_call *call, bool with_status)
{
    if (!with_status)
        call->fields.status = 0;
    if (call->connection)
        http_connection_close(call->connection);
    http_call_direct_done(call);
}

__attribute__((format(printf, 3, 4))) static void fail(struct http_call *call, bool with_status,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(call->failure, sizeof(call->failure), format, arguments);
    va_end(arguments);
    end_failed(call, with_status);
}

static void fail_dial(struct http_call *call, int error)
{
    http_error_dial(call, error);
    end_failed(call, false);
}

static void fail_timeout(void *context)
{
    struct http_call *call = context;
    char place[HTTP_ADDRESS_TEXT_SIZE];
    const struct http_connection *connection = call->connection;
    enum http_phase phase = !connection || connection->state == CONNECTION_CONNECTING
                                ? HTTP_PHASE_CONNECTING
                            : call->fields.status ? HTTP_PHASE_READING
                                                  : HTTP_PHASE_WAITING;
    char line[HTTP_ERROR_MAXIMUM];

    http_address_text(&call->address, place);
    http_error_timeout(call, phase, place, line);
    fail(call, true, "%s", line);
}

static void start_on(struct http_direct *direct, struct http_call *call, bool may_reuse);

/* Of what it has not had as a whole the server has done nothing. */
static bool is_all_sent(const struct http_connection *connection)
{
    const struct http_call *call = connection->call;
    return connection->sent == call->text.length + call->request_body_length;
}

/* The peer has closed, or reset. */
static void fail_closed(struct http_connection *connection)
{
    struct http_call *call = connection->call;
    char place[HTTP_ADDRESS_TEXT_SIZE];

    if (connection->kept && !call->head.length) {
        struct http_direct *direct = connection->user;
        call->sent_twice |= is_all_sent(connection);
        http_connection_close(connection);
        start_on(direct, call, false);
        return;
    }
    http_address_text(&call->address, place);
    if (connection->state == CONNECTION_BODY)
        fail(call, true, "%s closed the connection within the response", place);
    else
        fail(call, false, "%s closed the connection without a response", place);
}

/* `clean`: the connection can serve another call. */
static void finish(struct http_connection *connection, bool clean)
{
    struct http_call *call = connection->call;
    if (clean && !connection->early && !call->fields.close)
        http_connection_keep(connection);
    else
        http_connection_close(connection);
    http_call_direct_done(call);
}

/* ---- sending ---- */

/* 0, -EAGAIN (the rest later), or another negative errno. */
static int send_request(struct http_connection *connection)
{
    const struct http_call *call = connection->call;
    size_t text = call->text.length, total = text + call->request_body_length;

    while (connection->sent < total) {
        struct iovec parts[2];
        struct msghdr message = {.msg_iov = parts};
        size_t skipped = connection->sent;
        if (skipped < text) {
            parts[message.msg_iovlen++] =
                (struct iovec){call->text.bytes + skipped, text - skipped};
            skipped = text;
        }
        if (skipped < total)
            parts[message.msg_iovlen++] =
                (struct iovec){(char *)call->request_body + (skipped - text), total - skipped};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0)
            return -errno;
        connection->sent += (size_t)sent;
    }
    return 0;
}

/* The server has answered before all was sent, or has closed: what it says is the outcome. */
static void read_early(struct http_connection *connection)
{
    connection->early = true;
    connection->state = CONNECTION_HEAD;
    if (http_connection_watch(connection, false))
        fail_closed(connection);
    else
        read_response(connection);
}

static void go_on_sending(struct http_connection *connection)
{
    int error = send_request(connection);

    if (error == -EAGAIN || error == -EINTR)
        error = connection->writes ? 0 : http_connection_watch(connection, true);
    else if (!error) {
        connection->state = CONNECTION_HEAD;
        error = connection->writes ? http_connection_watch(connection, false) : 0;
    }
    if (error)
        read_early(connection);
}

static void start_on(struct http_direct *direct, struct http_call *call, bool may_reuse)
{
    struct http_connection *connection =
        may_reuse ? http_connection_take(direct->connections, &call->address) : NULL;
    int error = 0;

    if (!connection)
        error = http_connection_open(direct->connections, &call->address, &connection);
    if (error) {
        http_call_direct_fail(call, error);
        return;
    }
    connection->call = call;
    connection->sent = 0;
    connection->early = false;
    connection->chunks = (struct http_chunks){0};
    call->connection = connection;
    buffer_clear(&call->head);
    if (connection->state == CONNECTION_CONNECTING)
        return; /* goes on when it is there */
    connection->state = CONNECTION_SENDING;
    error = send_request(connection);
    if (!error) {
        connection->state = CONNECTION_HEAD;
    } else if (error == -EAGAIN) {
        error = http_connection_watch(connection, true);
    } else {
        http_connection_close(connection); /* the server has closed it meanwhile */
        start_on(direct, call, false);
        return;
    }
    if (error) {
        http_connection_close(connection);
        http_call_direct_fail(call, error);
    }
}

/* ---- the response ---- */

/* A body that has no bytes has no end to wait for. */
static bool has_no_body(const struct http_head_fields *fields)
{
    return fields->status == 204 || fields->status == 304 ||
           (!fields->chunked && fields->content_length == 0);
}

static bool is_redirect(struct http_call *call)
{
    return http_call_follows(call, call->fields.status) && http_call_header(call, "Location", 0);
}

/* The head is complete: what comes behind it? True: the call goes on. */
static bool begin_body(struct http_connection *connection)
{
    struct http_call *call = connection->call;

    text_copy(call->fields.status_text, call->status_text, sizeof(call->status_text));
    if (is_redirect(call)) {
        http_connection_close(connection);
        http_call_fall_back(call);
        return false;
    }
    connection->state = CONNECTION_BODY;
    connection->body_left =
        call->fields.content_length >= 0 ? (uint64_t)call->fields.content_length : UINT64_MAX;
    if (!call->fields.chunked && call->fields.content_length < 0 && !has_no_body(&call->fields))
        call->fields.close = true; /* its end is the end of the connection */
    return true;
}

enum progress { CALL_WAITS, CALL_GOES_ON, CALL_ENDED };

/* Where the head lies in one piece it is not copied before it has been read. */
static ssize_t parse_head(struct http_call *call, struct text bytes, const char **fault)
{
    bool is_first = !call->head.length;
    ssize_t length = is_first ? http_head_parse(bytes, &call->fields, fault) : 0;
    size_t room = HTTP_DIRECT_MAX_HEAD - call->head.length;

    if (length > 0)
        bytes.length = (size_t)length;
    if (buffer_append(&call->head, bytes.bytes, bytes.length < room ? bytes.length : room)) {
        *fault = "no memory for the response's headers";
        return -ENOMEM;
    }
    if (!is_first || length > 0)
        length = http_head_parse(buffer_text(&call->head), &call->fields, fault);
    if (!length && call->head.length == HTTP_DIRECT_MAX_HEAD) {
        *fault = "response headers are larger than 65536 bytes";
        return -E2BIG;
    }
    return length;
}

/* Takes what belongs to the head off the front of *bytes. */
static enum progress take_head(struct http_connection *connection, struct text *bytes)
{
    struct http_call *call = connection->call;
    const char *fault = NULL;
    size_t before = call->head.length;

    ssize_t length = parse_head(call, *bytes, &fault);
    if (length < 0) {
        fail(call, false, "%s", fault);
        return CALL_ENDED;
    }
    if (!length)
        return CALL_WAITS;
    size_t taken = (size_t)length - before;
    call->head.length = (size_t)length;
    *bytes = (struct text){bytes->bytes + taken, bytes->length - taken};
    if (call->fields.status >= 200)
        return begin_body(connection) ? CALL_GOES_ON : CALL_ENDED;
    buffer_clear(&call->head); /* the real response follows */
    return bytes->length ? take_head(connection, bytes) : CALL_WAITS;
}

/* Gives a piece to the caller. False: the call has ended. */
static bool deliver(struct http_connection *connection, struct text piece)
{
    struct http_call *call = connection->call;

    call->delivering = true;
    int error = http_body_feed(call, piece.bytes, piece.length);
    call->delivering = false;
    if (call->state == HTTP_CALL_CANCELLED) {
        http_connection_close(connection);
        http_call_direct_drop(call);
        return false;
    }
    if (error) {
        http_connection_close(connection);
        http_call_direct_done(call);
        return false;
    }
    return true;
}

/* False: the call has ended. */
static bool take_chunked(struct http_connection *connection, struct text bytes)
{
    struct http_call *call = connection->call;
    struct text piece;
    int result;

    while ((result = http_chunks_next(&connection->chunks, &bytes, &piece)) > 0)
        if (!deliver(connection, piece))
            return false;
    if (result < 0) {
        fail(call, true, "the response has a broken chunk");
        return false;
    }
    if (connection->chunks.state != HTTP_CHUNKS_ENDED)
        return true;
    finish(connection, !bytes.length);
    return false;
}

static bool take_body(struct http_connection *connection, struct text bytes)
{
    const struct http_call *call = connection->call;

    if (has_no_body(&call->fields)) {
        finish(connection, !bytes.length);
        return false;
    }
    if (call->fields.chunked)
        return take_chunked(connection, bytes);
    size_t length =
        bytes.length < connection->body_left ? bytes.length : (size_t)connection->body_left;
    if (length && !deliver(connection, (struct text){bytes.bytes, length}))
        return false;
    if (connection->body_left != UINT64_MAX)
        connection->body_left -= length;
    if (connection->body_left)
        return true;
    finish(connection, length == bytes.length);
    return false;
}

/* The connection has ended. */
static void take_end(struct http_connection *connection)
{
    bool ends_body = connection->state == CONNECTION_BODY && !connection->call->fields.chunked &&
                     connection->body_left == UINT64_MAX;
    if (ends_body)
        finish(connection, false);
    else
        fail_closed(connection);
}

/* False: the call has ended, or goes on by other means. */
static bool take_piece(struct http_connection *connection, struct text bytes)
{
    enum progress progress = CALL_GOES_ON;

    if (connection->state != CONNECTION_BODY)
        progress = take_head(connection, &bytes);
    return progress == CALL_GOES_ON ? take_body(connection, bytes) : progress == CALL_WAITS;
}

static void read_response(struct http_connection *connection)
{
    struct http_direct *direct = connection->user;

    for (int i = 0; i < PIECES_PER_TURN; i++) {
        ssize_t length = recv(connection->fd, direct->piece, PIECE, 0);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length <= 0) {
            take_end(connection);
            return;
        }
        if (!take_piece(connection, (struct text){direct->piece, (size_t)length}) || length < PIECE)
            return;
    }
}

/* ---- events ---- */

static void on_connected(struct http_connection *connection)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        fail_dial(connection->call, -error);
        return;
    }
    connection->state = CONNECTION_SENDING;
    go_on_sending(connection);
}

static void on_ready(void *context, int fd, uint32_t events)
{
    struct http_connection *connection = context;

    (void)fd;
    switch (connection->state) {
    case CONNECTION_IDLE:
        http_connection_close(connection); /* the server has closed it, or talks unasked */
        break;
    case CONNECTION_CONNECTING:
        on_connected(connection);
        break;
    case CONNECTION_SENDING:
        if (events & EPOLLIN)
            read_early(connection);
        else
            go_on_sending(connection);
        break;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        read_response(connection);
        break;
    }
}

/* ---- the interface ---- */

int http_direct_begin(struct http_call *call, const struct http_request *request)
{
    const char *host = request->url + strlen("http://");
    size_t host_length = strcspn(host, "/?#");
    const char *path = host + host_length;
    struct buffer *text = &call->text;

    buffer_reserve(text, HEAD_EXPECTED);
    buffer_append_string(text, request->method);
    buffer_append_string(text, *path == '/' ? " " : " /");
    buffer_append_string(text, path);
    buffer_append_string(text, " HTTP/1.1" LINE_END "Host: ");
    buffer_append(text, host, host_length);
    buffer_append_string(text, LINE_END);
    return text->failed ? -ENOMEM : 0;
}

void http_direct_start(struct http_direct *direct, struct http_call *call)
{
    call->fields = (struct http_head_fields){0};
    if (!call->timer && loop_timer_new(direct->loop, fail_timeout, call, &call->timer)) {
        http_call_direct_fail(call, -ENOMEM);
        return;
    }
    loop_timer_at(call->timer, call->started_ns + call->timeout_ns);
    start_on(direct, call, true);
}

void http_direct_cancel(struct http_call *call)
{
    if (call->connection)
        http_connection_close(call->connection);
}

int http_direct_new(struct loop *loop, struct http_direct **out)
{
    struct http_direct *direct = calloc(1, sizeof(*direct));
    if (!direct)
        return -ENOMEM;
    direct->loop = loop;
    int error = http_connections_new(loop, on_ready, direct, &direct->connections);
    if (error)
        free(direct);
    else
        *out = direct;
    return error;
}

void http_direct_free(struct http_direct **direct)
{
    if (!*direct)
        return;
    http_connections_free(&(*direct)->connections);
    free(*direct);
    *direct = NULL;
}
