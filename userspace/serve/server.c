/* SPDX-License-Identifier: Apache-2.0 */
/* Drives a libmicrohttpd daemon from the event loop and answers from the table of routes. Request
 * bodies are read and thrown away: no route takes one. */
#include "serve/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "serve/basic_auth.h"
#include "serve/clients.h"
#include "serve/listener.h"
#include "serve/server_gate.h"
#include "serve/server_request.h"
#include "serve/server_stream.h"

#define CONNECTIONS_SLACK 16 /* of the daemon's own limit, which is never reached */
#define CONNECTION_MEMORY_MAX \
    (16 * 1024) /* bytes; holds the request's head: a longer one is a 431 */
#define WAITING_MAX (30 * NS_PER_SECOND)
#define ANSWER_MAX (120 * NS_PER_SECOND)
#define ACCEPTS_AT_ONCE 32
#define ACCEPT_PAUSE (20 * NS_PER_MS)   /* where there is no room */
#define REQUEST_BODY_MAX (64 * 1024)    /* bytes */
#define RESPONSE_BODY_MAX (64u << 20)   /* bytes: http_metrics with its largest max_rows fits */
#define BODIES_IN_FLIGHT_MAX (6u << 20) /* bytes, over all connections; one may be larger */

struct server {
    struct loop *loop;
    struct loop_timer *timer; /* MHD's timeouts, and what its edge-triggered epoll has left over */
    struct loop_timer *accept_timer; /* armed: nobody is let in for a moment */
    struct clients *clients;
    struct server_gate gate;
    struct MHD_Daemon *daemon;
    int listen_fd;
    int epoll_fd; /* MHD's */
    struct metric_registry *metrics;
    const struct server_route *routes;
    size_t route_count;
    size_t bytes_in_flight; /* bodies that MHD has not sent off yet */
    char address[LISTENER_ADDRESS_MAX];
};

struct connection {
    struct client *client;
    struct web_tls *tls; /* NULL: plain */
};

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    size_t received; /* bytes of the body */
    enum server_access_state access;
};

/* A body that MHD holds until it is sent. */
struct held_body {
    struct server *server;
    char *bytes;
    size_t length;
};

static const struct metric_family requests_family = {
    .name = "edgemeter_web_requests_total",
    .help = "Requests answered by the agent's own web server.",
    .type = METRIC_COUNTER,
};

/* ---- the table of routes ---- */

static bool method_matches(const struct server_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static const struct server_route *route_find(const struct server *server, const char *path,
                                             const char *method)
{
    for (size_t i = 0; i < server->route_count; i++) {
        const struct server_route *route = &server->routes[i];
        if (strcmp(route->path, path) == 0 && (!method || method_matches(route, method)))
            return route;
    }
    return NULL;
}

/* "GET, HEAD, POST": what `path` answers to. */
static void allow_write(const struct server *server, const char *path, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    for (size_t i = 0; i < server->route_count; i++) {
        const struct server_route *route = &server->routes[i];
        if (strcmp(route->path, path) != 0)
            continue;
        bool is_get = strcmp(route->method, "GET") == 0;
        length += (size_t)snprintf(out + length, size - length, "%s%s%s", length ? ", " : "",
                                   route->method, is_get ? ", HEAD" : "");
        if (length >= size)
            return;
    }
}

/* ---- responses ---- */

static void response_set_text(struct server_response *response, int status, const char *text)
{
    response->status = status;
    response->content_type = "text/plain; charset=utf-8";
    buffer_clear(&response->body);
    buffer_append_string(&response->body, text);
}

static void held_body_release(void *context)
{
    struct held_body *held = context;
    held->server->bytes_in_flight -= held->length;
    free(held->bytes);
    free(held);
}

/* Moves the body out of `response`. */
static struct MHD_Response *body_hold(struct server *server, struct server_response *response)
{
    struct held_body *held = malloc(sizeof(*held));
    if (!held)
        return NULL;
    *held = (struct held_body){server, response->body.bytes, response->body.length};
    struct MHD_Response *made = MHD_create_response_from_buffer_with_free_callback_cls(
        held->length, held->bytes, held_body_release, held);
    if (!made) {
        free(held);
        return NULL;
    }
    server->bytes_in_flight += held->length;
    response->body.bytes = NULL;
    buffer_free(&response->body);
    return made;
}

static void add_fields(const struct server *server, struct MHD_Response *made,
                       const struct server_response *response)
{
    const struct web_config *config = server->gate.config;
    for (size_t i = 0; config && i < config->header_count; i++)
        MHD_add_response_header(made, config->headers[i].name, config->headers[i].value);
    for (const struct server_field *field = response->fields; field && field->name; field++)
        MHD_add_response_header(made, field->name, field->value);
}

static void request_count(const struct server *server, const char *handler, int status)
{
    char code[12];
    struct metric *metric;

    if (!server->metrics)
        return;
    snprintf(code, sizeof(code), "%d", status);
    if (metric_new(server->metrics, &requests_family,
                   METRIC_LABELS("handler", handler, "code", code), &metric) == 0)
        metric_add(metric, 1);
}

/* A body that did not fit, or that there is no room for now, becomes an error that says so. */
static void response_check(const struct server *server, struct server_response *response)
{
    if (response->body.failed) {
        log_error("serve", "a page was not served: out of memory, or larger than the maximum",
                  LOG_UINT("max_bytes", RESPONSE_BODY_MAX));
        response_set_text(response, 500, "The page does not fit into memory.\n");
    } else if (server->bytes_in_flight &&
               server->bytes_in_flight + response->body.length > BODIES_IN_FLIGHT_MAX) {
        response_set_text(response, 503, "Too many responses are being sent; try again.\n");
    }
}

static enum MHD_Result response_queue(struct server *server, struct MHD_Connection *connection,
                                      const char *path, struct server_response *response)
{
    char allow[128];
    struct MHD_Response *made =
        response->stream.run ? server_stream_start(response) : body_hold(server, response);

    if (!made)
        return MHD_NO;
    MHD_add_response_header(made, "Content-Type", response->content_type);
    add_fields(server, made, response);
    if (response->status == 405) {
        allow_write(server, path, allow, sizeof(allow));
        MHD_add_response_header(made, "Allow", allow);
    }
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)response->status, made);
    MHD_destroy_response(made);
    return result;
}

