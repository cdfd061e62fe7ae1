/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a `struct labels`, for labels.c and labels_builder.c alone.
 *
 *   byte  0  4 bytes  size of the whole allocation
 *         4  4 bytes  count of labels
 *         8  8 bytes  hash: seeded XXH3 of the bytes from 16 on
 *        16           for each label, sorted by name in byte order:
 *                       length of the name, name, length of the value, value
 *
 * A length is a varint: 7 bits in each byte, the lowest first; the top bit says that another byte
 * follows. Equal sets have equal bytes, so sets are compared with memcmp. It lives in memory only.
 */
#ifndef EDGEMETER_MODEL_LABELS_PACKED_H
#define EDGEMETER_MODEL_LABELS_PACKED_H

#include "model/labels.h"

struct labels {
    uint32_t size;
    uint32_t count;
    uint64_t hash;
    uint8_t packed[];
};
_Static_assert(sizeof(struct labels) == 16, "labels are packed right after the header");

/* The hash of a set whose bytes are all there. */
uint64_t labels_packed_hash(const struct labels *labels);

static inline size_t packed_length_size(uint32_t length)
{
    size_t size = 1;
    for (; length >= 0x80; length >>= 7)
        size++;
    return size;
}

static inline uint8_t *packed_put(uint8_t *at, const void *bytes, uint32_t length)
{
    uint32_t rest = length;
    for (; rest >= 0x80; rest >>= 7)
        *at++ = (uint8_t)(rest | 0x80);
    *at++ = (uint8_t)rest;
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
