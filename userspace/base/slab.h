/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of one size, side by side, without the head that malloc gives each of its own. What is
 * given back is used again; all of it goes back to the system once no cell is in use. */
#ifndef EDGEMETER_BASE_SLAB_H
#define EDGEMETER_BASE_SLAB_H

#include <stddef.h>

struct slab {
    void *chunks, *free; /* lists */
    char *next, *end;    /* cells of the newest chunk that were never used */
    size_t in_use;
};

/* The same size, a multiple of 8 and at most SLAB_CELL_MAX, at every call. NULL without memory. */
#define SLAB_CELL_MAX 256
void *slab_take(struct slab *slab, size_t size);
void slab_give(struct slab *slab, void *cell);

#endif
