/* SPDX-License-Identifier: Apache-2.0 */
/* A text behind its length, which is a varint: 7 bits in each byte, the lowest first; the top bit
 * says that another byte follows. As protobuf writes it. */
#ifndef EDGEMETER_MODEL_PACKED_TEXT_H
#define EDGEMETER_MODEL_PACKED_TEXT_H

#include <stdint.h>
#include <string.h>

#include "base/text.h"

static inline size_t packed_length_size(uint32_t length)
{
    size_t size = 1;
    for (; length >= 0x80; length >>= 7)
        size++;
    return size;
}

static inline uint8_t *packed_put_length(uint8_t *at, uint32_t length)
{
    for (; length >= 0x80; length >>= 7)
        *at++ = (uint8_t)(length | 0x80);
    *at++ = (uint8_t)length;
    return at;
}

static inline uint8_t *packed_put(uint8_t *at, const void *bytes, uint32_t length)
{
    at = packed_put_length(at, length);
    memcpy(at, bytes, length);
    return at + length;
}

static inline const uint8_t *packed_get(const uint8_t *at, struct text *out)
{
    uint32_t length = *at & 0x7f;
    for (int shift = 7; *at++ & 0x80; shift += 7)
        length |= (uint32_t)(*at & 0x7f) << shift;
    *out = (struct text){(const char *)at, length};
    return at + length;
}

#endif
