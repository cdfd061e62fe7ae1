/* SPDX-License-Identifier: Apache-2.0 */
/* The listening socket of a --web.listen-address. Knows TCP, not HTTP. */
#ifndef EDGEMETER_SERVE_LISTENER_H
#define EDGEMETER_SERVE_LISTENER_H

#include <stddef.h>

#define LISTENER_ADDRESS_MAX 300 /* "[host]:port" with its NUL */

struct listen_address {
    char host[256]; /* without brackets; empty: every address of the host */
    char port[6];   /* "0".."65535" */
};

/* "host:port", ":port" or "[v6]:port". 0, or -EINVAL with what is wrong in *problem. */
int listen_address_parse(const char *text, struct listen_address *out, const char **problem);

/* A non-blocking socket that listens on `address`, in *out. A negative errno, with the reason and
 * what to do in the log. */
int listener_open(const char *address, int *out);
/* What the socket is bound to, as "host:port" or "[v6]:port". 0 or a negative errno. */
int listener_address(int fd, char out[LISTENER_ADDRESS_MAX]);

#endif
