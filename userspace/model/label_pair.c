/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation for a pair, its number in an open-addressing hash. The table is the process's, as
 * the seed of the hashes is: sets of labels are compared and copied where no table is at hand. */
#include "model/label_pair.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/clock.h"
#include "model/packed_text.h"

#define LEAST_CAPACITY 64
#define TAG_LABEL 0x0a /* field 1, bytes */
#define TAG_NAME 0x0a  /* field 1, bytes */
#define TAG_VALUE 0x12 /* field 2, bytes */
#define EMPTY UINT32_MAX

struct label_pair **label_pairs; /* a free number's place holds the next free one and 1 more */

static struct {
    uint32_t count, capacity;
    uint32_t ids_used;
    uint32_t first_free;  /* number + 1; 0: none */
    label_pair_id *slots; /* a power of two, at most three quarters full */
    uint32_t mask;
} table;

/* ---- one pair ---- */

uint64_t label_hash_seed(void)
{
    static uint64_t seed;
    static bool known;
    if (!known && getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = clock_monotonic_ns() ^ (uint64_t)(uintptr_t)&seed; /* right after boot */
    known = true;
    return seed;
}

static struct text read_text(const uint8_t **at)
{
    struct text text;
    *at = packed_get(*at + 1, &text);
    return text;
}

struct label label_pair_label(const struct label_pair *pair)
{
    const uint8_t *at = pair->wire;
    struct label label;
    at = (const uint8_t *)read_text(&at).bytes; /* the message inside */
    label.name = read_text(&at);
    label.value = read_text(&at);
    return label;
}

static uint32_t hash_of(const struct label *label)
{
    uint64_t seed = XXH3_64bits_withSeed(label->name.bytes, label->name.length, label_hash_seed());
    return (uint32_t)XXH3_64bits_withSeed(label->value.bytes, label->value.length, seed);
}

static bool pair_is(const struct label_pair *pair, const struct label *label, uint32_t hash)
{
    if (pair->hash != hash || pair->name_length != (uint32_t)label->name.length)
        return false;
    struct label own = label_pair_label(pair);
    return text_equal(own.name, label->name) && text_equal(own.value, label->value);
}

static size_t text_size(struct text text)
{
    return 1 + packed_length_size((uint32_t)text.length) + text.length;
}

static uint8_t *put_text(uint8_t *at, uint8_t tag, struct text text)
{
    *at++ = tag;
    return packed_put(at, text.bytes, (uint32_t)text.length);
}

static struct label_pair *pair_new(const struct label *label, uint32_t hash)
{
    size_t length = text_size(label->name) + text_size(label->value);
    size_t size = 1 + packed_length_size((uint32_t)length) + length;
    size_t room = (size + LABEL_PAIR_PIECE - 1) / LABEL_PAIR_PIECE * LABEL_PAIR_PIECE;
    struct label_pair *pair = malloc(sizeof(*pair) + room);
    if (!pair)
        return NULL;
    *pair = (struct label_pair){
        .hash = hash,
        .references = 1,
        .length = (uint32_t)size,
        .name_length = (uint32_t)label->name.length,
    };
    pair->wire[0] = TAG_LABEL;
    uint8_t *at = packed_put_length(pair->wire + 1, (uint32_t)length);
    put_text(put_text(at, TAG_NAME, label->name), TAG_VALUE, label->value);
    return pair;
}

/* ---- the table ---- */

/* The slot that holds the pair, or the empty one where it belongs. */
static uint32_t find_slot(const struct label *label, uint32_t hash)
{
    uint32_t slot = hash & table.mask;
    while (table.slots[slot] != EMPTY && !pair_is(label_pairs[table.slots[slot]], label, hash))
        slot = (slot + 1) & table.mask;
    return slot;
}

static int resize_slots(uint32_t slot_count)
{
    label_pair_id *slots = reallocarray(NULL, slot_count, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    memset(slots, 0xff, slot_count * sizeof(*slots));
    for (uint32_t i = 0; table.slots && i <= table.mask; i++) {
        if (table.slots[i] == EMPTY)
            continue;
        uint32_t slot = label_pairs[table.slots[i]]->hash & (slot_count - 1);
        while (slots[slot] != EMPTY)
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = table.slots[i];
    }
    free(table.slots);
    table.slots = slots;
    table.mask = slot_count - 1;
    return 0;
}

/* Room for one more. */
static int table_reserve(void)
{
    if (table.count == LABEL_PAIRS_MAX)
        return -E2BIG;
    if (!table.first_free && table.ids_used == table.capacity) {
        uint32_t capacity = table.capacity ? table.capacity + table.capacity / 2 : LEAST_CAPACITY;
        void *pairs = reallocarray(label_pairs, capacity, sizeof(*label_pairs));
        if (!pairs)
            return -ENOMEM;
        label_pairs = pairs;
        table.capacity = capacity;
    }
    uint32_t slot_count = table.slots ? table.mask + 1 : 0;
    if ((uint64_t)(table.count + 1) * 4 <= (uint64_t)slot_count * 3)
        return 0;
    return resize_slots(slot_count ? slot_count * 2 : 2 * LEAST_CAPACITY);
}

static label_pair_id take_id(void)
{
    table.count++;
    if (!table.first_free)
        return table.ids_used++;
    label_pair_id id = table.first_free - 1;
    table.first_free = (uint32_t)(uintptr_t)label_pairs[id];
    return id;
}

int label_pair_intern(const struct label *label, label_pair_id *out)
{
    uint32_t hash = hash_of(label);
    int error = table_reserve();
    if (error)
        return error;
    uint32_t slot = find_slot(label, hash);
    if (table.slots[slot] != EMPTY) {
        *out = table.slots[slot];
        label_pairs[*out]->references++;
        return 0;
    }
    struct label_pair *pair = pair_new(label, hash);
    if (!pair)
        return -ENOMEM;
    *out = table.slots[slot] = take_id();
    label_pairs[*out] = pair;
    return 0;
}

/* Closes the gap: each slot after it moves back where that brings it no further than its home. */
static void empty_slot(uint32_t gap)
{
    for (uint32_t i = (gap + 1) & table.mask; table.slots[i] != EMPTY; i = (i + 1) & table.mask) {
        uint32_t from_home = (i - label_pairs[table.slots[i]]->hash) & table.mask;
        if (from_home < ((i - gap) & table.mask))
            continue;
        table.slots[gap] = table.slots[i];
        gap = i;
    }
    table.slots[gap] = EMPTY;
}

static void table_free(void)
{
    free(table.slots);
    free(label_pairs);
    label_pairs = NULL;
    memset(&table, 0, sizeof(table));
}

void label_pair_release(label_pair_id id)
{
    struct label_pair *pair = label_pairs[id];

    assert(pair->references > 0);
    if (--pair->references > 0)
        return;
    uint32_t slot = pair->hash & table.mask;
    while (table.slots[slot] != id)
        slot = (slot + 1) & table.mask;
    empty_slot(slot);
    free(pair);
    label_pairs[id] = (struct label_pair *)(uintptr_t)table.first_free;
    table.first_free = id + 1;
    uint32_t slot_count = table.mask + 1;
    if (!--table.count)
        table_free();
    else if (slot_count > 2 * LEAST_CAPACITY && table.count < slot_count / 8)
        (void)resize_slots(slot_count / 2); /* without memory it stays as large as it is */
}

uint32_t label_pair_count(void)
{
    return table.count;
}

uint32_t label_pair_limit(void)
{
    return table.ids_used;
}
