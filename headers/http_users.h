/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The end of a connection, which is told under its socket's lock, and packets that come in, which
 * are looked at before they get there: one of them may be an answer at that very moment, on another
 * CPU. Who counts is decided here: whoever has entered goes on, and the end is left to the last that
 * leaves. Packets that go out have the lock.
 *
 * On x86 adding orders what is before and behind it. On arm64 it does not, and for some nanoseconds
 * one CPU may miss what the other has just written: no atomic returns a value, which would order
 * there, since kernels before 5.12 have none. */
#ifndef EDGEMETER_HTTP_USERS_H
#define EDGEMETER_HTTP_USERS_H

#include "http_connection_state.h"

#define HTTP_ENDED (1u << 16) /* in `users`, above those that are inside: how often it has ended */

static __always_inline __u32 http_users(const struct http_connection *connection)
{
    return *(const volatile __u32 *)&connection->users;
}

static __always_inline int http_has_ended(const struct http_connection *connection)
{
    return http_users(connection) >= HTTP_ENDED;
}

/* It has ended, and nobody is inside who came before. */
static __always_inline int http_is_left(const struct http_connection *connection)
{
    __u32 users = http_users(connection);

    return users >= HTTP_ENDED && !(users & (HTTP_ENDED - 1));
}

/* 0: it has ended. Either way to be left again. */
static __always_inline int http_enter(struct http_connection *connection)
{
    __sync_fetch_and_add(&connection->users, 1);
    return !http_has_ended(connection);
}

/* It has ended; to be left. */
static __always_inline void http_enter_at_end(struct http_connection *connection)
{
    __sync_fetch_and_add(&connection->users, HTTP_ENDED + 1);
}

/* 1: it has ended, and nobody is inside any more. More than one may be told so: the one that sets
 * turn.settled counts the end. */
static __always_inline int http_leave(struct http_connection *connection)
{
    __sync_fetch_and_add(&connection->users, -1);
    return http_is_left(connection);
}

#endif
