/* SPDX-License-Identifier: Apache-2.0 */
/* The client chooses everything at random and says in the target what answer it wants; the server
 * obeys. Messages are made whole in memory and written at once or in pieces. */
#include "http_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MESSAGE_MAX (256u << 10)
#define LINE_MAX_BYTES 8192
#define FIRST_PIECE_MIN 16   /* holds any method, or a status */
#define PATIENCE_SECONDS 100 /* without a byte from the other side */

static const char *const method_names[HTTP_METHODS] = {
    [HTTP_METHOD_OTHER] = "PURGE",     [HTTP_METHOD_GET] = "GET",
    [HTTP_METHOD_HEAD] = "HEAD",       [HTTP_METHOD_POST] = "POST",
    [HTTP_METHOD_PUT] = "PUT",         [HTTP_METHOD_DELETE] = "DELETE",
    [HTTP_METHOD_CONNECT] = "CONNECT", [HTTP_METHOD_TRACE] = "TRACE",
    [HTTP_METHOD_PATCH] = "PATCH",     [HTTP_METHOD_OPTIONS] = "OPTIONS",
};

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

/* What the client wants to be answered. */
struct wish {
    unsigned status, length, framing, head; /* bytes of body, bytes of filling in the head */
    unsigned hints;                         /* a 103 goes ahead */
    unsigned pieces;                        /* written in so many pieces or fewer */
};

struct message {
    size_t length;
    char bytes[MESSAGE_MAX];
};

struct reader {
    int fd;
    size_t from, to;
    char bytes[16384];
};

/* What a head says. */
struct head {
    char line[LINE_MAX_BYTES];
    size_t length;
    bool chunked;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static uint32_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 32;
}

static unsigned random_below(uint64_t *seed, unsigned limit)
{
    return random_next(seed) % limit;
}

/* Mostly small, now and then up to the limit. */
static unsigned random_size(uint64_t *seed, unsigned limit)
{
    unsigned scale = random_below(seed, 8);

    return random_below(seed, scale ? limit / (scale * scale * 4) + 1 : limit + 1);
}

static void message_text(struct message *message, const char *text)
{
    size_t length = strlen(text);

    must(message->length + length <= sizeof(message->bytes), "a message that is too long");
    memcpy(message->bytes + message->length, text, length);
    message->length += length;
}

static void message_fill(struct message *message, size_t length)
{
    must(message->length + length <= sizeof(message->bytes), "a message that is too long");
    for (size_t i = 0; i < length; i++)
        message->bytes[message->length + i] = 'a' + i % 23;
    message->length += length;
}

/* The rest of a head, of a message with a body (or of a 304, which only tells of one). */
static void message_fields(struct message *message, size_t filling, unsigned framing, size_t length)
{
    char field[64];

    for (int number = 0; filling; number++) {
        size_t now = filling < 700 ? filling : 700;
        snprintf(field, sizeof(field), "X-Filling-%d: ", number);
        message_text(message, field);
        message_fill(message, now);
        message_text(message, "\r\n");
        filling -= now;
    }
    if (framing == FRAMING_LENGTH) {
        snprintf(field, sizeof(field), "Content-Length: %zu\r\n", length);
        message_text(message, field);
    } else if (framing == FRAMING_CHUNKED) {
        message_text(message, "Transfer-Encoding: chunked\r\n");
    }
    message_text(message, "\r\n");
}

static void message_body(struct message *message, unsigned framing, size_t length, uint64_t *seed)
{
    char line[32];

    if (framing != FRAMING_CHUNKED) {
        message_fill(message, length);
        return;
    }
    while (length) {
        size_t now = 1 + random_below(seed, 5000);
        now = now < length ? now : length;
        snprintf(line, sizeof(line), "%zx%s\r\n", now, random_below(seed, 4) ? "" : ";ext=1");
        message_text(message, line);
        message_fill(message, now);
        message_text(message, "\r\n");
        length -= now;
    }
    message_text(message, random_below(seed, 4) ? "0\r\n\r\n" : "0\r\nX-Trailer: y\r\n\r\n");
}

/* A first line is not cut in its first bytes, since nobody does. */
static void message_send(const struct message *message, int fd, unsigned pieces, uint64_t *seed)
{
    for (size_t sent = 0; sent < message->length;) {
        size_t rest = message->length - sent, now = rest;
        if (pieces > 1 && --pieces && rest > FIRST_PIECE_MIN)
            now = FIRST_PIECE_MIN + random_below(seed, rest - FIRST_PIECE_MIN);
        ssize_t written = write(fd, message->bytes + sent, now);
        must(written > 0, "write");
        sent += written;
    }
}

