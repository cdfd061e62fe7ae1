/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections to servers, kept between calls. One call at a time on each. Private to
 * base/http/. */
#ifndef EDGEMETER_BASE_HTTP_CONNECTION_H
#define EDGEMETER_BASE_HTTP_CONNECTION_H

#include <sys/queue.h>

#include "base/http/http_address.h"
#include "base/http/http_head.h"

#define HTTP_CONNECTIONS_MAX_IDLE 4096

enum http_connection_state {
    CONNECTION_IDLE,
    CONNECTION_CONNECTING,
    CONNECTION_SENDING,
    CONNECTION_HEAD, /* of the response is awaited */
    CONNECTION_BODY,
};

struct http_connection {
    TAILQ_ENTRY(http_connection) bucket_link, idle_link; /* while idle */
    struct http_connections *owner;
    struct http_address address;
    int fd;
    enum http_connection_state state;
    bool kept;   /* it has served a call before this one */
    bool writes; /* watched for writing too */
    bool early;  /* the response has come before the request was out */
    uint64_t idle_since_ns;
    struct http_call *call; /* NULL: idle */
    void *user;             /* see http_connections_new */
    size_t sent;            /* of text and body */
    uint64_t body_left;     /* UINT64_MAX: up to the end of the connection */
    struct http_chunks chunks;
};

struct http_connections;

/* `on_ready` is called for each with the connection as its context; each has `user`. */
int http_connections_new(struct loop *loop, loop_fd_fn on_ready, void *user,
                         struct http_connections **out);
/* None may have a call any more. */
void http_connections_free(struct http_connections **connections);

/* One that is idle, or NULL. */
struct http_connection *http_connection_take(struct http_connections *connections,
                                             const struct http_address *address);
/* A new one that connects. 0 or a negative errno. */
int http_connection_open(struct http_connections *connections, const struct http_address *address,
                         struct http_connection **out);
int http_connection_watch(struct http_connection *connection, bool writes);
/* Its call is done, and another may follow. */
void http_connection_keep(struct http_connection *connection);
void http_connection_close(struct http_connection *connection);

#endif
