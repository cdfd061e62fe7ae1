/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The state with which one direction of an HTTP/1.x connection is framed, pure C over bytes and a small
 * state: the same code runs in BPF, in the unit tests and under the fuzzer. http_line.h reads a line,
 * http_scan.h finds lines, http_step.h goes through a packet, http_connection.h joins both directions.
 *
 * A window holds the bytes being looked at. In front of them stands what was kept of a line that
 * began in an earlier packet. Of a line longer than HTTP_LINE_KEPT only its first bytes and its last
 * HTTP_LINE_TAIL are kept: all that is ever read of a line is its beginning and its end.
 *
 * The shape of the code is the BPF verifier's: state in memory and not in registers, one flat loop
 * over words, every access checked beside itself.
 *
 * Spec: RFC 9112. Bare LF ends a line, as servers accept it. */
#ifndef EDGEMETER_HTTP_FRAMER_H
#define EDGEMETER_HTTP_FRAMER_H

#include "http_abi.h"

#define HTTP_LINE_KEPT 256u
#define HTTP_LINE_TAIL 16u
#define HTTP_WINDOW_LOAD 1280u /* bytes taken from a packet at a time */
#define HTTP_WINDOW_BYTES (HTTP_LINE_KEPT + HTTP_WINDOW_LOAD)
#define HTTP_SCAN_BYTES 64u    /* looked at in one step */
#define HTTP_SCAN_STEPS 128    /* steps and lines in one call */

enum http_phase {
    HTTP_PHASE_NEW, /* no payload seen */
    HTTP_PHASE_START, /* a request line or status line, after any empty lines */
    HTTP_PHASE_FIELDS,
    HTTP_PHASE_CHUNK_SIZE,
    HTTP_PHASE_CHUNK_END, /* the line end after a chunk's data */
    HTTP_PHASE_TRAILERS,
    HTTP_PHASE_BODY,       /* nothing to look at before `next` */
    HTTP_PHASE_CHUNK_DATA, /* the same */
    HTTP_PHASE_UNTIL_CLOSE,
    HTTP_PHASE_LOST,    /* the position is unknown; a head at the start of a segment gives it back */
    HTTP_PHASE_IGNORED, /* not HTTP, or a tunnel */
    HTTP_PHASE_PROXY,   /* four bytes, which end with the length of the rest of a PROXY header */
};

enum http_head_flags {
    HTTP_HEAD_IS_RESPONSE = 1,
    HTTP_HEAD_HAS_LENGTH = 2,
    HTTP_HEAD_IS_CHUNKED = 4,
    HTTP_HEAD_BAD_LENGTH = 8,
    HTTP_HEAD_PASSED = 16, /* of a lost stream: what lies before `next` has been looked at */
};

/* The field that an obs-fold line would continue; before a head, a line that begins a PROXY header. */
enum http_field { HTTP_FIELD_NONE, HTTP_FIELD_LENGTH, HTTP_FIELD_ENCODING, HTTP_FIELD_PROXY };

/* Numbers of the configured route and host, from 1; 0: none of them. */
struct http_place {
    __u16 route, host;
};

/* One direction between packets. */
struct http_stream {
    __u32 next; /* TCP sequence number of the next byte to look at */
    __u8 phase;
    __u8 flags;  /* of the current head */
    __u8 method; /* of the current request */
    __u8 field;
    __u16 status; /* of the current response */
    __u16 kept;   /* bytes of an unfinished line kept aside */
    __u32 seen;   /* sequence number behind the last byte that went by */
    __u64 left;   /* body bytes beyond `next`, where one hop of sequence numbers could not span them */
    __u64 body;   /* body bytes of the current message, as far as announced */
    struct http_place place; /* of the current request */
    __u32 skipped; /* where `seen` is beyond `next`: the first byte that came too early */
};
_Static_assert(sizeof(struct http_stream) == 40, "kept once per direction of every connection");

struct http_window {
    __u32 sequence; /* of bytes[0] (as if a kept line's middle had not been lost) */
    __u32 line;     /* where the current line starts */
    __u32 at;       /* the next byte to look at */
    __u32 end;      /* bytes held */
    __u32 block;    /* where the HTTP_SCAN_BYTES begin that were looked at last */
    __u32 next;     /* behind them */
    __u64 newlines; /* bit i: bytes[block + i] is one, and not yet come to */
    __u8 bytes[HTTP_WINDOW_BYTES + HTTP_SCAN_BYTES + 8];
};

enum http_event {
    HTTP_EVENT_NONE,
    HTTP_EVENT_MORE,  /* all bytes looked at */
    HTTP_EVENT_AGAIN, /* as many as one call may look at */
    HTTP_EVENT_HEAD,  /* a head is complete */
    HTTP_EVENT_CHUNK, /* a chunk of `left` bytes follows; 0: trailers */
    HTTP_EVENT_END,   /* the trailers ended */
    HTTP_EVENT_NOT_HTTP,
    HTTP_EVENT_TLS,
    HTTP_EVENT_PROXY,  /* the bytes of a PROXY header follow */
    HTTP_EVENT_BROKEN, /* a chunk size that is none */
};

#endif
