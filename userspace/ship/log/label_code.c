/* SPDX-License-Identifier: Apache-2.0 */
/* Through the public face of labels alone: how a set lies in memory is not what is on disk. */
#include "ship/log/label_code.h"

#include <errno.h>
#include <xxhash.h>

#include "ship/log/bytes.h"

static uint8_t *put_text(uint8_t *at, struct text text)
{
    at = varint_put(at, text.length);
    memcpy(at, text.bytes, text.length);
    return at + text.length;
}

int label_bytes_put(struct buffer *out, const struct labels *labels)
{
    for (struct label_cursor c = labels_first(labels); labels_next(&c);) {
        size_t room = c.label.name.length + c.label.value.length + 2 * VARINT_MAX_BYTES;
        uint8_t *start = (uint8_t *)buffer_reserve(out, room);
        if (!start)
            return room > out->maximum - out->length ? -E2BIG : -ENOMEM;
        uint8_t *at = put_text(start, c.label.name);
        at = put_text(at, c.label.value);
        out->length += (size_t)(at - start);
    }
    return 0;
}

int label_bytes_get(struct text bytes, struct labels_builder *builder, struct labels **out)
{
    struct byte_reader reader = byte_reader_of(bytes.bytes, bytes.length);
    labels_builder_clear(builder);
    while (byte_reader_left(&reader)) {
        struct text name = byte_reader_text(&reader);
        struct text value = byte_reader_text(&reader);
        if (reader.failed)
            return -EBADMSG;
        int error = labels_builder_set(builder, name, value);
        if (error)
            return error == -ENOMEM ? error : -EBADMSG;
    }
    return labels_builder_build(builder, out);
}

uint32_t label_bytes_hash(struct text bytes)
{
    return (uint32_t)XXH3_64bits(bytes.bytes, bytes.length);
}
