/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata of families, each text once: a small number stands for it. References are counted; what
 * nobody holds is forgotten and its number used again. */
#ifndef EDGEMETER_MODEL_METADATA_TABLE_H
#define EDGEMETER_MODEL_METADATA_TABLE_H

#include <stddef.h>

#include "model/metadata.h"

#define METADATA_TABLE_MAX (1u << 20)               /* families */
#define METADATA_TABLE_MAX_BYTES (64 * 1024 * 1024) /* of their texts together */

struct metadata_table;

int metadata_table_new(struct metadata_table **out);
void metadata_table_free(struct metadata_table **table);

/* Finds it or adds a copy, and takes one reference. 0, -ENOMEM, or -E2BIG (full). */
int metadata_table_intern(struct metadata_table *table, const struct metadata *metadata,
                          metadata_id *out);
void metadata_table_hold(struct metadata_table *table, metadata_id id);
/* Nothing for 0. */
void metadata_table_release(struct metadata_table *table, metadata_id id);
/* NULL for 0. Valid until the last reference is released. */
const struct metadata *metadata_table_get(const struct metadata_table *table, metadata_id id);
/* The number in use after `after`; 0 behind the last one. */
metadata_id metadata_table_next(const struct metadata_table *table, metadata_id after);

size_t metadata_table_count(const struct metadata_table *table);

#endif
