/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for what a server answers: the head, chunks, gzip. However the bytes are cut,
 * the outcome is the same; a body never gets larger than its limit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/http/http_call.h"

#define LIMIT 100000 /* decoded bytes of a body */

static void require(bool fine)
{
    if (!fine)
        abort();
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A copy of its own size, so that ASan sees what is read behind it. */
static char *copy_of(struct text text)
{
    char *copy = malloc(text.length ? text.length : 1);
    require(copy);
    if (text.length)
        memcpy(copy, text.bytes, text.length);
    return copy;
}

/* ---- the head ---- */

static bool is_within(struct text part, const char *bytes, size_t length)
{
    return !part.bytes || (part.bytes >= bytes && part.bytes + part.length <= bytes + length);
}

static ssize_t check_head(struct text bytes)
{
    static const char *const names[] = {"Content-Length", "Content-Encoding", "Retry-After", "X"};
    struct http_head_fields fields, sooner;
    const char *fault, *sooner_fault;
    autofree char *copy = copy_of(bytes);
    ssize_t length = http_head_parse((struct text){copy, bytes.length}, &fields, &fault);

    require(length == -EBADMSG ? fault != NULL : length >= 0 && (size_t)length <= bytes.length);
    if (length <= 0)
        return length;
    require(!fault && fields.status >= 100 && fields.status <= 999 && fields.content_length >= -1);
    require(is_within(fields.status_text, copy, (size_t)length));
    require(!fields.chunked || fields.content_length == -1);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        for (unsigned k = 0; k < 3; k++)
            require(is_within(http_head_find((struct text){copy, (size_t)length}, names[i], k),
                              copy, (size_t)length));
    autofree char *shorter = copy_of((struct text){copy, (size_t)length - 1});
    require(!http_head_parse((struct text){shorter, (size_t)length - 1}, &sooner, &sooner_fault));
    return length;
}

/* ---- chunks ---- */

/* The body behind its chunks; gives what http_chunks_next did at the end. */
static int unchunk(struct text bytes, uint64_t random, struct buffer *out, size_t *used)
{
    struct http_chunks chunks = {0};
    int result = 0;

    buffer_clear(out);
    *used = 0;
    while (*used < bytes.length && chunks.state != HTTP_CHUNKS_ENDED && result >= 0) {
        size_t length = bytes.length - *used;
        if (random && next_random(&random) % 8 + 1 < length)
            length = random % 8 + 1;
        autofree char *piece = copy_of((struct text){bytes.bytes + *used, length});
        struct text rest = {piece, length}, body;
        while ((result = http_chunks_next(&chunks, &rest, &body)) > 0) {
            require(body.length && is_within(body, piece, length));
            buffer_append_text(out, body);
        }
        *used += length - rest.length;
    }
    require(result == 0 || result == -EBADMSG);
    return result ? result : (int)chunks.state;
}

static void check_chunks(struct text bytes, uint64_t seed)
{
    autobuffer struct buffer whole, pieces;
    size_t used, used_in_pieces;

    buffer_init(&whole, bytes.length + 1);
    buffer_init(&pieces, bytes.length + 1);
    int result = unchunk(bytes, 0, &whole, &used);
    require(result == unchunk(bytes, seed, &pieces, &used_in_pieces));
    require(used == used_in_pieces && text_equal(buffer_text(&whole), buffer_text(&pieces)));
    require(!whole.failed);
}

/* ---- gzip ---- */

static int take(void *context, const char *bytes, size_t length)
{
    return buffer_append(context, bytes, length);
}

/* As gzip, whatever the head says. 0 or the error; what came out, in `out`. */
static int inflate_all(struct text bytes, uint64_t random, struct buffer *out)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    static struct http_call call;
    int error = 0;

    call = (struct http_call){.direct = true,
                              .decode_gzip = true,
                              .on_body = take,
                              .context = out,
                              .state = HTTP_CALL_RUNNING,
                              .max_response_bytes = LIMIT};
    buffer_clear(out);
    buffer_init(&call.head, 1000);
    buffer_append_string(&call.head, head);
    for (size_t at = 0; at < bytes.length && !error;) {
        size_t length = bytes.length - at;
        if (random && next_random(&random) % 64 + 1 < length)
            length = random % 64 + 1;
        autofree char *piece = copy_of((struct text){bytes.bytes + at, length});
        error = http_body_feed(&call, piece, length);
        at += length;
    }
    if (!error)
        error = http_body_end(&call);
    require(!error == !*call.failure && out->length <= LIMIT);
    require(!call.too_large || error == -EFBIG);
    http_body_free(&call);
    buffer_free(&call.head);
    return error;
}

static void check_gzip(struct text bytes, uint64_t seed)
{
    autobuffer struct buffer whole, pieces;

    buffer_init(&whole, LIMIT);
    buffer_init(&pieces, LIMIT);
    int error = inflate_all(bytes, 0, &whole);
    /* of two faults either may be met first */
    require(!error == !inflate_all(bytes, seed, &pieces));
    if (!error)
        require(text_equal(buffer_text(&whole), buffer_text(&pieces)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size};
    uint64_t seed = size * 0x9e3779b97f4a7c15 | 1;
    ssize_t head = check_head(bytes);

    if (head > 0) /* a body behind its head */
        bytes = (struct text){bytes.bytes + head, bytes.length - (size_t)head};
    check_chunks(bytes, seed);
    check_gzip(bytes, seed);
    return 0;
}