static bool reader_fill(struct reader *reader)
{
    ssize_t got = read(reader->fd, reader->bytes, sizeof(reader->bytes));

    must(got >= 0, "read");
    reader->from = 0;
    reader->to = got;
    return got > 0;
}

/* Without its line end. False at the end of the stream before any byte. */
static bool reader_line(struct reader *reader, char *line, size_t size)
{
    size_t length = 0;

    for (;;) {
        if (reader->from == reader->to && !reader_fill(reader)) {
            must(!length, "the end of the stream in a line");
            return false;
        }
        char byte = reader->bytes[reader->from++];
        if (byte == '\n')
            break;
        must(length < size - 1, "a line that is too long");
        line[length++] = byte;
    }
    while (length && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    return true;
}

static void reader_skip(struct reader *reader, size_t length)
{
    while (length) {
        must(reader->from < reader->to || reader_fill(reader), "the end of the stream in a body");
        size_t held = reader->to - reader->from, now = held < length ? held : length;
        reader->from += now;
        length -= now;
    }
}

static void reader_skip_chunks(struct reader *reader)
{
    char line[256];
    size_t size;

    do {
        must(reader_line(reader, line, sizeof(line)), "the end of the stream in a body");
        size = strtoul(line, NULL, 16);
        reader_skip(reader, size);
        if (size)
            must(reader_line(reader, line, sizeof(line)) && !*line, "the end of a chunk");
    } while (size);
    do
        must(reader_line(reader, line, sizeof(line)), "the end of the stream in trailers");
    while (*line);
}

static bool reader_head(struct reader *reader, struct head *head)
{
    char line[LINE_MAX_BYTES];

    head->length = 0;
    head->chunked = false;
    if (!reader_line(reader, head->line, sizeof(head->line)))
        return false;
    for (;;) {
        must(reader_line(reader, line, sizeof(line)), "the end of the stream in a head");
        if (!*line)
            return true;
        if (!strncasecmp(line, "Content-Length: ", 16))
            head->length = strtoul(line + 16, NULL, 10);
        else if (!strcasecmp(line, "Transfer-Encoding: chunked"))
            head->chunked = true;
    }
}

static void reader_body(struct reader *reader, const struct head *head)
{
    if (head->chunked)
        reader_skip_chunks(reader);
    else
        reader_skip(reader, head->length);
}

static bool has_body(unsigned method, unsigned status)
{
    return method != HTTP_METHOD_HEAD && status != 204 && status != 304;
}

static void connection_set(int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int on = 1;

    must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
    must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), "SO_RCVTIMEO");
    must(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), "SO_SNDTIMEO");
}

static void log_add(struct peer_log *log, unsigned method, unsigned status)
{
    must(status < PEER_STATUSES, "a status out of range");
    __atomic_add_fetch(&log->counts[method][status], 1, __ATOMIC_RELAXED);
}

static unsigned request_method(const char *line)
{
    for (unsigned i = 0; i < HTTP_METHODS; i++) {
        size_t length = strlen(method_names[i]);
        if (!strncmp(line, method_names[i], length) && line[length] == ' ')
            return i;
    }
    must(false, "a request of another method than were sent");
    return 0;
}

static struct wish request_wish(const char *line)
{
    struct wish wish;

    must(sscanf(strchr(line, ' '), " /%u/%u/%u/%u/%u/%u", &wish.status, &wish.length, &wish.framing,
                &wish.head, &wish.hints, &wish.pieces) == 6,
         "a target without a wish");
    return wish;
}

