/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What is remembered of one connection between packets, and what one packet is worked on with. */
#ifndef EDGEMETER_HTTP_CONNECTION_STATE_H
#define EDGEMETER_HTTP_CONNECTION_STATE_H

#include "http_framer.h"

enum http_direction { HTTP_INGRESS, HTTP_EGRESS, HTTP_DIRECTIONS };

/* Whose turn it is. The answering side writes `early` alone, and each its own of `idle`. */
struct http_turn {
    __u8 unstored;          /* requests from http_connection.unstored_from on found no slot */
    __u8 request_direction; /* HTTP_DIRECTIONS until the first head */
    __u8 late;   /* begun before we looked: what is not HTTP may be the middle of a body */
    __u8 unread; /* directions (bits) where a head should have started and did not */
    __u8 early;  /* a request was answered before its head had ended */
    __u8 idle[HTTP_DIRECTIONS]; /* see http_connection.idle_next */
    __u8 settled;               /* the connection has ended, and its end has been counted */
};

struct http_waiting {
    __u64 start_ns; /* the request's first byte */
    __u64 body;     /* its bytes */
};

/* What each direction alone writes. */
struct http_half {
    struct http_stream stream;
    __u64 head_ns; /* first byte of the head in progress; 0: none */
};

/* What a plain packet needs is in front, on the cache line that the kernel reads to find the rest:
 * most of what a packet costs is lines that another CPU wrote, or that are in no cache near.
 *
 * A lone request is one that finds none before it, is not chunked and not too long. An idle
 * direction stands between two messages, with nothing kept and nothing to come before idle_next;
 * its stream is then behind, until http_stream_wake. */
struct http_connection {
    __u64 cgroup;
    __u64 lone_start_ns; /* the last lone request's first byte */
    __u32 lone_number;
    __u32 lone_body : 28, lone_method : 4;
    struct http_place lone_place;
    __u32 counts[HTTP_DIRECTIONS]; /* requests seen, and answered: the difference wait; from 0 */
    __u32 idle_next[HTTP_DIRECTIONS];
    __u32 users; /* see http_users.h */
    struct http_turn turn;
    struct http_half halves[HTTP_DIRECTIONS];
    __u32 unstored_from; /* where turn.unstored */
    struct http_waiting waiting[HTTP_MAX_OUTSTANDING]; /* requests that are not lone */
    struct http_place places[HTTP_MAX_OUTSTANDING];    /* where they go */
    __u8 methods[HTTP_MAX_OUTSTANDING];
};
#define HTTP_LONE_BODY (1u << 28)
#define HTTP_NO_NUMBER (~0u)
_Static_assert(sizeof(struct http_connection) <= 512,
               "sk_storage shares optmem with the application");
_Static_assert(__builtin_offsetof(struct http_connection, halves) == 56,
               "the rest of a cache line: sk_storage lays it out 8 bytes behind the start of one");

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
    __u32 pushed;  /* requests seen */
    __u32 popped;  /* requests answered */
    __u32 unstored_from;
    __u8 asked_by; /* method of the request that is answered next, if one waits */
    struct http_packet packet;
    struct http_exchange exchange;
    __u64 head_ns;
    __u32 slot; /* BPF: where this frame lies */
    __u32 mark; /* a position found: through memory, the verifier forgets by which way */
    union {     /* looked up in maps */
        struct http_route_key route;
        struct http_host_key host;
    } keys;
    __u64 claims; /* BPF: how many want to work here; or the mark of who does */
    struct http_window window;
};

#endif
