/* SPDX-License-Identifier: Apache-2.0 */
/* Two queues, each in the order of time: whoever is at the front is the first to go. */
#include "serve/clients.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LONG_ANSWER_NS (NS_PER_SECOND / 2)
#define LONG_WAIT_NS (50 * NS_PER_MS) /* whoever is new has so long to say what it wants */

enum client_state { CLIENT_WAITING, CLIENT_BUSY, CLIENT_STATES, CLIENT_ENDING = CLIENT_STATES };

struct client {
    struct clients *clients;
    int fd;
    enum client_state state;
    uint64_t since_ns;
    TAILQ_ENTRY(client) link;
};

struct clients {
    struct loop_timer *timer;
    uint64_t limits_ns[CLIENT_STATES];
    TAILQ_HEAD(client_list, client) lists[CLIENT_STATES];
    unsigned count;
};

static void enlist(struct client *client, enum client_state state)
{
    if (client->state < CLIENT_STATES)
        TAILQ_REMOVE(&client->clients->lists[client->state], client, link);
    client->state = state;
    client->since_ns = clock_monotonic_ns();
    if (state < CLIENT_STATES)
        TAILQ_INSERT_TAIL(&client->clients->lists[state], client, link);
}

static void end(struct client *client)
{
    enlist(client, CLIENT_ENDING);
    shutdown(client->fd, SHUT_RDWR);
}

static void set_timer(struct clients *clients)
{
    uint64_t soonest = UINT64_MAX;

    for (size_t state = 0; state < CLIENT_STATES; state++) {
        const struct client *first = TAILQ_FIRST(&clients->lists[state]);
        if (first && first->since_ns + clients->limits_ns[state] < soonest)
            soonest = first->since_ns + clients->limits_ns[state];
    }
    if (soonest == UINT64_MAX)
        loop_timer_disarm(clients->timer);
    else
        loop_timer_at(clients->timer, soonest);
}

static void on_timer(void *context)
{
    struct clients *clients = context;
    uint64_t now = clock_monotonic_ns();

    for (size_t state = 0; state < CLIENT_STATES; state++)
        for (struct client *first; (first = TAILQ_FIRST(&clients->lists[state])) &&
                                   first->since_ns + clients->limits_ns[state] <= now;)
            end(first);
    set_timer(clients);
}

struct client *client_open(struct clients *clients, int fd)
{
    struct client *client = malloc(sizeof(*client));
    if (!client)
        return NULL;
    *client = (struct client){.clients = clients, .fd = fd, .state = CLIENT_ENDING};
    enlist(client, CLIENT_WAITING);
    clients->count++;
    set_timer(clients);
    return client;
}

void client_set_busy(struct client *client, bool busy)
{
    enum client_state state = busy ? CLIENT_BUSY : CLIENT_WAITING;

    if (!client || client->state == state || client->state == CLIENT_ENDING)
        return;
    enlist(client, state);
    set_timer(client->clients);
}

void client_close(struct client **out)
{
    struct client *client = TAKE_PTR(*out);
    if (!client)
        return;
    enlist(client, CLIENT_ENDING);
    client->clients->count--;
    set_timer(client->clients);
    free(client);
}

bool clients_have_room(const struct clients *clients)
{
    return clients->count < CLIENTS_MAX;
}

void clients_make_room(struct clients *clients)
{
    struct client *waiting = TAILQ_FIRST(&clients->lists[CLIENT_WAITING]);
    struct client *busy = TAILQ_FIRST(&clients->lists[CLIENT_BUSY]);

    uint64_t now = clock_monotonic_ns();

    if (waiting && now - waiting->since_ns > LONG_WAIT_NS)
        end(waiting);
    else if (busy && now - busy->since_ns > LONG_ANSWER_NS)
        end(busy);
}

unsigned clients_count(const struct clients *clients)
{
    return clients->count;
}

int clients_new(struct loop *loop, uint64_t waiting_ns, uint64_t busy_ns, struct clients **out)
{
    struct clients *clients = calloc(1, sizeof(*clients));
    if (!clients)
        return -ENOMEM;
    clients->limits_ns[CLIENT_WAITING] = waiting_ns;
    clients->limits_ns[CLIENT_BUSY] = busy_ns;
    for (size_t state = 0; state < CLIENT_STATES; state++)
        TAILQ_INIT(&clients->lists[state]);
    int error = loop_timer_new(loop, on_timer, clients, &clients->timer);
    if (error)
        free(clients);
    else
        *out = clients;
    return error;
}

void clients_free(struct clients **out)
{
    struct clients *clients = TAKE_PTR(*out);
    if (!clients)
        return;
    loop_timer_free(&clients->timer);
    free(clients);
}
