/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an HTTP/1.x response, and chunked bodies: pure parsers over bytes, in any pieces. */
#ifndef EDGEMETER_BASE_HTTP_HEAD_H
#define EDGEMETER_BASE_HTTP_HEAD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"

struct http_head_fields {
    int status;
    struct text status_text; /* "404 Not Found" */
    int64_t content_length;  /* -1: not given, or given beside chunks */
    bool chunked;
    bool close; /* the connection ends with this response */
};

/* Bytes of the head, its empty line included; 0: it does not end in `bytes`; -EBADMSG with what is
 * wrong with it in *fault. Lines may end in a bare newline. */
ssize_t http_head_parse(struct text bytes, struct http_head_fields *out, const char **fault);

/* The value of the field of that name, the index-th such from 0, without the spaces around it;
 * bytes is NULL where there is none. */
struct text http_head_find(struct text head, const char *name, unsigned index);

struct http_chunks {
    enum {
        HTTP_CHUNKS_SIZE,
        HTTP_CHUNKS_EXTENSION,
        HTTP_CHUNKS_DATA,
        HTTP_CHUNKS_DATA_END,
        HTTP_CHUNKS_TRAILER,
        HTTP_CHUNKS_TRAILER_LINE,
        HTTP_CHUNKS_ENDED,
    } state;         /* zero at first */
    unsigned digits; /* of the size so far */
    uint64_t left;   /* of the size, then of the data */
};

/* Takes bytes off the front of *bytes. 1: *body is a piece of the body (not empty); 0: all bytes
 * are taken, or the body has ended (`state` says so; what is left of *bytes is not its); -EBADMSG.
 */
int http_chunks_next(struct http_chunks *chunks, struct text *bytes, struct text *body);

#endif