static enum MHD_Result request_answer(struct server *server, struct MHD_Connection *connection,
                                      const char *path, const char *method)
{
    const struct server_route *known = route_find(server, path, NULL);
    const struct server_route *route = route_find(server, path, method);
    const struct server_request request = {connection};
    struct server_response response = {
        .request = &request,
        .status = 200,
        .content_type = "text/plain; charset=utf-8",
    };

    buffer_init(&response.body, RESPONSE_BODY_MAX);
    if (route)
        route->respond(route->context, &response);
    else if (known)
        response_set_text(&response, 405, "Method Not Allowed\n");
    else
        response_set_text(&response, 404, "404 page not found\n");
    response_check(server, &response);
    request_count(server, known ? known->path : "unknown", response.status);

    enum MHD_Result result = response_queue(server, connection, path, &response);
    buffer_free(&response.body);
    return result;
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void request_ended(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode why)
{
    struct connection *known = connection_of(connection);
    (void)context;
    (void)why;

    free(TAKE_PTR(*state));
    if (known)
        client_set_busy(known->client, false);
}

static enum MHD_Result request_begin(struct server *server, struct MHD_Connection *connection,
                                     void **state)
{
    struct connection *known = connection_of(connection);
    struct request *request = calloc(1, sizeof(*request));

    if (!request)
        return MHD_NO;
    *request = (struct request){.server = server, .connection = connection};
    *state = request;
    if (known)
        client_set_busy(known->client, true);
    return MHD_YES;
}

static void access_checked(void *context, bool ok)
{
    struct request *request = context;
    request->access = ok ? ACCESS_GRANTED : ACCESS_REFUSED;
    MHD_resume_connection(request->connection);
    loop_timer_at(request->server->timer, 0);
}

/* The body has been thrown away. Where a password is to be checked the connection is laid aside,
 * and this is called again. */
static enum MHD_Result request_finish(struct server *server, struct request *request,
                                      const char *path, const char *method)
{
    if (request->access == ACCESS_UNKNOWN) {
        const char *field = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                        MHD_HTTP_HEADER_AUTHORIZATION);
        request->access = server_gate_check(&server->gate, field, access_checked, request);
        if (request->access == ACCESS_PENDING) {
            MHD_suspend_connection(request->connection);
            return MHD_YES;
        }
    }
    if (request->access == ACCESS_GRANTED)
        return request_answer(server, request->connection, path, method);
    bool busy = request->access == ACCESS_BUSY;
    struct server_response response = {
        .content_type = "text/plain; charset=utf-8",
        .fields = busy ? server_gate_busy_fields : server_gate_refused_fields,
    };
    buffer_init(&response.body, RESPONSE_BODY_MAX);
    response_set_text(&response, busy ? 429 : 401, busy ? "Too Many Requests\n" : "Unauthorized\n");
    request_count(server, "unauthorized", response.status);
    enum MHD_Result result = response_queue(server, request->connection, path, &response);
    buffer_free(&response.body);
    return result;
}

/* MHD calls this at the head, for each piece of the body, and at the end. MHD_NO closes the
 * connection. */
static enum MHD_Result request_handle(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *upload, size_t *upload_length, void **state)
{
    struct request *request = *state;
    (void)version;
    (void)upload;

    if (!request)
        return request_begin(context, connection, state);
    if (*upload_length == 0)
        return request_finish(context, request, path, method);
    request->received += *upload_length;
    *upload_length = 0;
    return request->received > REQUEST_BODY_MAX ? MHD_NO : MHD_YES;
}

/* ---- on the loop ---- */

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
    struct connection *known = *socket_context;

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
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_ended, server},
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
    server->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, request_handle, server, MHD_OPTION_EXTERNAL_LOGGER,
                         server_on_message, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
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
