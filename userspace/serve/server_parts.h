/* SPDX-License-Identifier: Apache-2.0 */
/* The web server as its two files see it: server.c lets connections in and drives the daemon,
 * server_answer.c answers requests. */
#ifndef EDGEMETER_SERVE_SERVER_PARTS_H
#define EDGEMETER_SERVE_SERVER_PARTS_H

#include <microhttpd.h>

#include "serve/clients.h"
#include "serve/listener.h"
#include "serve/server.h"
#include "serve/server_gate.h"

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

struct server_connection {
    struct client *client;
    struct web_tls *tls; /* NULL: plain */
};

/* libmicrohttpd's callbacks, of the types MHD_AccessHandlerCallback and
 * MHD_RequestCompletedCallback; the context is the server. */
enum MHD_Result server_request_handle(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *upload, size_t *upload_length, void **state);
void server_request_ended(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode why);

#endif