void peer_serve(int connection, struct peer_log *log)
{
    static struct reader reader;
    static struct message message;
    static struct head head;
    uint64_t seed = 0x9e3779b97f4a7c15;

    connection_set(connection);
    reader = (struct reader){.fd = connection};
    while (reader_head(&reader, &head)) {
        unsigned method = request_method(head.line);
        struct wish wish = request_wish(head.line);
        char line[64];

        reader_body(&reader, &head);
        seed += wish.length;
        message.length = 0;
        if (wish.hints) {
            message_text(&message, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
            message_send(&message, connection, 1, &seed);
            message.length = 0;
        }
        snprintf(line, sizeof(line), "HTTP/1.1 %u Status\r\n", wish.status);
        message_text(&message, line);
        message_fields(&message, wish.head, wish.status == 204 ? FRAMING_CLOSE : wish.framing,
                       wish.length);
        if (has_body(method, wish.status))
            message_body(&message, wish.framing, wish.length, &seed);
        message_send(&message, connection, wish.pieces, &seed);
        log_add(log, method, wish.status);
        if (wish.framing == FRAMING_CLOSE)
            break;
    }
    must(!shutdown(connection, SHUT_WR), "shutdown");
    while (reader_fill(&reader))
        ;
}

/* The last of a connection may be delimited by its end. */
static struct wish wish_make(uint64_t *seed, bool may_close, bool small)
{
    static const unsigned statuses[] = {200, 200, 200, 201, 204, 206, 304, 404, 500, 503};
    struct wish wish = {
        .status = statuses[random_below(seed, ARRAY_SIZE(statuses))],
        .length = random_size(seed, small ? 8000 : 100000),
        .framing = random_below(seed, may_close ? 3 : 2),
        .head = random_below(seed, 3) ? 0 : random_size(seed, small ? 1500 : 6000),
        .hints = !random_below(seed, 10),
        .pieces = 1 + random_below(seed, 3),
    };

    return wish;
}

/* A request at the message's end; its method. */
static unsigned request_make(struct message *message, const struct wish *wish, uint64_t *seed,
                             bool small)
{
    static const __u8 methods[] = {HTTP_METHOD_GET,  HTTP_METHOD_GET,    HTTP_METHOD_GET,
                                   HTTP_METHOD_HEAD, HTTP_METHOD_DELETE, HTTP_METHOD_OPTIONS,
                                   HTTP_METHOD_POST, HTTP_METHOD_PUT,    HTTP_METHOD_PATCH,
                                   HTTP_METHOD_OTHER};
    unsigned method = methods[random_below(seed, ARRAY_SIZE(methods))];
    bool body =
        method == HTTP_METHOD_POST || method == HTTP_METHOD_PUT || method == HTTP_METHOD_PATCH;
    unsigned framing = body ? random_below(seed, 2) : FRAMING_CLOSE;
    size_t length = random_size(seed, small ? 2000 : 50000);
    size_t filling = random_below(seed, 3) ? 0 : random_size(seed, small ? 1500 : 6000);
    char line[128];

    snprintf(line, sizeof(line), "%s /%u/%u/%u/%u/%u/%u", method_names[method], wish->status,
             wish->length, wish->framing, wish->head, wish->hints, wish->pieces);
    message_text(message, line);
    if (filling && !random_below(seed, 3)) { /* a long target instead of long fields */
        message_text(message, "?");
        message_fill(message, filling);
        filling = 0;
    }
    message_text(message, " HTTP/1.1\r\n");
    if (random_below(seed, 2))
        message_text(message, "Host: server\r\n");
    message_fields(message, filling, framing, length);
    if (body)
        message_body(message, framing, length, seed);
    return method;
}

static void answer_read(struct reader *reader, unsigned method, const struct wish *wish,
                        struct peer_log *log)
{
    static struct head head;
    unsigned status;

    do {
        must(reader_head(reader, &head), "the end of the stream instead of an answer");
        must(sscanf(head.line, "HTTP/1.1 %u ", &status) == 1, "no status line");
    } while (status == 103);
    must(status == wish->status, "another status than was wished for");
    if (has_body(method, status))
        reader_body(reader, &head);
    log_add(log, method, status);
}

static int server_connect(const struct peer_plan *plan)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = plan->address, .sin_port = plan->port};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    must(fd >= 0, "socket");
    connection_set(fd);
    must(!connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
    return fd;
}

/* One connection: `depth` requests at once, then their answers. */
static void ask_on(int fd, const struct peer_plan *plan, uint64_t *seed, struct peer_log *log)
{
    static struct reader reader;
    static struct message message;
    struct wish wishes[HTTP_MAX_OUTSTANDING];
    unsigned methods[HTTP_MAX_OUTSTANDING];

    reader = (struct reader){.fd = fd};
    for (unsigned asked = 0; asked < plan->requests; asked += plan->depth) {
        bool last = asked + plan->depth >= plan->requests;
        message.length = 0;
        for (unsigned i = 0; i < plan->depth; i++) {
            wishes[i] = wish_make(seed, last && i == plan->depth - 1, plan->depth > 1);
            methods[i] = request_make(&message, &wishes[i], seed, plan->depth > 1);
        }
        message_send(&message, fd, 1 + random_below(seed, 3), seed);
        for (unsigned i = 0; i < plan->depth; i++)
            answer_read(&reader, methods[i], &wishes[i], log);
    }
    must(!shutdown(fd, SHUT_WR), "shutdown");
    while (reader_fill(&reader))
        ;
}

void peer_ask(const struct peer_plan *plan, struct peer_log *log)
{
    uint64_t seed = plan->seed * 0x9e3779b97f4a7c15 + 1;

    must(plan->depth <= HTTP_MAX_OUTSTANDING, "a depth that is too great");
    for (unsigned i = 0; i < plan->connections; i++) {
        int fd = server_connect(plan);
        ask_on(fd, plan, &seed, log);
        close(fd);
    }
}
