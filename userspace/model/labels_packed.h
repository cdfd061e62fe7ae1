/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a `struct labels`, for labels.c, labels_builder.c and the making of requests
 * alone. There are two kinds. A set that a builder made has its text inside:
 *
 *   byte  0  4 bytes  size of the whole allocation
 *         4  31 bits  count of labels; 1 bit: 0
 *         8  8 bytes  hash: seeded XXH3 of the bytes from 16 on
 *        16           of each label, sorted by name in byte order, name and value (packed_text.h)
 *
 * A set that is interned has the same head (the size is that of the other kind), but that
 * the bit is 1; from 16 on 4 bytes that it has in common with the sets that differ from it in
 * their `instance` alone (others may have the same), then the numbers of its label pairs. Equal
 * sets of a kind have equal bytes. It lives in memory only. */
#ifndef EDGEMETER_MODEL_LABELS_PACKED_H
#define EDGEMETER_MODEL_LABELS_PACKED_H

#include "model/label_pair.h"
#include "model/labels.h"
#include "model/packed_text.h"

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

/* The hash of a set whose bytes are all there. */
uint64_t labels_packed_hash(const struct labels *labels);

#endif
