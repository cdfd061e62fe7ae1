/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a response on its way from libcurl to the caller: the head is shown once, gzip is
 * inflated piece by piece, and the limit counts what comes out. Only a single gzip is taken, as
 * Prometheus does: a chain of encodings is a way to make much out of little. */
#define ZLIB_CONST
#include <zlib.h>

#include "base/http/http_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define INFLATED_PIECE (32 * 1024)
#define GZIP_ONLY (15 + 16) /* zlib's window bits: gzip, no other format */

enum http_body_state { BODY_PLAIN, BODY_GZIP, BODY_GZIP_ENDED };

struct http_inflater {
    z_stream stream;
    enum http_body_state state;
    char piece[INFLATED_PIECE];
};

static int deliver(struct http_call *call, const char *bytes, size_t length)
{
    size_t room = call->max_response_bytes - call->received;
    int error = 0;

    if (!call->on_body)
        error = buffer_append(&call->body, bytes, length < room ? length : room);
    else if (length <= room)
        error = call->on_body(call->context, bytes, length);
    if (length > room) {
        call->too_large = true;
        return http_call_fail(call, -EFBIG, "response body is larger than %zu bytes",
                              call->max_response_bytes);
    }
    if (error)
        return http_call_fail(call, error, "reading of the response body stopped: %s",
                              strerror(-error));
    call->received += length;
    return 0;
}

/* ---- gzip ---- */

static int inflater_new(struct http_call *call)
{
    struct http_inflater *inflater = malloc(sizeof(*inflater));
    if (!inflater)
        return -ENOMEM;
    inflater->stream = (z_stream){0};
    inflater->state = BODY_GZIP;
    if (inflateInit2(&inflater->stream, GZIP_ONLY) != Z_OK) {
        free(inflater);
        return -ENOMEM;
    }
    call->inflater = inflater;
    return 0;
}

/* Whether there is more to come out of what has come in. */
static bool has_more(const struct http_inflater *inflater)
{
    const z_stream *stream = &inflater->stream;
    return stream->avail_in || (stream->avail_out == 0 && inflater->state == BODY_GZIP);
}

/* One step; what it made goes to the caller. A gzip body may have several members. */
static int inflate_step(struct http_call *call, struct http_inflater *inflater)
{
    z_stream *stream = &inflater->stream;

    if (inflater->state == BODY_GZIP_ENDED) {
        inflateReset(stream);
        inflater->state = BODY_GZIP;
    }
    stream->next_out = (unsigned char *)inflater->piece;
    stream->avail_out = INFLATED_PIECE;
    int result = inflate(stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END)
        inflater->state = BODY_GZIP_ENDED;
    else if (result == Z_MEM_ERROR)
        return http_call_fail(call, -ENOMEM, "gzip body: no memory");
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return http_call_fail(call, -EBADMSG, "gzip body: %s",
                              stream->msg ? stream->msg : "not in gzip format");
    size_t made = INFLATED_PIECE - stream->avail_out;
    return made ? deliver(call, inflater->piece, made) : 0;
}

static int inflate_body(struct http_call *call, const char *bytes, size_t length)
{
    struct http_inflater *inflater = call->inflater;
    z_stream *stream = &inflater->stream;
    int error;

    stream->next_in = (const unsigned char *)bytes;
    stream->avail_in = (unsigned)length;
    do {
        error = inflate_step(call, inflater);
    } while (!error && has_more(inflater) && call->state != HTTP_CALL_CANCELLED);
    return error;
}

/* ---- the head ---- */

/* Whether the value names a coding that nobody asked for. What is none, such as utf-8, is what some
 * servers call the body as it is. */
static bool is_encoded(const char *value)
{
    static const char *const codings[] = {"gzip", "x-gzip",   "deflate",   "br",
                                          "zstd", "compress", "x-compress"};

    while (*value) {
        size_t length = strcspn(value, ", \t");
        for (size_t i = 0; i < ARRAY_SIZE(codings); i++)
            if (length == strlen(codings[i]) && strncasecmp(value, codings[i], length) == 0)
                return true;
        value += length;
        value += strspn(value, ", \t");
    }
    return false;
}

static int choose_encoding(struct http_call *call)
{
    bool several = http_call_header(call, "Content-Encoding", 1) != NULL;
    const char *encoding = http_call_header(call, "Content-Encoding", 0);

    if (!encoding)
        return 0;
    if (!several && strcasecmp(encoding, "gzip") == 0)
        return inflater_new(call);
    if (!several && !is_encoded(encoding))
        return 0;
    return http_call_fail(call, -EBADMSG,
                          "the response has a Content-Encoding that was not asked for: %.200s%s",
                          encoding, several ? ", and more" : "");
}

static int begin(struct http_call *call)
{
    struct http_head head = {
        .status = http_call_status_code(call),
        .status_text = call->status_text,
        .content_type = http_call_content_type(call),
    };
    int error = 0;

    call->body_begun = true;
    if (call->on_head)
        error = call->on_head(call->context, &head);
    if (error)
        return http_call_fail(call, error, "reading of the response stopped: %s", strerror(-error));
    return call->decode_gzip ? choose_encoding(call) : 0;
}

int http_body_feed(struct http_call *call, const char *bytes, size_t length)
{
    int error = 0;

    if (!length)
        return 0;
    if (!call->body_begun)
        error = begin(call);
    if (error || call->state == HTTP_CALL_CANCELLED)
        return error;
    return call->inflater ? inflate_body(call, bytes, length) : deliver(call, bytes, length);
}

/* Nothing at all is no gzip either, where the head promised one. */
static bool lacks_gzip(struct http_call *call)
{
    if (call->body_begun || !call->decode_gzip || http_call_status_code(call) != 200)
        return false;
    const char *encoding = http_call_header(call, "Content-Encoding", 0);
    return encoding && strcasecmp(encoding, "gzip") == 0;
}

int http_body_end(struct http_call *call)
{
    if (call->inflater ? call->inflater->state == BODY_GZIP_ENDED : !lacks_gzip(call))
        return 0;
    return http_call_fail(call, -EBADMSG, "gzip body: ends too early");
}

void http_body_free(struct http_call *call)
{
    if (call->inflater)
        inflateEnd(&call->inflater->stream);
    free(call->inflater);
    call->inflater = NULL;
}
