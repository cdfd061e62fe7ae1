/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server for tests, on the loop of the client under test: it keeps the last request
 * and answers by the path alone. No more of HTTP than the tests need. */
#ifndef EDGEMETER_TESTS_HTTP_SERVER_H
#define EDGEMETER_TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/loop.h"

#define CONNECTIONS 32

struct connection {
    int fd;
    struct buffer request;
};

struct server {
    struct loop *loop;
    int listener;
    int port;
    int accepted;
    int requests;
    struct buffer last; /* the last complete request, head and body */
    const char *canned; /* the whole answer to /canned */
    /* Answers in place of what is here by path; may close the connection. NULL: none. */
    void (*respond)(struct server *server, struct connection *connection, const char *path);
    struct connection connections[CONNECTIONS];
};

static inline void connection_close(struct server *server, struct connection *connection)
{
    loop_unwatch(server->loop, connection->fd);
    close(connection->fd);
    connection->fd = -1;
    buffer_free(&connection->request);
}

static inline void send_text(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void send_text(int fd, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, sizeof(text) - 1);
    send(fd, text, (size_t)length, MSG_NOSIGNAL);
}

#define GZIP_SIZE 45

/* 10,000 z, `members` times over, the last `cut` bytes of it left out. */
static inline void send_gzip(int fd, const char *encoding, unsigned members, size_t cut)
{
    static const unsigned char packed[GZIP_SIZE] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x01, 0x0d, 0x00,
        0x00, 0x00, 0xc2, 0xa0, 0xde, 0x4f, 0x6f, 0x0e, 0x37, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0xe0, 0xdf, 0x00, 0x8c, 0xd6, 0x20, 0xdc, 0x10, 0x27, 0x00, 0x00,
    };
    send_text(fd, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", encoding,
              members * sizeof(packed) - cut);
    for (unsigned i = 1; i < members; i++)
        send(fd, packed, sizeof(packed), MSG_NOSIGNAL);
    send(fd, packed, sizeof(packed) - cut, MSG_NOSIGNAL);
}

/* 32,768 z: as many as are inflated at a time. */
static inline void send_gzip_piece(int fd)
{
    static const unsigned char packed[] = {
        0x1f, 0x8b, 0x08, 0,    0,    0,    0,    0,    0x02, 0x03, 0xed, 0xc1, 0x01, 0x01, 0, 0,
        0,    0x80, 0x90, 0xdf, 0xad, 0xef, 0x08, 0x0a, 0,    0,    0,    0,    0,    0,    0, 0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0, 0,
        0,    0,    0,    0,    0,    0,    0,    0x18, 0x06, 0x51, 0x53, 0x34, 0,    0x80, 0, 0,
    };
    send_text(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
              sizeof(packed));
    send(fd, packed, sizeof(packed), MSG_NOSIGNAL);
}

static inline bool answer_gzip(int fd, const char *path)
{
    static const struct {
        const char *path;
        const char *encoding;
        unsigned members;
        size_t cut;
    } answers[] = {
        {"/gzip", "Content-Encoding: gzip\r\n", 1, 0},
        {"/gzip-capitals", "Content-Encoding: GZip\r\n", 1, 0},
        {"/gzip-members", "Content-Encoding: gzip\r\n", 3, 0},
        {"/gzip-cut", "Content-Encoding: gzip\r\n", 1, 9},
        {"/gzip-nothing", "Content-Encoding: gzip\r\n", 1, GZIP_SIZE},
        {"/gzip-chain", "Content-Encoding: gzip, gzip\r\n", 1, 0},
        {"/gzip-twice", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", 1, 0},
        {"/brotli", "Content-Encoding: br\r\n", 1, 0},
        {"/identity", "Content-Encoding: identity\r\n", 1, 0},
        {"/utf-8", "Content-Encoding: utf-8\r\n", 1, 0},
        {"/deflate", "Content-Encoding: utf-8, Deflate\r\n", 1, 0},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        if (strcmp(path, answers[i].path) != 0)
            continue;
        send_gzip(fd, answers[i].encoding, answers[i].members, answers[i].cut);
        return true;
    }
    return false;
}

/* More than libcurl hands over at once. */
static inline void send_large(int fd)
{
    static char body[48000];
    memset(body, 'l', sizeof(body));
    send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof(body));
    send(fd, body, sizeof(body), MSG_NOSIGNAL);
}

static inline void send_redirect(struct server *server, int fd, int status, const char *where)
{
    send_text(fd, "HTTP/1.1 %d R\r\nLocation: http://%s:%d/echo\r\nContent-Length: 5\r\n\r\nmoved",
              status, where, server->port);
}

static inline void send_retry_date(int fd)
{
    char date[64];
    time_t moment = time(NULL) + 100;
    struct tm utc;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&moment, &utc));
    send_text(fd, "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
}

static inline void send_json(int fd, const char *json)
{
    send_text(fd,
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
              strlen(json), json);
}

