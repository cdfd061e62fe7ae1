/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from the table of routes. Request bodies are read and thrown away: no route takes one. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "serve/server_parts.h"
#include "serve/server_request.h"
#include "serve/server_stream.h"

#define REQUEST_BODY_MAX (64 * 1024)    /* bytes */
#define RESPONSE_BODY_MAX (64u << 20)   /* bytes: http_metrics with its largest max_rows fits */
#define BODIES_IN_FLIGHT_MAX (6u << 20) /* bytes, over all connections; one may be larger */

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

static bool path_matches(const struct server_route *route, const char *path)
{
    return fnmatch(route->path, path, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

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
        if (path_matches(route, path) && (!method || method_matches(route, method)))
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
        if (!path_matches(route, path))
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

/* A body that did not fit, or that those being sent leave no room for, becomes an error that says
 * so. */
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

static struct server_connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void server_request_ended(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode why)
{
    struct server_connection *known = connection_of(connection);
    (void)context;
    (void)why;

    free(TAKE_PTR(*state));
    if (known)
        client_set_busy(known->client, false);
}

static enum MHD_Result request_begin(struct server *server, struct MHD_Connection *connection,
                                     void **state)
{
    struct server_connection *known = connection_of(connection);
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
enum MHD_Result server_request_handle(void *context, struct MHD_Connection *connection,
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
