/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf's wire format, written by hand. No bounds: the caller has reserved room for the longest
 * form first. Members with the value zero are left out, as proto3 asks; a negative zero is not
 * zero. */
#ifndef EDGEMETER_SHIP_WIRE_H
#define EDGEMETER_SHIP_WIRE_H

#include <endian.h>
#include <string.h>

#include "base/text.h"
#include "ship/varint.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

#define WIRE_HEAD_MAX_BYTES (2 + VARINT_MAX_BYTES) /* a tag and a length, or a scalar member */

/* Of fields below 2048. */
static inline uint8_t *wire_tag(uint8_t *at, unsigned field, enum wire_type type)
{
    return varint_put(at, field << 3 | type);
}

static inline uint8_t *wire_length(uint8_t *at, unsigned field, size_t length)
{
    return varint_put(wire_tag(at, field, WIRE_BYTES), length);
}

/* Most copies are of a few bytes; a call of memcpy would cost more than they do. */
static inline uint8_t *wire_copy(uint8_t *at, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    if (length > 32)
        return (uint8_t *)mempcpy(at, from, length);
    if (length >= 16) {
        memcpy(at, from, 16);
        memcpy(at + length - 16, from + length - 16, 16);
    } else if (length >= 8) {
        memcpy(at, from, 8);
        memcpy(at + length - 8, from + length - 8, 8);
    } else if (length >= 4) {
        memcpy(at, from, 4);
        memcpy(at + length - 4, from + length - 4, 4);
    } else {
        for (size_t i = 0; i < length; i++)
            at[i] = from[i];
    }
    return at + length;
}

static inline uint8_t *wire_text(uint8_t *at, unsigned field, struct text text)
{
    return wire_copy(wire_length(at, field, text.length), text.bytes, text.length);
}

static inline uint8_t *wire_optional_text(uint8_t *at, unsigned field, struct text text)
{
    return text.length ? wire_text(at, field, text) : at;
}

static inline uint8_t *wire_unsigned(uint8_t *at, unsigned field, uint64_t value)
{
    return value ? varint_put(wire_tag(at, field, WIRE_VARINT), value) : at;
}

static inline uint8_t *wire_time(uint8_t *at, unsigned field, int64_t time_ms)
{
    return time_ms ? varint_put_time(wire_tag(at, field, WIRE_VARINT), (uint64_t)time_ms) : at;
}

static inline uint8_t *wire_fixed64(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = htole64(bits);
    memcpy(at, &bits, sizeof(bits));
    return at + sizeof(bits);
}

static inline uint8_t *wire_double(uint8_t *at, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits ? wire_fixed64(wire_tag(at, field, WIRE_FIXED64), value) : at;
}

/* A message is written behind room for the usual width of its length, and moved where that was
 * wrong. */
static inline uint8_t *wire_message_begin(uint8_t *at, unsigned field, size_t length_width)
{
    return wire_tag(at, field, WIRE_BYTES) + length_width;
}

static inline uint8_t *wire_message_end(uint8_t *body, uint8_t *end, size_t length_width)
{
    size_t length = (size_t)(end - body);
    if (length_width == 1 && length < 0x80) { /* as usual, this or the next */
        body[-1] = (uint8_t)length;
        return end;
    }
    if (length_width == 2 && length >= 0x80 && length < 0x4000) {
        body[-2] = (uint8_t)(length | 0x80);
        body[-1] = (uint8_t)(length >> 7);
        return end;
    }
    size_t width = varint_size(length);
    uint8_t *at = body - length_width;
    if (width != length_width)
        memmove(at + width, body, length);
    return varint_put(at, length) + length;
}

#endif