/* Token endpoints. */
static inline bool answer_token(struct server *server, int fd, const char *path)
{
    static const struct {
        const char *path;
        const char *json;
    } tokens[] = {
        {"/token", "{\"access_token\":\"t1\",\"token_type\":\"bearer\",\"expires_in\":3600}"},
        {"/token-for-ever", "{\"access_token\":\"t2\"}"},
        {"/token-short", "{\"access_token\":\"t3\",\"expires_in\":\"5\"}"},
        {"/token-mac", "{\"access_token\":\"t4\",\"token_type\":\"mac\"}"},
        {"/token-none", "{\"error\":\"nope\"}"},
        {"/token-broken", "{"},
    };
    if (strcmp(path, "/token-form") == 0) { /* only a client_id in the form will do */
        if (strstr(server->last.bytes, "client_id=id&client_secret=s%26t"))
            send_json(fd, "{\"access_token\":\"t5\"}");
        else
            send_text(fd, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
        if (strcmp(path, tokens[i].path) == 0) {
            send_json(fd, tokens[i].json);
            return true;
        }
    }
    return false;
}

static inline void answer(struct server *server, struct connection *connection, const char *path)
{
    int fd = connection->fd;
    if (strcmp(path, "/echo") == 0)
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                      "Content-Length: 5\r\n\r\nhello");
    else if (strcmp(path, "/empty") == 0)
        send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    else if (strcmp(path, "/missing") == 0)
        send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
    else if (strcmp(path, "/large") == 0)
        send_large(fd);
    else if (answer_gzip(fd, path) || answer_token(server, fd, path))
        return;
    else if (strncmp(path, "http://", 7) == 0) /* to a proxy */
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
    else if (path[0] != '/') /* CONNECT */
        send_text(fd, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    else if (strcmp(path, "/gzip-piece") == 0)
        send_gzip_piece(fd);
    else if (strcmp(path, "/bad-gzip") == 0)
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd");
    else if (strcmp(path, "/zlib") == 0) /* "deflate", of "a" */
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"
                      "\x78\x9c\x4b\x04\x01\x01\x62\x01\x62");
    else if (strcmp(path, "/half") == 0)
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    else if (strcmp(path, "/cut") == 0)
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    else if (strcmp(path, "/cut-head") == 0)
        send_text(fd, "HTTP/1.1 204 No Content\r\nX: y\r\n");
    else if (strncmp(path, "/to/", 4) == 0)
        send_redirect(server, fd, atoi(path + 4), "127.0.0.1");
    else if (strcmp(path, "/elsewhere") == 0)
        send_redirect(server, fd, 302, "localhost");
    else if (strcmp(path, "/to-file") == 0)
        send_text(fd,
                  "HTTP/1.1 302 R\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    else if (strcmp(path, "/circle") == 0)
        send_text(fd, "HTTP/1.1 302 R\r\nLocation: /circle\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "/retry/", 7) == 0)
        send_text(fd, "HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
                  path + 7);
    else if (strcmp(path, "/retry-date") == 0)
        send_retry_date(fd);
    else if (strcmp(path, "/canned") == 0)
        send_text(fd, "%s", server->canned);
    if (strncmp(path, "/cut", 4) == 0 || strcmp(path, "/close") == 0)
        connection_close(server, connection);
    /* "/silent" gets nothing */
}

/* The length of the head and body, 0 while they are not complete. */
static inline size_t request_length(const struct buffer *request)
{
    const char *end = request->bytes ? strstr(request->bytes, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    const char *field = strcasestr(request->bytes, "\r\nContent-Length: ");
    size_t body = field && field < end ? strtoul(field + 18, NULL, 10) : 0;
    size_t length = (size_t)(end + 4 - request->bytes) + body;
    return request->length >= length ? length : 0;
}

static inline void on_connection(void *context, int fd, uint32_t events)
{
    struct server *server = context;
    struct connection *connection = server->connections;
    char path[256];
    char chunk[65536];
    (void)events;
    while (connection->fd != fd)
        connection++;
    ssize_t length = recv(fd, chunk, sizeof(chunk), 0);
    if (length <= 0) {
        connection_close(server, connection);
        return;
    }
    assert_int_equal(buffer_append(&connection->request, chunk, (size_t)length), 0);
    if (request_length(&connection->request) == 0)
        return;
    buffer_clear(&server->last);
    buffer_append_text(&server->last, buffer_text(&connection->request));
    buffer_clear(&connection->request);
    server->requests++;
    assert_int_equal(sscanf(server->last.bytes, "%*s %255s", path), 1);
    if (server->respond)
        server->respond(server, connection, path);
    else
        answer(server, connection, path);
}

static inline void on_accept(void *context, int fd, uint32_t events)
{
    struct server *server = context;
    (void)events;
    for (int i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = &server->connections[i];
        if (connection->fd >= 0)
            continue;
        connection->fd = accept(fd, NULL, NULL);
        assert_true(connection->fd >= 0);
        buffer_init(&connection->request, 4 << 20);
        loop_watch(server->loop, connection->fd, EPOLLIN, on_connection, server);
        server->accepted++;
        return;
    }
    fail_msg("more than %d connections", CONNECTIONS);
}

static inline void server_start(struct server *server, struct loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    server->loop = loop;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 64), 0);
    getsockname(server->listener, (struct sockaddr *)&address, &length);
    server->port = ntohs(address.sin_port);
    buffer_init(&server->last, 4 << 20);
    for (int i = 0; i < CONNECTIONS; i++)
        server->connections[i].fd = -1;
    assert_int_equal(loop_watch(loop, server->listener, EPOLLIN, on_accept, server), 0);
}

static inline void server_stop(struct server *server)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (server->connections[i].fd >= 0)
            connection_close(server, &server->connections[i]);
    }
    loop_unwatch(server->loop, server->listener);
    close(server->listener);
    buffer_free(&server->last);
}

static inline bool server_saw(const struct server *server, const char *line)
{
    return server->last.bytes && strstr(server->last.bytes, line);
}

#endif
