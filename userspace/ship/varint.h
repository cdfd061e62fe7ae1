/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf's variable-length integers, used on the wire and in the queue's records. No bounds: the
 * caller has seen to the room, and reads only what was written here. */
#ifndef EDGEMETER_SHIP_VARINT_H
#define EDGEMETER_SHIP_VARINT_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX_BYTES 10

static inline uint64_t varint_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t varint_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ -(value & 1));
}

static inline size_t varint_size(uint64_t value)
{
    size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* The same without a branch for each byte where it takes six, as the time of day in milliseconds
 * does. Touches 8 bytes. */
static inline uint8_t *varint_put_time(uint8_t *at, uint64_t value)
{
    if (value >> 35 == 0 || value >> 42 != 0)
        return varint_put(at, value);
    uint64_t bytes = (value & 0x7f) | (value & 0x7f << 7) << 1 | (value & 0x7f << 14) << 2 |
                     (value & 0x7f << 21) << 3 | (value & UINT64_C(0x7f) << 28) << 4 |
                     (value & UINT64_C(0x7f) << 35) << 5 | UINT64_C(0x8080808080);
    bytes = htole64(bytes);
    memcpy(at, &bytes, sizeof(bytes));
    return at + 6;
}

static inline uint64_t varint_get(const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (; **at & 0x80; shift += 7)
        value |= (uint64_t)(*(*at)++ & 0x7f) << shift;
    return value | (uint64_t) * (*at)++ << shift;
}

#endif
