/* SPDX-License-Identifier: Apache-2.0 */
/* The server's connections by how long they have been waited for: who is slow is ended by time, and
 * at once where there is no room for somebody new. Ends a connection by shutting its socket down;
 * closing it is the daemon's. */
#ifndef EDGEMETER_SERVE_CLIENTS_H
#define EDGEMETER_SERVE_CLIENTS_H

#include <stdbool.h>

#include "base/loop.h"

#define CLIENTS_MAX 128

struct clients;
struct client;

/* `waiting_ns`: for a request's head, the first or the next; `busy_ns`: from there to the end of
 * the answer. 0 or a negative errno. */
int clients_new(struct loop *loop, uint64_t waiting_ns, uint64_t busy_ns, struct clients **out);
/* All of them are closed by then. */
void clients_free(struct clients **clients);

/* NULL without memory. The socket stays the caller's. */
struct client *client_open(struct clients *clients, int fd);
/* The head of its request is there; or its answer has ended. */
void client_set_busy(struct client *client, bool busy);
void client_close(struct client **client);

/* Whether there is room for one more. */
bool clients_have_room(const struct clients *clients);
/* Ends the one that has kept us waiting longest, or else the answer that has taken longest, if it
 * has taken long; it is gone once the daemon has closed it. */
void clients_make_room(struct clients *clients);
unsigned clients_count(const struct clients *clients);

#endif
