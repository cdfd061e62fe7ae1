/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What is remembered of one connection between packets, and what one packet is worked on with. */
#ifndef EDGEMETER_HTTP_CONNECTION_STATE_H
#define EDGEMETER_HTTP_CONNECTION_STATE_H

#include "http_framer.h"

enum http_direction { HTTP_INGRESS, HTTP_EGRESS, HTTP_DIRECTIONS };

/* Whose turn it is: which requests wait for their answer, numbered from 0. The request side writes all
 * but `popped` and `early`, which the answering side writes; the two may run on two CPUs at once. A
 * request that finds none before it is kept apart from the others, on cache lines that are needed anyway. */
struct http_turn {
    __u32 pushed; /* requests seen */
    __u32 popped; /* requests answered; pushed - popped wait */
    __u32 unstored_from; /* where `unstored`: requests from this number on found no slot */
    __u32 first; /* number of the last request that found none before it */
    __u8 unstored;
    __u8 request_direction; /* HTTP_DIRECTIONS until the first head */
    __u8 late;   /* begun before we looked: what is not HTTP may be the middle of a body */
    __u8 unread; /* directions (bits) where a head should have started and did not */
    __u8 early;  /* a request was answered before its head had ended */
    __u8 first_method;
    __u8 reserved[2];
    __u8 methods[HTTP_MAX_OUTSTANDING];
};

struct http_waiting {
    __u64 start_ns; /* the request's first byte */
    __u64 body;     /* its bytes */
};

/* What each direction writes: a cache line, as sk_storage lays it out 8 bytes behind the start of one. */
struct http_half {
    struct http_stream stream;
    __u64 head_ns; /* first byte of the head in progress; 0: none */
    struct http_waiting first; /* see turn.first */
};
_Static_assert(sizeof(struct http_half) == 64, "a cache line");

struct http_connection {
    __u64 cgroup;
    struct http_turn turn;
    struct http_place first_place;
    __u32 reserved;
    struct http_half halves[HTTP_DIRECTIONS];
    struct http_waiting waiting[HTTP_MAX_OUTSTANDING];
    struct http_place places[HTTP_MAX_OUTSTANDING]; /* where those requests go */
};
_Static_assert(sizeof(struct http_connection) <= 512, "sk_storage shares optmem with the application");
_Static_assert(__builtin_offsetof(struct http_connection, halves) == 56, "the rest of the first cache line");

/* What is kept of unfinished lines; a map of its own, since few connections need it. */
struct http_kept {
    __u8 bytes[HTTP_DIRECTIONS][HTTP_LINE_KEPT];
};

struct http_packet {
    __u64 now_ns;
    __u32 payload;  /* where it begins in the packet */
    __u32 sequence; /* of its first byte */
    __u32 length;   /* bytes */
    __u8 direction;
    __u8 fin;   /* the sender ends its direction here, or both (RST) */
    __u8 tried; /* a lost position was looked for here */
    __u8 early; /* what is missing before it is yet to come */
};

/* A finished exchange, on its way into a row. */
struct http_exchange {
    struct http_row_key key;
    __u64 start_ns; /* the request's first byte; 0: not known */
    __u64 head_ns;  /* the answer's first byte; 0: not known */
    __u64 end_ns;   /* the answer's last byte */
    __u64 request_bytes;
    __u64 response_bytes;
};

/* The place where one packet of one direction is worked on: copies of what the connection holds. */
struct http_frame {
    struct http_stream stream;
    struct http_turn turn;
    struct http_packet packet;
    struct http_exchange exchange;
    __u64 head_ns;
    __u32 slot; /* BPF: where this frame lies */
    __u32 mark; /* a position found: through memory, the verifier forgets by which way */
    union {     /* looked up in maps */
        struct http_route_key route;
        struct http_host_key host;
    } keys;
    struct http_window window;
};

#endif
