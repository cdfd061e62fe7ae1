/* SPDX-License-Identifier: Apache-2.0 */
/* Drives a libmicrohttpd daemon from the event loop, and lets connections in. */
#include "serve/server.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/server_parts.h"

#define CONNECTIONS_SLACK 16 /* of the daemon's own limit, which is never reached */
/* Bytes; holds the request's head: a longer one is a 431. */
#define CONNECTION_MEMORY_MAX (16 * 1024)
#define WAITING_MAX (30 * NS_PER_SECOND)
#define ANSWER_MAX (120 * NS_PER_SECOND)
#define ACCEPTS_AT_ONCE 32
#define ACCEPT_PAUSE (20 * NS_PER_MS) /* where there is no room */

static void server_drive(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
        loop_timer_after(server->timer, timeout_ms * NS_PER_MS);
    else
        loop_timer_disarm(server->timer);
}

static void connection_changed(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode what)
{
    struct server *server = context;
    struct server_connection *known = *socket_context;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (known) {
            client_close(&known->client);
            web_tls_leave(known->tls);
        }
        free(TAKE_PTR(*socket_context));
        return;
    }
    known = calloc(1, sizeof(*known));
    if (!known)
        return;
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    known->client = client_open(server->clients, fd);
    if (server->gate.tls) {
        known->tls = server->gate.tls;
        web_tls_enter(
            known->tls,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    }
    *socket_context = known;
}

static void server_on_listener(void *context, int fd, uint32_t events);

static void server_pause_accepting(struct server *server)
{
    loop_unwatch(server->loop, server->listen_fd);
    loop_timer_after(server->accept_timer, ACCEPT_PAUSE);
}

static void server_on_accept_timer(void *context)
{
    struct server *server = context;
    if (loop_watch(server->loop, server->listen_fd, EPOLLIN, server_on_listener, server))
        loop_timer_after(server->accept_timer, ACCEPT_PAUSE);
}

static bool server_is_asked_for(const struct server *server)
{
    struct pollfd listener = {.fd = server->listen_fd, .events = POLLIN};
    return poll(&listener, 1, 0) > 0;
}

/* What has arrived is answered before anybody is ended. */
static bool server_make_room(struct server *server)
{
    if (clients_have_room(server->clients))
        return true;
    server_drive(server);
    if (clients_have_room(server->clients))
        return true;
    clients_make_room(server->clients);
    server_drive(server);
    return clients_have_room(server->clients);
}

/* Whether there is one more to be let in. */
static bool server_accept_one(struct server *server)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    if (!server_is_asked_for(server))
        return false;
    if (!server_make_room(server)) {
        server_pause_accepting(server);
        return false;
    }
    int fd = accept4(server->listen_fd, (struct sockaddr *)&address, &length,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        server_pause_accepting(server);
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    MHD_add_connection(server->daemon, fd, (struct sockaddr *)&address, length);
    return true;
}

/* Connections are let in by us: the daemon would let in as many as it may have, and then nobody. */
static void server_on_listener(void *context, int fd, uint32_t events)
{
    struct server *server = context;
    (void)fd;
    (void)events;

    server_gate_refresh(&server->gate);
    for (int i = 0; i < ACCEPTS_AT_ONCE && server_accept_one(server); i++)
        ;
    server_drive(server);
}

static void server_on_events(void *context, int fd, uint32_t events)
{
    (void)fd;
    (void)events;
    server_drive(context);
}

static void server_on_timer(void *context)
{
    server_drive(context);
}

/* MHD's messages are about what clients do wrong. */
__attribute__((format(printf, 2, 0))) static void
server_on_message(void *context, const char *format, va_list arguments)
{
    char message[512];
    (void)context;

    vsnprintf(message, sizeof(message), format, arguments);
    message[strcspn(message, "\r\n")] = '\0';
    log_debug("serve", message);
}

static int daemon_start(struct server *server)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX + CONNECTIONS_SLACK, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_MAX, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)server_request_ended, server},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_END, 0, NULL}, /* with TLS, its pair */
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    const struct web_tls *tls = server->gate.tls;
    if (tls) {
        flags |= MHD_USE_TLS;
        options[ARRAY_SIZE(options) - 3] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)web_tls_certificate(tls)};
        options[ARRAY_SIZE(options) - 2] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)web_tls_key(tls)};
    }
    /* The logger comes first: the others' errors go to it. */
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, server_request_handle, server,
                                      MHD_OPTION_EXTERNAL_LOGGER, server_on_message, server,
                                      MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!server->daemon)
        return -EIO;
    server->epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return 0;
}

static int server_start(struct server *server, const char *listen_address)
{
    int error = listener_open(listen_address, &server->listen_fd);
    if (error)
        return error;
    error = listener_address(server->listen_fd, server->address);
    if (!error)
        error = loop_timer_new(server->loop, server_on_timer, server, &server->timer);
    if (!error)
        error = loop_timer_new(server->loop, server_on_accept_timer, server, &server->accept_timer);
    if (!error)
        error = clients_new(server->loop, WAITING_MAX, ANSWER_MAX, &server->clients);
    if (!error)
        error = daemon_start(server);
    if (!error)
        error = loop_watch(server->loop, server->epoll_fd, EPOLLIN, server_on_events, server);
    if (!error)
        error = loop_watch(server->loop, server->listen_fd, EPOLLIN, server_on_listener, server);
    if (error) {
        log_error("serve", "cannot start the web server", LOG_STR("err", strerror(-error)));
        return error;
    }
    log_info("serve", "listening", LOG_STR("address", server->address),
             LOG_STR("tls", server->gate.tls ? "on" : "off"));
    return 0;
}

int server_new_with_access(struct loop *loop, struct metric_registry *metrics,
                           const char *listen_address, const struct server_route *routes,
                           size_t route_count, const struct server_access *access,
                           struct web_config **config, struct server **out)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->loop = loop;
    server->metrics = metrics;
    server->routes = routes;
    server->route_count = route_count;
    server->epoll_fd = server->listen_fd = -1;
    int error = server_gate_init(&server->gate, access, config);
    if (!error)
        error = server_start(server, listen_address);
    if (error) {
        server_free(&server);
        return error;
    }
    *out = server;
    return 0;
}

int server_new(struct loop *loop, struct metric_registry *metrics, const char *listen_address,
               const struct server_route *routes, size_t route_count, struct server **out)
{
    return server_new_with_access(loop, metrics, listen_address, routes, route_count, NULL, NULL,
                                  out);
}

int server_configure(struct server *server, struct web_config **config)
{
    return server_gate_configure(&server->gate, config);
}

void server_free(struct server **out)
{
    struct server *server = *out;
    if (!server)
        return;
    loop_unwatch(server->loop, server->epoll_fd);
    loop_unwatch(server->loop, server->listen_fd);
    server_gate_close(&server->gate);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    server_gate_free(&server->gate);
    loop_timer_free(&server->timer);
    loop_timer_free(&server->accept_timer);
    clients_free(&server->clients);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    free(server);
    *out = NULL;
}

const char *server_address(const struct server *server)
{
    return server->address;
}
