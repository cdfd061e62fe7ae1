/* SPDX-License-Identifier: Apache-2.0 */
/* The symbols of one remote write 2.0 request: each text once, in wire form, numbered from 0 in the
 * order in which they come. */
#ifndef EDGEMETER_SHIP_SYMBOLS_H
#define EDGEMETER_SHIP_SYMBOLS_H

#include "base/buffer.h"

struct symbol {
    uint32_t hash;
    uint32_t offset; /* of its text in `wire` */
    uint32_t length;
};

struct symbols {
    struct buffer wire; /* the symbols, each with its tag and length */
    struct symbol *entries;
    uint32_t count, capacity;
    uint32_t *slots; /* open addressing: number + 1, 0 is empty */
    uint32_t mask;
    uint64_t seed;
};

/* 0 or -ENOMEM. `max_bytes` of the wire form, less than 4 GiB. */
int symbols_init(struct symbols *symbols, size_t max_bytes);
void symbols_free(struct symbols *symbols);
/* Forgets all. */
void symbols_clear(struct symbols *symbols);

/* The number of a text, which is added if it is new. 0, -ENOMEM or -E2BIG. */
int symbols_find(struct symbols *symbols, struct text text, uint32_t *number);

static inline bool symbols_is(const struct symbols *symbols, uint32_t number, struct text text)
{
    const struct symbol *symbol = &symbols->entries[number];
    return symbol->length == text.length &&
           (!text.length ||
            memcmp(symbols->wire.bytes + symbol->offset, text.bytes, text.length) == 0);
}

#endif
