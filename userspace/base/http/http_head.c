/* SPDX-License-Identifier: Apache-2.0 */
/* As strict as a request can be followed by another one on the connection: whoever disagrees about
 * where a body ends is not kept. */
#include "base/http/http_head.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#define SIZE_DIGITS_MAX 15 /* of a chunk: more does not fit into 63 bits */

/* ---- lines ---- */

/* The line at the front of *bytes, which is taken off with its end; false: it does not end. */
static bool take_line(struct text *bytes, struct text *line)
{
    const char *newline = bytes->length ? memchr(bytes->bytes, '\n', bytes->length) : NULL;

    if (!newline)
        return false;
    size_t length = (size_t)(newline - bytes->bytes);
    *line = (struct text){bytes->bytes, length};
    if (length && line->bytes[length - 1] == '\r')
        line->length--;
    bytes->bytes += length + 1;
    bytes->length -= length + 1;
    return true;
}

static struct text trimmed(struct text text)
{
    while (text.length && (*text.bytes == ' ' || *text.bytes == '\t'))
        text = (struct text){text.bytes + 1, text.length - 1};
    while (text.length &&
           (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static bool is_named(struct text line, const char *name)
{
    size_t length = strlen(name);
    return line.length > length && line.bytes[length] == ':' &&
           !strncasecmp(line.bytes, name, length);
}

static struct text value_of(struct text line, const char *name)
{
    size_t skipped = strlen(name) + 1;
    return trimmed((struct text){line.bytes + skipped, line.length - skipped});
}

static bool text_is(struct text text, const char *word)
{
    return text.length == strlen(word) && !strncasecmp(text.bytes, word, text.length);
}

/* ---- the head ---- */

static const char *read_status(struct text line, struct http_head_fields *out)
{
    static const char version[] = "HTTP/1.";
    const size_t behind = sizeof(version) - 1; /* the minor version, a space, the status */

    if (line.length < behind + 5 || memcmp(line.bytes, version, behind) ||
        !isdigit((unsigned char)line.bytes[behind]) || line.bytes[behind + 1] != ' ')
        return "the response is not HTTP/1";
    struct text text = trimmed((struct text){line.bytes + behind + 2, line.length - behind - 2});
    if (text.length < 3 || (text.length > 3 && text.bytes[3] != ' '))
        return "the response has no status";
    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)text.bytes[i]))
            return "the response has no status";
        out->status = out->status * 10 + text.bytes[i] - '0';
    }
    out->status_text = text;
    out->close = line.bytes[behind] == '0';
    return out->status < 100 ? "the response has no status" : NULL;
}

static const char *read_length(struct text value, struct http_head_fields *out)
{
    int64_t length = 0;

    for (size_t i = 0; i < value.length; i++) {
        if (!isdigit((unsigned char)value.bytes[i]) || length > INT64_MAX / 10 - 1)
            return "the response has a Content-Length that is none";
        length = length * 10 + value.bytes[i] - '0';
    }
    if (!value.length)
        return "the response has a Content-Length that is none";
    if (out->content_length >= 0 && out->content_length != length)
        return "the response has two Content-Lengths";
    out->content_length = length;
    return NULL;
}

/* "close", "keep-alive", or a list of such. */
static void read_connection(struct text value, struct http_head_fields *out)
{
    while (value.length) {
        const char *comma = memchr(value.bytes, ',', value.length);
        size_t length = comma ? (size_t)(comma - value.bytes) : value.length;
        struct text option = trimmed((struct text){value.bytes, length});
        if (text_is(option, "close"))
            out->close = true;
        else if (text_is(option, "keep-alive"))
            out->close = false;
        length += comma != NULL;
        value = (struct text){value.bytes + length, value.length - length};
    }
}

static const char *read_field(struct text line, struct http_head_fields *out)
{
    if (is_named(line, "Content-Length"))
        return read_length(value_of(line, "Content-Length"), out);
    if (is_named(line, "Transfer-Encoding")) {
        if (out->chunked || !text_is(value_of(line, "Transfer-Encoding"), "chunked"))
            return "the response has a Transfer-Encoding that was not asked for";
        out->chunked = true;
    } else if (is_named(line, "Connection")) {
        read_connection(value_of(line, "Connection"), out);
    }
    return NULL;
}

ssize_t http_head_parse(struct text bytes, struct http_head_fields *out, const char **fault)
{
    struct text rest = bytes, line;

    *out = (struct http_head_fields){.content_length = -1};
    *fault = NULL;
    if (!take_line(&rest, &line))
        return 0;
    *fault = read_status(line, out);
    while (!*fault) {
        if (!take_line(&rest, &line))
            return 0;
        if (!line.length)
            break;
        *fault = read_field(line, out);
    }
    if (*fault)
        return -EBADMSG;
    if (out->chunked && out->content_length >= 0) {
        out->content_length = -1;
        out->close = true;
    }
    return rest.bytes - bytes.bytes;
}

struct text http_head_find(struct text head, const char *name, unsigned index)
{
    struct text line;

    while (take_line(&head, &line))
        if (is_named(line, name) && index-- == 0)
            return value_of(line, name);
    return (struct text){NULL, 0};
}

/* ---- chunks ---- */

static void skip(struct text *bytes, size_t length)
{
    bytes->bytes += length;
    bytes->length -= length;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte outside of the data. */
static int take_byte(struct http_chunks *chunks, char c)
{
    int digit;

    switch (chunks->state) {
    case HTTP_CHUNKS_SIZE:
        digit = hex_digit(c);
        if (digit < 0) {
            if (!chunks->digits)
                return -EBADMSG;
            chunks->state = HTTP_CHUNKS_EXTENSION;
            return take_byte(chunks, c);
        }
        if (++chunks->digits > SIZE_DIGITS_MAX)
            return -EBADMSG;
        chunks->left = chunks->left << 4 | (unsigned)digit;
        return 0;
    case HTTP_CHUNKS_EXTENSION:
        if (c == '\n')
            chunks->state = chunks->left ? HTTP_CHUNKS_DATA : HTTP_CHUNKS_TRAILER;
        return 0;
    case HTTP_CHUNKS_DATA_END:
        if (c != '\r' && c != '\n')
            return -EBADMSG;
        if (c == '\n')
            *chunks = (struct http_chunks){HTTP_CHUNKS_SIZE};
        return 0;
    case HTTP_CHUNKS_TRAILER:
        if (c == '\n')
            chunks->state = HTTP_CHUNKS_ENDED;
        else if (c != '\r')
            chunks->state = HTTP_CHUNKS_TRAILER_LINE;
        return 0;
    case HTTP_CHUNKS_TRAILER_LINE:
        if (c == '\n')
            chunks->state = HTTP_CHUNKS_TRAILER;
        return 0;
    case HTTP_CHUNKS_DATA:
    case HTTP_CHUNKS_ENDED:
        break;
    }
    return 0;
}

int http_chunks_next(struct http_chunks *chunks, struct text *bytes, struct text *body)
{
    while (bytes->length && chunks->state != HTTP_CHUNKS_ENDED) {
        if (chunks->state == HTTP_CHUNKS_DATA) {
            size_t length = bytes->length < chunks->left ? bytes->length : (size_t)chunks->left;
            *body = (struct text){bytes->bytes, length};
            skip(bytes, length);
            chunks->left -= length;
            if (!chunks->left)
                chunks->state = HTTP_CHUNKS_DATA_END;
            return 1;
        }
        int error = take_byte(chunks, *bytes->bytes);
        if (error)
            return error;
        skip(bytes, 1);
    }
    return 0;
}
