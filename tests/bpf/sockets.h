/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of a TCP connection in one process, driven step by step: who sends which bytes, and the
 * other end has read them before the next step. */
#ifndef EDGEMETER_TESTS_BPF_SOCKETS_H
#define EDGEMETER_TESTS_BPF_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

enum sender { CLIENT, SERVER, CLIENT_CLOSES, SERVER_CLOSES, CLIENT_RESETS, SERVER_RESETS };

struct step {
    enum sender sender;
    const char *bytes; /* NULL: the end of the conversation, or no bytes for *_CLOSES and *_RESETS */
};

struct conversation {
    int family; /* AF_INET, AF_INET6 */
    bool defer_accept;
    size_t piece; /* bytes a write, each its own segment; 0: a step in one */
};

struct connection {
    int listener, client, server;
};

void connection_open(struct connection *connection, const struct conversation *how);
void connection_play(struct connection *connection, const struct conversation *how,
                     const struct step *steps);
/* The client's socket leaves the server and connects to it once more. */
void connection_open_again(struct connection *connection);
void connection_close(struct connection *connection);

#endif
