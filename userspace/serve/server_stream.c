/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd calls for more: one slice is made for each call, so that the loop turns
 * between two of them. */
#include "serve/server_stream.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/log.h"

#define BLOCK_BYTES (32 * 1024) /* handed to libmicrohttpd at a time */
#define SLICE_MAX (80u << 20)   /* bytes; a single series of the largest kind fits */
#define GZIP_LEVEL 1            /* a fifth of the time of level 6, for a tenth more bytes */
#define GZIP_WINDOW (15 + 16)   /* 32 KiB, with gzip's head */
#define GZIP_MEMORY 8

struct stream {
    struct server_stream source;
    struct buffer made;   /* by the source */
    struct buffer packed; /* the same, compressed */
    bool compressed, source_ended, ended;
    struct buffer *ready; /* one of the two */
    size_t taken;         /* of `ready` */
    z_stream zlib;
};

static unsigned streams;

/* ---- compression ---- */

static bool pack(struct stream *stream)
{
    stream->zlib.next_in = (unsigned char *)stream->made.bytes;
    stream->zlib.avail_in = (unsigned)stream->made.length;
    do {
        char *room = buffer_reserve(&stream->packed, BLOCK_BYTES);
        if (!room)
            return false;
        stream->zlib.next_out = (unsigned char *)room;
        stream->zlib.avail_out = BLOCK_BYTES;
        deflate(&stream->zlib, stream->source_ended ? Z_FINISH : Z_NO_FLUSH);
        stream->packed.length += BLOCK_BYTES - stream->zlib.avail_out;
    } while (!stream->zlib.avail_out);
    buffer_clear(&stream->made);
    return true;
}

/* ---- slices ---- */

/* One more slice into `ready`, which may stay empty. */
static bool refill(struct stream *stream)
{
    buffer_clear(stream->ready);
    stream->taken = 0;
    int more = stream->source.run(stream->source.context, &stream->made);
    if (more < 0 || stream->made.failed) {
        log_error("serve", "an answer was cut off: out of memory");
        return false;
    }
    stream->source_ended = !more;
    bool worth_packing = stream->made.length >= BLOCK_BYTES / 2 || stream->source_ended;
    if (stream->compressed && worth_packing && !pack(stream))
        return false;
    stream->ended = stream->source_ended;
    return true;
}

static ssize_t read_block(void *context, uint64_t position, char *out, size_t size)
{
    struct stream *stream = context;
    (void)position;

    if (stream->taken == stream->ready->length && !stream->ended && !refill(stream))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = stream->ready->length - stream->taken;
    if (!left)
        return stream->ended ? MHD_CONTENT_READER_END_OF_STREAM : 0;
    size = left < size ? left : size;
    memcpy(out, stream->ready->bytes + stream->taken, size);
    stream->taken += size;
    return (ssize_t)size;
}

/* ---- life ---- */

static void stream_free(void *context)
{
    struct stream *stream = context;

    stream->source.free(stream->source.context);
    buffer_free(&stream->made);
    buffer_free(&stream->packed);
    if (stream->compressed)
        deflateEnd(&stream->zlib);
    free(stream);
    streams--;
}

static struct stream *stream_new(const struct server_response *response)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->compressed = server_takes_gzip(response->request) &&
                         deflateInit2(&stream->zlib, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
                                      GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    stream->source = response->stream;
    buffer_init(&stream->made, SLICE_MAX);
    buffer_init(&stream->packed, SLICE_MAX);
    stream->ready = stream->compressed ? &stream->packed : &stream->made;
    streams++;
    return stream;
}

static struct MHD_Response *refuse(struct server_response *response)
{
    static char text[] = "Too many of these are being answered; try again.\n";

    response->stream.free(response->stream.context);
    response->status = 503;
    response->content_type = "text/plain; charset=utf-8";
    return MHD_create_response_from_buffer(sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT);
}

struct MHD_Response *server_stream_start(struct server_response *response)
{
    struct stream *stream;

    if (streams == SERVER_STREAMS_MAX)
        return refuse(response);
    stream = stream_new(response);
    if (!stream) {
        response->stream.free(response->stream.context);
        return NULL;
    }
    struct MHD_Response *made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
                                                                  read_block, stream, stream_free);
    if (!made) {
        stream_free(stream);
        return NULL;
    }
    MHD_add_response_header(made, "Vary", "Accept-Encoding");
    if (stream->compressed)
        MHD_add_response_header(made, "Content-Encoding", "gzip");
    return made;
}
