/* SPDX-License-Identifier: Apache-2.0 */
/* Idle connections lie in buckets by their address, and in one list by their age. They stay watched
 * for reading, so that one that its server closes goes at once. They take half of the descriptors
 * at most, and make room where there is none left. */
#include "base/http/http_connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/http/http_call.h"

#define IDLE_NS (300 * NS_PER_SECOND)
#define BUCKETS 256

TAILQ_HEAD(connection_list, http_connection);

struct http_connections {
    struct loop *loop;
    loop_fd_fn on_ready;
    void *user;
    struct connection_list buckets[BUCKETS]; /* idle ones by their address, the newest first */
    struct connection_list idle;             /* all of them, the oldest first */
    size_t idle_count, idle_maximum;
};

static size_t address_size(const struct http_address *address)
{
    return address->v4.sin_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

static struct connection_list *bucket_of(struct http_connections *connections,
                                         const struct http_address *address)
{
    const uint8_t *bytes = (const uint8_t *)address;
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof(*address); i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return &connections->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static void forget(struct http_connection *connection)
{
    struct http_connections *connections = connection->owner;

    if (connection->state != CONNECTION_IDLE)
        return;
    TAILQ_REMOVE(bucket_of(connections, &connection->address), connection, bucket_link);
    TAILQ_REMOVE(&connections->idle, connection, idle_link);
    connections->idle_count--;
}

void http_connection_close(struct http_connection *connection)
{
    forget(connection);
    if (connection->call)
        connection->call->connection = NULL;
    loop_unwatch(connection->owner->loop, connection->fd);
    close(connection->fd);
    free(connection);
}

/* Also those that nobody has wanted for long. */
void http_connection_keep(struct http_connection *connection)
{
    struct http_connections *connections = connection->owner;
    struct http_connection *oldest;

    connection->call->connection = NULL;
    connection->call = NULL;
    connection->kept = true;
    connection->state = CONNECTION_IDLE;
    connection->idle_since_ns = clock_monotonic_ns();
    TAILQ_INSERT_HEAD(bucket_of(connections, &connection->address), connection, bucket_link);
    TAILQ_INSERT_TAIL(&connections->idle, connection, idle_link);
    connections->idle_count++;
    while ((oldest = TAILQ_FIRST(&connections->idle)) &&
           (connections->idle_count > connections->idle_maximum ||
            connection->idle_since_ns - oldest->idle_since_ns > IDLE_NS))
        http_connection_close(oldest);
}

/* Whether its server has neither closed it nor said anything that would be taken for the answer. */
static bool is_quiet(const struct http_connection *connection)
{
    char byte;
    return recv(connection->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

struct http_connection *http_connection_take(struct http_connections *connections,
                                             const struct http_address *address)
{
    struct http_connection *connection, *next;

    for (connection = TAILQ_FIRST(bucket_of(connections, address)); connection; connection = next) {
        next = TAILQ_NEXT(connection, bucket_link);
        if (memcmp(&connection->address, address, sizeof(*address)))
            continue;
        if (is_quiet(connection)) {
            forget(connection);
            return connection;
        }
        http_connection_close(connection);
    }
    return NULL;
}

int http_connection_watch(struct http_connection *connection, bool writes)
{
    connection->writes = writes;
    return loop_watch(connection->owner->loop, connection->fd,
                      writes ? EPOLLOUT | EPOLLIN : EPOLLIN, connection->owner->on_ready,
                      connection);
}

/* The descriptor or a negative errno. */
static int socket_new(struct http_connections *connections, int family)
{
    struct http_connection *oldest;
    int fd;

    while ((fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0 &&
           errno == EMFILE && (oldest = TAILQ_FIRST(&connections->idle)))
        http_connection_close(oldest);
    return fd < 0 ? -errno : fd;
}

static void set_socket_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 30},
        {IPPROTO_TCP, TCP_KEEPINTVL, 15},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

int http_connection_open(struct http_connections *connections, const struct http_address *address,
                         struct http_connection **out)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    int family = address->v4.sin_family;

    if (!connection)
        return -ENOMEM;
    connection->owner = connections;
    connection->user = connections->user;
    connection->address = *address;
    connection->state = CONNECTION_CONNECTING;
    connection->fd = socket_new(connections, family);
    int error = connection->fd < 0 ? connection->fd : 0;
    if (!error) {
        set_socket_options(connection->fd);
        if (connect(connection->fd, (const struct sockaddr *)address,
                    (socklen_t)address_size(address)) &&
            errno != EINPROGRESS)
            error = -errno;
    }
    if (!error)
        error = http_connection_watch(connection, true);
    if (error) {
        if (connection->fd >= 0)
            close(connection->fd);
        free(connection);
        return error;
    }
    *out = connection;
    return 0;
}

int http_connections_new(struct loop *loop, loop_fd_fn on_ready, void *user,
                         struct http_connections **out)
{
    struct http_connections *connections = calloc(1, sizeof(*connections));
    if (!connections)
        return -ENOMEM;
    size_t half = descriptors_limit() / 2;
    connections->idle_maximum = half < HTTP_CONNECTIONS_MAX_IDLE ? half : HTTP_CONNECTIONS_MAX_IDLE;
    connections->loop = loop;
    connections->on_ready = on_ready;
    connections->user = user;
    TAILQ_INIT(&connections->idle);
    for (size_t i = 0; i < BUCKETS; i++)
        TAILQ_INIT(&connections->buckets[i]);
    *out = connections;
    return 0;
}

void http_connections_free(struct http_connections **connections)
{
    struct http_connection *connection;

    if (!*connections)
        return;
    while ((connection = TAILQ_FIRST(&(*connections)->idle)))
        http_connection_close(connection);
    free(*connections);
    *connections = NULL;
}
