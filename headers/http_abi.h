/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What kernel and userspace agree on: the keys and values of the maps, and what their numbers mean. */
#ifndef EDGEMETER_HTTP_ABI_H
#define EDGEMETER_HTTP_ABI_H

#include "types.h"

#define HTTP_MAX_BOUNDS 31               /* upper bounds of latency buckets; one more bucket is +Inf */
#define HTTP_BUCKETS (HTTP_MAX_BOUNDS + 1)
#define HTTP_MAX_OUTSTANDING 16          /* requests of one connection that wait for their answer */

/* Packets that can be worked on at once: some for each CPU, and where it has none left those of the
 * others. A preemptible kernel can stop a program midway and start another on the same CPU. */
#define HTTP_SCRATCHES_PER_CPU 4
#define HTTP_SCRATCHES_LEAST 32

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
    __u16 route; /* number of the configured route, from 1; 0: none of them, or no routes configured */
    __u16 host;  /* the same for hosts */
};
_Static_assert(sizeof(struct http_row_key) == 16, "map key");

/* Its count is the sum of its buckets. Times in nanoseconds. What most answers add to is in front. */
struct http_row {
    __u64 at_once_sum; /* to add to both other sums: of answers whose last byte came with the first */
    __u64 response_bytes; /* bodies, as framed on the wire less chunk headers */
    __u64 buckets[HTTP_BUCKETS];
    __u64 request_bytes;
    __u64 duration_sum;
    __u64 first_byte_sum; /* from the first request byte to the first response byte */
};

/* An exponential histogram of schema 3: bucket i holds durations up to 2^(i/8) seconds and above the
 * bucket before; the first also all below it, the last also all above. Filled where the setting
 * native_histograms is on, in a map of its own with the row's key. */
#define HTTP_NATIVE_SCHEMA 3
#define HTTP_NATIVE_FIRST (-160) /* its upper bound is 2^-20 s, about a microsecond */
#define HTTP_NATIVE_BUCKETS 256  /* the last but one ends at 2^11.75 s */

struct http_native_row {
    __u64 buckets[HTTP_NATIVE_BUCKETS];
};

/* Configured routes: keys of a longest-prefix-match trie over the request target's path. */
#define HTTP_ROUTE_BYTES 128
struct http_route_key {
    __u32 prefix_bits;
    __u8 path[HTTP_ROUTE_BYTES];
};

/* Configured hosts: lower case, no port, the rest 0. */
#define HTTP_HOST_BYTES 64
struct http_host_key {
    __u8 name[HTTP_HOST_BYTES];
};

/* Every request head that was seen, or whose answer was seen, ends in exactly one of the others, or
 * still waits for its answer. */
enum http_head_outcome {
    HTTP_HEAD_SEEN,
    HTTP_HEAD_COUNTED,         /* in a row */
    HTTP_HEAD_SURPLUS,         /* in the surplus row of its role: the row table was full */
    HTTP_HEAD_UNANSWERED,      /* the connection ended first; in a row with status 0 */
    HTTP_HEAD_ROLE_OFF,        /* its role is not metered */
    HTTP_HEAD_TOO_MANY,        /* more than HTTP_MAX_OUTSTANDING were waiting */
    HTTP_HEAD_REQUEST_UNSEEN,  /* an answer whose request was not seen: before the start, or lost */
    HTTP_HEAD_OUTCOMES
};

/* What became of connections that carried payload: one of the others, or not decided yet. */
enum http_connection_outcome {
    HTTP_CONNECTION_SEEN = HTTP_HEAD_OUTCOMES,
    HTTP_CONNECTION_HTTP, /* at least one request head, or an answer to something unreadable */
    HTTP_CONNECTION_NOT_HTTP,
    HTTP_CONNECTION_TLS,
    HTTP_CONNECTION_OUTCOMES
};

/* Why bytes were not looked at. */
enum http_loss {
    HTTP_LOSS_RESYNC = HTTP_CONNECTION_OUTCOMES, /* the position was lost */
    HTTP_LOSS_TUNNEL,    /* after 101 or CONNECT: counted once, then not looked at */
    HTTP_LOSS_BOUND,     /* a packet held more heads or chunks than one program run looks at */
    HTTP_LOSS_NO_MEMORY, /* no state could be kept for a socket */
    HTTP_LOSS_BUSY,      /* no scratch space on this CPU */
    HTTP_OUTCOMES
};

#endif
