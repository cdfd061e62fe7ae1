/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a `struct labels`, for labels.c, labels_builder.c and the making of requests
 * alone. There are two kinds. A set that a builder made has its text inside:
 *
 *   byte  0  4 bytes  size of the whole allocation
 *         4  31 bits  count of labels; 1 bit: 0
 *         8  8 bytes  hash: seeded XXH3 of the bytes from 16 on
 *        16           for each label, sorted by name in byte order:
 *                       length of the name, name, length of the value, value
 *
 * A length is a varint: 7 bits in each byte, the lowest first; the top bit says that another byte
 * follows. A set that is interned has the same head (the size is that of the other kind), but that
 * the bit is 1; from 16 on 4 bytes that it has in common with the sets that differ from it in
 * their `instance` alone (others may have the same), then the numbers of its label pairs. Equal
 * sets of a kind have equal bytes. It lives in memory only. */
#ifndef EDGEMETER_MODEL_LABELS_PACKED_H
#define EDGEMETER_MODEL_LABELS_PACKED_H

#include "model/label_pair.h"
#include "model/labels.h"

struct labels {
    uint32_t size;
    uint32_t count : 31;
    uint32_t interned : 1;
    uint64_t hash;
    union {
        uint8_t packed[0];
        uint32_t numbers[0];
    };
};
_Static_assert(sizeof(struct labels) == 16, "labels are packed right after the header");

static inline uint32_t labels_siblings(const struct labels *interned)
{
    return interned->numbers[0];
}

static inline const label_pair_id *labels_pairs(const struct labels *interned)
{
    return interned->numbers + 1;
}

uint64_t labels_hash_seed(void);
/* The hash of a set whose bytes are all there. */
uint64_t labels_packed_hash(const struct labels *labels);

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
