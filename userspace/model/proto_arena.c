/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in a list, the newest in front, each at least as large as the one before. */
#include "model/proto_arena.h"

#include <stdlib.h>

#define LEAST_BLOCK (16 * 1024)
#define ALIGNMENT 16

struct proto_arena_block {
    struct proto_arena_block *older;
    size_t size, used;
    _Alignas(ALIGNMENT) char bytes[];
};

static struct proto_arena_block *add_block(struct proto_arena *arena, size_t least)
{
    size_t size = arena->newest ? arena->newest->size * 2 : LEAST_BLOCK;
    if (size < least)
        size = least;
    struct proto_arena_block *block = malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    *block = (struct proto_arena_block){.older = arena->newest, .size = size};
    arena->newest = block;
    return block;
}

static void *arena_allocate(void *data, size_t size)
{
    struct proto_arena *arena = data;
    struct proto_arena_block *block = arena->newest;

    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->maximum - arena->used) {
        arena->full = true;
        return NULL;
    }
    if (!block || size > block->size - block->used)
        block = add_block(arena, size);
    if (!block)
        return NULL;
    void *memory = block->bytes + block->used;
    block->used += size;
    arena->used += size;
    return memory;
}

/* All is taken back at once. */
static void arena_release(void *data, void *memory)
{
    (void)data;
    (void)memory;
}

void proto_arena_init(struct proto_arena *arena, size_t maximum)
{
    *arena = (struct proto_arena){
        .allocator = {.alloc = arena_allocate, .free = arena_release, .allocator_data = arena},
        .maximum = maximum,
    };
}

static void free_blocks(struct proto_arena *arena, const struct proto_arena_block *kept)
{
    while (arena->newest != kept) {
        struct proto_arena_block *block = arena->newest;
        arena->newest = block->older;
        free(block);
    }
}

void proto_arena_clear(struct proto_arena *arena)
{
    struct proto_arena_block *oldest = arena->newest;

    while (oldest && oldest->older)
        oldest = oldest->older;
    free_blocks(arena, oldest);
    if (oldest)
        oldest->used = 0;
    arena->used = 0;
    arena->full = false;
}

void proto_arena_free(struct proto_arena *arena)
{
    free_blocks(arena, NULL);
    proto_arena_init(arena, arena->maximum);
}
