/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What kernel and userspace agree on: the keys and values of the maps, and what their numbers mean. */
#ifndef EDGEMETER_HTTP_ABI_H
#define EDGEMETER_HTTP_ABI_H

#include "types.h"

#define HTTP_MAX_BOUNDS 31               /* upper bounds of latency buckets; one more bucket is +Inf */
#define HTTP_BUCKETS (HTTP_MAX_BOUNDS + 1)
#define HTTP_MAX_OUTSTANDING 16          /* requests of one connection that wait for their answer */

#define HTTP_SCRATCHES_PER_CPU 4         /* packets that can be worked on at once on one CPU */

enum http_role { HTTP_ROLE_SERVER, HTTP_ROLE_CLIENT, HTTP_ROLES };

enum http_method {
    HTTP_METHOD_OTHER,
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_CONNECT,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_TRACE,
    HTTP_METHOD_PATCH,
    HTTP_METHODS
};

/* A row: one combination of labels. */
struct http_row_key {
    __u64 cgroup; /* 0: the surplus row of its role, where the row table was full */
    __u16 status;
    __u8 role;
    __u8 method;
    __u32 reserved; /* 0 */
};
_Static_assert(sizeof(struct http_row_key) == 16, "map key");

/* Its count is the sum of its buckets. Times in nanoseconds. */
struct http_row {
    __u64 duration_sum;
    __u64 first_byte_sum; /* from the first request byte to the first response byte */
    __u64 request_bytes;  /* bodies, as framed on the wire less chunk headers */
    __u64 response_bytes;
    __u64 buckets[HTTP_BUCKETS];
};

/* Every request head that was seen, or whose answer was seen, ends in exactly one of these. */
enum http_head_outcome {
    HTTP_HEAD_COUNTED,         /* in a row */
    HTTP_HEAD_SURPLUS,         /* in the surplus row of its role: the row table was full */
    HTTP_HEAD_TOO_MANY,        /* more than HTTP_MAX_OUTSTANDING were waiting */
    HTTP_HEAD_REQUEST_UNSEEN,  /* an answer whose request was not seen: it came before the start */
    HTTP_HEAD_OUTCOMES
};

/* What became of connections that carried payload. */
enum http_connection_outcome {
    HTTP_CONNECTION_HTTP = HTTP_HEAD_OUTCOMES, /* at least one request head */
    HTTP_CONNECTION_NOT_HTTP,
    HTTP_CONNECTION_TLS,
    HTTP_CONNECTION_TUNNEL,    /* after 101 or CONNECT: counted once, then not looked at */
    HTTP_CONNECTION_RESYNCED,  /* a position was lost; each loss counts */
    HTTP_CONNECTION_BOUND,     /* a packet held more heads or chunks than one program run looks at */
    HTTP_CONNECTION_NO_MEMORY, /* no state could be kept for a socket */
    HTTP_CONNECTION_BUSY,      /* no scratch space, or two CPUs held one direction: packet not looked at */
    HTTP_OUTCOMES
};

#endif
