/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP in: libmicrohttpd's epoll descriptor on the event loop, and a table of routes. Knows no
 * content: each route's function writes its body. */
#ifndef EDGEMETER_SERVE_SERVER_H
#define EDGEMETER_SERVE_SERVER_H

#include "base/buffer.h"
#include "base/loop.h"
#include "base/worker.h"
#include "model/metric.h"
#include "serve/web_config.h"

struct server;

struct server_request;

/* A field of a head. */
struct server_field {
    const char *name, *value;
};

/* A body that is made while it is sent. */
struct server_stream {
    /* Appends the next piece, of at most some 32 KiB and a millisecond's work, or nothing. 1: there
     * is more; 0: that was all; or a negative errno, which cuts the answer off. */
    int (*run)(void *context, struct buffer *out);
    void (*free)(void *context); /* always called, at the end or when the client has gone */
    void *context;
};

struct server_response {
    const struct server_request *request; /* what is answered */
    int status;                           /* 200 unless the route sets it */
    const char *content_type; /* "text/plain; charset=utf-8" unless the route sets it; copied */
    struct buffer body;
    struct server_stream stream;       /* instead of the body, where `run` is set */
    const struct server_field *fields; /* more of the answer's head, up to a NULL name; static */
};

/* The value of the query's argument of that name, the first where there are several; NULL: none.
 * Valid while the request is answered. */
const char *server_argument(const struct server_request *request, const char *name);

/* Each of the arguments of that name. */
void server_each_argument(const struct server_request *request, const char *name,
                          void (*fn)(void *context, struct text value), void *context);
/* A field of the request's head, or NULL. */
const char *server_header(const struct server_request *request, const char *name);
/* Whether Accept-Encoding has gzip, and not with q=0. */
bool server_takes_gzip(const struct server_request *request);

struct server_route {
    const char *method; /* "GET" also answers HEAD */
    const char *path;   /* whole path; a * stands for any one part of it */
    void (*respond)(void *context, struct server_response *response);
    void *context;
};

/* How clients are let in, where a --web.config.file says so. */
struct server_access {
    struct worker *worker; /* for bcrypt */
    /* Asked at most once a second, before somebody new is let in: has the configuration changed? It
     * may call server_configure(). NULL: it never changes. */
    void (*refresh)(void *context);
    void *context;
};

/* `listen_address` is "host:port", ":port" or "[v6]:port"; port 0 takes a free one. `routes` are
 * borrowed and outlive the server. -EINVAL (address), -EADDRINUSE, ... with the reason logged. The
 * address in use is logged as `address=host:port`. Unknown path: 404; known path, other method:
 * 405. */
int server_new(struct loop *loop, struct metric_registry *metrics, const char *listen_address,
               const struct server_route *routes, size_t route_count, struct server **out);
/* The same with TLS, users and fields of `config`, which it takes. -EINVAL with the reason logged.
 */
int server_new_with_access(struct loop *loop, struct metric_registry *metrics,
                           const char *listen_address, const struct server_route *routes,
                           size_t route_count, const struct server_access *access,
                           struct web_config **config, struct server **out);
/* From now on for new connections, users for all. Whether there is TLS at all does not change. On
 * failure, which is logged, all stays as it was. 0, -ENOMEM or -EINVAL. */
int server_configure(struct server *server, struct web_config **config);
void server_free(struct server **server);
/* "127.0.0.1:9595" */
const char *server_address(const struct server *server);

#endif
