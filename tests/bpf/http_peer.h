/* SPDX-License-Identifier: Apache-2.0 */
/* A plain HTTP server and a plain client over blocking sockets, of all shapes of messages that tell
 * their length, each with a log of what it answered or was answered. They share no code with the
 * framer. Any failure ends the process with status 1. */
#ifndef EDGEMETER_TESTS_BPF_HTTP_PEER_H
#define EDGEMETER_TESTS_BPF_HTTP_PEER_H

#include <stdint.h>

#include "http_abi.h"

#define PEER_STATUSES 600

/* How often, by method and status; in memory that processes share. */
struct peer_log {
    uint64_t counts[HTTP_METHODS][PEER_STATUSES];
};

struct peer_plan {
    unsigned connections; /* one after the other */
    unsigned requests;    /* on each */
    unsigned depth;       /* sent at once before any answer is read; 1: unpipelined */
    uint32_t address;     /* of the server, network byte order */
    uint16_t port;        /* the same */
    uint64_t seed;
};

/* Answers what comes on the connection until its client, or a close-delimited answer, ends it. */
void peer_serve(int connection, struct peer_log *log);
void peer_ask(const struct peer_plan *plan, struct peer_log *log);

#endif
