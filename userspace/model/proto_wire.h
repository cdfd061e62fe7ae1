/* SPDX-License-Identifier: Apache-2.0 */
/* Reading protobuf field by field, without knowing the message. */
#ifndef EDGEMETER_MODEL_PROTO_WIRE_H
#define EDGEMETER_MODEL_PROTO_WIRE_H

#include <stdint.h>

#include "base/text.h"

#define PROTO_MAX_VARINT 10 /* bytes */

enum proto_wire_type {
    PROTO_VARINT = 0,
    PROTO_FIXED64 = 1,
    PROTO_BYTES = 2,
    PROTO_FIXED32 = 5,
};

struct proto_field {
    uint32_t number;
    enum proto_wire_type type;
    uint64_t value;    /* of PROTO_VARINT */
    struct text bytes; /* of the others */
};

/* The varint at the front of *rest, which goes behind it. False where it has no end. */
static inline bool proto_take_varint(struct text *rest, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->length && i < PROTO_MAX_VARINT; i++) {
        uint8_t byte = (uint8_t)rest->bytes[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            *rest = (struct text){rest->bytes + i + 1, rest->length - i - 1};
            return true;
        }
    }
    return false;
}

static inline bool proto_take_bytes(struct text *rest, uint64_t length, struct text *out)
{
    if (length > rest->length)
        return false;
    *out = (struct text){rest->bytes, (size_t)length};
    *rest = (struct text){rest->bytes + length, rest->length - (size_t)length};
    return true;
}

/* The field at the front of *rest. False where it is malformed, or a group, which nobody sends. */
static inline bool proto_take_field(struct text *rest, struct proto_field *field)
{
    uint64_t tag, length;

    if (!proto_take_varint(rest, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
        return false;
    field->number = (uint32_t)(tag >> 3);
    field->type = (enum proto_wire_type)(tag & 7);
    switch (field->type) {
    case PROTO_VARINT:
        return proto_take_varint(rest, &field->value);
    case PROTO_FIXED64:
        return proto_take_bytes(rest, 8, &field->bytes);
    case PROTO_FIXED32:
        return proto_take_bytes(rest, 4, &field->bytes);
    case PROTO_BYTES:
        return proto_take_varint(rest, &length) && proto_take_bytes(rest, length, &field->bytes);
    }
    return false;
}

#endif
