/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's life. Never decodes. */
#include "ship/encode.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ship/encode_parts.h"
#include "ship/wire.h"

uint8_t *encode_grow(struct buffer *buffer, size_t room, int *error)
{
    uint8_t *at = (uint8_t *)buffer_reserve(buffer, room);
    if (at)
        return at;
    buffer->failed = false; /* told by the error; what is in the buffer is whole */
    *error = buffer->length + room > buffer->maximum ? -E2BIG : -ENOMEM;
    return NULL;
}

int encoder_new(size_t max_bytes, struct encoder **out)
{
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (!encoder)
        return -ENOMEM;
    encoder->max_bytes = max_bytes;
    buffer_init(&encoder->series, max_bytes);
    int error = symbols_init(&encoder->symbols, max_bytes);
    if (error)
        encoder_free(&encoder);
    else
        *out = encoder;
    return error;
}

void encoder_free(struct encoder **out)
{
    struct encoder *encoder = TAKE_PTR(*out);
    if (!encoder)
        return;
    buffer_free(&encoder->series);
    symbols_free(&encoder->symbols);
    free(encoder);
}

void encoder_begin(struct encoder *encoder, enum remote_write_protocol protocol)
{
    encoder->protocol = protocol;
    buffer_clear(&encoder->series);
    encoder->series.maximum = encoder->max_bytes;
    encoder->dropped = 0;
    symbols_clear(&encoder->symbols);
    encoder->previous_count = 0;
    encoder->previous_metadata = NULL;
}

int encoder_add(struct encoder *encoder, const struct encode_entry *entry)
{
    return encoder->protocol == REMOTE_WRITE_V1 ? encode_v1_add(&encoder->series, entry)
                                                : encode_v2_add(encoder, entry);
}

int encoder_add_metadata(struct encoder *encoder, const struct metadata *metadata)
{
    return encode_v1_add_metadata(&encoder->series, metadata);
}

size_t encoder_length(const struct encoder *encoder)
{
    return encoder->dropped + encoder->symbols.wire.length + encoder->series.length;
}

struct text encoder_ready(const struct encoder *encoder)
{
    size_t length = encoder->protocol == REMOTE_WRITE_V1 ? encoder->series.length : 0;
    return (struct text){encoder->series.bytes, length};
}

void encoder_drop(struct encoder *encoder, size_t length)
{
    struct buffer *series = &encoder->series;
    series->length -= length;
    memmove(series->bytes, series->bytes + length, series->length);
    series->maximum -= length;
    encoder->dropped += length;
}

int encoder_finish(struct encoder *encoder, struct text *out)
{
    int error = 0;
    if (encoder->protocol == REMOTE_WRITE_V1) {
        *out = buffer_text(&encoder->series);
        return 0;
    }
    /* The symbols come first: a receiver may resolve each series as it reads it. */
    uint8_t *at = encode_reserve(&encoder->symbols.wire, encoder->series.length, &error);
    if (!at)
        return error;
    memcpy(at, encoder->series.bytes, encoder->series.length);
    *out = (struct text){encoder->symbols.wire.bytes, encoder_length(encoder)};
    return 0;
}
