/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in to the server, and how: its TLS and its users, which can change while it runs. For
 * server.c alone. */
#ifndef EDGEMETER_SERVE_SERVER_GATE_H
#define EDGEMETER_SERVE_SERVER_GATE_H

#include <sys/queue.h>

#include "serve/basic_auth.h"
#include "serve/clients.h"
#include "serve/server.h"
#include "serve/web_tls.h"

enum server_access_state {
    ACCESS_UNKNOWN,
    ACCESS_PENDING, /* a password is being checked */
    ACCESS_GRANTED,
    ACCESS_REFUSED,
    ACCESS_BUSY,
};

#define SERVER_GATE_OLD_MAX (CLIENTS_MAX + 1) /* each in use by a client, and one that is not */

struct server_gate {
    struct server_access access;
    struct web_config *config;                /* NULL: everybody is let in */
    struct web_tls *tls;                      /* of new connections; NULL: they are plain */
    struct web_tls *old[SERVER_GATE_OLD_MAX]; /* of connections that are still there */
    struct basic_auth *auth;
    uint64_t refreshed_ns;
};

extern const struct server_field server_gate_refused_fields[], server_gate_busy_fields[];

/* Both may be NULL; takes the config. */
int server_gate_init(struct server_gate *gate, const struct server_access *access,
                     struct web_config **config);
/* Nobody is told of checks from now on. */
void server_gate_close(struct server_gate *gate);
/* All connections are gone. */
void server_gate_free(struct server_gate *gate);

int server_gate_configure(struct server_gate *gate, struct web_config **config);
/* Asks for a new configuration, if that is due. */
void server_gate_refresh(struct server_gate *gate);
enum server_access_state server_gate_check(struct server_gate *gate, const char *authorization,
                                           void (*done)(void *context, bool ok), void *context);

#endif
