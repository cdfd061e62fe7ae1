/* SPDX-License-Identifier: Apache-2.0 */
/* Plays conversations over loopback. Any failure of a system call ends the test program. */
#include "sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void set(int fd, int level, int option, int value)
{
    must(!setsockopt(fd, level, option, &value, sizeof(value)), "setsockopt");
}

void connection_open(struct connection *connection, const struct conversation *how)
{
    struct sockaddr_storage address = {.ss_family = how->family};
    socklen_t length = sizeof(address);

    if (how->family == AF_INET)
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
    connection->listener = socket(how->family, SOCK_STREAM, 0);
    must(connection->listener >= 0, "socket");
    if (how->defer_accept)
        set(connection->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
    must(!bind(connection->listener, (struct sockaddr *)&address, length), "bind");
    must(!listen(connection->listener, 8), "listen");
    must(!getsockname(connection->listener, (struct sockaddr *)&address, &length), "getsockname");
    connection->client = socket(how->family, SOCK_STREAM, 0);
    must(!connect(connection->client, (struct sockaddr *)&address, length), "connect");
    set(connection->client, IPPROTO_TCP, TCP_NODELAY, 1);
    connection->server = -1;
    if (!how->defer_accept)
        connection->server = accept(connection->listener, NULL, NULL);
}

void connection_open_again(struct connection *connection)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    must(!connect(connection->client, &nobody, sizeof(nobody)), "disconnect");
    close(connection->server);
    must(!getsockname(connection->listener, (struct sockaddr *)&address, &length), "getsockname");
    must(!connect(connection->client, (struct sockaddr *)&address, length), "connect");
    connection->server = accept(connection->listener, NULL, NULL);
}

static void read_exactly(int fd, size_t length)
{
    char bytes[65536];

    while (length) {
        ssize_t got = read(fd, bytes, length < sizeof(bytes) ? length : sizeof(bytes));
        must(got > 0, "read");
        length -= got;
    }
}

/* With TCP_DEFER_ACCEPT a connection can only be accepted once it has payload. */
static int server_end(struct connection *connection)
{
    if (connection->server < 0) {
        connection->server = accept(connection->listener, NULL, NULL);
        must(connection->server >= 0, "accept");
        set(connection->server, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    return connection->server;
}

static void play_send(struct connection *connection, const struct conversation *how,
                      const struct step *step)
{
    size_t length = strlen(step->bytes), piece = how->piece ? how->piece : length;

    for (size_t sent = 0; sent < length;) {
        size_t now = length - sent < piece ? length - sent : piece;
        int from = step->sender == CLIENT ? connection->client : server_end(connection);
        must(write(from, step->bytes + sent, now) == (ssize_t)now, "write");
        int to = step->sender == CLIENT ? server_end(connection) : connection->client;
        read_exactly(to, now);
        sent += now;
    }
}

static void reset(int *fd)
{
    const struct linger at_once = {.l_onoff = 1};

    must(!setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), "SO_LINGER");
    close(*fd);
    *fd = -1;
}

void connection_play(struct connection *connection, const struct conversation *how,
                     const struct step *steps)
{
    char byte;

    for (const struct step *step = steps; step->bytes || step->sender >= CLIENT_CLOSES; step++) {
        if (step->sender == CLIENT || step->sender == SERVER) {
            play_send(connection, how, step);
            continue;
        }
        if (step->sender >= CLIENT_RESETS) {
            reset(step->sender == CLIENT_RESETS ? &connection->client : &connection->server);
            return;
        }
        int from = step->sender == CLIENT_CLOSES ? connection->client : server_end(connection);
        int to = step->sender == CLIENT_CLOSES ? server_end(connection) : connection->client;
        must(!shutdown(from, SHUT_WR), "shutdown");
        must(read(to, &byte, 1) == 0, "read of the end");
    }
}

void connection_close(struct connection *connection)
{
    if (connection->client >= 0)
        close(connection->client);
    if (connection->server >= 0)
        close(connection->server);
    close(connection->listener);
}
