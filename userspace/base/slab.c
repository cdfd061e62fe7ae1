/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks are never looked into again: cells that are free hold the list of themselves. */
#include "base/slab.h"

#include <stdlib.h>

#define CHUNK_BYTES 8192

static int add_chunk(struct slab *slab)
{
    void **chunk = malloc(CHUNK_BYTES);
    if (!chunk)
        return -1;
    *chunk = slab->chunks;
    slab->chunks = chunk;
    slab->next = (char *)(chunk + 1);
    slab->end = (char *)chunk + CHUNK_BYTES;
    return 0;
}

void *slab_take(struct slab *slab, size_t size)
{
    void **cell = slab->free;
    if (cell) {
        slab->free = *cell;
    } else {
        if ((size_t)(slab->end - slab->next) < size && add_chunk(slab))
            return NULL;
        cell = (void **)slab->next;
        slab->next += size;
    }
    slab->in_use++;
    return cell;
}

static void free_chunks(struct slab *slab)
{
    void **chunk;
    while ((chunk = slab->chunks)) {
        slab->chunks = *chunk;
        free(chunk);
    }
    *slab = (struct slab){};
}

void slab_give(struct slab *slab, void *cell)
{
    *(void **)cell = slab->free;
    slab->free = cell;
    if (--slab->in_use == 0)
        free_chunks(slab);
}
