/* SPDX-License-Identifier: Apache-2.0 */
/* An open-addressing hash over texts that lie in the request itself. */
#include "ship/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "ship/wire.h"

#define REQUEST_SYMBOLS 4 /* the field */
#define LEAST_CAPACITY 512

static int symbols_resize(struct symbols *symbols, uint32_t capacity)
{
    struct symbol *entries = reallocarray(symbols->entries, capacity, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    symbols->entries = entries;
    uint32_t slot_count = 2 * capacity;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(symbols->slots);
    symbols->slots = slots;
    symbols->mask = slot_count - 1;
    symbols->capacity = capacity;
    for (uint32_t number = 0; number < symbols->count; number++) {
        uint32_t i = entries[number].hash & symbols->mask;
        while (slots[i])
            i = (i + 1) & symbols->mask;
        slots[i] = number + 1;
    }
    return 0;
}

int symbols_init(struct symbols *symbols, size_t max_bytes)
{
    *symbols = (struct symbols){};
    buffer_init(&symbols->wire, max_bytes);
    /* Seeded, so that nobody who chooses label values can choose which of them collide. */
    if (getrandom(&symbols->seed, sizeof(symbols->seed), GRND_NONBLOCK) < 0)
        symbols->seed = (uintptr_t)symbols;
    int error = symbols_resize(symbols, LEAST_CAPACITY);
    if (!error)
        symbols_clear(symbols);
    return error;
}

void symbols_free(struct symbols *symbols)
{
    buffer_free(&symbols->wire);
    free(symbols->entries);
    free(symbols->slots);
    *symbols = (struct symbols){};
}

void symbols_clear(struct symbols *symbols)
{
    buffer_clear(&symbols->wire);
    memset(symbols->slots, 0, ((size_t)symbols->mask + 1) * sizeof(*symbols->slots));
    symbols->count = 0;
}

static int symbols_add(struct symbols *symbols, struct text text, uint32_t hash, uint32_t slot)
{
    size_t room = WIRE_HEAD_MAX_BYTES + text.length;
    uint8_t *start = (uint8_t *)buffer_reserve(&symbols->wire, room);
    if (!start) {
        symbols->wire.failed = false; /* told by the return value */
        return symbols->wire.length + room > symbols->wire.maximum ? -E2BIG : -ENOMEM;
    }
    uint8_t *end = wire_text(start, REQUEST_SYMBOLS, text);
    symbols->wire.length += (size_t)(end - start);
    symbols->entries[symbols->count++] = (struct symbol){
        hash, (uint32_t)(symbols->wire.length - text.length), (uint32_t)text.length};
    symbols->slots[slot] = symbols->count;
    return 0;
}

int symbols_find(struct symbols *symbols, struct text text, uint32_t *number)
{
    if (symbols->count == symbols->capacity && symbols_resize(symbols, 2 * symbols->capacity))
        return -ENOMEM;
    uint32_t hash = (uint32_t)XXH3_64bits_withSeed(text.bytes, text.length, symbols->seed);
    uint32_t slot = hash & symbols->mask;
    for (; symbols->slots[slot]; slot = (slot + 1) & symbols->mask) {
        uint32_t at = symbols->slots[slot] - 1;
        if (symbols->entries[at].hash == hash && symbols_is(symbols, at, text)) {
            *number = at;
            return 0;
        }
    }
    *number = symbols->count;
    return symbols_add(symbols, text, hash, slot);
}
